"""What the curves of a training in lockstep come to: final values, final returns, convergence."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from harness.evaluation.intervals import Estimate, student_t
from harness.mdp.tabular import FloatArray, IntArray
from harness.training.convergence import Convergence, converged, last


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished run of K seeds.

    Attributes
    ----------
    options : dict of str to str
        Of the environment, those that are not its defaults.
    looks : int array, shape (L,)
        Episodes after which the policies were evaluated.
    value, length : float array, shape (K, L)
        Exactly, of the greedy policy, or of the stochastic one where that is what is learned.
    bin : int
        Episodes to a column below; the last may have less.
    returns, steps : float array, shape (K, B)
        Mean return and mean decisions of the training episodes.
    """

    run_dir: str
    env: str
    options: dict[str, str]
    algorithm: str
    settings: BaseModel
    seeds: tuple[int, ...]
    looks: IntArray
    value: FloatArray
    length: FloatArray
    bin: int
    returns: FloatArray
    steps: FloatArray

    @property
    def episodes(self) -> int:
        """Of every seed."""
        return int(self.looks[-1])

    @property
    def final_value(self) -> Estimate:
        """Exact value at the end, mean over seeds."""
        return student_t(self.value[:, -1])

    @property
    def final_return(self) -> Estimate:
        """Mean return of the last tenth of the training episodes, mean over seeds."""
        return student_t(last(self.returns))

    @property
    def convergence(self) -> Convergence:
        """Episodes and decisions until the mean curve over seeds had converged."""
        return converged(self.returns, self.steps, self.bin, self.episodes)
