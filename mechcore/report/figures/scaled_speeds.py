"""The speeds of all families and sizes in units of their own diffusion speed: they collapse."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.mechanics import characteristic_speeds
from mechcore.experiment.representative import spread
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    FILLED,
    facet_grid,
    line,
    marks,
    name_axes,
    rectified_mark,
    say_nothing_known,
    title,
)
from mechcore.report.figures.speed_panels import PREDICTOR_LABELS
from mechcore.report.figures.style import THEORY, category_styles, draw_points, nested
from mechcore.results.results import MOST_PANELS, Results

BETAS_SHOWN = 8
COLUMNS = ["kernel", "activation", "size", "beta", "beta_star", "celerity", "relative_speed"]

ODD = 1e-9
"""A kernel whose beta is this near to 1 is odd and has no finite celerity."""

SLOWEST, FASTEST = 1e-2, 10.0
"""Limits of v / s in the figure."""


def _table(results: Results, _family: str) -> pd.DataFrame:
    points = results.mean_speeds[results.mean_speeds.pattern == results.point]
    mixed = points.beta[points.beta.between(0, 1 - ODD, inclusive="neither")]
    points = points[points.beta.isin(spread(sorted(mixed.unique()), BETAS_SHOWN))]
    diffusion_speeds = characteristic_speeds(results.kernels).diffusion_speed
    table = points.join(diffusion_speeds, on=["kernel", "size"])
    table = table.assign(relative_speed=table.speed / table.diffusion_speed)
    return table.dropna(subset=["celerity", "relative_speed"])[COLUMNS].reset_index(drop=True)


def _draw(data: FigureData) -> Figure:
    table = data.table
    figure, panels = facet_grid(
        data.results.experiment.activations,
        MOST_PANELS,
        (1.55, 1.55),
        _legend(data),
        legend_columns=4,
        gap=(0.12, 0.3),
        sharex=True,
        sharey=True,
    )
    for axes, activation in panels:
        _draw_families(axes, table[table.activation == activation], data.results)
        title(axes, activation)
    celerities = table.celerity if len(table) else pd.Series([0.1, 1.0])
    limits = float(celerities.min()) / 1.3, float(celerities.max()) * 1.3
    figure.axes[0].set(xscale="log", yscale="log", xlim=limits, ylim=(SLOWEST, FASTEST))
    name_axes(figure, PREDICTOR_LABELS["celerity"], "speed over diffusion speed $v/s$")
    return figure


def _alt_text(data: FigureData) -> str:
    table = data.table.assign(ratio=data.table.relative_speed / data.table.celerity)
    inside = within_theory(table)
    texts = [
        f"{name} from {rows.ratio.min():z.3f} to {rows.ratio.max():z.3f} up to beta star"
        for name, rows in table[inside].groupby("kernel", sort=False)
    ]
    beyond = table[~inside].ratio
    tail = f"; all families beyond it down to {beyond.min():z.3f}" if len(beyond) else ""
    return (
        f"Speed over diffusion speed against celerity for {len(table)} points of all kernel "
        "families and sizes that have a diffusion speed, a panel for each activation. "
        f"Ratio of the two: {'; '.join(texts) or 'none up to beta star'}{tail}."
    )


def _caption(data: FigureData) -> str:
    speeds = data.table.relative_speed
    lost = int((~speeds.between(SLOWEST, FASTEST)).sum())
    left_out = sorted(set(data.results.experiment.kernels) - set(data.table.kernel))
    without = f" No diffusion speed: {', '.join(left_out)}." if left_out else ""
    return (
        f"All families and sizes ({data.results.point}, means over the angles), at most "
        f"{BETAS_SHOWN} betas of each. {FILLED} Line: v = s γβ. {lost} of {len(speeds)} points "
        f"are outside the axes, as are all at rest.{without}"
    )


def _draw_families(axes: Axes, rows: pd.DataFrame, results: Results) -> None:
    ends = np.array([1e-3, 1e3])
    axes.plot(ends, ends, color=THEORY, lw=1.0, zorder=1)
    shown = rows[rows.relative_speed.between(SLOWEST, FASTEST)]
    styles = category_styles(results.experiment.kernels)
    for family, style, size in nested(styles, 4.8, 0.7):
        part = shown[shown.kernel == family]
        draw_points(axes, part.celerity, part.relative_speed, within_theory(part), style, ms=size)
    if shown.empty:
        say_nothing_known(axes, "no data" if rows.empty else f"all below {SLOWEST:g}")


def _legend(data: FigureData) -> list[Line2D]:
    styles = category_styles(data.results.experiment.kernels)
    known = set(data.table.kernel)
    families = {name: style for name, style in styles.items() if name in known}
    theory = line(r"$v = s\,\gamma\beta$", THEORY, 1.0)
    return [*marks(families), rectified_mark(), theory]


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
