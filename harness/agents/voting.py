"""Self-consistency: an agent is asked several times, and what most of the answers want is done (Wang et al. 2023).

Answers without a legal action have no vote; if none has one, neither has the decision. Of actions with equally many
votes the one that was drawn first is done. The majority of n draws is itself drawn: a vote has no probabilities, even
where each answer told its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from harness.core.agent import Agent, Decision, Situation

FEWEST = 3
"""Of two votes the first always wins."""


class VotingAgent:
    """Does what the majority of an agent's answers wants.

    Parameters
    ----------
    agent : Agent
        Its answers must differ by `Situation.sample`, or voting changes nothing.
    votes : int
    """

    def __init__(self, agent: Agent, votes: int) -> None:
        self.id = agent.id
        self.memoryless = agent.memoryless
        self._agent = agent
        self._votes = votes

    async def act(self, observation: Any, situation: Situation) -> Decision:
        """Ask one vote after the other; the first answer that wants the winning action stands for it."""
        answers = [
            await self._agent.act(observation, replace(situation, sample=f"{situation.sample}, vote {i}"))
            for i in range(self._votes)
        ]
        legal = [a for a in answers if a.action is not None and situation.why_illegal(a.action) is None]
        counts = Counter(answer.action for answer in legal)  # keeps the order in which they were drawn
        winner = max(counts, key=counts.__getitem__, default=None)
        chosen = next((answer for answer in legal if answer.action == winner), answers[0])
        return chosen.model_copy(
            update={
                "votes": tuple(None if a.action is None else a.action.model_dump(mode="json") for a in answers),
                "probabilities": None,
                "requests": tuple(request for answer in answers for request in answer.requests),
                "latency_s": round(sum(answer.latency_s for answer in answers), 4),
            }
        )

    async def close(self) -> None:
        """Close the agent."""
        await self._agent.close()
