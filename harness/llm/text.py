"""What can be found in the text of a reply: thoughts, JSON objects, labelled values. Nothing is ever evaluated."""

from __future__ import annotations

import json
import re
from typing import Any


def apart(reply: str) -> tuple[str | None, str | None]:
    """The answer and the thoughts of a reply; the answer is None if the thoughts never closed."""
    thoughts = re.findall(r"<think>(.*?)</think>", reply, flags=re.DOTALL)
    text = re.sub(r"<think>.*?</think>", "", reply, flags=re.DOTALL)
    if "<think>" in text:
        return None, text.split("<think>", 1)[1].strip() or None
    if "</think>" in text:  # the opening was part of the prompt
        before, text = text.rsplit("</think>", 1)
        thoughts.append(before)
    return text.strip(), "\n".join(t.strip() for t in thoughts).strip() or None


def json_object(text: str) -> dict[str, Any] | None:
    """The whole text as a JSON object; None if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def last_object(text: str) -> dict[str, Any] | None:
    """The last complete JSON object that starts at some brace of the text and lies in no later one."""
    decoder = json.JSONDecoder()
    last, end_of_last = None, 0
    for match in re.finditer(r"\{", text):
        if match.start() < end_of_last:
            continue
        try:
            value, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            last, end_of_last = value, end
    return last


def labelled(text: str, name: str | None) -> str | None:
    """The last value that follows a name in labelled text, `iv_fluid_level: 2`; None if there is none."""
    if name is None:
        return None
    words = r"\b" + name.replace("_", r"[_\s-]")
    found = re.findall(words + r"[\"'*`]*\s*(?:[:=]|\bis\b)\s*[\"'*`]*(-?\w[\w.-]*)", text, flags=re.IGNORECASE)
    return str(found[-1]).rstrip(".") if found else None
