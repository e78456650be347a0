"""Plain tables on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.reports.block import Block


def console(*, stderr: bool = False) -> Any:
    """A rich console that is as wide as the terminal, or 120 columns into a file or a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 120, highlight=False, markup=False, emoji=False)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, stderr: bool = False) -> None:
    """Print rows under headings; the last column wraps."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading != headings[-1])
    for row in rows:
        table.add_row(*row)
    console(stderr=stderr).print(table)


def print_blocks(blocks: Iterable[Block]) -> None:
    """Print captions, their tables and what is to be said below them."""
    out = console()
    for block in blocks:
        out.print(block.caption)
        if block.headings:
            print_table(block.headings, block.rows)
        for note in (*block.notes, ""):
            out.print(note)


def print_lines(lines: Iterable[str], *, stderr: bool = False) -> None:
    """Print text as it is, wrapped to the terminal."""
    out = console(stderr=stderr)
    for line in lines:
        out.print(line, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
