"""What an MDP was made of, and what it says, in tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.data.sharing import Provenance
from harness.reports.block import Block
from harness.reports.text import number


def blocks(out: Path, manifest: dict[str, Any]) -> list[Block]:
    """How much of what, and the exact values beside the mean of the data."""
    recipe, origin = manifest["recipe"], Provenance.model_validate(manifest["provenance"])
    pairs = manifest["states"] * manifest["actions"]
    unsupported = manifest["unsupported_states"]
    else_oftenest = f"; in {unsupported:,} states none was, and it is the one seen oftenest" if unsupported else ""
    rows = [
        ("patients × steps", f"{manifest['patients']:,} patients, {manifest['rows']:,} rows"),
        ("decisions", f"{manifest['transitions']:,}, none from one patient to another"),
        ("states", f"{manifest['states']}, and {', '.join(manifest['endings'])}"),
        ("actions", f"{manifest['actions']}"),
        (
            "admissible",
            f"{manifest['admissible']:,} of {pairs:,} pairs ({100 * manifest['admissible'] / pairs:.1f} %), seen "
            f"{recipe['visits']} times or more{else_oftenest}",
        ),
    ]
    error = manifest["standard_error_of_that"]
    values = [
        ("optimal", number(manifest["optimal_value"]), "exact in this MDP"),
        ("as in the data", number(manifest["behaviour_value"]), "exact in this MDP"),
        (
            "mean of the data",
            number(manifest["mean_return_of_the_data"]),
            f"standard error {number(error)}, n = {manifest['episodes']:,} patients" if error is not None else "n = 1",
        ),
    ]
    doubt = (
        f"Mind: in {unsupported:,} of {manifest['states']:,} states no action was seen {recipe['visits']} times; "
        "patients go on there as in the data whatever is done, and the optimum can be better in the other states "
        "alone. With fewer --visits or --states there are more of these.",
    )
    notes = (
        *(doubt if unsupported else ()),
        "The optimum is that of an estimated MDP, which flatters its own policy; --diagnose and the held-out patients "
        "of `harness doubt` say by how much. A benchmark, not medical advice.",
    )
    return [
        Block(
            f"{out}: {recipe['title']} v{recipe['version']}, made of {origin.in_words()}", ("what", "how much"), rows
        ),
        Block("", ("policy", recipe["value_name"], ""), values, notes),
    ]
