"""Maps of a policy and of its action-values, by dose and severity, or by action where there are no doses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.core.text import harmless
from harness.evaluation.safety import ALL, ActionMap, DoseMap
from harness.mdp.doses import Dose
from harness.mdp.tabular import FloatArray
from harness.reports.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

LIGHT = 1.5
INK = ("#202020", "#ffffff")
"""A cell whose red, green and blue sum to more is light; ink on a light and on a dark cell."""

ACTIONS = 12
"""Actions that are drawn, those taken most often; of those never taken the best."""
LETTERS = 48
"""Of an action's label that are drawn."""


def dose_maps(name: str, maps: Mapping[str, DoseMap], doses: Sequence[Dose], value_name: str, unit: float) -> Figure:
    """A policy, and its action-values, by dose and severity: two rows of grids, a column for every band.

    Parameters
    ----------
    name : str
        Of the policy; it is drawn as it is, whatever signs it holds.
    maps : mapping of band to DoseMap
        Its Q is drawn as the difference from V, which is small beside the differences between bands.
    doses : sequence of one or two Dose
    value_name : str
    unit : float
        Of a value; 0.01 draws percentage points.
    """
    rows, columns = doses[0], doses[1] if len(doses) > 1 else None
    figure = new_figure(2.6 * len(maps) + 0.8, 5.8)
    figure.suptitle(literal(name), fontsize=10)
    panels = figure.subplots(2, len(maps), squeeze=False)
    shape = (len(rows.levels), -1)
    shares = [100 * known.share.reshape(shape) for known in maps.values()]
    gained = [(known.Q - known.V).reshape(shape) / unit for known in maps.values()]
    _grids(figure, panels[0], shares, "Blues", _from_zero(shares), "% of decisions", 0)
    _grids(figure, panels[1], gained, "RdBu", _around_zero(gained), _gain(value_name, unit), _decimals(gained))
    for (band, known), above, below in zip(maps.items(), panels[0], panels[1], strict=True):
        above.set_title(band, fontsize=9)
        below.set_title(f"V = {known.V:.4g}", fontsize=9)
        for axes in (above, below):
            axes.set_ylabel(f"{rows.name} level", fontsize=8)
            axes.set_yticks(range(len(rows.levels)))
            axes.set_xticks(range(len(columns.levels)) if columns else [])
        if columns:
            below.set_xlabel(f"{columns.name} level", fontsize=8)
    return figure


def action_maps(
    name: str, maps: Mapping[str, ActionMap], labels: Sequence[str], value_name: str, unit: float
) -> Figure:
    """The same by action: two grids with a row for each of the actions taken most often and a column for every band."""
    known = maps[ALL]
    order = np.lexsort((-np.nan_to_num(known.Q, nan=-np.inf), -known.share))[:ACTIONS][::-1]
    figure = new_figure(1.3 * len(maps) * 2 + 4.2, 0.26 * len(order) + 1.6)
    figure.suptitle(literal(name), fontsize=10)
    above, below = figure.subplots(1, 2)
    shares = [100 * np.stack([known.share[order] for known in maps.values()], axis=1)]
    gained = [np.stack([(known.Q[order] - known.V) for known in maps.values()], axis=1) / unit]
    _grids(figure, [above], shares, "Blues", _from_zero(shares), "% of decisions", 0, aspect="auto")
    gain = _gain(value_name, unit)
    _grids(figure, [below], gained, "RdBu", _around_zero(gained), gain, _decimals(gained), aspect="auto")
    heads = [f"{band}\nV = {known.V:.4g}" for band, known in maps.items()]
    for axes in (above, below):
        axes.set_xticks(range(len(maps)), heads, fontsize=7)
        axes.xaxis.tick_top()
        axes.set_yticks([])
        axes.set_xlabel("patients, by severity", fontsize=8)
        axes.set_ylabel("action", fontsize=8)
    above.set_yticks(range(len(order)), [literal(_short(labels[a])) for a in order], fontsize=7)
    return figure


def _short(label: str) -> str:
    return label if len(label) <= LETTERS else f"{label[: LETTERS - 1]}…"


def _gain(value_name: str, unit: float) -> str:
    return f"{1 / unit:g} (Q - V), {value_name}" if unit != 1 else f"Q - V, {value_name}"


def _from_zero(grids: Sequence[FloatArray]) -> tuple[float, float]:
    return 0.0, max(float(grid.max()) for grid in grids) or 1.0


def _around_zero(grids: Sequence[FloatArray]) -> tuple[float, float]:
    far = _farthest(grids)
    return -far, far


def _farthest(grids: Sequence[FloatArray]) -> float:
    return max((float(np.nanmax(np.abs(grid))) for grid in grids if np.isfinite(grid).any()), default=1.0) or 1.0


def _decimals(grids: Sequence[FloatArray]) -> int:
    """So many that the largest figure has two or three digits."""
    far = _farthest(grids)
    return 1 if far >= 1 else 3


def _grids(
    figure: Figure,
    panels: Sequence[Axes],
    grids: Sequence[FloatArray],
    colours: str,
    limits: tuple[float, float],
    what: str,
    decimals: int,
    aspect: Literal["equal", "auto"] = "equal",
) -> None:
    image: AxesImage
    for axes, grid in zip(panels, grids, strict=True):
        image = axes.imshow(grid, origin="lower", cmap=colours, vmin=limits[0], vmax=limits[1], aspect=aspect)
        for (row, column), value in np.ndenumerate(grid):
            if np.isfinite(value):
                light = sum(image.to_rgba(np.asarray(value))[:3]) > LIGHT
                axes.text(column, row, _cell(value, decimals), ha="center", va="center", fontsize=6.5,
                          color=INK[int(not light)])  # fmt: skip
        axes.tick_params(labelsize=8)
    figure.colorbar(image, ax=list(panels), shrink=0.85).set_label(what, fontsize=8)


def _cell(value: float, decimals: int) -> str:
    """A share as '52'; a difference as '+0.2', and '0' where it rounds to none."""
    shown = round(float(value), decimals)
    return "0" if shown == 0 else f"{shown:+.{decimals}f}" if decimals else f"{shown:.0f}"


def literal(text: str) -> str:
    r"""Foreign text for a figure: no control characters, and no sign that would be read as mathematics.

    >>> print(literal("$x$"))
    \$x\$
    """
    return harmless(text).replace("\n", " ").replace("$", r"\$")
