"""What long studies share: a run folder with their settings in its manifest, and pieces that are kept when done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.core.errors import RunError, first_problem
from harness.core.run import MANIFEST, RunFolder, read_manifest
from harness.evaluation.manifest import made_by

M = TypeVar("M", bound=BaseModel)


def create(out: Path, kind: str, settings: BaseModel, packages: tuple[str, ...]) -> RunFolder:
    """A new run folder with its manifest.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    folder = RunFolder.create(out, kind)
    folder.write_json(MANIFEST, {"kind": kind, "settings": settings.model_dump(mode="json"), **made_by(packages)})
    return folder


def settings_of(path: Path, kind: str, model: type[M]) -> M:
    """The settings that a study was told.

    Raises
    ------
    RunError
        If the folder is of another kind of run, or its manifest is damaged.
    """
    try:
        return model.model_validate(read_manifest(path, kind)["settings"])
    except KeyError:
        raise RunError(f"The manifest of {path} holds no settings; start the study anew.") from None
    except ValidationError as error:
        raise RunError(f"The settings of {path} are not understood: {first_problem(error)}.") from None


def read_piece(path: Path, model: type[M]) -> M:
    """A piece of a study.

    Raises
    ------
    RunError
        If it is damaged.
    """
    try:
        return model.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read; remove it, and resume the study to have it made again.") from error
