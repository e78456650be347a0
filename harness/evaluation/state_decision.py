"""What an agent does in one state of a tabular environment: a line of `decisions.jsonl`."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from harness.core.agent import Decision, Failure, Outcome, Request, Veto
from harness.mdp.environment import TabularEnvironment
from harness.mdp.tabular import FloatArray


class StateDecision(BaseModel):
    """A line of `decisions.jsonl`: what the agent does in one state.

    `action` and `action_index` are what is carried out, the fallback where the outcome is invalid; None for an agent
    that draws its action from `probabilities`. `regret` is `V*(s) - Q*(s, a)`, its mean over the probabilities.
    """

    model_config = ConfigDict(frozen=True)

    state: int
    action: dict[str, Any] | None = None
    action_index: int | None = None
    probabilities: tuple[float, ...] | None = None
    outcome: Outcome
    regret: float
    admissible: float
    """1 or 0; the share of `probabilities` on admissible actions for an agent that draws."""
    prompt: str | None = None
    """The part of the prompt that belongs to this state; the manifest holds the rest."""
    prompt_sha256: str | None = None
    reply: str | None = None
    first_reply: str | None = None
    rationale: str | None = None
    reasoning: str | None = None
    failure: Failure | None = None
    """Why the first reply could not be used; of an invalid decision, why the last could not."""
    error: str | None = None
    drawn: tuple[int, ...] | None = None
    """Index of every action drawn, where several were; `probabilities` are then their shares."""
    invalid_samples: int = 0
    """How many of them were no legal action, and so the fallback."""
    votes: tuple[dict[str, Any] | None, ...] = ()
    """What each answer wanted where majorities decided; those of several samples follow each other."""
    veto: Veto | None = None
    """What was wanted instead, and the shield's rule against it."""
    veto_share: float = 0.0
    """How likely something is wanted here that a rule does not allow."""
    label_mass: float | None = None
    label_unseen: float | None = None
    model: str | None = None
    requests: tuple[Request, ...] = ()
    latency_s: float = 0.0
    elapsed_s: float = 0.0

    def row(self, n_actions: int) -> FloatArray:
        """The policy's row for this state, shape (A,)."""
        if self.probabilities is not None:
            return np.asarray(self.probabilities, dtype=np.float64)
        row = np.zeros(n_actions)
        row[self.action_index] = 1.0
        return row


def line_of_row(env: TabularEnvironment[Any, Any], state: int, row: FloatArray) -> StateDecision:
    """What probabilities `row` (A,) amount to in a state."""
    index = int(row.argmax()) if row.max() == 1.0 else None
    return StateDecision(
        state=state,
        action=None if index is None else env.actions[index].model_dump(mode="json"),
        action_index=index,
        probabilities=tuple(row) if index is None else None,
        outcome=Outcome.OK,
        regret=float(row[row > 0] @ env.regret[state][row > 0]),
        admissible=float(row @ env.mdp.admissible[state]),
    )


def line_of(env: TabularEnvironment[Any, Any], state: int, decision: Decision) -> StateDecision:
    """What a decision amounts to in a state: the fallback, where it holds no action that is legal there."""
    action, error, failure = decision.action, decision.error, decision.failure
    outcome = Outcome.INVALID if action is None else decision.outcome
    if action is not None and (reason := env.why_illegal_in(state, action)):
        action, outcome, error, failure = None, Outcome.INVALID, reason, Failure.ILLEGAL
    index = int(env.fallback_actions[state]) if action is None else env.action_index(action)
    row = np.zeros(env.mdp.n_actions)
    row[index] = 1.0
    if action is not None and decision.probabilities is not None:
        row = np.asarray(decision.probabilities, dtype=np.float64)
    base = line_of_row(env, state, row)
    return base.model_copy(
        update={
            "outcome": outcome,
            "error": error,
            "prompt": decision.messages[-1].content if decision.messages else None,
            "prompt_sha256": decision.prompt_sha256,
            "reply": decision.reply,
            "first_reply": decision.first_reply,
            "rationale": decision.rationale,
            "reasoning": decision.reasoning,
            "failure": failure,
            "votes": decision.votes,
            "veto": decision.veto,
            "veto_share": decision.veto_share,
            "label_mass": decision.label_mass,
            "label_unseen": decision.label_unseen,
            "model": decision.model,
            "requests": decision.requests,
            "latency_s": decision.latency_s,
        }
    )


def chosen(env: TabularEnvironment[Any, Any], line: StateDecision) -> str:
    """What was decided in a state, in words; the fallback where there was no legal action, which is said."""
    return with_outcome(env.choice_label(line.row(env.mdp.n_actions)), line.outcome)


def costliest_draw(env: TabularEnvironment[Any, Any], line: StateDecision) -> str:
    """What costs most of what was decided in a state: of a policy with chance not the likeliest action, often the best.

    Of several actions it is the one whose probability times regret is largest.
    """
    row = line.row(env.mdp.n_actions)
    if row.max() == 1.0:
        return chosen(env, line)
    index = int(np.where(row > 0, row * np.nan_to_num(env.regret[line.state]), 0.0).argmax())
    label = f"{env.action_labels[index]} ({100 * row[index]:.0f} % of draws, the costliest)"
    return with_outcome(label, line.outcome)


def with_outcome(label: str, outcome: str) -> str:
    """The name of an action, marked where it is only the fallback."""
    return f"{label} (no legal action)" if outcome == Outcome.INVALID else label
