"""Carrying out the runs that a command asks for, with progress on stderr and a sentence for what stops one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.core.trace import Event
    from harness.evaluation.config import RunConfig
    from harness.evaluation.job import Observers
    from harness.evaluation.summary import Summary
    from harness.llm.budget import Limits

    Listener = Callable[[Event], None]
    Work = Callable[[Observers], Coroutine[Any, Any, Summary]]


def contestants(
    agents: list[str], models: list[str], base_url: str | None, model_ids: list[str], prompts: list[str], env: str
) -> list[dict[str, Any]]:
    """Who decides in `env`, as fields of a `RunConfig`: every agent, and every model with every prompt.

    Raises
    ------
    UsageError
        If nobody does, the server or the model on it is not named, or a prompt is of another environment.
    """
    from harness.core.errors import UsageError

    if (base_url is None) != (not model_ids):
        raise UsageError("--base-url and --model-id belong together; give both.")
    asked: list[dict[str, Any]] = [{"model": _absolute(name)} for name in models]
    asked += [{"base_url": base_url, "model_id": name} for name in model_ids]
    found: list[dict[str, Any]] = [{"agent": name} for name in agents]
    found += [who | {"prompt": prompt_of(prompt, env)} for who in asked for prompt in prompts]
    if not agents and not asked:
        raise UsageError(
            "Nobody was named to decide; expected --agent ID, --model ALIAS, or --base-url URL with --model-id ID."
        )
    return found


def prompt_of(name: str, env: str) -> str:
    """The style or the folder of a prompt for `env`, which may be named as `harness prompts` prints it: ENV/STYLE.

    Raises
    ------
    UsageError
        If it is a prompt of another environment.
    """
    from harness.prompts.find import find

    return _absolute(find(name, env)[1])


def _absolute(name: str) -> str:
    """A path as one that another working directory understands; a plain name stays, and so does SERVER:MODEL."""
    if not ("/" in name.partition(":")[0] or name.endswith(".gguf")):
        return name
    return str(Path(name).expanduser().absolute())


def carried_out(
    configs: list[RunConfig], out: Path, limits: Limits, listen: Listener | None, quiet: bool
) -> tuple[list[Summary], list[str]]:
    """The summaries of the runs, and a sentence for each that failed; a run that fails alone is raised."""
    from functools import partial

    from harness.cli.progress import prepare
    from harness.core.errors import INTERRUPTED, HarnessError
    from harness.evaluation import evaluate as evaluation
    from harness.evaluation.cast import check

    models = list(dict.fromkeys(config.model for config in configs if config.model is not None))
    for config in configs:
        check(config)
    for model in models:
        prepare(model, quiet=quiet)
    finished, failed = [], []
    for config in configs:
        if len(configs) > 1 and not quiet:
            sys.stderr.write(f"{_name(config)}\n")
        try:
            finished.append(_watched(partial(evaluation.run, config, out, limits=limits), listen, quiet))
        except HarnessError as error:
            if len(configs) == 1 or error.exit_status == INTERRUPTED:
                raise
            failed.append(f"{_name(config)}: {error}")
    return finished, failed


def resumed(path: Path, base_url: str | None, limits: Limits, listen: Listener | None, quiet: bool) -> Summary:
    """The summary of an interrupted run, gone on with; `base_url` is the address that the user named for it."""
    from functools import partial

    from harness.cli.resuming import prepare_again
    from harness.evaluation import evaluate as evaluation
    from harness.evaluation.manifest import opened
    from harness.evaluation.summary import summary_of

    if summary_of(path) is None:
        prepare_again("harness eval --resume", path, opened(path)[1], base_url, quiet=quiet)
    return _watched(partial(evaluation.resume, path, limits=limits), listen, quiet)


def _watched(work: Work, listen: Listener | None, quiet: bool) -> Summary:
    from harness.cli.progress import shown_progress
    from harness.cli.resuming import resume_command
    from harness.evaluation.job import Observers

    with shown_progress(quiet) as watch:
        return resumable(work, Observers(watch, listen), lambda run: f"Go on with: {resume_command(run)}")


def resumable(work: Work, observers: Observers, go_on: Callable[[Path], str]) -> Summary:
    """Carry out one run; what stops it says how to go on with its folder, once there is one.

    Raises
    ------
    StoppedRun
        Naming the command that goes on.
    """
    import asyncio
    from dataclasses import replace

    from harness.cli.resuming import stoppable

    folder: list[Path] = []
    with stoppable(lambda: go_on(folder[0]) if folder else ""):
        return asyncio.run(work(replace(observers, began=folder.append)))


def leave(finished: list[Summary], failed: list[str]) -> None:
    """Say on stderr which runs failed and which a limit stopped, and exit accordingly."""
    from harness.cli.resuming import resume_command
    from harness.core.errors import BudgetSpent

    sys.stdout.flush()
    for sentence in failed:
        sys.stderr.write(f"harness: {sentence}\n")
    stopped = [summary for summary in finished if summary.stopped]
    for summary in stopped:
        go_on = resume_command(Path(summary.run_dir))
        sys.stderr.write(f"harness: {summary.stopped} Go on with: {go_on}, with higher limits.\n")
    if failed or stopped:
        sys.exit(1 if failed else BudgetSpent.exit_status)


def _name(config: RunConfig) -> str:
    if config.agent is not None:
        return config.agent
    return " ".join(filter(None, (config.model or config.model_id, config.prompt, config.variant)))
