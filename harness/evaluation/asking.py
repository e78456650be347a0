"""Asking an agent what it would do in the states of a tabular environment: each state at most once a run.

Every answer is a line of `decisions.jsonl` before anything is done with it, so an interrupted run knows what it was
told, and anybody can recompute the value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from harness.agents.reference import draw
from harness.agents.shield import ShieldedTable
from harness.core.agent import Agent, Decision, HasTable, Message, Outcome, Situation
from harness.core.episode import decided
from harness.core.run import DECISIONS, Clock, RunFolder
from harness.evaluation.recorded import read_decisions
from harness.evaluation.state_decision import StateDecision, line_of, line_of_row
from harness.execution.local import each
from harness.mdp.environment import TabularEnvironment
from harness.mdp.tabular import FloatArray, IntArray

PATIENCE = 5
"""So many failures in a row that each may concern one request alone stop a run."""


async def ask_in_state(env: TabularEnvironment[Any, Any], agent: Agent, state: int, sample: str = "") -> StateDecision:
    """What an agent decides in one state, asked now; `sample` names one of several answers.

    Raises
    ------
    HarnessError
        If the agent cannot be asked.
    """
    situation = Situation(partial(env.why_illegal_in, state), sample=sample)
    return line_of(env, state, await decided(agent, env.observe(state), situation))


class Asker:
    """Asks states, remembers answers.

    Parameters
    ----------
    env : TabularEnvironment
    agent : Agent
        Memoryless.
    folder : RunFolder
    clock : Clock
    concurrency : int
    on_answer : function of the number of states asked so far
    samples : int
        How often the agent is asked in each state.
    """

    def __init__(
        self,
        env: TabularEnvironment[Any, Any],
        agent: Agent,
        folder: RunFolder,
        clock: Clock,
        concurrency: int,
        on_answer: Callable[[int], None],
        samples: int = 1,
    ) -> None:
        self._env = env
        self._agent = agent
        self._folder = folder
        self._clock = clock
        self._concurrency = concurrency
        self._on_answer = on_answer
        self._samples = samples
        self._table = np.asarray(agent.policy(env.mdp), dtype=np.float64) if isinstance(agent, HasTable) else None
        self._veto_shares = agent.veto_shares(env.mdp) if isinstance(agent, ShieldedTable) else None
        self.answers = {line.state: line for line in read_decisions(folder.path, env)}

    async def rows(self, states: IntArray) -> FloatArray:
        """The policy's rows for `states`, shape (n, A); states not yet asked are asked now."""
        missing = [int(s) for s in states if int(s) not in self.answers]
        await each(missing, self._ask, self._concurrency, patience=PATIENCE)
        return np.stack([self.answers[int(s)].row(self._env.mdp.n_actions) for s in states])

    def unseen(self, states: IntArray) -> FloatArray:
        """Probability that labels which the server did not list may have in `states`, shape (n,)."""
        return np.array([self.answers[int(s)].label_unseen or 0.0 for s in states])

    async def decide(self, state: int) -> StateDecision:
        """The answer for one state, asked now if need be."""
        if state not in self.answers:
            await self._ask(state)
        return self.answers[state]

    async def _ask(self, state: int) -> None:
        env = self._env
        if self._table is not None:
            line = line_of_row(env, state, self._table[state])
            if self._veto_shares is not None:
                line = line.model_copy(update={"veto_share": float(self._veto_shares[state])})
        else:
            lines = [await ask_in_state(env, self._agent, state, f"state {state}, {i}") for i in range(self._samples)]
            line = lines[0] if len(lines) == 1 else self._together(state, lines)
        line = line.model_copy(update={"elapsed_s": self._clock.elapsed()})
        if state in self.answers:  # asked twice at the same time: the first answer stays
            return
        self._folder.append(DECISIONS, line)
        self.answers[state] = line
        self._on_answer(len(self.answers))

    def _together(self, state: int, lines: Sequence[StateDecision]) -> StateDecision:
        """Several decisions in one state as shares; the first one's prompt and reply stand for all."""
        drawn = tuple(index for line in lines if (index := line.action_index) is not None)
        row = np.bincount(drawn, minlength=self._env.mdp.n_actions) / len(lines)
        invalid = sum(line.outcome is Outcome.INVALID for line in lines)
        base = line_of_row(self._env, state, row)
        return base.model_copy(
            update={
                "outcome": Outcome.INVALID if invalid == len(lines) else Outcome.OK,
                "error": next((line.error for line in lines if line.error), None),
                "drawn": drawn,
                "invalid_samples": invalid,
                "votes": tuple(vote for line in lines for vote in line.votes),
                "veto_share": sum(line.veto_share for line in lines) / len(lines),
                "requests": tuple(request for line in lines for request in line.requests),
                "latency_s": sum(line.latency_s for line in lines),
                **{name: getattr(lines[0], name) for name in ("prompt", "prompt_sha256", "reply", "model")},
            }
        )


class AskedAgent:
    """The same agent as an actor in episodes, answering from what was already asked."""

    memoryless = True

    def __init__(self, env: TabularEnvironment[Any, Any], asker: Asker, agent: Agent) -> None:
        self.id = agent.id
        self._env = env
        self._asker = asker
        self._agent = agent

    async def act(self, observation: Any, situation: Situation) -> Decision:
        """The recorded decision; agents with a policy table draw from it themselves."""
        if isinstance(self._agent, HasTable):
            return await self._agent.act(observation, situation)
        line = await self._asker.decide(observation.state)
        index = line.action_index
        if index is None:
            index = draw(line.row(self._env.mdp.n_actions), situation)
        return Decision(
            action=None if line.outcome is Outcome.INVALID else self._env.actions[index],
            probabilities=line.probabilities,
            outcome=line.outcome,
            rationale=line.rationale,
            reasoning=line.reasoning,
            failure=line.failure,
            votes=line.votes,
            veto=line.veto,
            veto_share=line.veto_share,
            error=line.error,
            prompt_sha256=line.prompt_sha256,
            messages=() if line.prompt is None else (Message(role="user", content=line.prompt),),
            reply=line.reply,
            first_reply=line.first_reply,
            model=line.model,
            requests=line.requests,
            latency_s=line.latency_s,
        )

    async def close(self) -> None:
        """Whoever made the agent closes it."""
