"""A language model as an agent: render the prompt, ask, read the action, ask once more if it is not legal.

With labels, one letter an action, the probabilities of all actions are read off the first token of one reply instead.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.agents.reference import draw
from harness.agents.script import Script
from harness.core.agent import Decision, Failure, Message, Outcome, Request, Situation
from harness.core.environment import Action, Observation
from harness.core.errors import ModelServerError
from harness.llm.cache import key_of
from harness.llm.client import ChatClient
from harness.llm.reply import FirstToken, Reply
from harness.llm.structured import Parsed, ReplyContract
from harness.mdp.tabular import FloatArray
from harness.prompts.loader import Prompt

RAISED = 4
"""How many times the limit of tokens is raised for a reply that ended at it."""

REFUSAL_SHOWN = 200
"""Characters of a refusal that are kept."""


class LLMAgent:
    """Decides by asking a model, which is told the patient's state and, with a memory, what was seen and done before.

    Without a memory its policy is fixed at temperature 0, and fixed but drawn from at a higher one or with
    log-probabilities.

    Parameters
    ----------
    name : str
        Alias of the model.
    prompt : Prompt
    contract : ReplyContract
    client : ChatClient
    static : dict
        What both templates may use: `env`, the environment's spec.
    from_logprobs : bool
        Read the probabilities of all actions off the labels' log-probabilities, at temperature 1.
    memory : int or None
        How many of the episode's last decisions stand in the prompt; None for all of them.

    Attributes
    ----------
    system : Message
        The part of the prompt that is the same for every patient.
    """

    def __init__(
        self,
        name: str,
        prompt: Prompt,
        contract: ReplyContract,
        client: ChatClient,
        static: dict[str, Any],
        *,
        from_logprobs: bool = False,
        memory: int | None = 0,
    ) -> None:
        self.id = name
        self.memoryless = memory == 0
        self._script = Script(prompt, contract, static, memory)
        self._contract = contract
        self._client = client
        self._from_logprobs = from_logprobs
        self.system = self._script.system

    def render(
        self, observation: Observation, history: Sequence[tuple[Observation, Action]] = ()
    ) -> tuple[Message, ...]:
        """The prompt for an observation, see `Script.render`."""
        return self._script.render(observation, history)

    async def act(self, observation: Observation, situation: Situation) -> Decision:
        """Ask; where the reply has no legal action, ask once more with the error; then give up.

        A reply that ended at the limit of tokens is first asked for again with `RAISED` times as many.
        """
        if self._from_logprobs:
            return await self._by_label(observation, situation)
        started = time.perf_counter()
        messages = self.render(observation, situation.history)
        sample = f"{situation.seed}.{situation.step}.{situation.sample}"
        reply = await self._client.complete(messages, sample)
        parsed = self._read(reply, situation)
        requests = [_request(reply)]
        if parsed.failure is Failure.TRUNCATED:
            reply = await self._client.complete(messages, sample, RAISED * self._client.max_tokens)
            parsed = self._read(reply, situation)
            requests.append(_request(reply))
        outcome, failure, error, first_reply = Outcome.OK, parsed.failure, parsed.error, None
        if parsed.action is None:
            again = self._script.repair(messages, reply.text, str(parsed.error))
            first_reply = reply.text
            reply = await self._client.complete(again, sample)
            parsed = self._read(reply, situation)
            requests.append(_request(reply))
            outcome = Outcome.INVALID if parsed.action is None else Outcome.REPAIRED
            failure = parsed.failure or failure
            error = parsed.error or error
        return Decision(
            action=parsed.action,
            rationale=parsed.rationale,
            reasoning=reply.reasoning or parsed.reasoning,
            outcome=outcome,
            failure=failure,
            error=error,
            **_prompted(messages),
            reply=reply.text,
            first_reply=first_reply,
            model=reply.model,
            requests=tuple(requests),
            latency_s=round(time.perf_counter() - started, 4),
        )

    async def _by_label(self, observation: Observation, situation: Situation) -> Decision:
        """The probabilities of the legal actions, and one drawn from them."""
        started = time.perf_counter()
        messages = self.render(observation, situation.history)
        reply = await self._client.complete(messages)
        if reply.first_token is None:
            raise ModelServerError(
                f"The server of '{self.id}' sends no log-probabilities; leave out --from-logprobs, or take --samples."
            )
        actions = self._contract.actions
        read = read_labels(reply.first_token, self._contract.labels)
        legal = np.array([situation.why_illegal(action) is None for action in actions])
        weights = np.where(legal, read.weights, 0.0)
        total = float(weights.sum())
        base = Decision(
            action=None,
            outcome=Outcome.INVALID,
            failure=Failure.UNPARSABLE,
            error="no letter of a legal action is among the likeliest tokens",
            label_mass=read.mass,
            label_unseen=read.unseen / (total + read.unseen) if total + read.unseen > 0 else 1.0,
            **_prompted(messages),
            reply=reply.text,
            model=reply.model,
            requests=(_request(reply),),
            latency_s=round(time.perf_counter() - started, 4),
        )
        if total <= 0.0:
            return base
        row = weights / total
        return base.model_copy(
            update={
                "action": actions[draw(row, situation)],
                "probabilities": tuple(row.tolist()),
                "outcome": Outcome.OK,
                "failure": None,
                "error": None,
            }
        )

    def _read(self, reply: Reply, situation: Situation) -> Parsed:
        if reply.refusal is not None:
            said = " ".join(reply.refusal.split())[:REFUSAL_SHOWN]
            return Parsed(None, error=f"the model refused: {said}", failure=Failure.REFUSED)
        parsed = self._contract.parse(reply.text, truncated=reply.finish_reason == "length")
        if parsed.action is not None and (reason := situation.why_illegal(parsed.action)):
            return replace(parsed, action=None, error=reason, failure=Failure.ILLEGAL)
        return parsed

    async def close(self) -> None:
        """Close the connection to the model."""
        await self._client.close()


ROUNDING = 1e-12
"""Probability that sums leave over for no reason but rounding."""

SPELLINGS = 8
"""Tokens that may stand for one letter: alone, and with blanks or line ends before or after it."""


@dataclass(frozen=True)
class Labels:
    """What the first token's probabilities say of the labels.

    Attributes
    ----------
    weights : float array, shape (A,)
        Probability of each label; zero where it is not among the tokens listed.
    mass : float
        Their sum.
    unseen : float
        Most that tokens which were not listed can add to the labels.
    """

    weights: FloatArray
    mass: float
    unseen: float


def read_labels(first: FirstToken, labels: str) -> Labels:
    """What log-probabilities of the likeliest tokens say of the labels; blanks around a label belong to it."""
    weights = np.zeros(len(labels))
    spelt = {token: logprob for token, logprob in first.letters.items() if token.strip() in labels}
    for token, logprob in spelt.items():
        weights[labels.index(token.strip())] += math.exp(logprob)
    left = 1.0 - first.listed
    spellings = max(SPELLINGS * len(labels) - len(spelt), 0)
    unseen = min(spellings * first.least, left) if left > ROUNDING else 0.0
    return Labels(weights, float(weights.sum()), unseen)


def _prompted(messages: Sequence[Message]) -> dict[str, Any]:
    """What a decision keeps of its prompt: a trace would otherwise hold an episode's beginning again in every step."""
    return {
        "messages": (messages[0], messages[-1]),
        "remembered": len(messages) // 2 - 1,
        "prompt_sha256": key_of({"messages": [m.model_dump() for m in messages]}),
    }


def _request(reply: Reply) -> Request:
    one_token = reply.first_token is not None  # such a reply always ends at the limit, and is whole
    found = {name: getattr(reply, name) for name in Request.model_fields}
    return Request(**found | ({"finish_reason": None} if one_token else {}))
