"""A shield around any agent: rules veto actions, and what was vetoed is replaced and counted.

A rule is a mask over (state, action) with a reason. What an agent wants is replaced, where a rule forbids it, by the
nearest action that is legal and that every rule allows: the one with the smallest sum of absolute differences of the
integer fields (a text field that differs counts 1); among equals the one with the lower dose (sum of the integer
fields), then the one that comes first in the environment's order. Where no action is left, and always with
`ShieldMode.VETO`, it is the environment's fallback, even if a rule would forbid that.

Where actions are no list, a rule is a check of one action, which says itself what is nearest to it (`checks.py`).

Whether the agent's action is legal at all is not the shield's business: a decision without a legal action passes
unchanged and gets the environment's fallback. A shield maps actions to actions, state by state, so a shielded agent
has a memory only if the agent has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.agents.checks.check import Check, Checked, ShieldMode
from harness.core.agent import Agent, Decision, HasTable, Situation, Veto
from harness.core.environment import Action, Environment
from harness.core.errors import UsageError, unknown_name
from harness.core.registry import Entry, Registry
from harness.mdp.environment import TabularEnvironment, TabularObservation
from harness.mdp.tabular import BoolArray, FloatArray, IntArray, TabularMDP


@dataclass(frozen=True, eq=False)
class Rule:
    """What a shield allows.

    Attributes
    ----------
    name : str
        As it was asked for.
    reason : str
        Why an action is vetoed, for traces.
    allowed : bool array, shape (S, A) or (A,)
    """

    name: str
    reason: str
    allowed: BoolArray


RULES = Registry(
    kind="rule of a shield",
    group="harness.shield_rules",
    builtin={
        "admissible": Entry("harness.agents.shield:admissible", "only actions that the data support in this state"),
        "dose-cap": Entry("harness.agents.shield:dose_cap", "no more than a dose: dose-cap:FIELD=MAX"),
        "no-stop-critical": Entry(
            "harness.agents.checks.medication_review:no_stop_critical",
            "polypharmacy: no drug stopped whose abrupt loss is dangerous",
        ),
        "known-drugs": Entry(
            "harness.agents.checks.medication_review:known_drugs", "polypharmacy: only drugs that can be meant"
        ),
        "heparin-cap": Entry(
            "harness.agents.checks.heparin:heparin_cap", "heparin: no more than a dose: heparin-cap or heparin-cap:RATE"
        ),
        "heparin-hold": Entry(
            "harness.agents.checks.heparin:heparin_hold",
            "heparin: nothing added to a high aPTT, a very high one paused",
        ),
        "heparin-monitor": Entry(
            "harness.agents.checks.heparin:heparin_monitor",
            "heparin-labs: blood drawn in time, no dose on a stale result",
        ),
        "no-heparin-in-hit": Entry(
            "harness.agents.checks.heparin:no_heparin_in_hit", "heparin-hit: no heparin where the 4Ts are 4 or more"
        ),
        "no-heparin-after-fall": Entry(
            "harness.agents.checks.heparin:no_heparin_after_fall",
            "heparin-hit: no heparin once half the platelets fell",
        ),
        "warfarin-safety": Entry("harness.agents.checks.warfarin:safety", "warfarin: all five rules about it"),
        "warfarin-hold": Entry("harness.agents.checks.warfarin:hold", "warfarin: a dose is left out above INR 5"),
        "warfarin-no-increase": Entry(
            "harness.agents.checks.warfarin:no_increase", "warfarin: no increase while the INR is above the range"
        ),
        "warfarin-cap": Entry("harness.agents.checks.warfarin:cap", "warfarin: no increase above 70 mg a week"),
        "warfarin-step": Entry("harness.agents.checks.warfarin:step", "warfarin: no change by more than 20 %"),
        "warfarin-visit": Entry(
            "harness.agents.checks.warfarin:visit", "warfarin: an INR within a week of one out of range or a change"
        ),
        "hemosim-guard": Entry("harness.agents.checks.hemosim:guard", "hemosim/*: what the package's own guard checks"),
        "hemosim-safety": Entry(
            "harness.agents.checks.hemosim:safety", "hemosim/*: dose caps, held doses, thresholds, monitoring"
        ),
        "doac-contraindications": Entry(
            "harness.agents.checks.doac:contraindications",
            "doac: no drug that valve, kidneys, liver or bleeding forbid",
        ),
        "doac-interactions": Entry(
            "harness.agents.checks.doac:interactions", "doac: no drug beside one that forbids it"
        ),
        "doac-dose": Entry("harness.agents.checks.doac:dose", "doac: the label's dose only"),
        "doac-hold": Entry("harness.agents.checks.doac:hold", "doac: left out before procedures as long as needed"),
        "dic-heparin": Entry("harness.agents.checks.dic:heparin", "dic: no heparin in bleeding or at low platelets"),
        "dic-txa": Entry("harness.agents.checks.dic:txa", "dic: tranexamic acid only early after injury or birth"),
        "dic-indication": Entry("harness.agents.checks.dic:indication", "dic: components only for those who bleed"),
        "dic-transfusion-cap": Entry(
            "harness.agents.checks.dic:transfusion_cap", "dic: no more doses in 24 hours than dic-transfusion-cap:MAX"
        ),
        "dic-volume-cap": Entry(
            "harness.agents.checks.dic:volume_cap", "dic: no more litres of components than dic-volume-cap:MAX"
        ),
    },
)


def rules(names: Sequence[str], env: Any) -> tuple[Rule | Check, ...]:
    """The rules of names such as 'admissible' or 'dose-cap:vasopressor_level=2' in an environment.

    A name may stand for several checks.

    Raises
    ------
    UsageError
        If there is no such rule, it is not understood, or it would allow everything or nothing here.
    """
    found: list[Rule | Check] = []
    for name in names:
        kind, _, argument = name.partition(":")
        rule: Rule | Check | tuple[Check, ...] = RULES.load(kind)(env, argument)
        if isinstance(rule, tuple):
            found += rule
            continue
        if isinstance(rule, Check):
            found.append(rule)
            continue
        states = env.mdp.decision_states
        allowed = np.broadcast_to(rule.allowed, env.mdp.legal.shape)[states]
        if allowed.all() or not allowed.any():
            what = "vetoes nothing" if allowed.all() else "allows nothing"
            raise UsageError(f"The rule '{name}' {what} in {env.spec.id}; leave it out.")
        found.append(rule)
    return tuple(found)


def admissible(env: Any, argument: str) -> Rule:
    """Only actions that the data support in this state."""
    env = _tabular(env, "admissible")
    if argument:
        raise UsageError(f"The rule 'admissible' takes no '{argument}'; expected --shield admissible.")
    return Rule("admissible", "the data do not support it for this patient", env.mdp.admissible)


def dose_cap(env: Any, argument: str) -> Rule:
    """No more than a dose of one field, e.g. dose-cap:vasopressor_level=2."""
    env = _tabular(env, "dose-cap")
    field, equals, written = argument.partition("=")
    if not (field and equals and written.isdecimal()):
        raise UsageError(
            f"The rule 'dose-cap:{argument}' is not understood; expected dose-cap:FIELD=MAX with a whole number, e.g. "
            "dose-cap:vasopressor_level=2."
        )
    doses = [action.model_dump() for action in env.actions]
    fields = [name for name, value in doses[0].items() if isinstance(value, int)]
    if field not in fields:
        raise unknown_name(f"dose of {env.spec.id} called", field, fields)
    allowed = np.array([dose[field] <= int(written) for dose in doses])
    return Rule(f"dose-cap:{argument}", f"{field} is above {written}", allowed)


def _tabular(env: Any, rule: str) -> TabularEnvironment[Any, Any]:
    if not isinstance(env, TabularEnvironment):
        raise UsageError(f"The rule '{rule}' needs a list of actions, and {env.spec.id} has none; leave it out.")
    return env


def replacements(env: TabularEnvironment[Any, Any], given: Sequence[Rule], mode: ShieldMode) -> IntArray:
    """The action that is carried out for each that may be wanted, shape (S, A); itself where nothing forbids it."""
    mdp = env.mdp
    allowed = _allowed(mdp, given)
    wanted = np.broadcast_to(np.arange(mdp.n_actions), allowed.shape)
    instead = np.broadcast_to(env.fallback_actions[:, None], allowed.shape).copy()
    if mode is ShieldMode.CORRECT:
        rank = _nearness(env.actions)
        masks, which = np.unique(allowed & mdp.legal, axis=0, return_inverse=True)
        which = which.reshape(-1)
        for i, mask in enumerate(masks):
            if mask.any():
                instead[which == i] = np.where(mask[None, :], rank, len(mask)).argmin(axis=1)
    return np.where(allowed | ~mdp.legal, wanted, instead)


def moved(table: FloatArray, instead: IntArray) -> FloatArray:
    """A policy table (S, A) with the probability of every action moved to what is carried out for it."""
    found = np.zeros_like(table)
    np.add.at(found, (np.arange(len(table))[:, None], instead), table)
    return found


def shielded(agent: Agent, env: Environment[Any, Any], given: Sequence[Rule | Check], mode: ShieldMode) -> Agent:
    """The agent behind a shield; one with a policy table keeps one."""
    masks = [rule for rule in given if isinstance(rule, Rule)]
    if isinstance(env, TabularEnvironment) and masks:
        kind = ShieldedTable if isinstance(agent, HasTable) else Shielded
        agent = kind(agent, env, masks, mode)
    checks = [rule for rule in given if isinstance(rule, Check)]
    return Checked(agent, env, checks, mode) if checks else agent


class Shielded:
    """An agent whose actions are replaced where a rule forbids them.

    Parameters
    ----------
    agent : Agent
    env : TabularEnvironment
    given : sequence of Rule
    mode : ShieldMode
    """

    def __init__(
        self, agent: Agent, env: TabularEnvironment[Any, Any], given: Sequence[Rule], mode: ShieldMode
    ) -> None:
        self.id = f"{agent.id}+shield"
        self.memoryless = agent.memoryless
        self._agent = agent
        self._env = env
        self._rules = tuple(given)
        self._instead = replacements(env, given, mode)
        self._vetoed = ~_allowed(env.mdp, given) & env.mdp.legal

    async def act(self, observation: TabularObservation, situation: Situation) -> Decision:
        """The agent's decision, or what takes its place."""
        decision = await self._agent.act(observation, situation)
        if decision.action is None or situation.why_illegal(decision.action) is not None:
            return decision
        state, wanted = observation.state, self._env.action_index(decision.action)
        vetoed = self._vetoed[state]
        changes: dict[str, Any] = {"veto_share": float(vetoed[wanted])}
        if decision.probabilities is not None:
            row = np.asarray(decision.probabilities, dtype=np.float64)
            carried_out = moved(row[None, :], self._instead[state][None, :])[0]
            changes = {"veto_share": float(row @ vetoed), "probabilities": tuple(carried_out.tolist())}
        if vetoed[wanted]:
            rule = next(rule for rule in self._rules if not self._allows(rule, state, wanted))
            changes["veto"] = Veto(wanted=decision.action.model_dump(mode="json"), rule=rule.name, reason=rule.reason)
            changes["action"] = self._env.actions[int(self._instead[state, wanted])]
        return decision.model_copy(update=changes)

    def _allows(self, rule: Rule, state: int, action: int) -> bool:
        return bool(np.broadcast_to(rule.allowed, self._vetoed.shape)[state, action])

    async def close(self) -> None:
        """Close the agent."""
        await self._agent.close()


class ShieldedTable(Shielded):
    """The same of an agent with a policy table."""

    _agent: HasTable

    def policy(self, mdp: TabularMDP) -> FloatArray:
        """The table that is carried out, shape (S, A)."""
        return moved(self._wanted(mdp), self._instead)

    def veto_shares(self, mdp: TabularMDP) -> FloatArray:
        """Probability in each state that an action is wanted which a rule forbids, shape (S,)."""
        return np.asarray((self._wanted(mdp) * self._vetoed).sum(axis=1))

    def _wanted(self, mdp: TabularMDP) -> FloatArray:
        return np.asarray(self._agent.policy(mdp), dtype=np.float64)


def _allowed(mdp: TabularMDP, given: Sequence[Rule]) -> BoolArray:
    """What every rule allows, shape (S, A)."""
    allowed = np.ones((mdp.n_states, mdp.n_actions), dtype=np.bool_)
    for rule in given:
        allowed &= rule.allowed
    return allowed


def _nearness(actions: Sequence[Action]) -> IntArray:
    """The place of every action among those nearest to each, itself first, shape (A, A)."""
    fields = [action.model_dump() for action in actions]
    numbers = np.array([[v for v in f.values() if isinstance(v, int)] for f in fields], dtype=np.int64)
    texts = np.array([[str(v) for v in f.values() if not isinstance(v, int)] for f in fields], dtype=object)
    numbers, texts = numbers.reshape(len(fields), -1), texts.reshape(len(fields), -1)
    distance = np.abs(numbers[:, None, :] - numbers[None, :, :]).sum(axis=2)
    distance = distance + (texts[:, None, :] != texts[None, :, :]).sum(axis=2)
    dose = numbers.sum(axis=1)
    rank = np.empty((len(fields), len(fields)), dtype=np.int64)
    for i, row in enumerate(distance):
        rank[i, np.lexsort((np.arange(len(row)), dose, row))] = np.arange(len(row))
    return rank
