"""One run from its configuration to its files: begun, or gone on with.

Does not parse a command line and prints nothing.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from harness.core.agent import Request
from harness.core.run import (
    DECISIONS,
    MANIFEST,
    SO_FAR,
    SUMMARY,
    TRACE,
    Clock,
    RunFolder,
)
from harness.core.trace import read_lines, stream_episodes
from harness.envs.ids import short_name
from harness.evaluation.by_episodes import played
from harness.evaluation.by_states import asked
from harness.evaluation.cast import build, check
from harness.evaluation.config import Method, RunConfig
from harness.evaluation.job import Job, Observers
from harness.evaluation.manifest import manifest_of, opened, require_unchanged
from harness.evaluation.recorded import read_decisions
from harness.evaluation.summary import Summary, summary_of
from harness.llm.budget import Limits

NOBODY = Observers()


async def run(config: RunConfig, out: Path, observers: Observers = NOBODY, limits: Limits | None = None) -> Summary:
    """Carry out a new run in a new folder below `out`.

    Where a limit is reached the summary says what is known by then, and why it `stopped`.

    Raises
    ------
    UsageError
        If the configuration names something that does not exist or does not fit; nothing is written then.
    HarnessError
        If the run had to stop; its folder then holds what was done.
    """
    run_id = uuid.uuid4().hex
    env = check(config)
    path = [out]
    cast = build(config, env, run_id, lambda: path[0], limits=limits)
    decider = config.model or config.model_id or cast.agent.id
    title = f"{short_name(config.env)}-{decider}".replace("/", "-")
    with RunFolder.create(out, title) as folder:
        path[0] = folder.path
        folder.write_json(MANIFEST, manifest_of(config, run_id, cast))
        observers.began(folder.path)
        return await _carry_out(Job(config, run_id, cast, folder, observers))


async def resume(path: Path, observers: Observers = NOBODY, limits: Limits | None = None) -> Summary:
    """Go on with an interrupted run; of a finished one, the summary as it stands.

    Raises
    ------
    RunError
        If `path` is no run, or what it was made with has changed since.
    """
    manifest, config = opened(path)
    finished = summary_of(path)
    if finished is not None:
        return finished
    run_id = str(manifest.get("run_id"))
    env = check(config)
    with RunFolder.resume(path) as folder:
        cast = build(config, env, run_id, lambda: path, limits=limits, before=_made(path, run_id))
        require_unchanged(path, manifest, manifest_of(config, run_id, cast))
        observers.began(path)
        return await _carry_out(Job(config, run_id, cast, folder, observers, Clock(_elapsed(path))))


async def _carry_out(job: Job) -> Summary:
    try:
        summary = await (played(job) if job.config.method is Method.ROLLOUT else asked(job))
    finally:
        await job.cast.agent.close()
    job.folder.write_json(SUMMARY if summary.stopped is None else SO_FAR, summary)
    return summary


def _made(path: Path, run_id: str) -> list[Request]:
    """The requests that a run has put to the server so far."""
    found = [request for line in read_decisions(path) for request in line.requests]
    for episode in stream_episodes(path / TRACE):
        for step in episode.steps:
            found += [Request.model_validate(r) for r in step.decision.get("requests", ())]
    return list({request.key: request for request in found if request.run == run_id}.values())


def _elapsed(path: Path) -> float:
    """Working seconds of an interrupted run, as far as it wrote them down."""
    lines = (line for name in (DECISIONS, TRACE) for line in read_lines(path / name))
    return max((float(line.get("elapsed_s") or 0.0) for line in lines), default=0.0)
