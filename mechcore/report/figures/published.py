"""The authors' figures, drawn again with our numbers on theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mechcore.claims.reproduction import DCT_ORDER
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import facet_grid, mark, name_axes
from mechcore.report.figures.registry import PUBLISHED_KINDS
from mechcore.report.figures.series import in_words
from mechcore.report.figures.style import THEORY, colours, plain, shades
from mechcore.report.numbers import significant
from mechcore.results.results import Results

COLUMNS = ("title", "figure", "quantity", "at", "x", "published", "ours", "within")

WIDEST = 7.2
"""Width of a row of panels (in)."""

PALE = 0.4
"""Opacity of what the authors drew."""

NAMES = {
    "theory": "Lorentz: y = x",
    "mu_x": "centroid",
    "argmax_x": "brightest pixel",
    "sym region": r"$\leq 0.25$",
    "antisym region": r"$\geq 0.75$",
    "fraction_sym": "symmetric",
    "fraction_mixed": "mixed",
    "fraction_anti": "antisymmetric",
    "energy": "energy",
    "cumulative": "summed",
    "Random/sym": "of the symmetric part",
    "Random/anti": "of the asymmetric part",
}
"""Published quantities as legends name them."""

Colours = Mapping[Any, Any]


@dataclass(frozen=True)
class Look:
    """How a topic is drawn."""

    draw: Callable[[Axes, pd.DataFrame, Colours], None]
    """Draws the rows of a panel in the colour of each curve."""
    quantities: tuple[str, ...]
    """Which of the published numbers are drawn."""
    labels: tuple[str, str]
    """Of the axes."""
    words: str
    """What the figure shows."""
    curves: str = "quantity"
    """The column that tells curves apart."""
    panel: tuple[float, float] = (1.62, 1.3)
    ticks: dict[str, Any] = field(default_factory=dict)


def _table(results: Results, topic: str) -> pd.DataFrame:
    rows, look = results.reproduction, LOOKS[topic]
    chosen = rows.kind.isin(PUBLISHED_KINDS[topic]) & rows.quantity.isin(look.quantities)
    columns = [*dict.fromkeys((*COLUMNS, look.curves))]
    table = rows[chosen & (rows.x.notna() | (topic == "types"))][columns]
    # Kernels of no layer have one place, and the Laplace kernel is even.
    return table.fillna({"beta2": 0.0, "x": 0.0}).reset_index(drop=True)


def _draw(data: FigureData) -> Figure:
    table, look = data.table, LOOKS[data.topic]
    names = sorted(table[look.curves].unique(), key=_order)
    palette = shades(len(names)) if look.curves == "beta2" else colours(len(names))
    colour_of = dict(zip(names, palette, strict=True)) | {"theory": THEORY}
    legend = [mark(_name(name), color=colour_of[name]) for name in names]
    titles = list(table.title.unique())
    figure, panels = facet_grid(
        titles,
        look.panel,
        legend if len(names) > 1 else [],
        most_columns=int(WIDEST / look.panel[0]),
        legend_columns=8,
        gap=(0.36, 0.5),
    )
    for axes, title in zip(panels, titles, strict=True):
        look.draw(axes, table[table.title == title], colour_of)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set(**look.ticks)
    name_axes(figure, *look.labels)
    return figure


def _order(name: Any) -> tuple[int, Any]:
    """Numbers by size, quantities as they are listed."""
    return (list(NAMES).index(name), "") if name in NAMES else (len(NAMES), name)


def _name(curve: Any) -> str:
    return rf"$\beta^2$ = {curve:g}" if isinstance(curve, float) else NAMES.get(curve, plain(curve))


def _draw_curves(axes: Axes, rows: pd.DataFrame, colour_of: Colours) -> None:
    for (name, _), curve in rows.groupby(["quantity", "figure"], sort=False):
        colour = colour_of[name]
        axes.plot(curve.x, curve.published, color=colour, alpha=PALE, lw=2.6, gid="published")
        axes.plot(curve.x, curve.ours, color=colour, ls="", marker="o", ms=1.6, mew=0, gid="ours")


def _draw_rings(axes: Axes, rows: pd.DataFrame, colour_of: Colours) -> None:
    for (ratio, name), points in rows.groupby(["beta2", "quantity"]):
        ring = {"marker": "s" if name == "argmax_x" else "o", "ls": "", "mec": colour_of[ratio]}
        axes.plot(points.x, points.published, mfc="none", ms=6, mew=0.8, gid="published", **ring)
        axes.plot(points.x, points.ours, mfc=colour_of[ratio], ms=2.2, gid="ours", **ring)
    # At least a pixel, so that rounding is not blown up.
    axes.update_datalim([(rows.x.min(), 0.0), (rows.x.max(), 1.0)])
    axes.autoscale_view()
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _draw_bars(axes: Axes, rows: pd.DataFrame, colour_of: Colours) -> None:
    summed = rows.quantity == "cumulative"
    _draw_curves(axes, rows[summed], colour_of)
    names = [name for name in colour_of if name in set(rows.quantity[~summed])]
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        bars, colour = rows[rows.quantity == name], colour_of[name]
        x = bars.x + width * (place - (len(names) - 1) / 2)
        axes.bar(x, bars.published, width, color=colour, alpha=PALE)
        axes.plot(x, bars.ours, color=colour, ls="", marker="o", ms=2.6, mew=0, gid="ours")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if rows.x.nunique() == 1:
        axes.set_xticks([])


LOOKS = {
    "speeds": Look(
        _draw_curves,
        ("theory", "k=2", "k=3", "k=5"),
        (r"$\beta^2$", r"$(dx/dx_{\mathrm{max}})^2$"),
        "Squared speed of a pixel, in units of the largest, against the odd share of the energy.",
        panel=(2.15, 2.15),
        ticks={"xticks": [0, 0.5, 1], "yticks": [0, 0.5, 1]},
    ),
    "centroids": Look(
        _draw_rings,
        ("mu_x", "argmax_x"),
        ("layer $t$", r"$\mu_x$ (px)"),
        "Centroid of the central row, and its brightest pixel (squares), against the layer.",
        curves="beta2",
    ),
    "widths": Look(
        _draw_rings,
        ("sigma_x",),
        ("layer $t$", r"$\sigma_x$ (px)"),
        "Width of the central row against the layer.",
        curves="beta2",
    ),
    "orientations": Look(
        _draw_curves,
        ("printed I2/I1",),
        ("orientation of the second kernel (rad)", r"$\|I_2\|\,/\,\|I_1\|$"),
        "Norm after the second layer over that after the first; the kernel of the second turns.",
        panel=(2.15, 1.3),
        ticks={"xticks": [-np.pi, 0, np.pi], "xticklabels": [r"$-\pi$", "0", r"$\pi$"]},
    ),
    "asymmetry": Look(
        _draw_curves,
        ("sym region", "antisym region"),
        (r"$\beta^2$ by the symmetries of the square", "density"),
        "Density of the asymmetric share of the energy of random kernels.",
        panel=(2.6, 1.3),
    ),
    "energies": Look(
        _draw_bars,
        ("energy", "cumulative", "Random/sym", "Random/anti"),
        ("DCT component (row, column)", "share of the energy"),
        "Energy of random kernels by DCT component, and its sum.",
        panel=(2.9, 1.3),
        ticks={"xticks": range(len(DCT_ORDER)), "xticklabels": DCT_ORDER},
    ),
    "types": Look(
        _draw_bars,
        ("fraction_sym", "fraction_mixed", "fraction_anti"),
        ("layer (the first is 0)", "share of the kernels"),
        "Kernels of an asymmetric share up to 0.25, from 0.75, and between.",
        panel=(2.9, 1.3),
    ),
}
"""The looks of the topics."""


def _alt_text(data: FigureData) -> str:
    def farthest(rows: pd.DataFrame) -> str:
        return significant(float((rows.ours - rows.published).abs().max()), 2)

    return (
        f"{_caption(data)} Largest difference from the published "
        f"number: {in_words(data.table, 'title', farthest)}."
    )


def _caption(data: FigureData) -> str:
    agree, numbers = int(data.table.within.sum()), len(data.table)
    counted = f"Open or pale: the authors'; dots: ours, {agree:,} of {numbers:,} within tolerance."
    return f"{LOOKS[data.topic].words} {counted}"


FIGURE = ReportFigure("ours", _table, _draw, _alt_text, _caption)
