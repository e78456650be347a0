"""How much of a model's value is the wording: one prompt beside others that mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.errors import UsageError
from harness.evaluation.compare import Run
from harness.evaluation.config import Method
from harness.evaluation.flips import flips


@dataclass(frozen=True)
class Wording:
    """One wording beside the original.

    `flipped` of `both` states that both asked are decided otherwise, `share_flipped` of the decisions under it.
    """

    label: str
    value: float
    lower: float
    upper: float
    flipped: int
    both: int
    share_flipped: float


@dataclass(frozen=True)
class Sensitivity:
    """What a model's value owes to the wording.

    Attributes
    ----------
    original : Wording
    wordings : tuple of Wording
        Variants and paraphrases, in the order in which they were asked.
    left_out : mapping of variant to str
        Why a variant does not fit the prompt.
    least_range, most_range : float
        Between these is the distance of the best wording's value from the worst's, the original's among them; one
        number where all values are exact.
    regret : float or None
        Of the original, at the middle of its bounds.
    """

    original: Wording
    wordings: tuple[Wording, ...]
    left_out: Mapping[str, str]
    least_range: float
    most_range: float
    regret: float | None


def sensitivity(runs: list[Run], left_out: Mapping[str, str]) -> Sensitivity:
    """What differs between the first run and the others, which mean the same.

    Raises
    ------
    UsageError
        If a run is a rollout, or has no bounds.
    """
    for run in runs:
        if run.summary.method is Method.ROLLOUT or run.summary.lower is None or run.summary.upper is None:
            raise UsageError(f"The run {run.path} has no certain bounds; sensitivity needs exact or certify.")
    wordings = tuple(_wording(runs[0], run) for run in runs)
    lower, upper = [w.lower for w in wordings], [w.upper for w in wordings]
    return Sensitivity(
        original=wordings[0],
        wordings=wordings[1:],
        left_out=left_out,
        least_range=max(max(lower) - min(upper), 0.0),
        most_range=max(upper) - min(lower),
        regret=runs[0].summary.regret,
    )


def _wording(base: Run, run: Run) -> Wording:
    found, summary = flips(base, run), run.summary
    lower, upper = summary.lower, summary.upper
    assert lower is not None and upper is not None  # noqa: S101, PT018 - checked with a sentence above
    return Wording(run.label, summary.value, lower, upper, len(found.flips), found.both, found.share_flipped)
