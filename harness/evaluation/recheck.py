"""A drift check: decisions of a finished run asked again, of the model as it is now and past the cache.

Of an exact or certified run it asks states, all of them or a sample drawn by stake (`harness.evaluation.drift`), of a
rollout steps. The run's own files are only read.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import harness
from harness.core.errors import RunError, UsageError
from harness.core.run import write_json
from harness.evaluation.again import Check, Finished, Plan, another_task, states, steps
from harness.evaluation.cast import build, check
from harness.evaluation.compare import read_finished
from harness.evaluation.config import Method
from harness.evaluation.manifest import TASK, changes, configuration_of, manifest_of, part_of
from harness.evaluation.rechecked import Recheck, Server, differences
from harness.evaluation.summary import count_calls
from harness.evaluation.tabular import Watch
from harness.llm.budget import Limits, cost_of


def open_run(path: Path) -> Finished:
    """A run whose decisions can be asked again.

    Raises
    ------
    RunError
        If it is no run, or has not finished.
    UsageError
        If no model decided, or its replies were drawn by chance.
    """
    manifest, summary = read_finished(path)
    config = configuration_of(path, manifest)
    if config.agent is not None:
        raise UsageError(
            f"The run {path} was decided by the agent '{config.agent}', and a drift check asks a model again; expected "
            "a run with --model, or --base-url and --model-id."
        )
    needed = (("run_id",), ("model", "answers_from"), ("model", "entry"), ("prompt", "label"))
    if any(part_of(manifest, keys) is None for keys in needed):
        raise RunError(f"The manifest of {path} does not say which model answered to which prompt; it was damaged.")
    if config.temperature:
        raise UsageError(
            f"The replies of {path} were drawn at temperature {config.temperature:g} and differ by chance every time; "
            "a drift check needs a run at temperature 0."
        )
    return Finished(path, manifest, config, summary)


async def recheck(
    run: Finished,
    *,
    n: int | None,
    seed: int,
    watch: Watch,
    tell: Callable[[Plan], None] = lambda plan: None,
    limits: Limits | None = None,
) -> Recheck:
    """Ask decisions of a run again and say what became of them; nothing is written (see `save`).

    What stops it halfway (a limit, a server that is gone, Ctrl-C) is told in the result, if anything was answered.

    Parameters
    ----------
    n : int or None
        How many decisions to draw; None for all of them, as also where there are no more than `n`.
    seed : int
        By which they are drawn.
    tell : function of a Plan
        Called before anything is asked.

    Raises
    ------
    UsageError
        If `n` is below 1, or the run's model is not known any more.
    RunError
        If the environment or the prompt is not the run's, or its folder cannot be written.
    HarnessError
        If nothing could be asked.
    """
    if n is not None and n < 1:
        raise UsageError(f"{n} decisions were to be asked again; expected at least 1.")
    if not os.access(run.path, os.W_OK):
        raise RunError(
            f"The folder {run.path} cannot be written, and what is found belongs into it; change that first."
        )
    created, name = datetime.now(UTC), uuid.uuid4().hex
    uncached = run.config.model_copy(update={"cache": False})
    log = run.path / _stem(created.isoformat())
    cast = build(uncached, check(run.config), name, lambda: log, limits=limits)
    try:
        manifest = manifest_of(run.config, name, cast)
        if other := changes(run.manifest, manifest, TASK):
            raise another_task(run, " and ".join(other))
        work = steps if run.config.method is Method.ROLLOUT else states
        found, answered = await work(Check(run, cast, n, seed, watch, tell))
    finally:
        await cast.agent.close()
    assert cast.model is not None  # noqa: S101 - `open_run` saw to it
    calls = count_calls((request for answer in answered for request in answer.requests), name)
    served = sorted({answer.model for answer in answered if answer.model})
    then = _server(run.manifest, run.summary.served_models, run.summary.fingerprints)
    now = _server(manifest, served, calls.fingerprints)
    return Recheck(
        run=str(run.path),
        created=created.isoformat(timespec="seconds"),
        harness=harness.__version__,
        env=run.summary.env,
        env_version=run.summary.env_version,
        agent=run.summary.agent,
        prompt=run.summary.prompt,
        method=run.config.method,
        value_name=run.summary.value_name,
        caveats=run.summary.caveats,
        seed=seed,
        then=then,
        now=now,
        changed=differences(then, now),
        asked=len(answered),
        llm_calls=calls.llm_calls,
        prompt_tokens=calls.prompt_tokens,
        completion_tokens=calls.completion_tokens,
        cost_usd=cost_of(cast.model.entry, calls.prompt_tokens, calls.cached_tokens, calls.completion_tokens),
        **found,
    )


def save(found: Recheck) -> Path:
    """Write what was found beside the run, whole or not at all; where that is.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    folder, stem = Path(found.run), _stem(found.created)
    names = (stem, *(f"{stem}-{i}" for i in range(2, 1_000)))
    target = next(folder / f"{name}.json" for name in names if not (folder / f"{name}.json").exists())
    write_json(target, found)
    return target


def _server(manifest: Mapping[str, Any], models: list[str], fingerprints: list[str]) -> Server:
    model = manifest["model"]
    return Server(identity=model["answers_from"], entry=model["entry"], models=models, fingerprints=fingerprints)


def _stem(created: str) -> str:
    return f"recheck-{created[:19].replace(':', '-')}"
