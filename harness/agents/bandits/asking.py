"""A reviewer of medications who asks about the pairs that a trained search suspects."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.agents.bandits.checkpoint import ABOUT, CURVE
from harness.agents.bandits.ensemble import load_ensemble, rank_pairs, search_folder
from harness.agents.heuristics.medication_review import asks_and_deals
from harness.agents.rules import Decide, RuleAgent
from harness.core.environment import Environment
from harness.core.errors import RunError
from harness.envs.polypharmacy.environment import MedicationReview
from harness.envs.polypharmacy.review import ReviewObservation
from harness.envs.polypharmacy.state import Pair


class Asker(RuleAgent):
    """A reviewer with the training that its questions come from.

    Parameters
    ----------
    decide : function of an observation and a situation
    folder : Path
        Of the search.
    """

    def __init__(self, decide: Decide, folder: Path) -> None:
        super().__init__("optim-neural-ts", decide)
        files = (folder / ABOUT, folder / CURVE)
        digests = {f"{path.name}_sha256": sha256(path.read_bytes()).hexdigest() for path in files}
        self.identity: dict[str, Any] = {"algorithm": self.id, **digests}


def optim_neural_ts(folder: Path, env: Environment[Any, Any]) -> Asker:
    """`heuristic`, but the questions are chosen by the ensemble that `harness train optim-neural-ts` left in a folder.

    First comes the pair of whose drugs the networks think that they do most together, beyond what each does alone
    (`ensemble.rank_pairs`). What is done about the answers is what `heuristic` does, so that the two differ by the
    worth of the questions.

    Raises
    ------
    UsageError
        If the environment is no medication review.
    RunError
        If the folder holds no ensemble of the environment's drugs.
    """
    search = search_folder(folder)
    ensemble = load_ensemble(search)

    def most_suspect(observation: ReviewObservation, pairs: Sequence[Pair]) -> Pair:
        taken = [medication.drug for medication in observation.medications if not medication.stopped]
        ranked = (frozenset(pair[:2]) for pair in rank_pairs(ensemble, taken))
        place = {pair: i for i, pair in enumerate(ranked)}
        return min(pairs, key=lambda pair: place[frozenset(pair)])

    decide = asks_and_deals("optim-neural-ts", env, most_suspect).decide
    if isinstance(env, MedicationReview) and not env.tables.drugs.keys() <= set(ensemble.drugs):
        raise RunError(
            f"The search in {folder} knows other drugs (it was trained on: {ensemble.data}); train one with "
            f"harness train optim-neural-ts --env {env.spec.id}."
        )
    return Asker(decide, search)
