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

from mechcore.analysis.beta_ranges import within_theory
from mechcore.experiment.representative import spread
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import Margins, name_axes, panel_grid, say_nothing_known, title
from mechcore.report.figures.style import CONE, THEORY, draw_points, order_styles, plain
from mechcore.results.results import MOST_PANELS, Results

KEYS = ["kernel", "size", "angle", "beta"]
COLUMNS = [
    *("activation", "size", "pattern", "angle", "beta", "beta_star", "relative_speed"),
    *("contraction", "contraction_across"),
]
BETAS_SHOWN = 13

Array = NDArray[np.float64]

WIDEST = 1.45
SLOWEST, FASTEST = -0.06, 1.35
"""Limits of the axes of the contraction: beyond beta* a few states are far wider."""

ANGLE_DIGITS = 9
"""Angles in degrees that agree to so many decimals after quarter turns count as one."""

FEWEST_CORNERS = 3
"""The first pattern is a triangle, the next a square: polygons, as they can show an angle."""


def contraction_table(results: Results, family: str) -> pd.DataFrame:
    """Return the widths in motion against the speed, for the sizes shown."""
    mechanics, metrics = results.mechanics, results.metrics
    shown = spread(sorted(metrics.beta.unique()), BETAS_SHOWN)
    chosen = (metrics.kernel == family) & metrics.beta.isin(shown)
    chosen &= metrics.angle.isin(_angles_shown(results))
    rows = metrics[chosen & metrics["size"].isin(results.sizes_shown)]
    widths = mechanics[["contraction_along", "contraction_across"]].loc[rows.index]
    table = rows.join(widths).merge(results.kernels[[*KEYS, "diffusion_speed"]], on=KEYS)
    table = table.assign(relative_speed=table.speed / table.diffusion_speed)
    return table.rename(columns={"contraction_along": "contraction"})[COLUMNS]


def draw_contraction(data: FigureData) -> Figure:
    """Draw contraction against relative speed, two panels for each activation."""
    table, results = data.table, data.results
    activations = results.experiment.activations
    figure, pairs = _pairs(len(activations), _legend(results))
    for (upper, lower), activation in zip(pairs, activations, strict=False):
        rows = table[table.activation == activation]
        _draw_contraction(upper, rows, "contraction", results)
        _draw_contraction(lower, rows, "contraction_across", results)
        title(upper, activation)
        lower.annotate("across", (0.03, 0.06), xycoords="axes fraction", fontsize=7.5)
        upper.annotate("along", (0.03, 0.04), xycoords="axes fraction", fontsize=7.5)
    name_axes(figure, "relative speed $v/s$", r"contraction $\sigma(\beta)/\sigma(0)$")
    return figure


def describe_contraction(data: FigureData) -> str:
    """Return what the figure of contraction shows."""
    results, exact = data.results, data.table[within_theory(data.table)]
    known = exact.dropna(subset=["relative_speed", "contraction"]).sort_values("contraction")
    seen = "".join(
        f" Up to beta star it falls to {row.contraction:.3f} at relative speed "
        f"{row.relative_speed:.3f} ({row.activation}, k = {row['size']})."
        for _, row in known.head(1).iterrows()
    )
    return (
        f"Width in motion relative to the width at rest against speed over diffusion speed, "
        f"{data.topic}, with the curve root of one minus the square; "
        f"{_series(results)}.{seen}{_across(data.table)} "
        f"{_outside(data.table)}"
    )


def caption_contraction(data: FigureData) -> str:
    """Return what a reader must know to read the figure of contraction."""
    results = data.results
    quarters = "; of angles a quarter turn apart one is drawn" if _has_twins(results) else ""
    return (
        f"Width grown by layer {results.experiment.steps} relative to that of the even kernel, "
        f"along the motion and across it, against the measured speed in units of the diffusion "
        f"speed s ({data.topic}). Shape: pattern, turned by the angle "
        f"({_series(results)}{quarters}). Curves: Lorentz factor √(1 − v²/s²), and 1. "
        f"Filled: β ≤ β*; open: rectification acts.{_across(data.table)} {_outside(data.table)}"
    )


def _pairs(count: int, handles: list[Line2D]) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """A tall panel above a flat one for each activation."""
    columns = max(2, min(count, MOST_PANELS))
    rows = -(-count // columns)
    figure, panels = panel_grid(
        (2 * rows, columns),
        (1.55, 1.15),
        handles,
        legend_columns=columns + 1,
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
    known = [(table.dropna(subset=["relative_speed", name]), name) for name in EXPECTED]
    count = sum(int((~_inside(rows, name)).sum()) for rows, name in known)
    return f"{count} of {sum(len(rows) for rows, _ in known)} points lie outside the axes."


def _inside(rows: pd.DataFrame, column: str) -> pd.Series:
    return (rows[column] <= WIDEST) & rows.relative_speed.between(SLOWEST, FASTEST)


def _factor(share: Array) -> Array:
    return np.sqrt(1 - share**2)


EXPECTED: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "contraction": _factor,
    "contraction_across": np.ones_like,
}
"""What a Lorentz transform does to lengths along and across its motion."""


def _draw_contraction(axes: Axes, rows: pd.DataFrame, column: str, results: Results) -> None:
    share = np.linspace(0, 1, 100)
    axes.plot(share, EXPECTED[column](share), color=THEORY, lw=1.1, zorder=1)
    shown = rows[_inside(rows, column)]
    colours, markers = order_styles(results.sizes_shown), _markers(results)
    for (size, pattern, angle), part in shown.groupby(["size", "pattern", "angle"], sort=False):
        style = {"color": colours[size]["color"], "marker": markers[pattern, angle]}
        places = part.relative_speed, part[column], within_theory(part)
        draw_points(axes, *places, style, gid="contraction", size=3.6)
    axes.set(xlim=(SLOWEST, FASTEST), ylim=(0, WIDEST), yticks=[0, 0.5, 1])
    if shown.empty:
        say_nothing_known(axes)


def _angles_shown(results: Results) -> list[float]:
    turned: dict[float, float] = {}
    for angle in results.experiment.angles:
        turned.setdefault(round(angle % 90, ANGLE_DIGITS) % 90, angle)
    return list(turned.values())


def _has_twins(results: Results) -> bool:
    return len(_angles_shown(results)) < len(results.experiment.angles)


def _series(results: Results) -> str:
    angles = " and ".join(f"{angle:g}°" for angle in _angles_shown(results))
    return f"{', '.join(results.patterns)} at {angles}"


def _across(table: pd.DataFrame) -> str:
    known = table.dropna(subset=["relative_speed", "contraction_across"])
    exact = within_theory(known)
    ranges = [
        f" Across, widths are {widths.min():.3f} to {widths.max():.3f} {where} β*."
        for where, chosen in (("up to", exact), ("beyond", ~exact))
        if len(widths := known.contraction_across[chosen])
    ]
    return "".join(ranges)


def _markers(results: Results) -> dict[Any, Any]:
    """The polygon of each pattern and angle."""
    corners = {name: FEWEST_CORNERS + place for place, name in enumerate(results.patterns)}
    return {
        # Half a corner more, so that the square of an angle of 0 stands on a side.
        (pattern, angle): (count, 0, 180 / count + angle)
        for pattern, count in corners.items()
        for angle in _angles_shown(results)
    }


def _legend(results: Results) -> list[Line2D]:
    look: dict[str, Any] = {"ls": "", "ms": 4.5}
    sizes = [
        Line2D([], [], label=f"k = {size}", marker="o", color=style["color"], **look)
        for size, style in order_styles(results.sizes_shown).items()
    ]
    series = [
        Line2D([], [], label=f"{plain(pattern)}, {angle:g}°", marker=marker, color=CONE, **look)
        for (pattern, angle), marker in _markers(results).items()
    ]
    acts = Line2D([], [], marker="o", mfc="none", mec=CONE, label=r"$\beta > \beta^*$", **look)
    curve = Line2D([], [], color=THEORY, lw=1.1, label=r"$\sqrt{1 - v^2/s^2}$, and 1")
    return [*sizes, *series, acts, curve]
