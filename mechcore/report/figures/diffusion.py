"""Diffusion: the width of the state against the layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from mechcore.analysis.measures import variance_along
from mechcore.experiment.representative import preferred
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import name_axes, panel_grid, say_nothing_known, title
from mechcore.report.figures.style import THEORY, shades
from mechcore.report.figures.trajectories import BEYOND, some_betas
from mechcore.results.results import Results

COLUMNS = ["size", "beta", "beta_star", "t", "width"]


def activation_shown(results: Results) -> str:
    """Return the activation that stands for all: ReLU if it is there."""
    return preferred(results.experiment.activations, "relu", "modulus")


def diffusion_table(results: Results, family: str) -> pd.DataFrame:
    """Return widths of one activation, pattern and angle."""
    tables = [pd.DataFrame(columns=COLUMNS)]
    for size in results.sizes_shown:
        chosen = some_betas(results, family, activation_shown(results), size)
        if chosen is not None:
            variance = variance_along(chosen)
            grown = (variance - variance.isel(t=0)).clip(min=0.0) ** 0.5
            rows = grown.to_dataframe("width").reset_index()
            star = float(chosen.beta_star[0, 0])
            tables.append(rows.assign(size=size, beta_star=star)[COLUMNS])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def draw_diffusion(data: FigureData) -> Figure:
    """Draw width against the layer in double logarithmic axes, a panel for each size."""
    table, results, family = data.table, data.results, data.topic
    sizes = results.sizes_shown
    figure, panels = panel_grid(
        (1, len(sizes)),
        (max(1.55, 3.6 / len(sizes)), 1.9),
        _width_legend(table),
        legend_columns=4,
        sharex=True,
        sharey=True,
    )
    for axes, size in zip(panels[0], sizes, strict=True):
        _draw_widths(axes, table[table["size"] == size])
        _draw_guide(axes, results, family, size)
        axes.set(xscale="log", yscale="log")
        title(axes, f"k = {size}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
    panels[0, 0].set_ylim(*_width_limits(table))
    name_axes(figure, "layer $t$", "width grown (px)")
    return figure


def describe_diffusion(data: FigureData) -> str:
    """Return what the figure of diffusion shows."""
    table, results, family = data.table, data.results, data.topic
    last = results.experiment.steps
    ends = table[table.t == last].dropna(subset=["width"])
    texts = [
        f"k = {size} {', '.join(_end(row) for _, row in rows.iterrows())}"
        for size, rows in ends.groupby("size", sort=False)
    ]
    return (
        f"Width of the state in pixels against the layer in double logarithmic axes, {family}, "
        f"{activation_shown(results)}, pattern {results.point}. At layer {last}: "
        f"{'; '.join(texts) or 'no width is known'}."
    )


def caption_diffusion(data: FigureData) -> str:
    """Return what a reader must know to read the figure of diffusion."""
    results, family = data.results, data.topic
    return (
        f"Width along the kernel's momentum, grown since layer 0, √(σ²(t) − σ²(0)) ({family}, "
        f"{activation_shown(results)}, {results.point}, {results.angle:g}°). Dotted: s√t with s "
        "the width of the even kernel, slope 1/2. Thin dashed lines: β > β*, where rectification "
        "acts; a state that does not grow has no line."
    )


def _end(row: pd.Series) -> str:
    return f"{row['width']:.3f} at beta {row.beta:.3g}"


def _draw_widths(axes: Axes, table: pd.DataFrame) -> None:
    if table.empty:
        say_nothing_known(axes)
    betas = sorted(table.beta.unique())
    for beta, colour in zip(betas, shades(len(betas)), strict=True):
        line = table[(table.beta == beta) & (table.t > 0) & (table.width > 1e-6)]
        acts = not beta <= table.beta_star.iloc[0]
        axes.plot(
            line.t.to_numpy(),
            line.width.to_numpy(),
            color=colour,
            ls=BEYOND if acts else "-",
            lw=0.9 if acts else 1.4,
            gid="width",
        )


def _draw_guide(axes: Axes, results: Results, family: str, size: int) -> None:
    light = results.theories(family, size)[0].diffusion_speed
    if np.isfinite(light):
        t = np.array([1.0, results.experiment.steps])
        axes.plot(t, light * np.sqrt(t), color=THEORY, lw=1.1, ls=":", zorder=5)


def _width_limits(table: pd.DataFrame) -> tuple[float, float]:
    """All widths, but at most two decades below the largest: dying states have no width."""
    widths = table.width[(table.t > 0) & (table.width > 0)]
    if widths.empty:
        return 0.1, 10.0
    highest = float(widths.max())
    return max(0.8 * float(widths.min()), highest / 100), 1.4 * highest


def _width_legend(table: pd.DataFrame) -> list[Line2D]:
    betas = sorted(table.beta.unique())
    lines = [
        Line2D([], [], color=colour, label=rf"$\beta$ = {beta:.3g}")
        for beta, colour in zip(betas, shades(len(betas)), strict=True)
    ]
    return [*lines, Line2D([], [], color=THEORY, lw=1.1, ls=":", label=r"$s\,\sqrt{t}$")]
