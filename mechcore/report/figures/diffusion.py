"""The width of the state against the layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from mechcore.analysis.measures import variance_along
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    beta_lines,
    facet_grid,
    line,
    name_axes,
    size_text,
    title,
)
from mechcore.report.figures.style import THEORY
from mechcore.report.figures.trajectories import beta_colours, draw_trajectories, trajectory_rows
from mechcore.results.results import MOST_PANELS, Results

COLUMNS = ["size", "beta", "beta_star", "t", "width"]


def _table(results: Results, family: str) -> pd.DataFrame:
    cells = [(results.activation, size) for size in results.sizes_shown]
    return trajectory_rows(results, family, cells, _width_grown, COLUMNS)


def _width_grown(dataset: xr.Dataset) -> xr.DataArray:
    variance = variance_along(dataset)
    return (variance - variance.isel(t=0)).clip(min=0.0) ** 0.5


def _draw(data: FigureData) -> Figure:
    table, results = data.table, data.results
    sizes = results.sizes_shown
    colours = beta_colours(table)
    theory = line(r"$s\,\sqrt{t}$", THEORY, 1.1, ls=":")
    figure, panels = facet_grid(
        sizes,
        MOST_PANELS,
        (max(1.55, 3.6 / len(sizes)), 1.9),
        [*beta_lines(colours), theory],
        legend_columns=4,
        sharex=True,
        sharey=True,
    )
    visible = table[(table.t > 0) & ~(table.width <= 1e-6)]
    for axes, size in panels:
        rows = visible[visible["size"] == size]
        draw_trajectories(axes, rows, "width", colours, solid=1.4, dashed=0.9)
        _draw_theory(axes, results, data.topic, size)
        _scale(axes)
        title(axes, size_text(size))
    figure.axes[0].set_ylim(*_width_limits(visible))
    name_axes(figure, "layer $t$", "width grown (px)")
    return figure


def _alt_text(data: FigureData) -> str:
    results = data.results
    last = results.experiment.steps
    ends = data.table[data.table.t == last].dropna(subset=["width"])
    texts = [
        f"k = {size} {', '.join(_end(row) for _, row in rows.iterrows())}"
        for size, rows in ends.groupby("size", sort=False)
    ]
    return (
        f"Width of the state in pixels against the layer in double logarithmic axes, {data.topic}, "
        f"{results.activation}, pattern {results.point}. At layer {last}: "
        f"{'; '.join(texts) or 'no width is known'}."
    )


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Width along the kernel's momentum, grown since layer 0, √(σ²(t) − σ²(0)) ({data.topic}, "
        f"{results.activation}, {results.point}, {results.angle:g}°). Dotted: s√t with s the width "
        "of the even kernel, slope 1/2. Thin dashed lines: β > β*, where rectification acts; a "
        "state that does not grow has no line."
    )


def _end(row: pd.Series) -> str:
    return f"{row.width:.3f} at beta {row.beta:.3g}"


def _draw_theory(axes: Axes, results: Results, family: str, size: int) -> None:
    diffusion_speed = results.theories(family, size)[0].diffusion_speed
    if np.isfinite(diffusion_speed):
        t = np.array([1.0, results.experiment.steps])
        axes.plot(t, diffusion_speed * np.sqrt(t), color=THEORY, lw=1.1, ls=":", zorder=5)


def _scale(axes: Axes) -> None:
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def _width_limits(table: pd.DataFrame) -> tuple[float, float]:
    """All widths, but at most two decades below the largest: dying states have no width."""
    if table.empty:
        return 0.1, 10.0
    highest = float(table.width.max())
    return max(0.8 * float(table.width.min()), highest / 100), 1.4 * highest


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
