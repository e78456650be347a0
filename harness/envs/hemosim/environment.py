"""The package's environments as they are played here: one class, five tasks.

Nothing of the package is changed: its patients, dynamics, rewards and endings are its own, and the seed of an episode
is the seed that its `reset` gets, so that evaluation seeds from 100,000 are its held-out patients. All of its
randomness comes from one generator; ordering laboratory values in `hemosim/heparin-pomdp` therefore changes what
happens to a patient afterwards, where anything is drawn at all (difficulty hard).

There is no reference: no optimum is known, and no regret is measured.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from harness.core.environment import Action, EnvSpec, Grade, Observation, Transition, require_legal
from harness.core.errors import UsageError
from harness.envs.hemosim import tasks
from harness.envs.hemosim.package import load
from harness.envs.hemosim.scaling import in_units
from harness.envs.hemosim.tasks import Task

DIFFICULTIES = ("easy", "medium", "hard")


class HemosimEnvironment:
    """One of the package's environments.

    Parameters
    ----------
    task : Task
    difficulty : 'easy', 'medium' or 'hard'
    **options
        What else the package's class takes.

    Raises
    ------
    UsageError
        If the package is not installed, or there is no such difficulty.
    """

    reference = None

    def __init__(self, task: Task, difficulty: str = "medium", **options: Any) -> None:
        if difficulty not in DIFFICULTIES:
            raise UsageError(f"'{difficulty}' is no difficulty; expected one of: {', '.join(DIFFICULTIES)}.")
        self.task = task
        self.spec: EnvSpec = task.spec
        self.action_type: type[Action] = task.action
        # the class itself: what gymnasium.make would wrap it in only checks and warns
        self.inner = load(task.module, task.name)(difficulty=difficulty, **options)
        self.reset(0)

    def reset(self, seed: int) -> Observation:
        """Make the package's patient of `seed`."""
        vector, _ = self.inner.reset(seed=seed)
        self._well: list[bool] = []
        self._over = self._early = False
        self._seen = self._observed(vector)
        return self._seen

    def step(self, action: Action) -> Transition[Any]:
        """Carry out an action.

        Raises
        ------
        IllegalAction
            If the episode is over.
        """
        require_legal(self, action)
        vector, reward, terminated, truncated, told = self.inner.step(self.task.vector(action, self._seen))
        self._seen = self._observed(vector)
        self._well.append(self.task.well(told))
        self._over, self._early = terminated or truncated, terminated
        info = {name: _plain(told[name]) for name in self.task.told}
        # the last step is the end of the task, not a cut of something that would go on
        return Transition(self._seen, float(reward), self._over, False, {**info, "ended_early": terminated})

    def _observed(self, vector: Any) -> Observation:
        return self.task.observation.model_validate(in_units(self.task.entries, vector))

    def grade(self) -> Grade:
        """Score of the episode so far (see `spec.score`), and the share of what was played."""
        horizon, played = self.spec.horizon or 1, len(self._well)
        well = sum(self._well)
        components = {"ended_early": float(self._early), "steps": float(played)}
        if played:
            components["well_of_played"] = well / played
        return Grade(score=well / horizon, components=components)

    def why_illegal(self, action: Action) -> str | None:
        """Everything may be ordered as long as the episode goes on."""
        return "the episode is over; call reset" if self._over else None

    def fallback(self) -> Action:
        """See `spec.fallback`."""
        return self.task.fallback(self._seen)

    def describe(self, observation: dict[str, Any]) -> str:
        """The patient in a few words."""
        return self.task.described(self.task.observation.model_validate(observation))


def _plain(value: Any) -> float | bool:
    """A number as JSON knows it."""
    return bool(value) if isinstance(value, bool | np.bool_) else round(float(value), 4)


def warfarin(difficulty: Literal["easy", "medium", "hard"] = "medium") -> HemosimEnvironment:
    """`hemosim/WarfarinDosing-v0`."""
    return HemosimEnvironment(tasks.WARFARIN, difficulty)


def heparin(difficulty: Literal["easy", "medium", "hard"] = "medium") -> HemosimEnvironment:
    """`hemosim/HeparinInfusion-v0`."""
    return HemosimEnvironment(tasks.HEPARIN, difficulty)


def heparin_pomdp(difficulty: Literal["easy", "medium", "hard"] = "medium") -> HemosimEnvironment:
    """`hemosim/HeparinInfusion-POMDP-v0`."""
    return HemosimEnvironment(tasks.HEPARIN_POMDP, difficulty)


def doac(difficulty: Literal["easy", "medium", "hard"] = "medium") -> HemosimEnvironment:
    """`hemosim/DOACManagement-v0`."""
    return HemosimEnvironment(tasks.DOAC, difficulty)


def dic(
    difficulty: Literal["easy", "medium", "hard"] = "medium", cascade: Literal["off", "on"] = "off"
) -> HemosimEnvironment:
    """`hemosim/DICManagement-v0`; `cascade` is 'off' or 'on': the package's coagulation cascade runs along.

    Raises
    ------
    UsageError
        If an option has another value.
    """
    if cascade not in ("off", "on"):
        raise UsageError(f"'{cascade}' is no option of cascade; expected one of: off, on.")
    return HemosimEnvironment(tasks.DIC, difficulty, coag_cascade_mode=cascade == "on")
