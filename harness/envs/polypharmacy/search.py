"""The regimen of least harm within so many interventions, exactly, by branch and bound.

A node has decided what becomes of some places of the list; the others are free, and as they were. Its children: the
free place that promises most gets one of its other options, or is closed as it is. So every set of changes is met once,
and their order does not matter (`options.py`). What a change promises is a bound on what it can gain whatever else is
changed (negative, as costs are counted):

- its own harm and its cost, and its pairs with decided places, as they are;
- its pairs with free places as they are, or half the least that any change over there leaves of them, whichever is
  less: where both places change, each answers for half of their pair;
- for the criteria that several drugs meet together, or that another drug lifts, its share of the most that can still be
  saved (`_promised_together`).

The k interventions that promise most, never mind what they do to one another, bound what a node can reach.
"""

from __future__ import annotations

import numpy as np

from harness.envs.polypharmacy.harm import BoolArray, FloatArray, Harm, IntArray, Regimen
from harness.envs.polypharmacy.original import INTERVENTION_COST

ROUNDING = 1e-12
"""Gains below this are rounding."""

MOST_STEPS = 3
"""Interventions that one place can take: replaced, the dose reduced, monitored."""


def best_regimen(harm: Harm, regimen: Regimen, interventions: int, among: BoolArray) -> tuple[float, Regimen]:
    """What can be gained from a regimen in so many interventions (harm taken away, less costs), and the regimen then.

    Parameters
    ----------
    harm : Harm
    regimen : Regimen
    interventions : int
    among : bool array, shape (O,)
        The options to go to; the present ones need not be among them.
    """
    search = _Search(harm, regimen, interventions, among)
    if len(search.moves):
        search.go()
    found = list(regimen)
    for move in search.best_set:
        option = int(search.moves[move])
        found[int(harm.place[option])] = option
    return max(-search.best, 0.0), tuple(found)


class _Search:
    """One search. A move takes a place to another option: there are M, and n places that have any.

    Attributes
    ----------
    moves : int array, shape (M,)
        The option that each leads to.
    best, best_set
        The least change of harm and cost found, and the moves that make it.
    """

    def __init__(self, harm: Harm, regimen: Regimen, interventions: int, among: BoolArray) -> None:
        self.best = 0.0
        self.best_set: tuple[int, ...] = ()
        self._harm = harm
        self._most = interventions
        self._regimen = np.array(regimen, dtype=np.int64)
        now = self._regimen[harm.place]
        steps = harm.steps[now, np.arange(len(now))]
        moves = self.moves = np.flatnonzero(among & (steps >= 1) & (steps <= interventions))
        if not len(moves):
            return
        before, self._steps = now[moves], steps[moves]
        places, self._first, self._of = np.unique(harm.place[moves], return_index=True, return_inverse=True)
        self._own = [slice(a, b) for a, b in zip(self._first, [*self._first[1:], len(moves)], strict=True)]
        pairs = harm.pairs
        with_all = pairs[:, self._regimen].sum(axis=1)
        alone = harm.alone[moves] - harm.alone[before] + with_all[moves] - with_all[before]
        self._alone = alone + INTERVENTION_COST * self._steps
        """Change of harm and cost by each move alone, what counts `together` left out, shape (M,)."""
        both, half_changed = pairs[np.ix_(moves, moves)], pairs[np.ix_(moves, before)]
        self._joint = both - half_changed - half_changed.T + pairs[np.ix_(before, before)]
        """What two moves of different places change beyond both alone, shape (M, M)."""
        left = 0.5 * np.minimum.reduceat(both, self._first, axis=1)
        self._spared = np.maximum(pairs[np.ix_(moves, self._regimen[places])] - left, 0.0)
        """What of a move's harm may go away if a place is changed too, shape (M, n)."""
        self._spared[np.arange(len(moves)), self._of] = 0.0
        self._together = bool(harm.roles or harm.counts or harm.lifted)
        self._single = int(self._steps.max()) == 1

    def go(self) -> None:
        """Search."""
        base = self._harm.together(self._regimen) if self._together else 0.0
        self._node((), -base, self._regimen, self._alone, self._spared.sum(axis=1), self._most)

    def _node(
        self,
        chosen: tuple[int, ...],
        change: float,
        regimen: IntArray,
        alone: FloatArray,
        spared: FloatArray,
        left: int,
    ) -> None:
        """Look at a node and all below it.

        Parameters
        ----------
        chosen : moves made
        change : what they change, what counts together left out but for what it was at first
        regimen : int array, after them
        alone : float array, shape (M,)
            What each further move changes; infinite where its place is decided.
        spared : float array, shape (M,)
            What of that may go away if free places are changed too.
        left : interventions left
        """
        total = change + (self._harm.together(regimen) if self._together else 0.0)
        if total < self.best - ROUNDING:
            self.best, self.best_set = total, chosen
        if not left:
            return
        promised = alone - spared
        if self._together:
            promised += self._promised_together(regimen)
        if left < MOST_STEPS:
            promised[self._steps > left] = np.inf
        while True:
            units = self._units(promised)
            ranked = np.sort(units, axis=None)
            if total + ranked[:left].sum() >= self.best - ROUNDING:
                return
            place = int(units[0].argmin())
            units[:, place] = 0.0
            others = np.append(0.0, np.sort(units, axis=None)[:left].cumsum())
            own = self._own[place]
            for move in own.start + promised[own].argsort():
                steps = int(self._steps[move])
                rest = others[min(left - steps, len(others) - 1)]
                if steps > left or total + promised[move] + rest >= self.best - ROUNDING:
                    continue
                after, further = regimen.copy(), alone + self._joint[move]
                after[self._harm.place[self.moves[move]]] = self.moves[move]
                further[own] = np.inf
                made = (*chosen, int(move))
                still = spared - self._spared[:, place]
                self._node(made, change + float(alone[move]), after, further, still, left - steps)
            alone = alone.copy()
            alone[own] = promised[own] = np.inf
            spared = spared - self._spared[:, place]
            promised += self._spared[:, place]

    def _units(self, promised: FloatArray) -> FloatArray:
        """The most that the first, second and third intervention on each place can be said to gain, shape (3, n).

        They add up to no more than any move of one, two or three interventions promises, and never fall.
        """
        one = np.minimum.reduceat(promised, self._first)
        if self._single:
            return np.minimum(one, 0.0)[None, :]
        one = np.minimum.reduceat(np.where(self._steps == 1, promised, np.inf), self._first)
        two = np.minimum.reduceat(np.where(self._steps <= 2, promised, np.inf), self._first)
        three = np.minimum.reduceat(promised, self._first)
        first = np.minimum(np.minimum(np.minimum(one, two / 2), three / 3), 0.0)
        second = np.minimum(np.minimum(two - first, (three - first) / 2), 0.0)
        return np.stack((first, second, np.minimum(three - first - second, 0.0)))

    def _promised_together(self, regimen: IntArray) -> FloatArray:
        """What each move can be said to save of the harm that counts `together`, shape (M,), at most 0."""
        harm, moves = self._harm, self.moves
        before = regimen[harm.place[moves]]
        found = np.zeros(len(moves))
        for weight, effect in harm.roles:
            found -= weight * np.maximum(effect[moves] - effect[regimen].max(), 0.0)
        for count in harm.counts:
            over = int(count.counted[regimen].sum()) - count.least + 1
            if over > 0:  # so many must go
                found -= count.weight / over * (count.counted[before] & ~count.counted[moves])
        for lifted in harm.lifted:
            if met := lifted.met(regimen):
                found -= lifted.weight * (lifted.subject[before] & ~lifted.subject[moves])
                found -= lifted.weight * met * (lifted.protective[moves] & ~lifted.protective[before])
        return found
