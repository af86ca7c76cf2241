"""Collapse: the speeds of all families and sizes in units of their own diffusion speed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.mechanics import characteristic_speeds
from mechcore.analysis.regressions import mean_speeds
from mechcore.experiment.representative import spread
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import (
    facets,
    hide_unused,
    name_axes,
    panel_grid,
    say_nothing_known,
    title,
)
from mechcore.report.figures.speed import PREDICTOR_LABELS
from mechcore.report.figures.style import CONE, THEORY, category_styles, draw_points, plain
from mechcore.results.results import MOST_PANELS, Results

BETAS_SHOWN = 8
COLUMNS = ["kernel", "activation", "size", "beta", "beta_star", "celerity", "relative_speed"]

ODD = 1e-9
"""A kernel whose beta is this near to 1 is odd and has no finite celerity."""

SLOWEST, FASTEST = 1e-2, 10.0
"""Limits of v / s in the figure."""


def collapse_table(results: Results, _family: str) -> pd.DataFrame:
    """Return speeds over diffusion speeds, of all families that have one, at a few betas."""
    metrics = results.metrics[results.metrics.pattern == results.point]
    mixed = metrics.beta[metrics.beta.between(0, 1 - ODD, inclusive="neither")]
    shown = spread(sorted(mixed.unique()), BETAS_SHOWN)
    points = mean_speeds(metrics[metrics.beta.isin(shown)])
    bodies = characteristic_speeds(results.kernels).diffusion_speed
    table = points.join(bodies, on=["kernel", "size"])
    table = table.assign(relative_speed=table.speed / table.diffusion_speed)
    return table.dropna(subset=["celerity", "relative_speed"])[COLUMNS].reset_index(drop=True)


def draw_collapse(data: FigureData) -> Figure:
    """Draw v / s against the celerity in double logarithmic axes, a panel for each activation."""
    table, activations = data.table, data.results.experiment.activations
    figure, panels = panel_grid(
        facets(len(activations), MOST_PANELS),
        (1.55, 1.55),
        _legend(table, data.results),
        legend_columns=4,
        gap=(0.12, 0.3),
        sharex=True,
        sharey=True,
    )
    for axes, activation in zip(panels.flat, activations, strict=False):
        _draw_families(axes, table[table.activation == activation], data.results)
        title(axes, activation)
    celerities = table.celerity if len(table) else pd.Series([0.1, 1.0])
    limits = float(celerities.min()) / 1.3, float(celerities.max()) * 1.3
    panels[0, 0].set(xscale="log", yscale="log", xlim=limits, ylim=(SLOWEST, FASTEST))
    hide_unused(panels, len(activations))
    name_axes(figure, PREDICTOR_LABELS["celerity"], "speed over diffusion speed $v/s$")
    return figure


def describe_collapse(data: FigureData) -> str:
    """Return what the figure of collapse shows."""
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


def caption_collapse(data: FigureData) -> str:
    """Return what a reader must know to read the figure of collapse."""
    speeds = data.table.relative_speed
    lost = int((~speeds.between(SLOWEST, FASTEST)).sum())
    left_out = sorted(set(data.results.experiment.kernels) - set(data.table.kernel))
    without = f" No diffusion speed: {', '.join(left_out)}." if left_out else ""
    return (
        f"All families and sizes ({data.results.point}, means over the angles), at most "
        f"{BETAS_SHOWN} betas of each. Filled: β ≤ β*; open: rectification acts. Line: v = s γβ. "
        f"{lost} of {len(speeds)} points lie outside the axes, as those at rest.{without}"
    )


def _draw_families(axes: Axes, rows: pd.DataFrame, results: Results) -> None:
    line = np.array([1e-3, 1e3])
    axes.plot(line, line, color=THEORY, lw=1.0, zorder=1)
    shown = rows[rows.relative_speed.between(SLOWEST, FASTEST)]
    for place, (family, style) in enumerate(_styles(results).items()):
        part = shown[shown.kernel == family]
        # Later families are smaller: those below stay visible where they agree.
        size = max(4.8 - 0.7 * place, 2.0)
        draw_points(axes, part.celerity, part.relative_speed, within_theory(part), style, size=size)
    if shown.empty:
        say_nothing_known(axes, "no data" if rows.empty else f"all below {SLOWEST:g}")


def _styles(results: Results) -> dict[Any, dict[str, Any]]:
    return category_styles(results.experiment.kernels)


def _legend(table: pd.DataFrame, results: Results) -> list[Line2D]:
    families = [
        Line2D([], [], ls="", ms=4, label=plain(name), **style)
        for name, style in _styles(results).items()
        if name in set(table.kernel)
    ]
    acts = Line2D([], [], ls="", ms=4, marker="o", mfc="none", mec=CONE, label=r"$\beta > \beta^*$")
    return [*families, acts, Line2D([], [], color=THEORY, lw=1.0, label=r"$v = s\,\gamma\beta$")]
