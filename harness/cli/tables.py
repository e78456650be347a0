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
    """Print rows under headings: no figure is cut off, no name broken; what is too wide for that goes on beyond."""
    from rich import box
    from rich.table import Table

    out, lines = console(stderr=stderr), [[harmless(cell) for cell in line] for line in (headings, *rows)]
    widths = _widths(lines, out.width - BETWEEN * len(headings))
    out.width = max(out.width, sum(widths) + BETWEEN * len(headings))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, width in zip(lines[0], widths, strict=True):
        table.add_column(heading, overflow="fold", width=width)
    for row in lines[1:]:
        table.add_row(*row)
    out.print(table)


def _widths(lines: Sequence[Sequence[str]], room: int) -> list[int]:
    """The width of each column: the last wraps, and where that is not enough all share what the narrow ones leave."""
    from rich.cells import cell_len

    columns = list(zip(*lines, strict=True))
    whole = [max(map(cell_len, column)) for column in columns]
    widths = [max((cell_len(word) for cell in column for word in cell.split()), default=0) for column in columns]
    if sum(whole[:-1]) + widths[-1] <= room:
        return [*whole[:-1], min(whole[-1], room - sum(whole[:-1]))]
    spare = max(room - sum(widths), 0)
    for done, i in enumerate(sorted(range(len(widths)), key=lambda i: whole[i] - widths[i])):
        more = min(whole[i] - widths[i], spare // (len(widths) - done))
        widths[i] += more
        spare -= more
    return widths


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
