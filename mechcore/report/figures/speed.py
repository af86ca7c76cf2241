"""Speed against beta, for each kernel size, with the exact theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mechcore.analysis.beta_ranges import within_theory
from mechcore.experiment.representative import shown_sizes, spread
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    line,
    name_axes,
    name_rows,
    panel_grid,
    say_nothing_known,
    size_text,
)
from mechcore.report.figures.series import category_styles, draw_points, in_words, nested
from mechcore.report.figures.style import BEYOND, CONE, SHADE, THEORY, Style, plain
from mechcore.results.results import Results

MOST_COLUMNS = 3
MOST_POINTS = 21
"""Betas drawn of a simulation series: more would touch each other."""


def _table(results: Results, family: str) -> pd.DataFrame:
    """Mean speeds, abs(M1/M0), and whether any simulation behind them is doubtful."""
    metrics, points = results.metrics, results.mean_speeds
    doubtful = metrics.ill_conditioned.astype(bool) | metrics.extinct_at.notna()
    keys = ["cell", "pattern", "beta"]
    doubts = metrics.assign(doubtful=doubtful).groupby(keys).doubtful.max()
    sizes = shown_sizes(results.sizes_of(family), MOST_COLUMNS)
    points = points[(points.kernel == family) & points["size"].isin(sizes)]
    kernels = results.kernels[results.kernels.kernel == family]
    linear = kernels.groupby(["size", "beta"]).speed_linear.mean()
    known = points.join(doubts, on=keys).join(linear, on=["size", "beta"])
    return known.drop(columns="kernel").reset_index(drop=True)


def _draw(data: FigureData) -> Figure:
    """Draw a panel for each activation and size."""
    table, results = data.table, data.results
    activations, sizes = results.experiment.activations, sorted(table["size"].unique())
    figure, panels = panel_grid(
        (len(activations), len(sizes)),
        (max(1.75, 3.6 / len(sizes)), 1.0),
        _legend(results),
        legend_columns=2,
        gap=(0.38, 0.2),
        margins=Margins(right=0.3),
    )
    for (row, column), axes in np.ndenumerate(panels):
        rows = table[table["size"] == sizes[column]]
        cone = results.mean_light_speed(sizes[column])
        axes.set_xlim(-0.04, 1.04)
        _limit_speed(axes, rows.speed, cone)
        shown = rows[rows.activation == activations[row]]
        exact = results.is_exact(activations[row])
        _draw_theory(axes, shown[shown.pattern == results.patterns[0]], cone, exact=exact)
        _draw_simulations(axes, shown, results)
        axes.tick_params(labelbottom=row == len(activations) - 1)
    for axes, size in zip(panels[0], sizes, strict=True):
        axes.set_title(size_text(size), pad=3)
    name_rows(panels, activations)
    name_axes(figure, r"$\beta = p/E$", "speed along the momentum (px/layer)")
    return figure


def _alt_text(data: FigureData) -> str:
    return (
        f"Speed in pixels per layer against beta, {data.topic} family, a panel for each activation "
        "and size, with theory and light cone. Largest mean speed of "
        f"{in_words(data.table, ['activation', 'size'], _peak)}."
    )


def _caption(data: FigureData) -> str:
    count = len(data.results.experiment.angles)
    averaged = f" Speeds and light cones are means over {count} angles." if count > 1 else ""
    return (
        f"Points: simulations, at most {MOST_POINTS} of a series; open where they are "
        "ill-conditioned or a state died. Black: |M₁/M₀|, the speed of a kernel without negative "
        "taps; solid where it is exact, dashed where it is not. A wide pattern can pass the light "
        f"cone of a point for a while, as it contracts onto its leading edge.{averaged}"
    )


def _peak(rows: pd.DataFrame) -> str:
    known = rows.dropna(subset=["speed"])
    if known.empty:
        return "none"
    best = known.iloc[int(known.speed.argmax())]
    return f"{best.speed:z.3f} at beta {best.beta:g}"


def _draw_simulations(axes: Axes, rows: pd.DataFrame, results: Results) -> None:
    for pattern, style in _pattern_styles(results).items():
        part = rows[rows.pattern == pattern]
        few = part.iloc[spread(list(range(len(part))), MOST_POINTS)] if len(part) else part
        reliable = ~few.doubtful.astype(bool)
        draw_points(axes, few.beta, few.speed, reliable, style, "white", mew=0.6)
    if rows.speed.isna().all():
        say_nothing_known(axes)


def _limit_speed(axes: Axes, speeds: pd.Series, light_speed: float) -> None:
    """Set the vertical axis to hold all speeds and the light cone."""
    lowest, highest = np.nanmin([*speeds, 0.0]), np.nanmax([*speeds, light_speed])
    margin = 0.06 * (highest - lowest)
    axes.set_ylim(lowest - margin, highest + margin)


def _draw_theory(axes: Axes, rows: pd.DataFrame, cone: float, *, exact: bool) -> None:
    """Shade where rectification acts, and draw the exact curve, dashed where it is not exact."""
    axes.axhline(cone, color=CONE, lw=0.8, zorder=1)
    star = rows.beta_star.min()
    if not np.isfinite(star):
        # The kernel has negative taps at every beta: nothing moves with its mean.
        return
    axes.axvspan(star, 1.0, color=SHADE, lw=0, zorder=0)
    known, inside = rows[rows.speed_linear <= cone], within_theory(rows) & exact
    # Both pieces share the last point that is exact.
    beyond = ~inside | (rows.beta == rows.beta[inside].max())
    for chosen, style, gid in ((inside, "-", "theory"), (beyond, BEYOND, "free")):
        part = known[chosen[known.index]]
        axes.plot(part.beta, part.speed_linear, color=THEORY, lw=1.1, ls=style, zorder=2.5, gid=gid)


def _pattern_styles(results: Results) -> dict[str, Style]:
    return nested(category_styles(results.patterns), 4.6, 2.0)


def _legend(results: Results) -> list[Artist]:
    points: list[Artist] = [
        Line2D([], [], lw=0, label=plain(name), **style)
        for name, style in _pattern_styles(results).items()
    ]
    return [
        *points,
        line(r"exact, $v = |M_1/M_0|$", THEORY, 1.1),
        line("the same, not exact", THEORY, 1.1, ls=BEYOND),
        line("light cone", CONE, 0.8),
        Patch(color=SHADE, label=r"$\beta > \beta^*$: rectification acts"),
    ]


FIGURE = ReportFigure("speed", _table, _draw, _alt_text, _caption)
