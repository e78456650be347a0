"""The pairs of drugs that the interaction rules amount to.

`python -m harness.envs.polypharmacy.expand [FOLDER]` writes `pairs.csv` anew, in the packaged data or in FOLDER, after
drugs, classes or rules were changed. Loading the tables checks that nobody forgot to.
"""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.core.files import whole
from harness.envs.polypharmacy.rows import Drug, Interaction, Pair, Severity

WORST_FIRST = tuple(Severity)


def members(subject: str, drugs: Mapping[str, Drug]) -> tuple[str, ...]:
    """Names of the drugs that `drug:NAME` or `class:NAME` stands for, in the table's order."""
    kind, name = subject.split(":", 1)
    if kind == "drug":
        return (name,) if name in drugs else ()
    return tuple(drug.name for drug in drugs.values() if name in drug.classes)


def pairs_of(rule: Interaction, drugs: Mapping[str, Drug]) -> set[tuple[str, str]]:
    """The pairs, each in alphabetical order, that one rule is about."""
    a, b = (set(members(subject, drugs)) - set(rule.excluded) for subject in (rule.a, rule.b))
    return {(min(pair), max(pair)) for pair in itertools.product(a, b) if pair[0] != pair[1]}


def expand(rules: Iterable[Interaction], drugs: Mapping[str, Drug]) -> tuple[Pair, ...]:
    """All pairs, alphabetically, with their rules in the table's order and the worst of the rules' severities."""
    found: dict[tuple[str, str], list[Interaction]] = {}
    for rule in rules:
        for pair in pairs_of(rule, drugs):
            found.setdefault(pair, []).append(rule)
    return tuple(
        Pair(
            drug_a=a,
            drug_b=b,
            severity=min((rule.severity for rule in of_pair), key=WORST_FIRST.index),
            rules=tuple(rule.rule for rule in of_pair),
        )
        for (a, b), of_pair in sorted(found.items())
    )


def write(folder: Path, pairs: Iterable[Pair]) -> None:
    """Write `pairs.csv`, whole or not at all."""
    with whole(folder / "pairs.csv") as partial, partial.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(Pair.model_fields)
        out.writerows((pair.drug_a, pair.drug_b, pair.severity.value, ";".join(pair.rules)) for pair in pairs)


def main(arguments: list[str]) -> None:
    """Derive `pairs.csv` of the folder named, or of the packaged data."""
    from harness.envs.polypharmacy.tables import PACKAGED, read

    folder = Path(arguments[0]) if arguments else PACKAGED
    tables = read(folder, pairs=False)
    pairs = expand(tables.interactions.values(), tables.drugs)
    write(folder, pairs)
    sys.stderr.write(f"{len(pairs)} pairs of {len(tables.interactions)} rules -> {folder / 'pairs.csv'}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
