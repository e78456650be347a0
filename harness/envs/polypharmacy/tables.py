"""The tables of `data/`, read and checked against one another.

A fault is one sentence that names the file, the line (counted from 1, the header being line 1) and what was expected.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.core.errors import UsageError
from harness.envs.polypharmacy.expand import expand, members, pairs_of
from harness.envs.polypharmacy.rows import (
    Cascade,
    Condition,
    CoOccurrence,
    Criterion,
    Drug,
    DrugClass,
    Indication,
    Interaction,
    Pair,
    Row,
    Source,
    Substitute,
)

PACKAGED = Path(__file__).with_name("data")

R = TypeVar("R", bound=BaseModel)
Faults = Iterator[tuple[str, str]]
"""Where (file and line), and what is wrong and was expected."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Everything the environment knows of pharmacology. Rows keep the order of their files."""

    sources: Mapping[str, Source]
    classes: Mapping[str, DrugClass]
    drugs: Mapping[str, Drug]
    interactions: Mapping[str, Interaction]
    pairs: tuple[Pair, ...]
    beers: Mapping[str, Criterion]
    conditions: Mapping[str, Condition]
    cooccurrence: tuple[CoOccurrence, ...]
    indications: tuple[Indication, ...]
    substitutes: tuple[Substitute, ...]
    cascades: tuple[Cascade, ...]

    @cached_property
    def _pair(self) -> dict[tuple[str, str], Pair]:
        return {(pair.drug_a, pair.drug_b): pair for pair in self.pairs}

    def pair(self, a: str, b: str) -> Pair | None:
        """What is known of two drugs, in whichever order they are named; None if nothing is."""
        return self._pair.get((min(a, b), max(a, b)))

    def rules(self, a: str, b: str, conditions: Iterable[str]) -> tuple[Interaction, ...]:
        """The rules between two drugs that hold for a patient with `conditions`."""
        pair = self.pair(a, b)
        rules = (self.interactions[rule] for rule in pair.rules) if pair else ()
        return tuple(rule for rule in rules if rule.condition is None or rule.condition in conditions)

    def members(self, subject: str) -> tuple[str, ...]:
        """Names of the drugs that `drug:NAME` or `class:NAME` stands for."""
        if subject not in self._members:
            self._members[subject] = members(subject, self.drugs)
        return self._members[subject]

    @cached_property
    def _members(self) -> dict[str, tuple[str, ...]]:
        return {}


@lru_cache(maxsize=1)
def _packaged() -> Tables:
    return read(PACKAGED)


def load(folder: Path | None = None) -> Tables:
    """The tables of a folder, or the packaged ones (read once).

    Raises
    ------
    UsageError
        If a file is missing or unreadable, or a row is not what its table holds, or rows do not fit one another.
    """
    return _packaged() if folder is None else read(folder)


def read(folder: Path, *, pairs: bool = True) -> Tables:
    """As `load`; `pairs=False` leaves `pairs.csv` aside, which is how it is derived.

    Raises
    ------
    UsageError
        As `load`.
    """
    sources = _rows(folder, "sources", Source, lambda row: row.key)
    classes = _rows(folder, "classes", DrugClass, lambda row: row.name)
    drugs = _rows(folder, "drugs", Drug, lambda row: row.name)
    interactions = _rows(folder, "interactions", Interaction, lambda row: row.rule)
    beers = _rows(folder, "beers", Criterion, lambda row: row.criterion)
    conditions = _rows(folder, "conditions", Condition, lambda row: row.condition)
    both = _rows(folder, "cooccurrence", CoOccurrence, lambda row: frozenset((row.condition_a, row.condition_b)))
    indications = _rows(folder, "indications", Indication, lambda row: (row.condition, row.role, row.drug))
    substitutes = _rows(folder, "substitutes", Substitute, lambda row: (row.drug, row.condition, row.substitute))
    cascades = _rows(folder, "cascades", Cascade, lambda row: (row.trigger, row.drug))
    listed = _rows(folder, "pairs", Pair, lambda row: (row.drug_a, row.drug_b)) if pairs else {}
    tables = Tables(
        sources={row.key: row for row in sources.values()},
        classes={row.name: row for row in classes.values()},
        drugs={row.name: row for row in drugs.values()},
        interactions={row.rule: row for row in interactions.values()},
        pairs=tuple(listed.values()),
        beers={row.criterion: row for row in beers.values()},
        conditions={row.condition: row for row in conditions.values()},
        cooccurrence=tuple(both.values()),
        indications=tuple(indications.values()),
        substitutes=tuple(substitutes.values()),
        cascades=tuple(cascades.values()),
    )
    cited = (classes, drugs, interactions, beers, conditions, both, indications, substitutes, cascades)
    for where, fault in _faults(tables, {place: row for table in cited for place, row in table.items()}):
        raise UsageError(f"{folder / where}: {fault}")
    if pairs:
        for where, fault in _pair_faults(tables, listed):
            raise UsageError(f"{folder / where}: {fault}")
    return tables


def _rows(folder: Path, name: str, model: type[R], identity: Callable[[R], Hashable]) -> dict[str, R]:
    """The rows of one file by their place, e.g. 'drugs.csv, line 7'; a blank cell is as good as none."""
    path = folder / f"{name}.csv"
    columns = {field.alias or key: field.is_required() for key, field in model.model_fields.items()}
    found: dict[str, R] = {}
    seen: dict[Hashable, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            given = list(reader.fieldnames or ())
            lacking = [name for name, required in columns.items() if required and name not in given]
            surplus = [name for name in given if name not in columns or given.count(name) > 1]
            if lacking or surplus:
                fault = f"no column '{lacking[0]}'" if lacking else f"column '{surplus[0]}' is one too many"
                raise UsageError(f"{path}, line 1: {fault}; expected {', '.join(columns)}.")
            for cells in reader:
                where = f"{path.name}, line {reader.line_num}"
                if None in cells or None in cells.values():
                    raise UsageError(f"{folder / where}: expected {len(given)} cells; quote cells that hold commas.")
                row = _parsed(folder, where, model, {key: cell.strip() for key, cell in cells.items() if cell.strip()})
                first = seen.setdefault(identity(row), where)
                if first != where:
                    raise UsageError(f"{folder / where}: the same row as {first}; expected each once.")
                found[where] = row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read ({error}); expected a UTF-8 table with a header row.") from None
    return found


def _parsed(folder: Path, where: str, model: type[R], cells: dict[str, str]) -> R:
    try:
        return model.model_validate(cells)
    except ValidationError as error:
        fault = error.errors()[0]
        column = ".".join(str(part) for part in fault["loc"][:1])
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "missing":
            message = "the cell is blank; expected a value"
        elif column:
            message = f"{message}, not '{cells.get(column, '')}'"
        raise UsageError(f"{folder / where}{', ' + column if column else ''}: {message}.") from None


def _faults(tables: Tables, rows: Mapping[str, Row]) -> Faults:
    """What is wrong between the tables, everything but the pairs."""
    known: Mapping[str, Iterable[str]] = {
        "source": tables.sources,
        "class": tables.classes,
        "drug": tables.drugs,
        "condition": tables.conditions,
    }
    treated = {(row.condition, row.drug): set[str]() for row in tables.indications}
    for use in tables.indications:
        treated[use.condition, use.drug].add(use.role)
    subjects: dict[tuple[frozenset[str], str | None], str] = {}
    for where, row in rows.items():
        for kind, name in row.mentioned():
            if name not in known[kind]:
                yield where, f"unknown {kind} '{name}'; expected one of {_file_of(kind)}."
        for subject in row.subjects():
            if not tables.members(subject):
                yield where, f"no drug is of '{subject}'; expected a class that drugs.csv uses."
        match row:
            case Interaction():
                if not pairs_of(row, tables.drugs):
                    yield where, f"'{row.rule}' is about no pair of drugs; expected at least one."
                first = subjects.setdefault((frozenset((row.a, row.b)), row.condition), where)
                if first != where:
                    yield where, f"a second rule of '{row.a}' and '{row.b}', beside {first}; expected one."
            case Substitute():
                of_drug, of_other = (treated.get((row.condition, drug), set()) for drug in (row.drug, row.substitute))
                if not of_drug & of_other:
                    pair = f"'{row.drug}' and '{row.substitute}'"
                    yield where, f"{pair} share no role in '{row.condition}'; expected one in indications.csv."
            case Condition():
                if row.needs_treatment and not any(row.condition == condition for condition, _ in treated):
                    yield where, f"'{row.condition}' needs treatment, and no drug treats it; expected an indication."


def _file_of(kind: str) -> str:
    return {"class": "classes.csv"}.get(kind, f"{kind}s.csv")


def _pair_faults(tables: Tables, listed: Mapping[str, Pair]) -> Faults:
    """Where `pairs.csv` is not what the rules expand to."""
    mend = "run python -m harness.envs.polypharmacy.expand"
    derived = {(pair.drug_a, pair.drug_b): pair for pair in expand(tables.interactions.values(), tables.drugs)}
    for where, pair in listed.items():
        expected = derived.pop((pair.drug_a, pair.drug_b), None)
        if expected != pair:
            said = f"{expected.severity} by {';'.join(expected.rules)}" if expected else "no interaction"
            yield where, f"the rules make {said} of '{pair.drug_a}' and '{pair.drug_b}'; {mend}."
    for a, b in derived:
        yield "pairs.csv", f"'{a}' and '{b}' interact by the rules and are missing; {mend}."
