"""Tables as files: Markdown and CSV, in which foreign text stays text."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.core.text import harmless
from harness.reports.block import Block

MARKS = re.compile(r"([\\`*_{}\[\]#!|~$])")
"""What Markdown may read as more than a sign; parentheses are one of a link only behind a bracket."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell of text."""


def escaped(text: str) -> str:
    r"""Text for Markdown, and for the HTML that is made of it.

    >>> print(escaped("<b>|`x`"))
    &lt;b&gt;\|\`x\`
    """
    return html.escape(MARKS.sub(r"\\\1", harmless(text).replace("\n", " ")), quote=False)


def markdown(blocks: Iterable[Block]) -> str:
    """Captions, tables and notes as Markdown."""
    parts = []
    for block in blocks:
        lines = [f"**{escaped(block.caption)}**", ""] if block.caption else []
        if block.headings:
            lines.append("| " + " | ".join(escaped(heading) for heading in block.headings) + " |")
            lines.append("|" + " --- |" * len(block.headings))
            lines += ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in block.rows]
            lines.append("")
        for note in block.notes:
            lines += [escaped(note), ""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def comma_separated(rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV with full precision; empty where there is nothing, and no text that a spreadsheet would compute."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None or value != value:
        return ""
    if not isinstance(value, str):
        return value
    text = harmless(value).replace("\n", " ")
    return f"'{text}" if text.startswith(FORMULA) else text
