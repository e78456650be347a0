"""The published parameters of ICU-Sepsis, read from the `icu-sepsis` package.

The package is not imported (that takes seconds and pulls in two versions of Gym); only its data files are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from harness.core.errors import HarnessError, UsageError
from harness.mdp.tables import action_lists
from harness.mdp.tabular import BoolArray, FloatArray

N_STATES = 716
N_ACTIONS = 25
DEATH, SURVIVAL = 713, 714
"""Terminal states, beside the absorbing 715 (icu-sepsis 2.0.1, `utils/constants`). States below 713 are patients."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """The arrays of the package, under its names.

    Attributes
    ----------
    tx_mat : float array, shape (716, 25, 716)
        P(s' | s, a); the rows of inadmissible actions are the mean of the state's admissible ones.
    r_mat : float array, shape (716, 25, 716)
        1 for entering the survival state, else 0.
    d_0 : float array, shape (716,)
        Distribution of the first state.
    expert_policy : float array, shape (716, 25)
        The clinicians' policy estimated from the cohort; zero rows in terminal states.
    state_cluster_centers : float array, shape (716, 47)
        Features of a state, see `features.py`.
    sofa_scores : float array, shape (716,)
        Mean SOFA score of the state's patients, in points.
    admissible : bool array, shape (716, 25)
    package_version : str
    """

    tx_mat: FloatArray
    r_mat: FloatArray
    d_0: FloatArray
    expert_policy: FloatArray
    state_cluster_centers: FloatArray
    sofa_scores: FloatArray
    admissible: BoolArray
    package_version: str


@lru_cache(maxsize=1)
def parameters() -> Parameters:
    """Read the package's parameters.

    Raises
    ------
    HarnessError
        If the package is not installed, or its files are not those of version 2.
    """
    spec = find_spec("icu_sepsis")
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError("The package 'icu-sepsis' is not installed; install it with 'pip install icu-sepsis'.")
    assets = Path(spec.submodule_search_locations[0]) / "envs" / "assets"
    try:
        with np.load(assets / "dynamics.npz", allow_pickle=False) as arrays:
            values = {name: np.asarray(arrays[name], dtype=np.float64) for name in arrays.files}
        admissible = action_lists(assets / "admissible_actions.txt", N_STATES, N_ACTIONS)
        return Parameters(**values, admissible=admissible, package_version=version("icu-sepsis"))
    except (OSError, TypeError, ValueError, UsageError) as error:
        raise HarnessError(
            f"The data of the package 'icu-sepsis' cannot be read ({error}); reinstall it, version 2.0.1 or later."
        ) from error
