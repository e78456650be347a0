"""Maps of a policy and of its action-values by dose and severity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.core.text import harmless
from harness.mdp.tabular import FloatArray
from harness.reports.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LIGHT = 1.5
INK = ("#202020", "#ffffff")
"""A cell whose red, green and blue sum to more is light; ink on a light and on a dark cell."""


def dose_maps(
    name: str,
    shares: Mapping[str, FloatArray],
    Q: Mapping[str, FloatArray],
    V: Mapping[str, float],
    value_name: str,
) -> Figure:
    """A policy, and its action-values, by dose and severity: two rows of grids, a column for every band.

    Parameters
    ----------
    name : str
        Of the policy; it is drawn as it is, whatever signs it holds.
    shares : mapping of band to float array, shape (fluid levels, vasopressor levels)
        Share of the decisions in the band that give the dose.
    Q : mapping of band to float array of the same shape
        Mean action-value of the dose, NaN where it cannot be given. Drawn as its difference from V, which is small
        beside the differences between bands.
    V : mapping of band to mean value
    value_name : str
    """
    figure = new_figure(2.6 * len(shares) + 0.8, 5.8)
    figure.suptitle(literal(name), fontsize=10)
    panels = figure.subplots(2, len(shares), squeeze=False)
    gained = {band: 100 * (grid - V[band]) for band, grid in Q.items()}
    far = max((float(np.nanmax(np.abs(grid))) for grid in gained.values() if np.isfinite(grid).any()), default=1.0)
    top = max(float(share.max()) for share in shares.values())
    given = {band: 100 * share for band, share in shares.items()}
    _grids(figure, panels[0], given, "Blues", (0.0, 100 * top), "% of decisions", ".0f")
    _grids(figure, panels[1], gained, "RdBu", (-far or -1.0, far or 1.0), f"100 (Q - V), {value_name}", "+.1f")
    for band, above, below in zip(shares, panels[0], panels[1], strict=True):
        above.set_title(band, fontsize=9)
        below.set_title(f"V = {V[band]:.4f}", fontsize=9)
        below.set_xlabel("vasopressor level", fontsize=8)
    return figure


def _grids(
    figure: Figure,
    panels: Sequence[Axes],
    grids: Mapping[str, FloatArray],
    colours: str,
    limits: tuple[float, float],
    what: str,
    form: str,
) -> None:
    for axes, grid in zip(panels, grids.values(), strict=True):
        image = axes.imshow(grid, origin="lower", cmap=colours, vmin=limits[0], vmax=limits[1])
        for (fluids, vasopressor), value in np.ndenumerate(grid):
            if np.isfinite(value):
                light = sum(image.to_rgba(np.asarray(value))[:3]) > LIGHT
                axes.text(vasopressor, fluids, format(value, form), ha="center", va="center", fontsize=6.5,
                          color=INK[int(not light)])  # fmt: skip
        axes.set_xticks(range(grid.shape[1]))
        axes.set_yticks(range(grid.shape[0]))
        axes.tick_params(labelsize=8)
        axes.set_ylabel("fluid level", fontsize=8)
    figure.colorbar(image, ax=list(panels), shrink=0.85).set_label(what, fontsize=8)


def literal(text: str) -> str:
    r"""Foreign text for a figure: no control characters, and no sign that would be read as mathematics.

    >>> print(literal("$x$"))
    \$x\$
    """
    return harmless(text).replace("\n", " ").replace("$", r"\$")
