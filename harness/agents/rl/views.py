"""What a policy network is shown of a state: the legal actions, each with the things that it is about.

A state is a set of items (drugs), and an action is about one or two of them, or none. Nothing says in which order the
items stand, so a network that treats every row alike cannot depend on it. An action that the rules refuse is no row:
that is the mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harness.core.environment import Action

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class View:
    """One state.

    Attributes
    ----------
    context : float array, shape (c,)
        Of the state as a whole.
    items : float array, shape (n, f)
        A row for every item; those of the state come first, those that an action could bring in follow.
    present : int
        How many items the state has. There may be none.
    actions : float array, shape (a, k)
        A row for every legal action; there is at least one.
    about : int array, shape (a, 2)
        The items that each action is about, their order without meaning; -1 for none.
    action : function of a row of `actions`
        The action of that row.
    """

    context: FloatArray
    items: FloatArray
    present: int
    actions: FloatArray
    about: IntArray
    action: Callable[[int], Action]


class Views(Protocol):
    """The views of an environment's states, from what an agent is shown of them."""

    @property
    def columns(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Names of the columns of `context`, `items` and `actions`."""
        ...

    def view(self, observation: Any) -> View:
        """The state that an observation shows."""
        ...
