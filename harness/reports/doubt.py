"""The doubt about an optimum, in a table."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from harness.evaluation.doubt import CLAIM, Judged, survived
from harness.evaluation.off_policy.estimate import FEW
from harness.reports.block import Block
from harness.reports.text import between, number

HARDLY = (
    f"An estimate without an interval has fewer than {FEW:.0f} effective episodes, or weights whose mean is not 1: "
    "the data hardly hold what the policy does, and nothing is to be read off its value."
)


def _shown(judged: Judged) -> tuple[str, str]:
    known = not (math.isnan(judged.lower) or math.isnan(judged.upper))
    value = "–" if math.isnan(judged.value) else number(judged.value)
    return value, between(judged.lower, judged.upper) if known else "–"


def blocks(found: list[Judged], title: str, value_name: str) -> list[Block]:
    """A row for each policy and judge, with the share of the claimed gain that is left."""
    rows = []
    for judged in found:
        value, interval = _shown(judged)
        share = survived(found, judged.policy, judged.by)
        gained = "–" if judged.policy == "as in the data" or math.isnan(share) else f"{100 * share:.0f} %"
        effective = "" if math.isnan(judged.ess) else f"{judged.ess:,.0f}"
        rows.append((judged.policy, judged.by, value, interval, f"{judged.n:,}", effective, gained))
    said = dict.fromkeys(f"By {judged.by}: {judged.note}." for judged in found if judged.note)
    hardly = [] if all(judged.supported for judged in found) else [HARDLY]
    return [
        Block(
            title,
            ("policy", "judged by", value_name, "95 % interval", "n", "effective", "gain left"),
            rows,
            (
                f"Gain left: what the judge sees above the data's own policy, as a share of what '{CLAIM}' claims. "
                "Values of the halves are means of both; effective: episodes, in the half that has fewer.",
                *said,
                *hardly,
                "Where observation stops, WIS and WDR take what would come after it from the MDP the policy was found "
                "in. What other patients say with these states is the truth as far as the states are Markov: see "
                "build-mdp --diagnose. A benchmark, not medical advice.",
            ),
        )
    ]


def as_json(found: list[Judged]) -> list[dict[str, Any]]:
    """The same as plain data."""
    return [asdict(judged) | {"gain_left": survived(found, judged.policy, judged.by)} for judged in found]
