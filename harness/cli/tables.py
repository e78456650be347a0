"""Plain tables on stdout; what is foreign in them cannot drive the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from harness.core import strict_json
from harness.core.text import harmless

if TYPE_CHECKING:
    from harness.reports.block import Block


BETWEEN = 3
"""Spaces between two columns."""


def console(*, stderr: bool = False) -> Any:
    """A rich console that is as wide as the terminal, or 120 columns into a file or a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 120, highlight=False, markup=False, emoji=False)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, stderr: bool = False) -> None:
    """Print rows under headings; the last column wraps, and where that is not enough all do: no figure is cut off."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table

    out, lines = console(stderr=stderr), [[harmless(cell) for cell in line] for line in (headings, *rows)]
    wide = [max(map(cell_len, column)) + BETWEEN for column in zip(*lines, strict=True)]
    words = [cell_len(word) for line in lines for word in line[-1].split()]
    fits = sum(wide[:-1]) + max(words, default=0) + BETWEEN <= out.width
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(lines[0], start=1):
        table.add_column(heading, overflow="fold", no_wrap=fits and number < len(headings))
    for row in lines[1:]:
        table.add_row(*row)
    out.print(table)


def print_blocks(blocks: Iterable[Block]) -> None:
    """Print captions, their tables and what is to be said below them."""
    out = console()
    for block in blocks:
        if block.caption:
            out.print(harmless(block.caption))
        if block.headings:
            print_table(block.headings, block.rows)
        for note in (*block.notes, ""):
            out.print(harmless(note))


def print_lines(lines: Iterable[str], *, stderr: bool = False) -> None:
    """Print text as it is, wrapped to the terminal."""
    out = console(stderr=stderr)
    for line in lines:
        out.print(harmless(line), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON; numbers that are not finite become null."""
    sys.stdout.write(strict_json.dumps(value, indent=2) + "\n")
