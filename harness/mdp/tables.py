"""Tables in files: numbers without a header, text under one, lists of actions. A fault is named by its place.

Rows, columns and lines are counted from 1, as editors and spreadsheets do; states and actions from 0.
"""

from __future__ import annotations

import csv
import math
import warnings
from pathlib import Path

import numpy as np

from harness.core.errors import InvalidMDP, UsageError
from harness.core.text import printable
from harness.mdp.tabular import BoolArray, FloatArray

Cell = int | float | str
"""What a table of features holds."""


def numbers(path: Path, *, skip: int = 0) -> FloatArray:
    """A comma-separated table of finite numbers without a header row, shape (rows, columns).

    The first `skip` lines are passed over.

    Raises
    ------
    UsageError
        If the file cannot be read.
    InvalidMDP
        If it is empty or ragged, or a cell is no finite number.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an empty file, which is refused below
            table = np.loadtxt(path, delimiter=",", ndmin=2, comments=None, encoding="utf-8-sig", skiprows=skip)
    except (OSError, UnicodeDecodeError) as error:
        raise _cannot_read(path, error) from None
    except ValueError as error:
        raise _first_fault(path, error) from None
    if not table.size:
        raise InvalidMDP(f"{path} is empty; expected rows of numbers separated by commas.")
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise InvalidMDP(
            f"{path}, row {row + 1}, column {column + 1}: {table[row, column]} is not a finite number; write a number."
        )
    return table


def named_numbers(path: Path) -> tuple[tuple[str, ...], FloatArray]:
    """A table of numbers that may have names in its first row (else none are returned).

    Raises
    ------
    UsageError, InvalidMDP
        As `numbers`.
    """
    first = next(iter(_cells(path)), (0, []))[1]
    if any(_number(cell) is None for cell in first):
        return tuple(" ".join(cell.split()) for cell in first), numbers(path, skip=1)
    return (), numbers(path)


def records(path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A comma-separated table of text under a header row: the names of its columns, and its rows.

    Raises
    ------
    UsageError
        If the file cannot be read.
    InvalidMDP
        If it is empty or ragged, a column has no name or that of another, or a name or cell holds control characters.
    """
    rows = _cells(path)
    if not rows:
        raise InvalidMDP(f"{path} is empty; expected a header row with the names of the columns.")
    names = tuple(_shown(path, rows[0][0], f"column {column}", name) for column, name in enumerate(rows[0][1], start=1))
    for column, name in enumerate(names, start=1):
        if not name or name in names[: column - 1]:
            fault = f"has the name '{name}' of another" if name else "has no name"
            raise InvalidMDP(f"{path}: column {column} {fault}; the first row holds a name for each column.")
    found = []
    for line, cells in rows[1:]:
        if len(cells) != len(names):
            raise InvalidMDP(
                f"{path}, line {line} has {len(cells)} cells; expected {len(names)}, one under each name of the first "
                'row (put a text with commas in "quotes").'
            )
        found.append(tuple(_shown(path, line, f"'{name}'", cell) for name, cell in zip(names, cells, strict=True)))
    return names, found


def _shown(path: Path, line: int, where: str, cell: str) -> str:
    try:
        return printable(cell)
    except ValueError as error:
        raise InvalidMDP(f"{path}, line {line}, {where}: {cell!a}: {error}.") from None


def values(path: Path, name: str, column: list[str]) -> list[Cell | None]:
    """A column's cells: numbers if the first that is not empty is one, else text; None where a cell is empty.

    Raises
    ------
    InvalidMDP
        If a cell of a column of numbers is none.
    """
    filled = [text for text in column if text]
    if not filled or _number(filled[0]) is None:
        return [text or None for text in column]
    found: list[Cell | None] = []
    for row, text in enumerate(column, start=1):
        value = _number(text) if text else None
        if text and value is None:
            raise InvalidMDP(
                f"{path}, '{name}', row {row} below the header: '{text}' is not a finite number, as the column's first "
                "value is; leave it empty if it is not known."
            )
        found.append(value)
    return found


def action_lists(path: Path, n_states: int, n_actions: int) -> BoolArray:
    """Which actions a file lists for each state, shape (S, A).

    The first line holds the number of actions of every state, each following line the actions of one state (the
    layout of ICU-Sepsis).

    Raises
    ------
    UsageError
        If the file cannot be read.
    InvalidMDP
        If a line is missing, holds anything but the announced number of actions, or an action does not exist.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _cannot_read(path, error) from None
    listed = [_integers(path, line, text) for line, text in enumerate(lines, start=1)]
    counts = listed[0] if listed else []
    if len(counts) != n_states:
        raise InvalidMDP(
            f"{path}, line 1 announces the actions of {len(counts)} states; expected {n_states} numbers, one for each."
        )
    if len(listed) <= n_states or any(listed[n_states + 1 :]):
        raise InvalidMDP(
            f"{path} has {len(listed)} lines; expected {n_states + 1}, one for each state after the first."
        )
    mask = np.zeros((n_states, n_actions), dtype=np.bool_)
    for state, (count, actions) in enumerate(zip(counts, listed[1:], strict=False)):
        if len(actions) != count:
            raise InvalidMDP(
                f"{path}, line {state + 2} (state {state}) lists {len(actions)} actions and line 1 announces {count}."
            )
        for action in actions:
            if not 0 <= action < n_actions:
                raise InvalidMDP(
                    f"{path}, line {state + 2} (state {state}): there is no action {action}; expected 0 to "
                    f"{n_actions - 1}."
                )
        mask[state, actions] = True
    return mask


def _integers(path: Path, line: int, text: str) -> list[int]:
    try:
        return [int(word) for word in text.split()]
    except ValueError:
        raise InvalidMDP(f"{path}, line {line}: '{text[:40]}' is not a list of whole numbers.") from None


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if math.isfinite(value) else None
    return None


def _cells(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the line that it ends on."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            return [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError) as error:
        raise _cannot_read(path, error) from None
    except csv.Error as error:
        raise InvalidMDP(f"{path}, line {reader.line_num} is not comma-separated text: {error}.") from None


def _first_fault(path: Path, error: ValueError) -> InvalidMDP:
    """Where a table is not one of numbers; read again, because the fast reader does not say it in its own words."""
    width = 0
    for line, cells in _cells(path):
        width = width or len(cells)
        for column, cell in enumerate(cells, start=1):
            try:
                float(cell)
            except ValueError:
                hint = "; this file has no header row" if line == 1 else ""
                what = f"'{cell[:40]}' is not a number" if cell.strip() else "the cell is empty"
                return InvalidMDP(f"{path}, line {line}, column {column}: {what}{hint}; expected a number.")
        if len(cells) != width:
            return InvalidMDP(f"{path}, line {line} has {len(cells)} columns; expected {width}, as in the first line.")
    return InvalidMDP(f"{path} cannot be read as a table of numbers: {error}.")


def _cannot_read(path: Path, error: OSError | UnicodeDecodeError) -> UsageError:
    reason = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
    return UsageError(f"{path} cannot be read: {reason}.")
