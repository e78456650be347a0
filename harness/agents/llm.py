"""A language model as an agent: render the prompt, ask, read the action, ask once more if it is not legal."""

from __future__ import annotations

import time
from typing import Any

from harness.core.agent import Decision, Message, Outcome, Request, Situation
from harness.core.environment import Observation
from harness.llm.cache import key_of
from harness.llm.client import ChatClient, Reply
from harness.llm.structured import Parsed, ReplyContract
from harness.prompts.loader import Prompt


class LLMAgent:
    """Decides by asking a model, without memory, at temperature 0.

    Parameters
    ----------
    name : str
        Alias of the model.
    prompt : Prompt
    contract : ReplyContract
    client : ChatClient
    static : dict
        What both templates may use: `env`, the environment's spec.

    Attributes
    ----------
    system : Message
        The part of the prompt that is the same for every patient.
    """

    memoryless = True

    def __init__(
        self, name: str, prompt: Prompt, contract: ReplyContract, client: ChatClient, static: dict[str, Any]
    ) -> None:
        self.id = name
        self._prompt = prompt
        self._contract = contract
        self._client = client
        self._static = static | {"reply": contract.instruction()}
        self.system = prompt.system_message(self._static)

    def render(self, observation: Observation) -> tuple[Message, ...]:
        """The prompt for an observation: the static part first."""
        return self.system, self._prompt.observation_message(self._static, observation.model_dump())

    async def act(self, observation: Observation, situation: Situation) -> Decision:
        """Ask; where the reply has no legal action, ask once more with the error; then give up."""
        started = time.perf_counter()
        messages = self.render(observation)
        reply = await self._client.complete(messages)
        parsed = self._read(reply, situation)
        requests, outcome, error, first_reply = [_request(reply)], Outcome.OK, parsed.error, None
        if parsed.action is None:
            again = (
                *messages,
                Message(role="assistant", content=reply.text),
                Message(role="user", content=f"That reply cannot be used: {parsed.error}. {self._static['reply']}"),
            )
            first_reply = reply.text
            reply = await self._client.complete(again)
            parsed = self._read(reply, situation)
            requests.append(_request(reply))
            outcome = Outcome.INVALID if parsed.action is None else Outcome.REPAIRED
            error = parsed.error or error
        return Decision(
            action=parsed.action,
            rationale=parsed.rationale,
            outcome=outcome,
            error=error,
            messages=messages,
            prompt_sha256=key_of({"messages": [m.model_dump() for m in messages]}),
            reply=reply.text,
            first_reply=first_reply,
            model=reply.model,
            requests=tuple(requests),
            latency_s=round(time.perf_counter() - started, 4),
        )

    def _read(self, reply: Reply, situation: Situation) -> Parsed:
        parsed = self._contract.parse(reply.text, truncated=reply.finish_reason == "length")
        if parsed.action is not None and (reason := situation.why_illegal(parsed.action)):
            return Parsed(None, parsed.rationale, reason)
        return parsed

    async def close(self) -> None:
        """Close the connection to the model."""
        await self._client.close()


def _request(reply: Reply) -> Request:
    return Request(
        key=reply.key,
        run=reply.run,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        finish_reason=reply.finish_reason,
        constrained=reply.constrained,
    )
