"""The authors' figures, drawn again with our numbers on theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mechcore.claims.reproduction import DCT_ORDER
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, line, mark
from mechcore.report.figures.style import THEORY, colours, marker, plain, shades
from mechcore.report.numbers import significant
from mechcore.results.results import Results

KINDS = {
    "speeds": ("squared_speeds",),
    "centroids": ("snapshots",),
    "widths": ("snapshots",),
    "orientations": ("orientations",),
    "asymmetry": ("asymmetry_density",),
    "energies": ("random_energies", "random_split_energies"),
    "types": ("printed_kernel_types", "random_kernel_types", "strongest_kernel_types"),
}
"""Figures of published numbers, and the kinds of protocols that each is of."""

COLUMNS = ("title", "figure", "quantity", "at", "x", "published", "ours", "within")

WIDEST = 7.8
"""Width of a row of panels (in)."""

PALE = 0.4
"""Opacity of what the authors drew."""

NAMES = {
    "theory": "Lorentz: y = x",
    "mu_x": "centroid",
    "argmax_x": "brightest pixel",
    "sym region": "up to 0.25",
    "antisym region": "from 0.75",
    "fraction_sym": "symmetric",
    "fraction_mixed": "mixed",
    "fraction_anti": "antisymmetric",
    "energy": "energy",
    "cumulative": "summed",
    "Random/sym": "of the symmetric part",
    "Random/anti": "of the asymmetric part",
}
"""Published quantities as legends name them."""

SIZES = {f"k={size}": size for size in (2, 3, 5)}
"""Published quantities that are curves of a kernel size."""

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
    panel: tuple[float, float] = (1.75, 1.45)
    ticks: dict[str, Any] = field(default_factory=dict)


def _table(results: Results, topic: str) -> pd.DataFrame:
    rows, look = results.reproduction, LOOKS[topic]
    chosen = rows.kind.isin(KINDS[topic]) & rows.quantity.isin(look.quantities)
    columns = [*dict.fromkeys((*COLUMNS, look.curves))]
    table = rows[chosen & (rows.x.notna() | (topic == "types"))][columns]
    # Kernels of no layer have one place, and the Laplace kernel is even.
    return table.fillna({"beta2": 0.0, "x": 0.0}).reset_index(drop=True)


def _draw(data: FigureData) -> Panels:
    table, look = data.table, LOOKS[data.topic]
    names = sorted(table[look.curves].unique(), key=_order)
    palette = shades(len(names)) if look.curves == "beta2" else colours(len(names))
    colour_of = dict(zip(names, palette, strict=True)) | {"theory": THEORY}
    titles = list(table.title.unique())
    panels = draw_panels(
        titles,
        look.labels,
        [
            mark(_name(name), marker(SIZES.get(name, 2)), colour_of[name])
            for name in names
            if len(names) > 1
        ],
        panel=look.panel,
        columns=int(WIDEST / look.panel[0]),
        gap=(0.4, 0.5),
    )
    for axes, rows in panels.facets(table, "title"):
        look.draw(axes, rows, colour_of)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set(**look.ticks)
    return panels


def _draw_speeds(data: FigureData) -> Panels:
    """The published curves as pale lines, ours as marks in the shapes of the kernel sizes."""
    table, look = data.table, LOOKS["speeds"]
    titles = list(table.title.unique())
    legend = [
        line("published", "0.75", 4),
        *(mark(f"ours, k = {size}", marker(size), THEORY) for size in SIZES.values()),
        line("(dx/dx_max)² = ρ", width=0.8),
    ]
    panels = draw_panels(titles, look.labels, legend, panel=look.panel, sharex=True, sharey=True)
    for axes, rows in panels.facets(table, "title"):
        for (name, _), curve in rows.groupby(["quantity", "figure"], sort=False):
            axes.plot(curve.x, curve.published, color="0.75", lw=4, zorder=1, gid="published")
            shown = curve.iloc[::5]
            marks: dict[str, Any] = (
                {"ls": "", "marker": marker(SIZES[name]), "ms": 4} if name in SIZES else {}
            )
            axes.plot(shown.x, shown.ours, color=THEORY, gid="ours", **{"lw": 0.8} | marks)
            panels.say(axes, shown.iloc[::2], ("x", "ours"), _says)
        axes.set(**look.ticks)
    return panels


def _says(row: dict[str, Any]) -> str:
    curve = f"{row['title']}, {row['quantity']}, ρ = {row['x']:.2f}"
    return f"{curve}: {row['ours']:.3f}, published {row['published']:.3f}"


def _order(name: Any) -> tuple[int, Any]:
    """Numbers by size, quantities as they are listed."""
    return (list(NAMES).index(name), "") if name in NAMES else (len(NAMES), name)


def _name(curve: Any) -> str:
    return f"ρ = {curve:g}" if isinstance(curve, float) else NAMES.get(curve, plain(curve))


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
        ("odd share of the energy ρ, the authors' β²", "(dx/dx_max)²"),
        "Squared speed of a pixel, in units of the largest, against the odd share of the energy",
        panel=(2.25, 2.25),
        ticks={"xticks": [0, 0.5, 1], "yticks": [0, 0.5, 1]},
    ),
    "centroids": Look(
        _draw_rings,
        ("mu_x", "argmax_x"),
        ("layer t", "centroid μ_x (px)"),
        "Centroid of the central row, and its brightest pixel (squares), against the layer",
        curves="beta2",
    ),
    "widths": Look(
        _draw_rings,
        ("sigma_x",),
        ("layer t", "width σ_x (px)"),
        "Width of the central row against the layer",
        curves="beta2",
    ),
    "orientations": Look(
        _draw_curves,
        ("printed I2/I1",),
        ("orientation of the second kernel (rad)", "|I₂| / |I₁|"),
        "Norm after the second layer over that after the first; the kernel of the second turns",
        panel=(2.15, 1.3),
        ticks={"xticks": [-np.pi, 0, np.pi], "xticklabels": ["−π", "0", "π"]},
    ),
    "asymmetry": Look(
        _draw_curves,
        ("sym region", "antisym region"),
        ("asymmetric share of the energy", "density"),
        "Density of the asymmetric share of the energy of random kernels",
        panel=(2.6, 1.3),
    ),
    "energies": Look(
        _draw_bars,
        ("energy", "cumulative", "Random/sym", "Random/anti"),
        ("DCT component (row, column)", "share of the energy"),
        "Energy of random kernels by DCT component, and its sum",
        panel=(2.9, 1.3),
        ticks={"xticks": range(len(DCT_ORDER)), "xticklabels": DCT_ORDER},
    ),
    "types": Look(
        _draw_bars,
        ("fraction_sym", "fraction_mixed", "fraction_anti"),
        ("layer (the first is 0)", "share of the kernels"),
        "Kernels of an asymmetric share up to 0.25, from 0.75, and between",
        panel=(2.9, 1.3),
    ),
}
"""The looks of the topics."""


def _caption(data: FigureData) -> str:
    table = data.table
    agree, worst = int(table.within.sum()), (table.ours - table.published).abs().max()
    return (
        f"{agree:,} of {len(table):,} numbers agree within their tolerance; the largest difference "
        f"is {significant(float(worst), 2)}. {LOOKS[data.topic].words}: pale or open as published, "
        "dark ours."
    )


def _topics(results: Results) -> list[str]:
    kinds = set(results.reproduction.kind)
    return [topic for topic, of_topic in KINDS.items() if kinds & {*of_topic}]


PUBLISHED = ReportFigure(
    "published",
    "Do we find the numbers that the authors published?",
    _table,
    lambda data: _draw_speeds(data) if data.topic == "speeds" else _draw(data),
    _caption,
    "A figure of the authors with our numbers on theirs, in the unit of its axis",
    value="ours",
    groups=("title",),
    topics=_topics,
    main=True,
)
