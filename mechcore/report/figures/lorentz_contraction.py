"""The widths in motion against the speed, beside the Lorentz factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.beta_ranges import within_theory
from mechcore.experiment.representative import spread
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    FILLED,
    facets,
    line,
    mark,
    name_axes,
    panel_grid,
    rectified_mark,
    say_nothing_known,
    size_text,
    title,
)
from mechcore.report.figures.style import CONE, THEORY, draw_points, order_styles, plain
from mechcore.results.results import MOST_PANELS, Results

KEYS = ["kernel", "size", "angle", "beta"]
COLUMNS = [
    *("activation", "size", "pattern", "angle", "beta", "beta_star", "relative_speed"),
    *("contraction", "contraction_across"),
]
BETAS_SHOWN = 13

WIDEST = 1.45
SLOWEST, FASTEST = -0.06, 1.35
"""Limits of the axes: beyond beta* a few states are far wider."""

ANGLE_DIGITS = 9
"""Angles in degrees that agree to so many decimals after quarter turns count as one."""

FEWEST_CORNERS = 3
"""The first pattern is a triangle, the next a square: polygons, as they can show an angle."""


EXPECTED: dict[str, Callable[[Array], Array]] = {
    "contraction": lambda relative_speed: np.sqrt(1 - relative_speed**2),
    "contraction_across": np.ones_like,
}
"""What a Lorentz transform does to lengths along and across its motion."""


def _table(results: Results, family: str) -> pd.DataFrame:
    mechanics, metrics = results.mechanics, results.metrics
    shown = spread(sorted(metrics.beta.unique()), BETAS_SHOWN)
    chosen = (metrics.kernel == family) & metrics.beta.isin(shown)
    chosen &= metrics.angle.isin(_angles_shown(results))
    rows = metrics[chosen & metrics["size"].isin(results.sizes_shown)]
    widths = mechanics[["contraction_along", "contraction_across"]].loc[rows.index]
    table = rows.join(widths).merge(results.kernels[[*KEYS, "diffusion_speed"]], on=KEYS)
    table = table.assign(relative_speed=table.speed / table.diffusion_speed)
    return table.rename(columns={"contraction_along": "contraction"})[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table, activations = data.table, data.results.experiment.activations
    figure, pairs = _pairs(len(activations), _legend(data.results))
    for (upper, lower), activation in zip(pairs, activations, strict=False):
        rows = table[table.activation == activation]
        _draw_widths(upper, rows, "contraction", data.results)
        _draw_widths(lower, rows, "contraction_across", data.results)
        title(upper, activation)
        lower.annotate("across", (0.03, 0.06), xycoords="axes fraction", fontsize=7.5)
        upper.annotate("along", (0.03, 0.04), xycoords="axes fraction", fontsize=7.5)
    name_axes(figure, "relative speed $v/s$", r"contraction $\sigma(\beta)/\sigma(0)$")
    return figure


def _alt_text(data: FigureData) -> str:
    exact = data.table[within_theory(data.table)]
    known = exact.dropna(subset=["relative_speed", "contraction"]).sort_values("contraction")
    narrowest = "".join(
        f" Up to beta star it falls to {row.contraction:.3f} at relative speed "
        f"{row.relative_speed:.3f} ({row.activation}, k = {row['size']})."
        for _, row in known.head(1).iterrows()
    )
    return (
        f"Width in motion relative to the width at rest against speed over diffusion speed, "
        f"{data.topic}, with the curve root of one minus the square; {_series(data.results)}."
        f"{narrowest}{_across(data.table)} {_outside(data.table)}"
    )


def _caption(data: FigureData) -> str:
    results = data.results
    fewer = len(_angles_shown(results)) < len(results.experiment.angles)
    quarters = "; of angles a quarter turn apart one is drawn" if fewer else ""
    return (
        f"Width grown by layer {results.experiment.steps} relative to that of the even kernel, "
        f"along the motion and across it, against the measured speed in units of the diffusion "
        f"speed s ({data.topic}). Shape: pattern, turned by the angle "
        f"({_series(results)}{quarters}). Curves: Lorentz factor √(1 − v²/s²), and 1. "
        f"{FILLED}{_across(data.table)} {_outside(data.table)}"
    )


def _pairs(count: int, handles: list[Line2D]) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """A tall panel above a flat one for each activation."""
    rows, columns = facets(max(2, count), MOST_PANELS)
    figure, panels = panel_grid(
        (2 * rows, columns),
        (1.55, 1.15),
        handles,
        legend_columns=columns + 1,
        gap=(0.12, 0.2),
        height_ratios=[1.35, 0.65] * rows,
        sharex=True,
        sharey="row",
    )
    pairs = list(zip(panels[::2].flat, panels[1::2].flat, strict=True))
    for pair in pairs[count:]:
        for axes in pair:
            axes.set_visible(False)
    for _, lower in pairs[max(0, count - columns) : count]:
        lower.tick_params(labelbottom=True)
    return figure, pairs


def _draw_widths(axes: Axes, rows: pd.DataFrame, column: str, results: Results) -> None:
    speeds = np.linspace(0, 1, 100)
    axes.plot(speeds, EXPECTED[column](speeds), color=THEORY, lw=1.1, zorder=1)
    shown = rows[_inside(rows, column)]
    sizes, markers = order_styles(results.sizes_shown), _markers(results)
    for (size, pattern, angle), part in shown.groupby(["size", "pattern", "angle"], sort=False):
        style = sizes[size] | {"marker": markers[pattern, angle]}
        places = part.relative_speed, part[column]
        draw_points(axes, *places, within_theory(part), style, gid="contraction", ms=3.6)
    axes.set(xlim=(SLOWEST, FASTEST), ylim=(0, WIDEST), yticks=[0, 0.5, 1])
    if shown.empty:
        say_nothing_known(axes)


def _inside(rows: pd.DataFrame, column: str) -> pd.Series:
    return (rows[column] <= WIDEST) & rows.relative_speed.between(SLOWEST, FASTEST)


def _outside(table: pd.DataFrame) -> str:
    known = [(table.dropna(subset=["relative_speed", name]), name) for name in EXPECTED]
    count = sum(int((~_inside(rows, name)).sum()) for rows, name in known)
    return f"{count} of {sum(len(rows) for rows, _ in known)} points are outside the axes."


def _across(table: pd.DataFrame) -> str:
    known = table.dropna(subset=["relative_speed", "contraction_across"])
    exact = within_theory(known)
    ranges = [
        f" Across, widths are {widths.min():.3f} to {widths.max():.3f} {where} β*."
        for where, chosen in (("up to", exact), ("beyond", ~exact))
        if len(widths := known.contraction_across[chosen])
    ]
    return "".join(ranges)


def _angles_shown(results: Results) -> list[float]:
    turned: dict[float, float] = {}
    for angle in results.experiment.angles:
        turned.setdefault(round(angle % 90, ANGLE_DIGITS) % 90, angle)
    return list(turned.values())


def _series(results: Results) -> str:
    angles = " and ".join(f"{angle:g}°" for angle in _angles_shown(results))
    return f"{', '.join(results.patterns)} at {angles}"


def _markers(results: Results) -> dict[Any, Any]:
    """The polygon of each pattern and angle."""
    return {
        # Half a corner more, so that the square of an angle of 0 has a level base.
        (pattern, angle): (corners, 0, 180 / corners + angle)
        for corners, pattern in enumerate(results.patterns, FEWEST_CORNERS)
        for angle in _angles_shown(results)
    }


def _legend(results: Results) -> list[Line2D]:
    sizes = [
        mark(size_text(size), color=style["color"], ms=4.5)
        for size, style in order_styles(results.sizes_shown).items()
    ]
    series = [
        mark(f"{plain(pattern)}, {angle:g}°", marker=marker, color=CONE, ms=4.5)
        for (pattern, angle), marker in _markers(results).items()
    ]
    curve = line(r"$\sqrt{1 - v^2/s^2}$, and 1", THEORY, 1.1)
    return [*sizes, *series, rectified_mark(4.5), curve]


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
