"""What makes a user's MDP readable, none of it needed to compute: `mdp.toml`, `states.csv` and `actions.csv`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from harness.core.errors import InvalidMDP, UsageError, unknown_name
from harness.core.text import Printable
from harness.mdp.doses import Dose, Severity
from harness.mdp.tables import Cell, records, values
from harness.mdp.tabular import BoolArray

STATE, DESCRIPTION, LABEL = "state", "description", "label"
INDEX = ("action", "index")
"""Columns with a meaning of their own; every other column of `states.csv` is a feature."""


class About(BaseModel):
    """The contents of `mdp.toml`: what cannot be known from the tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Printable | None = Field(None, min_length=1, description="name in tables; the folder's if not given")
    summary: Printable | None = Field(None, description="one sentence: the patient, the decision, its rhythm")
    version: int = Field(1, ge=1, description="to be raised with any change")
    discount: FiniteFloat | None = Field(None, gt=0, le=1, description="1 if not given")
    terminal: tuple[int, ...] | None = Field(None, description="states that end the episode; found if not given")
    value_name: Printable = Field("return", min_length=1, description="what a value is, in one or two words")
    reward_range: tuple[FiniteFloat, FiniteFloat] | None = Field(None, description="returns that score 0 and 1")
    score: Printable | None = Field(None, description="what the score means")
    horizon: int = Field(1_000, ge=1, description="decisions after which an episode that is played is cut off")
    hours_per_step: FiniteFloat | None = Field(None, gt=0, description="time between decisions")
    fallback: int = Field(0, ge=0, description="action taken when an agent gives no legal one")
    citations: tuple[Printable, ...] = ()
    data_licence: Printable = "not stated"
    limits: tuple[Printable, ...] = ()
    doses: tuple[Dose, ...] = Field((), description="treatments whose levels rise; see `harness.mdp.doses`")
    severity: Severity | None = Field(None, description="how ill the patients of each state are")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.reward_range is not None and self.reward_range[0] >= self.reward_range[1]:
            raise ValueError(f"reward_range is {list(self.reward_range)}; expected the lower return first")
        return self


@dataclass(frozen=True)
class StateWords:
    """What is known of one state. A feature that is not known is left out."""

    description: str | None
    features: dict[str, Cell]


@dataclass(frozen=True)
class ActionWords:
    """What an action is called, and what it does in a few words more (or none)."""

    label: str
    description: str


def read_about(path: Path) -> About:
    """The contents of an `mdp.toml`; the defaults if there is none.

    Raises
    ------
    UsageError
        If it cannot be read, a key is unknown, or a value is not what was expected.
    """
    if not path.exists():
        return About()
    try:
        return About.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise UsageError(f"{path}: {unknown_name('key', key, About.model_fields)}") from None
        given = f"{key} is {first['input']!r}: " if key else ""
        raise UsageError(f"{path}: {given}{first['msg'].removeprefix('Value error, ')}.") from None


def read_states(path: Path, terminal: BoolArray) -> tuple[StateWords, ...]:
    """What `states.csv` says of every state.

    Raises
    ------
    InvalidMDP
        If a state that is not terminal has no row, or a row belongs to no state; and as `tables.records`.
    """
    names, rows = records(path)
    states = _indices(path, names, rows, (STATE,), len(terminal), "state")
    missing = [s for s in range(len(terminal)) if s not in states and not (STATE in names and terminal[s])]
    if missing:
        raise InvalidMDP(
            f"{path} has {len(rows)} rows and none for state {missing[0]}; expected one for each of the "
            f"{len(terminal)} states (with a column 'state', terminal ones may be left out)."
        )
    columns = {
        name: values(path, name, [row[column] for row in rows])
        for column, name in enumerate(names)
        if name not in (STATE, DESCRIPTION)
    }
    texts = [row[names.index(DESCRIPTION)] for row in rows] if DESCRIPTION in names else [""] * len(rows)
    words = {
        state: StateWords(texts[row] or None, {n: v for n, c in columns.items() if (v := c[row]) is not None})
        for row, state in enumerate(states)
    }
    return tuple(words.get(s, StateWords(None, {})) for s in range(len(terminal)))


def read_actions(path: Path, n_actions: int) -> tuple[ActionWords, ...]:
    """What `actions.csv` says of every action.

    Raises
    ------
    InvalidMDP
        If an action has no row or no label of its own, or a column is unknown; and as `tables.records`.
    """
    names, rows = records(path)
    known = (*INDEX, LABEL, DESCRIPTION)
    for name in names:
        if name not in known:
            raise InvalidMDP(f"{path}: {unknown_name('column', name, known)}")
    if LABEL not in names:
        raise InvalidMDP(f"{path} has no column 'label'; expected one, with a name for each action.")
    order = _indices(path, names, rows, INDEX, n_actions, "action")
    if len(rows) != n_actions:
        raise InvalidMDP(f"{path} has {len(rows)} rows; expected {n_actions}, one for each action.")
    label, described = names.index(LABEL), names.index(DESCRIPTION) if DESCRIPTION in names else None
    words: dict[int, ActionWords] = {}
    for action, row in zip(order, rows, strict=True):
        if not row[label] or any(row[label] == other.label for other in words.values()):
            fault = f"the label '{row[label]}' is given twice" if row[label] else "the label is empty"
            raise InvalidMDP(f"{path}, action {action}: {fault}; labels tell actions apart.")
        words[action] = ActionWords(row[label], row[described] if described is not None else "")
    return tuple(words[a] for a in range(n_actions))


def _indices(
    path: Path, names: tuple[str, ...], rows: list[tuple[str, ...]], columns: tuple[str, ...], n: int, kind: str
) -> list[int]:
    """Which state or action each row is about: by its column of indices, or in order."""
    given = next((names.index(name) for name in columns if name in names), None)
    found: list[int] = []
    for number, row in enumerate(rows, start=1):
        text = str(number - 1) if given is None else row[given]
        index = int(text) if text.isascii() and text.isdigit() else -1
        if not 0 <= index < n:
            raise InvalidMDP(
                f"{path}, row {number} below the header: there is no {kind} '{text}'; expected 0 to {n - 1}."
            )
        if index in found[: number if given is not None else 0]:
            raise InvalidMDP(f"{path}, row {number} below the header: {kind} {index} has a row already.")
        found.append(index)
    return found
