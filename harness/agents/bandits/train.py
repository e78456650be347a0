"""Searches by several seeds, one after another, each in a folder of its own that it can go on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.agents.bandits.checkpoint import open_search, save, save_snapshot
from harness.agents.bandits.combinations import Combinations
from harness.agents.bandits.optim_neural_ts import Search, Settings, advance
from harness.core.errors import UsageError
from harness.core.seeds import check_training_seeds

CHECKPOINT_EVERY = 1_000
"""Steps after which the state is saved, some ten seconds."""

Watch = Callable[[Search], None]


def train(
    folder: Path, data: Combinations, settings: Settings, seed: int, watch: Watch = lambda search: None
) -> Search:
    """Search to the last step, going on from what `folder` holds, and leave the finished search there.

    Parameters
    ----------
    watch : callable
        Told of the search after every step.

    Raises
    ------
    UsageError
        If the seed is no training seed.
    RunError
        If the folder holds another search, or cannot be written.
    """
    check_seeds([seed])
    search = open_search(folder, data, settings, seed)

    def after(search: Search, snapshot_due: bool) -> None:
        if snapshot_due:
            save_snapshot(search, folder)
        if snapshot_due and (search.step % CHECKPOINT_EVERY == 0 or search.step == settings.steps):
            save(search, folder)
        watch(search)

    advance(search, settings.steps, after)
    return search


def check_seeds(seeds: Sequence[int]) -> None:
    """See that the seeds are distinct training seeds.

    Raises
    ------
    UsageError
        Naming the first that is not.
    """
    if len(set(seeds)) != len(seeds) or not seeds:
        raise UsageError("The seeds are not distinct; expected every seed once, and at least one.")
    check_training_seeds(seeds)
