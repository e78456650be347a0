"""What the id of a user's own MDP says: `mdp:PATH`, or `mdp:gymnasium:ID`."""

from __future__ import annotations

from pathlib import Path

PREFIX, GYMNASIUM = "mdp:", "gymnasium:"


def absolute(env_id: str) -> str:
    """The id of an own MDP with its path made absolute, so that it means the same in another folder."""
    path = env_id.removeprefix(PREFIX)
    if path == env_id or path.startswith(GYMNASIUM):
        return env_id
    return f"{PREFIX}{Path(path).expanduser().absolute()}"


def short_name(env_id: str) -> str:
    """The id of an environment as a part of a file name: of an own MDP the name of its folder.

    >>> short_name("mdp:/home/me/ward 3"), short_name("mdp:gymnasium:Taxi-v4"), short_name("icu-sepsis")
    ('ward 3', 'Taxi-v4', 'icu-sepsis')
    """
    if not env_id.startswith(PREFIX):
        return env_id
    path = env_id.removeprefix(PREFIX).removeprefix(GYMNASIUM)
    return Path(path).name.removesuffix(".npz") or "mdp"
