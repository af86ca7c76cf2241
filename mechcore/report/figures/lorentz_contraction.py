"""The widths in motion against the speed, beside the Lorentz factor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.analysis.beta_ranges import within_theory
from mechcore.experiment.representative import spread
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    line,
    mark,
    name_axes,
    name_rows,
    panel_grid,
    rectified_mark,
    say_nothing_known,
    size_text,
)
from mechcore.report.figures.series import FILLED, draw_series, in_words, order_styles
from mechcore.report.figures.style import CONE, MARKERS, THEORY, Style, plain
from mechcore.results.results import Results

KEYS = ["kernel", "size", "angle", "beta"]
COLUMNS = [
    *("activation", "size", "pattern", "beta", "beta_star", "relative_speed"),
    *("contraction_along", "contraction_across"),
]
BETAS_SHOWN = 13

EXPECTED: dict[str, Callable[[Array], Array]] = {
    "contraction_along": lambda speed: np.sqrt(1 - speed**2),
    "contraction_across": np.ones_like,
}
"""What a Lorentz transform does to lengths along and across its motion."""

WIDEST = 1.45
SLOWEST, FASTEST = -0.06, 1.35
"""Limits of the axes: beyond beta* a few states are far wider."""


def _table(results: Results, family: str) -> pd.DataFrame:
    mechanics, metrics = results.mechanics, results.metrics
    shown = spread(sorted(metrics.beta.unique()), BETAS_SHOWN)
    chosen = (metrics.kernel == family) & metrics.beta.isin(shown)
    chosen &= (metrics.angle == results.angle) & metrics["size"].isin(results.sizes_shown)
    table = metrics[chosen].join(mechanics[list(EXPECTED)])
    table = table.merge(results.kernels[[*KEYS, "diffusion_speed"]], on=KEYS)
    return table.assign(relative_speed=table.speed / table.diffusion_speed)[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table, activations = data.table, data.results.experiment.activations
    sizes = order_styles(data.results.sizes_shown)
    patterns = dict(zip(data.results.patterns, MARKERS, strict=False))
    legend = [
        *(mark(size_text(size), color=style["color"]) for size, style in sizes.items()),
        *(mark(plain(name), marker=marker, color=CONE) for name, marker in patterns.items()),
        rectified_mark(),
        line(r"$\sqrt{1 - v^2/s^2}$, and 1", THEORY, 1.1),
    ]
    shape, margins = (len(activations), len(EXPECTED)), Margins(right=0.3)
    figure, panels = panel_grid(
        shape, (2.9, 1.0), legend, gap=(0.15, 0.15), margins=margins, sharex=True, sharey=True
    )
    for row, activation in zip(panels, activations, strict=True):
        rows = table[table.activation == activation]
        for axes, column in zip(row, EXPECTED, strict=True):
            _draw_widths(axes, rows[_inside(rows, column)], column, sizes, patterns)
    for axes, direction in zip(panels[0], ("along", "across"), strict=True):
        axes.set_title(f"{direction} the motion", pad=3)
    panels[0, 0].set(xlim=(SLOWEST, FASTEST), ylim=(0, WIDEST), yticks=[0, 0.5, 1])
    name_rows(panels, activations)
    name_axes(figure, "relative speed $v/s$", r"contraction $\sigma(\beta)/\sigma(0)$")
    return figure


def _alt_text(data: FigureData) -> str:
    exact = data.table[within_theory(data.table)]
    narrowest = in_words(exact, ["activation", "size"], _narrowest)
    return (
        f"Width in motion relative to the width at rest against speed over diffusion speed, "
        f"{data.topic}, with the curve root of one minus the square. Narrowest up to beta star: "
        f"{narrowest or 'none'}. {_outside(data.table)}"
    )


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Width grown by layer {results.experiment.steps} relative to that of the even kernel, "
        "along the motion and across it, against the measured speed in units of the diffusion "
        f"speed s ({data.topic}, {results.angle:g}°). Shape: pattern. Curves: Lorentz factor "
        f"√(1 − v²/s²), and 1. {FILLED} {_outside(data.table)}"
    )


def _draw_widths(
    axes: Axes,
    rows: pd.DataFrame,
    column: str,
    sizes: dict[int, Style],
    patterns: dict[str, str],
) -> None:
    speeds = np.linspace(0, 1, 100)
    axes.plot(speeds, EXPECTED[column](speeds), color=THEORY, lw=1.1, zorder=1)
    for pattern, marker in patterns.items():
        styles = {size: style | {"marker": marker} for size, style in sizes.items()}
        part, places = rows[rows.pattern == pattern], ("relative_speed", column)
        draw_series(axes, part, places, "size", styles, filled=within_theory)
    if rows.empty:
        say_nothing_known(axes)


def _inside(rows: pd.DataFrame, column: str) -> pd.Series:
    return (rows[column] <= WIDEST) & rows.relative_speed.between(SLOWEST, FASTEST)


def _outside(table: pd.DataFrame) -> str:
    known = {name: table.dropna(subset=["relative_speed", name]) for name in EXPECTED}
    count = sum(int((~_inside(rows, name)).sum()) for name, rows in known.items())
    return f"{count} of {sum(map(len, known.values()))} points are outside the axes."


def _narrowest(rows: pd.DataFrame) -> str:
    known = rows.dropna(subset=["relative_speed", *EXPECTED])
    if known.empty:
        return "none"
    best = known.iloc[int(known.contraction_along.argmin())]
    return (
        f"{best.contraction_along:.3f} along and {best.contraction_across:.3f} across at "
        f"relative speed {best.relative_speed:z.3f}"
    )


FIGURE = ReportFigure("contraction_along", _table, _draw, _alt_text, _caption)
