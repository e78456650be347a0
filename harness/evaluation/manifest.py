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
from harness.core.text import harmless
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


NO_DYNAMICS = ("binary",)
"""Fields of a spec that say how its values are measured and change no decision; older manifests lack them."""


def manifest_of(config: RunConfig, run_id: str, cast: Cast) -> dict[str, Any]:
    """Everything needed to repeat the run, and to say which weights or which server answered."""
    spec = cast.env.spec
    manifest: dict[str, Any] = {
        "manifest_version": MANIFEST_VERSION,
        "run_id": run_id,
        **made_by(PACKAGES),
        "config": config.model_dump(mode="json"),
        "agent": cast.agent.id,
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


def opened(path: Path) -> tuple[dict[str, Any], RunConfig]:
    """The manifest of a run, and what the run was asked to do.

    Raises
    ------
    RunError
        If `path` is no run of an evaluation, or another version of the harness wrote its manifest.
    """
    manifest = read_manifest(path)
    return manifest, configuration_of(path, manifest)


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


def decider(manifest: dict[str, Any], config: RunConfig) -> str:
    """Who decided: a model with its prompt, or an agent by its id; that of a trained one is no folder."""
    if config.agent is None:
        return f"{config.model or config.model_id} {config.prompt}"
    return str(manifest.get("agent", config.agent))


def changes(before: dict[str, Any], now: dict[str, Any], of: Sequence[str]) -> list[str]:
    """Which of these parts are not the same in two manifests."""
    return [what for what in of if part_of(_deciding(before), PARTS[what]) != part_of(_deciding(now), PARTS[what])]


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
    model, env = _table(manifest.get("model")), _table(manifest.get("env"))
    entry = {name: value for name, value in _table(model.get("entry")).items() if name not in OF_NO_CONSEQUENCE}
    spec = {name: value for name, value in (YOUNGER | env).items() if name not in NO_DYNAMICS}
    return manifest | {"env": spec, "model": model | {"entry": entry}}


def environment_of(path: Path) -> Environment[Any, Any]:
    """The environment of a run, made again.

    Raises
    ------
    RunError
        If its version, or the files that it was made from, have changed since: states and regrets would not be those of
        the run.
    """
    manifest, config = opened(path)
    env = envs.make(config.env, **config.env_options)
    require_environment(path, manifest, env)
    return env


def require_environment(path: Path, manifest: dict[str, Any], env: Environment[Any, Any]) -> None:
    """Refuse to read a run by another environment than it was made in.

    Raises
    ------
    RunError
        Naming the version that the run is of, or that its files changed.
    """
    name, version = (part_of(manifest, ("env", field)) for field in ("id", "version"))
    if name is None or version is None:
        raise RunError(f"The manifest of {path} does not say which version of an environment it is of; it was damaged.")
    if (name, version) != (env.spec.id, env.spec.version):
        raise RunError(
            f"The run {path} is of {harmless(f'{name} v{version}')}, and this is {env.spec.id} v{env.spec.version}, in "
            f"which its decisions are worth something else; read it with the harness that made it "
            f"({harmless(str(manifest.get('harness')))}), or start a new run."
        )
    if env.spec.data_sha256 != data_of(manifest):
        raise RunError(
            f"The run {path} was made with other files than {env.spec.id} has now; restore them, or start a new run."
        )


def data_of(manifest: dict[str, Any]) -> str | None:
    """The hash of the files that a run's environment was made from; None where nobody gave any."""
    found = part_of(manifest, ("env", "data_sha256"))
    return None if found is None else str(found)


def part_of(manifest: Any, keys: Sequence[str]) -> Any:
    """What stands in a manifest below these keys, one in the other; None where nothing does."""
    for key in keys:
        manifest = _table(manifest).get(key)
    return manifest


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


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
