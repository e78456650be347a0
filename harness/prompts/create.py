"""A new prompt folder, copied from one that is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.core.errors import UsageError
from harness.prompts.loader import FILES, Prompt, styles

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def create(name: str, out: Path, source: Prompt, env_id: str) -> Path:
    """Copy `source` to the new folder `out/name`, its front matter saying what it came from.

    Raises
    ------
    UsageError
        If the name is none, a built-in style's or taken, or the folder cannot be written.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name for a prompt; expected letters, digits, '-', '_' and '.'.")
    if name in styles(env_id):
        raise UsageError(f"'{name}' is a built-in prompt of {env_id}; choose another name.")
    folder = out / name
    texts = zip(FILES, (front_matter(source, env_id), source.system, source.observation), strict=True)
    try:
        folder.mkdir(parents=True)
        for file, text in texts:
            (folder / file).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise UsageError(f"{folder} is already there and is not overwritten; choose another name or --out.") from None
    except OSError as error:
        raise UsageError(f"Cannot write {folder} ({error.strerror}); give another folder with --out.") from error
    return folder


def front_matter(source: Prompt, env_id: str) -> str:
    """The `prompt.toml` of a copy."""
    lines = [
        "version = 1",
        f"summary = {_quoted(source.meta.summary)}",
        f"changes = {_quoted(f'nothing yet, against {env_id}/{source.label}')}",
    ]
    if source.meta.rationale:
        lines.append("rationale = true")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A basic string of TOML; JSON escapes the same way but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
