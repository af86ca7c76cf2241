"""Contraction: the widths in motion against the speed, beside the Lorentz factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mechcore.choices import spread
from mechcore.domains import within_theory
from mechcore.evidence import MOST_PANELS, Evidence, FigureData
from mechcore.figures.layout import Margins, name_axes, panel_grid, say_nothing_known, title
from mechcore.figures.style import CONE, THEORY, draw_points, order_styles

KEYS = ["kernel", "size", "angle", "beta"]
COLUMNS = [
    *("activation", "size", "beta", "beta_star", "relative_speed"),
    *("contraction", "contraction_across"),
]
BETAS_SHOWN = 13

Array = NDArray[np.float64]

WIDEST = 1.45
FASTEST = 1.35
"""Limits of the axes of the contraction: beyond beta* a few states are far wider."""


def contraction_table(evidence: Evidence, family: str) -> pd.DataFrame:
    """Return the widths in motion against the speed, for the sizes shown.

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
        kernel in px per root of a layer), contraction (sigma(beta) / sigma(0) along the motion),
        contraction_across (the same at right angles), of the pattern and angle that stand for all.
    """
    mechanics, metrics = evidence.mechanics, evidence.metrics
    shown = spread(sorted(metrics.beta.unique()), BETAS_SHOWN)
    chosen = (metrics.kernel == family) & (metrics.pattern == evidence.point)
    chosen &= (metrics.angle == evidence.angle) & metrics.beta.isin(shown)
    rows = metrics[chosen & metrics["size"].isin(evidence.sizes_shown)]
    widths = mechanics[["contraction_along", "contraction_across"]].loc[rows.index]
    table = rows.join(widths).merge(evidence.kernels[[*KEYS, "diffusion_speed"]], on=KEYS)
    table = table.assign(relative_speed=table.speed / table.diffusion_speed)
    return table.rename(columns={"contraction_along": "contraction"})[COLUMNS]


def draw_contraction(data: FigureData) -> Figure:
    """Draw contraction against relative speed, two panels for each activation.

    Parameters
    ----------
    data : FigureData
        Of `contraction_table`.

    Returns
    -------
    matplotlib.figure.Figure
        Along the motion with the Lorentz factor sqrt(1 - v^2/s^2), across it with 1.
    """
    table, evidence = data.table, data.evidence
    activations = evidence.experiment.activations
    figure, pairs = _pairs(len(activations), _legend(evidence))
    for (upper, lower), activation in zip(pairs, activations, strict=False):
        rows = table[table.activation == activation]
        _draw_contraction(upper, rows, "contraction", evidence)
        _draw_contraction(lower, rows, "contraction_across", evidence)
        title(upper, activation)
        lower.annotate("across", (0.03, 0.06), xycoords="axes fraction", fontsize=7.5)
        upper.annotate("along", (0.03, 0.04), xycoords="axes fraction", fontsize=7.5)
    name_axes(figure, "relative speed $v/s$", r"contraction $\sigma(\beta)/\sigma(0)$")
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
    exact = data.table[within_theory(data.table)]
    known = exact.dropna(subset=["relative_speed", "contraction"]).sort_values("contraction")
    seen = "".join(
        f" Up to beta star it falls to {row.contraction:.3f} at relative speed "
        f"{row.relative_speed:.3f} ({row.activation}, k = {row['size']})."
        for _, row in known.head(1).iterrows()
    )
    across = exact.contraction_across.dropna()
    still = f" Across, it is {across.min():.3f} to {across.max():.3f}." if len(across) else ""
    return (
        f"Width in motion relative to the width at rest against speed over diffusion speed, "
        f"{data.topic}, with the curve root of one minus the square.{seen}{still} "
        f"{_outside(data.table)}"
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
    evidence = data.evidence
    return (
        f"Width grown by layer {evidence.experiment.steps} relative to that of the even kernel, "
        f"along the motion and across it, against the measured speed in units of the diffusion "
        f"speed s ({data.topic}, {evidence.point}, {evidence.angle:g}°). Curves: Lorentz factor "
        f"√(1 − v²/s²), and 1. Filled: β ≤ β*; open: rectification acts. {_outside(data.table)}"
    )


def _pairs(count: int, handles: list[Line2D]) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """A tall panel above a flat one for each activation."""
    columns = max(2, min(count, MOST_PANELS))
    rows = -(-count // columns)
    figure, panels = panel_grid(
        (2 * rows, columns),
        (1.55, 1.15),
        handles,
        legend_columns=4,
        gap=(0.12, 0.2),
        margins=Margins(bottom=0.5),
        height_ratios=[1.35, 0.65] * rows,
        sharex=True,
        sharey="row",
    )
    pairs = [
        (panels[2 * row, column], panels[2 * row + 1, column])
        for row in range(rows)
        for column in range(columns)
    ]
    for pair in pairs[count:]:
        for axes in pair:
            axes.set_visible(False)
    for _, lower in pairs[max(0, count - columns) : count]:
        lower.tick_params(labelbottom=True)
    return figure, pairs


def _outside(table: pd.DataFrame) -> str:
    known = table.dropna(subset=["relative_speed", "contraction"])
    count = int(((known.contraction > WIDEST) | (known.relative_speed > FASTEST)).sum())
    return f"{count} of {len(known)} points lie outside the axes."


def _factor(share: Array) -> Array:
    return np.sqrt(1 - share**2)


EXPECTED: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "contraction": _factor,
    "contraction_across": np.ones_like,
}
"""What a Lorentz transform does to lengths along and across its motion."""


def _draw_contraction(axes: Axes, rows: pd.DataFrame, column: str, evidence: Evidence) -> None:
    share = np.linspace(0, 1, 100)
    axes.plot(share, EXPECTED[column](share), color=THEORY, lw=1.1, zorder=1)
    shown = rows[(rows[column] <= WIDEST) & (rows.relative_speed <= FASTEST)]
    for size, style in order_styles(evidence.sizes_shown).items():
        part = shown[shown["size"] == size]
        places = part.relative_speed, part[column], within_theory(part)
        draw_points(axes, *places, style, gid="contraction", size=3.2)
    axes.set(xlim=(-0.04, FASTEST), ylim=(0, WIDEST), yticks=[0, 0.5, 1])
    if shown.empty:
        say_nothing_known(axes)


def _legend(evidence: Evidence) -> list[Line2D]:
    look: dict[str, Any] = {"ls": "", "ms": 4}
    points = [
        Line2D([], [], label=f"k = {size}", **look, **style)
        for size, style in order_styles(evidence.sizes_shown).items()
    ]
    acts = Line2D([], [], marker="o", mfc="none", mec=CONE, label=r"$\beta > \beta^*$", **look)
    curve = Line2D([], [], color=THEORY, lw=1.1, label=r"$\sqrt{1 - v^2/s^2}$, and 1")
    return [*points, acts, curve]
