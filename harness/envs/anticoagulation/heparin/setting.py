"""What sets `heparin` and `heparin-labs` apart: how decisions and laboratory go together, how patients drift."""

from __future__ import annotations

from dataclasses import dataclass

from harness.envs.anticoagulation.heparin import constants as c


@dataclass(frozen=True)
class Setting:
    """One of the two tasks.

    Attributes
    ----------
    step : int
        Hours between decisions.
    delay : int
        Hours after the draw that a decision rests on until it takes effect; the first one does so at once.
    ordered : bool
        Whether tests have to be ordered and their results come later; otherwise every decision sees an aPTT.
    cv : float
        Coefficient of variation of a test.
    drift_sd : float
        Standard deviation of the drift of the logarithm of elimination.
    """

    step: int
    delay: int
    ordered: bool
    cv: float
    drift_sd: float


FULL = Setting(step=c.STEP, delay=c.DELAY, ordered=False, cv=c.APTT_CV, drift_sd=c.DRIFT_SD)
"""`heparin`."""

LABS = Setting(step=1, delay=0, ordered=True, cv=c.LABS_CV, drift_sd=c.LABS_DRIFT_SD)
"""`heparin-labs`."""
