"""Help that fits every terminal: texts are wrapped where they are written, and again where they are shown."""

from __future__ import annotations

import typer


def unwrap(app: typer.Typer) -> None:
    """Join the lines of each paragraph in the help of all commands; typer itself would keep their ends."""
    for command in app.registered_commands:
        command.help = unwrapped(command.help) if command.help else command.help
    for group in app.registered_groups:
        if group.typer_instance is not None:
            unwrap(group.typer_instance)


def unwrapped(text: str) -> str:
    r"""A text whose paragraphs are a line each; what is indented, an example, keeps its lines.

    >>> unwrapped("One\ntwo.\n\n  harness eval\n  harness ab\n\nThree\nfour.")
    'One two.\n\n  harness eval\n  harness ab\n\nThree four.'
    """
    paragraphs = text.strip("\n").split("\n\n")
    return "\n\n".join(part if part.startswith("  ") else " ".join(part.split("\n")) for part in paragraphs)
