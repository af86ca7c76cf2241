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

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.displacement import displacement_along, variance_along
from mechcore.experiment.representative import spread
from mechcore.model.geometry import light_speed
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    beta_text,
    facet_grid,
    facets,
    line,
    name_axes,
    size_text,
)
from mechcore.report.figures.series import in_words
from mechcore.report.figures.style import BEYOND, CONE, THEORY, plain, shades
from mechcore.results.results import Results

BETAS_SHOWN = 6
KEYS = ["activation", "size", "beta", "beta_star", "t"]


def beta_places(dataset: xr.Dataset, most: int = BETAS_SHOWN) -> list[int]:
    """Return which betas of a cell are shown."""
    return spread([int(place) for place in np.argsort(dataset.beta.values)], most)


def _displacement_table(results: Results, family: str) -> pd.DataFrame:
    cells = [(activation, results.size) for activation in results.experiment.activations]
    return _trajectories(results, family, cells, displacement_along, "displacement")


def _width_table(results: Results, family: str) -> pd.DataFrame:
    cells = [(results.activation, size) for size in results.sizes_shown]
    return _trajectories(results, family, cells, _width_grown, "width")


def _trajectories(
    results: Results,
    family: str,
    cells: list[tuple[str, int]],
    quantity: Callable[[xr.Dataset], xr.DataArray],
    name: str,
) -> pd.DataFrame:
    """Return a quantity of some trajectories of the finished cells (activation and size)."""
    parts = [pd.DataFrame(columns=[*KEYS, name])]
    for activation, size in cells:
        if results.cell_name(family, activation, size) in results.finished:
            dataset = results.dataset(family, activation, size)
            # Chosen before anything is computed: a cell holds hundreds of trajectories.
            chosen = dataset.sel(pattern=results.point).isel(angle=0, beta=beta_places(dataset))
            rows = quantity(chosen).to_dataframe(name).reset_index()
            star = float(chosen.beta_star[0])
            rows = rows.assign(activation=activation, size=size, beta_star=star)
            parts.append(rows[[*KEYS, name]])
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _width_grown(dataset: xr.Dataset) -> xr.DataArray:
    variance = variance_along(dataset)
    return (variance - variance.isel(t=0)).clip(min=0.0) ** 0.5


def _draw_displacements(data: FigureData) -> Figure:
    table, results = data.table, data.results
    names, steps = results.experiment.activations, results.experiment.steps
    farthest = light_speed(results.size, results.angle) * steps
    figure, panels = _grid(names, (1.55, 1.5), table, line("light cone", CONE, 0.8), plain)
    for axes, rows in facets(table, "activation", names, panels):
        _draw_lines(axes, rows, table, "displacement")
        axes.plot([0, steps], [0, farthest], color=CONE, lw=0.8, zorder=1)
    name_axes(figure, "layer $t$", "displacement (px)")
    return figure


def _draw_widths(data: FigureData) -> Figure:
    table, sizes = data.table, data.results.sizes_shown
    panel = (max(1.55, 3.6 / len(sizes)), 1.9)
    theory = line(r"$s\,\sqrt{t}$", THEORY, 1.1, ls=":")
    figure, panels = _grid(sizes, panel, table, theory, size_text)
    visible = table[(table.t > 0) & ~(table.width <= 1e-6)]
    for (axes, rows), size in zip(facets(visible, "size", sizes, panels), sizes, strict=True):
        _draw_lines(axes, rows, table, "width")
        _draw_diffusion(axes, data.results, data.topic, size)
    _scale(panels, visible)
    name_axes(figure, "layer $t$", "width grown (px)")
    return figure


def _displacement_alt_text(data: FigureData) -> str:
    results = data.results
    return (
        f"Displacement of the centroid in pixels against the layer, {data.topic}, "
        f"k = {results.size}, pattern {results.point}, one line for each beta. "
        f"{_ends(data, 'displacement', 'activation')}"
    )


def _width_alt_text(data: FigureData) -> str:
    return (
        f"Width of the state in pixels against the layer in double logarithmic axes, {data.topic}, "
        f"{data.results.activation}, pattern {data.results.point}. {_ends(data, 'width', 'size')}"
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
        "of the even kernel, slope 1/2. Dashed: β > β*. A state that does not grow has no line."
    )


def _ends(data: FigureData, column: str, group: str) -> str:
    """The values at the last layer, in words."""
    last = data.results.experiment.steps

    def values(rows: pd.DataFrame) -> str:
        ends = zip(rows[column], rows.beta, strict=True)
        return ", ".join(
            f"{f'{value:z.3f}' if np.isfinite(value) else 'extinct'} at beta {beta:.3g}"
            for value, beta in ends
        )

    return f"At layer {last}: {in_words(data.table[data.table.t == last], group, values)}."


def _beta_colours(table: pd.DataFrame) -> dict[float, Any]:
    betas = sorted(table.beta.unique())
    return dict(zip(betas, shades(len(betas)), strict=True))


def _grid(
    names: Sequence[Any],
    panel: tuple[float, float],
    table: pd.DataFrame,
    theory: Line2D,
    text: Callable[[Any], str],
) -> tuple[Figure, list[Axes]]:
    betas = [line(beta_text(beta), colour, 1.3) for beta, colour in _beta_colours(table).items()]
    return facet_grid(names, panel, [*betas, theory], text=text, sharex=True, sharey=True)


def _draw_lines(axes: Axes, rows: pd.DataFrame, table: pd.DataFrame, column: str) -> None:
    """Draw a line for each beta of the table: solid up to beta*, dashed beyond."""
    for beta, colour in _beta_colours(table).items():
        part = rows[rows.beta == beta]
        solid = bool(within_theory(part).all())
        axes.plot(part.t, part[column], color=colour, ls="-" if solid else BEYOND, gid=column)


def _draw_diffusion(axes: Axes, results: Results, family: str, size: int) -> None:
    diffusion_speed = results.theories(family, size)[0].diffusion_speed
    if np.isfinite(diffusion_speed):
        t = np.array([1.0, results.experiment.steps])
        axes.plot(t, diffusion_speed * np.sqrt(t), color=THEORY, lw=1.1, ls=":", zorder=5)


def _scale(panels: list[Axes], visible: pd.DataFrame) -> None:
    """Two decades below the largest width at most: dying states have no width."""
    highest = float(np.nanmax([*visible.width, 0.1]))
    lowest = max(0.8 * float(np.nanmin([*visible.width, highest])), highest / 100)
    panels[0].set_ylim(lowest, 1.4 * highest)
    for axes in panels:
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())


DISPLACEMENTS = ReportFigure(
    "displacement",
    _displacement_table,
    _draw_displacements,
    _displacement_alt_text,
    _displacement_caption,
)
WIDTHS = ReportFigure("width", _width_table, _draw_widths, _width_alt_text, _width_caption)
