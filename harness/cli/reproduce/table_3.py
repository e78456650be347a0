"""`harness reproduce icu-sepsis --table 3`."""

from __future__ import annotations

from pathlib import Path


def table_3(out: Path, seeds: str, processes: int, episodes: int | None, resume: bool, json: bool) -> None:
    """Train the paper's tabular agents, print the comparison."""
    from harness.cli.progress import shown_progress
    from harness.cli.resuming import stoppable
    from harness.cli.tables import print_blocks, print_json, print_lines
    from harness.cli.train.tabular import training_seeds
    from harness.evaluation.tabular import Progress
    from harness.reports import lockstep_trainings as report
    from harness.reproduce import table_3 as reproduced

    named = training_seeds(seeds)
    more = {} if episodes is None else {"episodes": episodes}
    go_on = f"Go on with the same command and --resume; the runs are in {out}."
    with shown_progress(quiet=False) as watch, stoppable(lambda: go_on):
        rows = reproduced.table_3(
            out, named, processes, lambda done, total: watch(Progress(done, total, "episodes")),
            resume=resume, more=more,
        )  # fmt: skip
    if json:
        print_json([report.plain(row) for row in rows])
        return
    print_blocks(report.table_3(rows))
    print_lines([*(f"run {row.run_dir}" for row in rows), report.NOTICE])
