"""Two prompts side by side: unified diffs of their files, and of what a model gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff

from harness.core.agent import Message
from harness.prompts.loader import FILES, Prompt


def of_templates(a: Prompt, b: Prompt) -> Iterator[str]:
    """Lines of the unified diff of both templates."""
    texts = zip(FILES[1:], (a.system, a.observation), (b.system, b.observation), strict=True)
    for name, before, after in texts:
        yield from _lines(before, after, f"{a.folder / name}", f"{b.folder / name}")


def of_messages(a: Sequence[Message], b: Sequence[Message], names: tuple[str, str]) -> Iterator[str]:
    """Lines of the unified diff of rendered messages."""
    for before, after in zip(a, b, strict=True):
        yield from _lines(
            before.content, after.content, f"{names[0]}, {before.role} message", f"{names[1]}, {after.role} message"
        )


def _lines(before: str, after: str, a: str, b: str) -> Iterator[str]:
    return unified_diff(before.splitlines(), after.splitlines(), a, b, lineterm="")
