"""The informed optimum: the best that can still be reached by whoever knows all tables, from any regimen, exactly.

Knowing everything, one asks nothing, and the order of interventions does not matter (`options.py`): what is best is a
regimen within reach with the least of harm and cost. `search.py` finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.envs.polypharmacy.harm import BoolArray, Harm, Regimen
from harness.envs.polypharmacy.options import NEVER
from harness.envs.polypharmacy.original import TIMEOUT_COST
from harness.envs.polypharmacy.search import best_regimen


@dataclass(frozen=True)
class Plan:
    """The best regimen within reach, and what going there gains: harm before, less harm after, less the costs."""

    gain: float
    regimen: Regimen


class Optimum:
    """The best that can be reached from any state of one patient's review.

    Parameters
    ----------
    harm : Harm

    Notes
    -----
    Plans are kept by regimen and interventions left, so that the states of an episode share them.
    """

    def __init__(self, harm: Harm) -> None:
        self.harm = harm
        self._plans: dict[tuple[Regimen, int], Plan] = {}

    def value(self, regimen: Regimen, interventions: int, steps: int) -> float:
        """The most that can still be gained with so many interventions and steps left.

        The last step should finish the review. Where it is used up by another intervention the review runs out of
        time, which costs `TIMEOUT_COST`.
        """
        return self.best(regimen, interventions, steps).gain

    def best(self, regimen: Regimen, interventions: int, steps: int) -> Plan:
        """The plan that gains so much; one that runs out of time pays for that in its gain."""
        found = self.plan(regimen, max(min(interventions, steps - 1), 0))
        if 0 < steps <= interventions:
            late = self.plan(regimen, steps)
            if late.gain - TIMEOUT_COST > found.gain:
                return Plan(late.gain - TIMEOUT_COST, late.regimen)
        return found

    def plan(self, regimen: Regimen, interventions: int) -> Plan:
        """The best regimen within so many interventions."""
        key = regimen, interventions
        if key not in self._plans:
            self._plans[key] = Plan(*best_regimen(self.harm, regimen, interventions, self.useful))
        return self._plans[key]

    @cached_property
    def useful(self) -> BoolArray:
        """Options that no other option of their place beats in everything, shape (O,).

        One beats another if it is reached from everywhere in no more interventions and is worse in nothing: neither
        alone, nor with any option of another place, nor for any role or criterion. Of equals the first is kept.
        """
        return useful(self.harm)


def useful(harm: Harm) -> BoolArray:
    """See `Optimum.useful`."""
    alike = [-role.effect for role in harm.roles]
    alike += [count.counted.astype(np.float64) for count in harm.counts]
    for lifted in harm.lifted:
        alike += [lifted.subject.astype(np.float64), -lifted.protective.astype(np.float64)]
    worth = np.column_stack([harm.alone, harm.pairs, *alike])
    found = np.ones(len(harm.options), dtype=np.bool_)
    for place in range(len(harm.start)):
        own = np.flatnonzero(harm.place == place)
        steps = harm.steps[np.ix_(own, own)]
        sooner = (steps[:, :, None] <= steps[:, None, :]) | (steps[:, None, :] == NEVER)
        here = np.arange(len(own))
        sooner[here, :, here] = True  # who has it already need not go there
        no_worse = (worth[own][:, None, :] <= worth[own][None, :, :]).all(axis=2) & sooner.all(axis=0)
        beats = no_worse & (~no_worse.T | (here[:, None] < here[None, :]))
        found[own] = ~beats.any(axis=0)
    return found
