"""The manifest of a run: what it was made of."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import harness
from harness.core.agent import Trained
from harness.core.environment import Environment
from harness.core.errors import RunError, first_problem
from harness.core.run import read_manifest
from harness.envs import registry as envs
from harness.evaluation.cast import Cast
from harness.evaluation.config import RunConfig

MANIFEST_VERSION = 1

PACKAGES = ("icu-sepsis", "numpy", "openai", "pydantic", "scipy", "xllamacpp")
"""Whose versions the manifest records."""

OF_NO_CONSEQUENCE = (
    "key_env", "more_key_envs", "key_optional", "requests_per_minute", "tokens_per_minute", "timeout_s",
    "price_prompt", "price_cached", "price_completion",
)  # fmt: skip
"""What of a model's entry may change before a run is resumed: it changes no reply."""


TASK = ("the environment", "the environment's data", "the prompt")
"""What an answer of another model is an answer to."""

PARTS = {
    "the harness's version": ("harness",),
    "the environment": ("env",),
    "the environment's data": ("packages", "icu-sepsis"),
    "the prompt": ("prompt",),
    "the model": ("model",),
    "the trained agent": ("trained",),
}
"""Where they stand in a manifest."""

YOUNGER = {"assumption_based": False, "provenance": None}
"""Fields of a spec that manifests of this format did not always have, and what they then were."""


def manifest_of(config: RunConfig, run_id: str, cast: Cast) -> dict[str, Any]:
    """Everything needed to repeat the run, and to say which weights or which server answered."""
    spec = cast.env.spec
    manifest: dict[str, Any] = {
        "manifest_version": MANIFEST_VERSION,
        "run_id": run_id,
        **made_by(PACKAGES),
        "config": config.model_dump(mode="json"),
        "env": spec.model_dump(mode="json"),
        "seeds": {"first": config.seed_start, "episodes": config.episodes},
    }
    if isinstance(cast.agent, Trained):
        manifest["trained"] = cast.agent.identity
    if cast.model is not None:
        manifest["model"] = {
            "entry": cast.model.entry.model_dump(mode="json", exclude_none=True),
            "answers_from": cast.model.identity,
            "sampling": cast.model.sampling,
        }
        manifest["prompt"] = {
            "label": cast.model.prompt.label,
            "source_sha256": cast.model.prompt.source_sha256,
            "rationale": cast.model.prompt.meta.rationale,
            "system": cast.model.system,
        }
        if cast.model.shots_from is not None:
            manifest["prompt"] |= {"shots": cast.model.shots, "shots_from": cast.model.shots_from}
    return manifest


def configuration_of(path: Path, manifest: dict[str, Any]) -> RunConfig:
    """What a run was asked to do.

    Raises
    ------
    RunError
        If another version of the harness wrote its manifest, which this one does not understand.
    """
    try:
        return RunConfig.model_validate(manifest.get("config"))
    except ValidationError as error:
        raise RunError(
            f"The manifest of {path} is not of this version of the harness: {first_problem(error)}."
        ) from None


def changes(before: dict[str, Any], now: dict[str, Any], of: Sequence[str]) -> list[str]:
    """Which of these parts are not the same in two manifests."""
    return [what for what in of if _dig(_deciding(before), PARTS[what]) != _dig(_deciding(now), PARTS[what])]


def require_unchanged(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with a run whose environment, prompt or model is no longer the same.

    Raises
    ------
    RunError
        Naming what changed.
    """
    if changed := changes(before, now, ("the harness's version", *TASK, "the model", "the trained agent")):
        raise RunError(
            f"The run {path} cannot be resumed, because its decisions would not belong together: since it began, "
            f"{' and '.join(changed)} changed. Start a new run."
        )


def _deciding(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest without what changes no reply of its model; a field of a spec that is younger has its default."""
    model = manifest.get("model") or {}
    entry = {name: value for name, value in (model.get("entry") or {}).items() if name not in OF_NO_CONSEQUENCE}
    env = {**YOUNGER, **manifest.get("env", {})}
    return manifest | {"env": env, "model": model | {"entry": entry}}


def environment_of(path: Path) -> Environment[Any, Any]:
    """The environment of a run, made again.

    Raises
    ------
    RunError
        If the files that it was made from have changed since: states and regrets would not be those of the run.
    """
    manifest = read_manifest(path)
    config = manifest["config"]
    env = envs.make(config["env"], **config["env_options"])
    if env.spec.data_sha256 != data_of(manifest):
        raise RunError(
            f"The run {path} was made with other files than {config['env']} has now; restore them, or start a new run."
        )
    return env


def data_of(manifest: dict[str, Any]) -> str | None:
    """The hash of the files that a run's environment was made from; None where nobody gave any."""
    found = _dig(manifest, ("env", "data_sha256"))
    return None if found is None else str(found)


def _dig(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def made_by(packages: Sequence[str]) -> dict[str, Any]:
    """What makes a run, and when: part of every manifest."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "harness": harness.__version__,
        "git_revision": git_revision(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_revision() -> str | None:
    """Revision of the checkout that the package runs from, with '+' if it was changed; None outside of one."""
    folder = Path(harness.__file__).parent
    if not (folder.parent / ".git").exists():
        return None
    try:
        words = ["git", "-C", str(folder), "describe", "--always", "--dirty=+", "--abbrev=40", "--exclude=*"]
        found = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
