"""Against the layer: how far the centroid moves, and how wide the state grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from mechcore.analysis.measures import displacement_along, variance_along
from mechcore.experiment.representative import spread
from mechcore.model.geometry import light_speed
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    beta_text,
    facet_grid,
    line,
    name_axes,
    say_nothing_known,
    size_text,
    title,
)
from mechcore.report.figures.style import BEYOND, CONE, THEORY, shades
from mechcore.results.results import MOST_PANELS, Results

BETAS_SHOWN = 6
KEYS = ["activation", "size", "beta", "beta_star", "t"]


def beta_places(dataset: xr.Dataset, most: int = BETAS_SHOWN) -> list[int]:
    """Return which betas of a cell are shown."""
    return spread([int(place) for place in np.argsort(dataset.beta.values)], most)


def _displacement_table(results: Results, family: str) -> pd.DataFrame:
    cells = [(activation, results.size) for activation in results.experiment.activations]
    rows = _trajectories(results, family, cells, displacement_along)
    return rows.rename(columns={"value": "displacement"}).drop(columns="size")


def _width_table(results: Results, family: str) -> pd.DataFrame:
    cells = [(results.activation, size) for size in results.sizes_shown]
    rows = _trajectories(results, family, cells, _width_grown)
    return rows.rename(columns={"value": "width"}).drop(columns="activation")


def _trajectories(
    results: Results,
    family: str,
    cells: list[tuple[str, int]],
    quantity: Callable[[xr.Dataset], xr.DataArray],
) -> pd.DataFrame:
    """Return a quantity of some trajectories of the finished cells (activation and size)."""
    parts = [pd.DataFrame(columns=[*KEYS, "value"])]
    for activation, size in cells:
        if results.cell_name(family, activation, size) in results.finished:
            dataset = results.dataset(family, activation, size)
            # Chosen before anything is computed: a cell holds hundreds of trajectories.
            chosen = dataset.sel(pattern=results.point).isel(angle=[0], beta=beta_places(dataset))
            rows = quantity(chosen).to_dataframe("value").reset_index()
            star = float(chosen.beta_star[0, 0])
            rows = rows.assign(activation=activation, size=size, beta_star=star)
            parts.append(rows[[*KEYS, "value"]])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _width_grown(dataset: xr.Dataset) -> xr.DataArray:
    variance = variance_along(dataset)
    return (variance - variance.isel(t=0)).clip(min=0.0) ** 0.5


def _draw_displacements(data: FigureData) -> Figure:
    table, results = data.table, data.results
    steps, cone = results.experiment.steps, light_speed(results.size, results.angle)
    theory, colours = line("light cone", CONE, 0.8), _beta_colours(table)
    names, panel = results.experiment.activations, (1.55, 1.5)
    figure, panels = _grid(names, panel, colours, theory, gap=(0.12, 0.3))
    for axes, activation in panels:
        rows = table[table.activation == activation]
        _draw_lines(axes, rows, "displacement", colours, (1.3, 1.3))
        axes.plot([0, steps], [0, cone * steps], color=CONE, lw=0.8, zorder=1)
        title(axes, activation)
    name_axes(figure, "layer $t$", "displacement (px)")
    return figure


def _draw_widths(data: FigureData) -> Figure:
    table, results = data.table, data.results
    sizes, colours = results.sizes_shown, _beta_colours(table)
    theory, panel = line(r"$s\,\sqrt{t}$", THEORY, 1.1, ls=":"), (max(1.55, 3.6 / len(sizes)), 1.9)
    figure, panels = _grid(sizes, panel, colours, theory)
    visible = table[(table.t > 0) & ~(table.width <= 1e-6)]
    for axes, size in panels:
        _draw_lines(axes, visible[visible["size"] == size], "width", colours, (1.4, 0.9))
        _draw_diffusion(axes, results, data.topic, size)
        _scale(axes)
        title(axes, size_text(size))
    figure.axes[0].set_ylim(*_width_limits(visible))
    name_axes(figure, "layer $t$", "width grown (px)")
    return figure


def _displacement_alt_text(data: FigureData) -> str:
    results = data.results
    return (
        f"Displacement of the centroid in pixels against the layer, {data.topic}, "
        f"k = {results.size}, pattern {results.point}, one line for each beta. "
        f"{_ends(data, 'displacement', 'activation')}."
    )


def _width_alt_text(data: FigureData) -> str:
    return (
        f"Width of the state in pixels against the layer in double logarithmic axes, {data.topic}, "
        f"{data.results.activation}, pattern {data.results.point}. {_ends(data, 'width', 'size')}."
    )


def _displacement_caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Displacement of the centroid along the kernel's momentum ({data.topic}, "
        f"k = {results.size}, {results.point}, {results.angle:g}°). A straight line is a constant "
        f"speed. Dashed: β > β*. Grey: light cone, "
        f"{light_speed(results.size, results.angle):.4g} px/layer."
    )


def _width_caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Width along the kernel's momentum, grown since layer 0, √(σ²(t) − σ²(0)) ({data.topic}, "
        f"{results.activation}, {results.point}, {results.angle:g}°). Dotted: s√t with s the width "
        "of the even kernel, slope 1/2. Thin dashed lines: β > β*, where rectification acts; a "
        "state that does not grow has no line."
    )


def _ends(data: FigureData, column: str, group: str) -> str:
    """The values at the last layer, in words."""
    last, digits = data.results.experiment.steps, 1 if column == "displacement" else 3
    texts = []
    for name, rows in data.table[data.table.t == last].groupby(group, sort=False):
        values = [
            f"{value:z.{digits}f} at beta {beta:.3g}"
            if np.isfinite(value)
            else f"extinct at beta {beta:.3g}"
            for value, beta in zip(rows[column], rows.beta, strict=True)
        ]
        texts.append(f"{'k = ' if group == 'size' else ''}{name!s} {', '.join(values)}")
    return f"At layer {last}: {'; '.join(texts) or 'no cell is finished'}"


def _beta_colours(rows: pd.DataFrame) -> dict[float, Any]:
    betas = sorted(rows.beta.unique())
    return dict(zip(betas, shades(len(betas)), strict=True))


def _grid(
    names: Sequence[Any],
    panel: tuple[float, float],
    colours: dict[float, Any],
    theory: Line2D,
    **options: Any,
) -> tuple[Figure, list[tuple[Axes, Any]]]:
    betas = [
        Line2D([], [], color=colour, label=beta_text(beta)) for beta, colour in colours.items()
    ]
    options |= {"legend_columns": 4, "sharex": True, "sharey": True}
    return facet_grid(names, MOST_PANELS, panel, [*betas, theory], **options)


def _draw_lines(
    axes: Axes,
    rows: pd.DataFrame,
    column: str,
    colours: dict[float, Any],
    widths: tuple[float, float],
) -> None:
    """Draw a line for each beta: solid up to beta*, dashed beyond."""
    for _, part in rows.groupby("beta"):
        beta, star = part[["beta", "beta_star"]].to_numpy(float)[0]
        acts = not beta <= star
        look = {"color": colours[beta], "ls": BEYOND if acts else "-", "lw": widths[acts]}
        axes.plot(part.t, part[column], gid=column, **look)
    if rows.empty:
        say_nothing_known(axes)


def _draw_diffusion(axes: Axes, results: Results, family: str, size: int) -> None:
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


DISPLACEMENTS = ReportFigure(
    _displacement_table, _draw_displacements, _displacement_alt_text, _displacement_caption
)
WIDTHS = ReportFigure(_width_table, _draw_widths, _width_alt_text, _width_caption)
