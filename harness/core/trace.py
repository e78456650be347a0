"""The trace: append-only JSON lines, one event each, and the one reader that understands them.

Episodes may interleave. An episode counts only if its END was written; a START of the same episode discards what
came before it (the episode was interrupted and played again). A last line without its newline is torn and ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from harness.core.agent import Decision
from harness.core.environment import Grade, ReferenceKind
from harness.core.errors import RunError, first_problem

SCHEMA_VERSION: Literal[1] = 1


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    episode: int


class Start(_Event):
    """An episode begins. `env` is 'id@version'."""

    event: Literal["START"] = "START"
    env: str
    agent: str
    seed: int
    observation: dict[str, Any]


class Step(_Event):
    """One decision and what followed. `regret` is measured against a reference of `regret_kind`."""

    event: Literal["STEP"] = "STEP"
    step: int
    decision: dict[str, Any]
    action: dict[str, Any]
    reward: float
    regret: float | None = None
    regret_kind: ReferenceKind | None = None
    done: bool
    info: dict[str, Any]
    observation: dict[str, Any]


class End(_Event):
    """An episode has ended. `regret` is the discounted sum over its decisions.

    `expected_regret` is the same with each decision's regret averaged over the probabilities that the agent drew from,
    where it told them.
    """

    event: Literal["END"] = "END"
    seed: int
    episode_return: float
    grade: Grade
    regret: float | None = None
    expected_regret: float | None = None
    steps: int
    invalid: int
    inadmissible: int
    status: Literal["terminated", "truncated"]
    elapsed_s: float = 0.0
    """Working time of the run so far."""


Event = Annotated[Start | Step | End, Field(discriminator="event")]
_ADAPTER: TypeAdapter[Start | Step | End] = TypeAdapter(Event)


@dataclass(frozen=True)
class Episode:
    """A complete episode as read back."""

    start: Start
    steps: tuple[Step, ...]
    end: End


def recorded(decision: Decision) -> dict[str, Any]:
    """A decision as it stands in files: without what is empty, and without the system message.

    That one is the same for every decision of a run; the manifest holds it once.
    """
    patient = tuple(message for message in decision.messages if message.role != "system")
    shown = decision.model_copy(update={"messages": patient})
    return shown.model_dump(mode="json", exclude_none=True, exclude_defaults=True) | {"outcome": decision.outcome}


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a JSON-lines file, as far as they were written; none if there is no such file.

    Raises
    ------
    RunError
        If a line other than a torn last one is not a JSON object.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            if not isinstance(value, dict):
                raise RunError(f"Line {number} of {path} is not a JSON object; the file was damaged after the run.")
            yield value


def read_episodes(path: Path) -> list[Episode]:
    """The complete episodes of a trace file, by number.

    Raises
    ------
    RunError
        If a line is not an event of a schema version that this reader knows.
    """
    return sorted(stream_episodes(path), key=lambda episode: episode.end.episode)


def stream_episodes(path: Path) -> Iterator[Episode]:
    """The complete episodes of a trace file in the order in which they ended, one in memory at a time.

    Raises
    ------
    RunError
        If a line is not an event of a schema version that this reader knows.
    """
    pending: dict[int, tuple[Start, list[Step]]] = {}
    done: set[int] = set()
    for number, value in enumerate(read_lines(path), start=1):
        try:
            event = _ADAPTER.validate_python(value)
        except ValidationError as error:
            raise RunError(f"Line {number} of {path} is no trace event: {first_problem(error)}.") from None
        if isinstance(event, Start):
            pending[event.episode] = (event, [])
        elif event.episode not in pending:
            raise RunError(f"Line {number} of {path} belongs to episode {event.episode}, which has not started.")
        elif isinstance(event, Step):
            pending[event.episode][1].append(event)
        elif event.episode not in done:
            start, steps = pending.pop(event.episode)
            done.add(event.episode)
            yield Episode(start, tuple(steps), event)
