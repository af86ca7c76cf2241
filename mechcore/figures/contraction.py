"""Contraction: the width in motion against the speed, beside the Lorentz factor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.figures.evidence import MOST_PANELS, Evidence, FigureData
from mechcore.figures.style import CONE, MARKERS, THEORY, colours, new_figure
from mechcore.measures import contraction

WIDEST = 1.45
FASTEST = 1.35
"""Limits of the axes of the contraction: beyond beta* a few states are far wider."""


def contraction_table(evidence: Evidence, family: str) -> pd.DataFrame:
    """Return the width in motion against the speed, for all cells of a family.

    Parameters
    ----------
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    pandas.DataFrame
        Columns activation, size, beta, beta_star, relative_speed (v / s, s the width of the even
        kernel in px per root of a layer), contraction (sigma(beta) / sigma(0)).
    """
    plan = evidence.experiment
    tables = [
        _contraction_of(evidence, family, activation, size)
        for activation in plan.activations
        for size in plan.sizes
    ]
    return pd.concat(tables, ignore_index=True)


def draw_contraction(data: FigureData) -> Figure:
    """Draw contraction against relative speed, a panel for each activation.

    Parameters
    ----------
    data : FigureData
        Of `contraction_table`.

    Returns
    -------
    matplotlib.figure.Figure
        With the Lorentz factor sqrt(1 - v^2/s^2).
    """
    table, evidence = data.table, data.evidence
    activations = evidence.experiment.activations
    columns = min(len(activations), MOST_PANELS)
    rows = -(-len(activations) // columns)
    figure = new_figure(max(4.2, 1.85 * columns + 0.7), 2.2 * rows + 0.9)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes, activation in zip(panels.flat, activations, strict=False):
        _draw_contraction(axes, table[table.activation == activation], evidence)
        axes.set(title=activation, xlim=(-0.04, FASTEST), ylim=(0, WIDEST))
    for axes in panels.flat[len(activations) :]:
        axes.set_visible(False)
    figure.supxlabel("relative speed $v/s$")
    figure.supylabel(r"contraction $\sigma(\beta)/\sigma(0)$")
    figure.legend(
        handles=_size_legend(evidence), loc="outside upper center", ncols=7 if columns > 2 else 3
    )
    return figure


def describe_contraction(data: FigureData) -> str:
    """Return what the figure of contraction shows.

    Parameters
    ----------
    data : FigureData
        Of `contraction_table`.

    Returns
    -------
    str
        For readers who do not see it.
    """
    table, family = data.table, data.topic
    exact = table[table.beta <= table.beta_star]
    known = exact[exact.contraction.notna()].sort_values("contraction")
    seen = "".join(
        f" Up to beta star it falls to {row.contraction:.3f} at relative speed "
        f"{row.relative_speed:.3f} ({row.activation}, k = {row['size']})."
        for _, row in known.head(1).iterrows()
    )
    return (
        f"Width in motion relative to the width at rest against speed over diffusion speed, "
        f"{family}, with the curve root of one minus the square.{seen} {_outside(table)}"
    )


def caption_contraction(data: FigureData) -> str:
    """Return what a reader must know to read the figure of contraction.

    Parameters
    ----------
    data : FigureData
        Of `contraction_table`.

    Returns
    -------
    str
        The caption.
    """
    table, evidence = data.table, data.evidence
    return (
        f"Width grown by layer {evidence.experiment.steps} relative to that of the even kernel, "
        f"against the measured speed in units of the diffusion speed s ({evidence.point}, "
        f"{evidence.angle:g}°). Curve: Lorentz factor √(1 − v²/s²). Filled: β ≤ β*; open: "
        f"rectification acts. {_outside(table)}"
    )


def has_rest(evidence: Evidence) -> bool:
    """Return whether the even kernel ran, to which widths in motion are compared.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    bool
        Whether beta = 0 is on the grid.
    """
    return bool((evidence.metrics.beta == 0).any())


def _contraction_of(evidence: Evidence, family: str, activation: str, size: int) -> pd.DataFrame:
    dataset = evidence.dataset(family, activation, size)
    widths = contraction(dataset).sel(pattern=evidence.point).isel(angle=0)
    metrics = evidence.metrics
    chosen = (metrics.kernel == family) & (metrics.activation == activation)
    chosen &= (metrics["size"] == size) & (metrics.pattern == evidence.point)
    rows = metrics[chosen & (metrics.angle == evidence.angle)].set_index("beta")
    light = evidence.theories(family, size)[0].diffusion_speed
    columns = ["activation", "size", "beta", "beta_star", "relative_speed", "contraction"]
    return rows.assign(
        relative_speed=rows.speed / light,
        contraction=pd.Series(widths.values, index=widths.beta.values),
    ).reset_index()[columns]


def _outside(table: pd.DataFrame) -> str:
    known = table.dropna(subset=["relative_speed", "contraction"])
    count = int(((known.contraction > WIDEST) | (known.relative_speed > FASTEST)).sum())
    return f"{count} of {len(known)} points lie outside the axes."


def _draw_contraction(axes: Axes, table: pd.DataFrame, evidence: Evidence) -> None:
    share = np.linspace(0, 1, 200)
    axes.plot(share, np.sqrt(1 - share**2), color=THEORY, lw=1.1, zorder=1)
    for size, style in _size_styles(evidence).items():
        rows = table[table["size"] == size]
        exact = (rows.beta <= rows.beta_star).to_numpy(bool)
        for chosen, face in ((exact, style["color"]), (~exact, "none")):
            axes.plot(
                rows.relative_speed.to_numpy()[chosen],
                rows.contraction.to_numpy()[chosen],
                ls="",
                ms=3.6,
                mfc=face,
                mec=style["color"],
                mew=0.8,
                marker=style["marker"],
                gid="contraction",
            )


def _size_styles(evidence: Evidence) -> dict[int, dict[str, Any]]:
    sizes = evidence.experiment.sizes
    return {
        size: {"color": colour, "marker": MARKERS[index % len(MARKERS)]}
        for index, (size, colour) in enumerate(zip(sizes, colours(len(sizes)), strict=True))
    }


def _size_legend(evidence: Evidence) -> list[Line2D]:
    points = [
        Line2D([], [], ls="", ms=4, label=f"k = {size}", **style)
        for size, style in _size_styles(evidence).items()
    ]
    acts = Line2D([], [], ls="", ms=4, marker="o", mfc="none", mec=CONE, label=r"$\beta > \beta^*$")
    curve = Line2D([], [], color=THEORY, lw=1.1, label=r"$\sqrt{1 - v^2/s^2}$")
    return [*points, acts, curve]
