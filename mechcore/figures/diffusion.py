"""Diffusion: the width of the state against the layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from mechcore.figures.evidence import Evidence, FigureData, preferred
from mechcore.figures.style import THEORY, new_figure, shades
from mechcore.figures.trajectories import BEYOND, beta_places
from mechcore.measures import variance_along


def activation_shown(evidence: Evidence) -> str:
    """Return the activation that stands for all: ReLU if it is there.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    str
        Its name.
    """
    return preferred(evidence.experiment.activations, "relu", "modulus")


def diffusion_table(evidence: Evidence, family: str) -> pd.DataFrame:
    """Return widths of one activation, pattern and angle.

    Parameters
    ----------
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    pandas.DataFrame
        Columns size, beta, beta_star, t, width (px, grown since layer 0).
    """
    tables = []
    for size in evidence.sizes_shown:
        dataset = evidence.dataset(family, activation_shown(evidence), size)
        width = (variance_along(dataset) ** 0.5).sel(pattern=evidence.point).isel(angle=0)
        grown = (width**2 - width.isel(t=0) ** 2).clip(min=0.0) ** 0.5
        rows = grown.isel(beta=beta_places(dataset)).to_dataframe("width").reset_index()
        star = float(dataset.beta_star.isel(angle=0, beta=0))
        tables.append(rows.assign(size=size, beta_star=star))
    columns = ["size", "beta", "beta_star", "t", "width"]
    return pd.concat(tables).loc[:, columns]


def draw_diffusion(data: FigureData) -> Figure:
    """Draw width against the layer in double logarithmic axes, a panel for each size.

    Parameters
    ----------
    data : FigureData
        Of `diffusion_table`.

    Returns
    -------
    matplotlib.figure.Figure
        With the width of the even part, s sqrt(t), as a guide.
    """
    table, evidence, family = data.table, data.evidence, data.topic
    sizes = evidence.sizes_shown
    figure = new_figure(max(4.2, 2.15 * len(sizes) + 0.7), 3.1)
    panels = figure.subplots(1, len(sizes), squeeze=False, sharex=True, sharey=True)[0]
    for axes, size in zip(panels, sizes, strict=True):
        _draw_widths(axes, table[table["size"] == size])
        _draw_guide(axes, evidence, family, size)
        axes.set(xscale="log", yscale="log", title=f"k = {size}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
    panels[0].set_ylim(*_width_limits(table))
    figure.supxlabel("layer $t$")
    figure.supylabel("width grown (px)")
    figure.legend(
        handles=_width_legend(table), loc="outside upper center", ncols=7 if len(sizes) > 2 else 3
    )
    return figure


def describe_diffusion(data: FigureData) -> str:
    """Return what the figure of diffusion shows.

    Parameters
    ----------
    data : FigureData
        Of `diffusion_table`.

    Returns
    -------
    str
        For readers who do not see it.
    """
    table, evidence, family = data.table, data.evidence, data.topic
    last = int(table.t.max())
    slowest = table[(table.t == last) & (table.beta == table.beta.min())]
    widths = ", ".join(
        f"{row['width']:.3f} for k = {row['size']:g}" for _, row in slowest.iterrows()
    )
    return (
        f"Width of the state in pixels against the layer in double logarithmic axes, {family}, "
        f"{activation_shown(evidence)}, pattern {evidence.point}. At beta {table.beta.min():g} and "
        f"layer {last} the width is {widths}; larger beta is narrower while no tap is negative."
    )


def caption_diffusion(data: FigureData) -> str:
    """Return what a reader must know to read the figure of diffusion.

    Parameters
    ----------
    data : FigureData
        Of `diffusion_table`.

    Returns
    -------
    str
        The caption.
    """
    evidence, family = data.evidence, data.topic
    return (
        f"Width along the kernel's momentum, grown since layer 0, √(σ²(t) − σ²(0)) ({family}, "
        f"{activation_shown(evidence)}, {evidence.point}, {evidence.angle:g}°). Dotted: s√t with s "
        "the width of the even kernel, slope 1/2. Thin dashed lines: β > β*, where rectification "
        "acts; a state that does not grow has no line."
    )


def _draw_widths(axes: Axes, table: pd.DataFrame) -> None:
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


def _draw_guide(axes: Axes, evidence: Evidence, family: str, size: int) -> None:
    light = evidence.theories(family, size)[0].diffusion_speed
    if np.isfinite(light):
        t = np.array([1.0, evidence.experiment.steps])
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
