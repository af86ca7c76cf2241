"""How much faster the same kernels are under the modulus than under ReLU."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.beta_ranges import within_theory
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    facet_grid,
    line,
    marks,
    name_axes,
    rectified_mark,
    say_nothing_known,
    size_text,
    title,
)
from mechcore.report.figures.style import CONE, SHADE, draw_points, order_styles
from mechcore.results.results import MOST_PANELS, Results

ODD = 1e-9
"""A kernel whose beta is this near to 1 is odd."""

SMALLEST_RANGE = 0.01
"""Half the height of the panels at least, px/layer: rounding is not to be blown up."""

COLUMNS = ["pattern", "size", "beta", "beta_star", "speed_relu", "speed_modulus", "lead"]


def _table(results: Results, family: str) -> pd.DataFrame:
    points = results.mean_speeds
    points = points[(points.kernel == family) & points["size"].isin(results.sizes_shown)]
    relu, modulus = (points[points.activation == name] for name in ("relu", "modulus"))
    keys = ["pattern", "size", "beta"]
    both = relu.merge(modulus[[*keys, "speed"]], on=keys, suffixes=("_relu", "_modulus"))
    return both.assign(lead=both.speed_modulus - both.speed_relu)[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table, results = data.table, data.results
    figure, panels = facet_grid(
        results.patterns,
        MOST_PANELS // 2,
        (3.0, 1.8),
        _legend(results),
        legend_columns=4,
        gap=(0.15, 0.3),
        margins=Margins(left=0.78),
        sharex=True,
        sharey=True,
    )
    for axes, pattern in panels:
        _draw_leads(axes, table[table.pattern == pattern], results)
        title(axes, f"pattern {pattern}")
    figure.axes[0].set(xlim=(-0.03, 1.03), ylim=_limits(table))
    name_axes(figure, r"$\beta$", "modulus minus ReLU (px/layer)")
    return figure


def _alt_text(data: FigureData) -> str:
    known = data.table.dropna(subset=["lead"])
    texts = [
        f"pattern {pattern}, k = {size}: {_extremes(rows)}"
        for (pattern, size), rows in known.groupby(["pattern", "size"], sort=False)
    ]
    return (
        f"Speed of the modulus minus speed of ReLU in pixels per layer against beta, {data.topic} "
        f"family. {'; '.join(texts) or '0 pairs are known'}."
    )


def _caption(data: FigureData) -> str:
    return (
        f"Speeds of the same kernels under the two activations ({data.topic}). Above 0 the modulus "
        "is faster. Grey: β > β* of at least one size; dotted: β* of each. Open: rectification "
        "acts; up to β*, neither changes anything. At β = 1 the modulus splits a point in two: "
        "those values are written out."
    )


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """All leads but those of odd kernels, which would press the others together."""
    mixed = table.lead[table.beta < 1 - ODD].abs()
    largest = 1.15 * float(np.nanmax([*mixed, SMALLEST_RANGE]))
    return -largest, largest


def _extremes(rows: pd.DataFrame) -> str:
    best, worst = rows.iloc[int(rows.lead.argmax())], rows.iloc[int(rows.lead.argmin())]
    lowest, highest = (f"{row.lead:z.3f} at beta {row.beta:.3g}" for row in (worst, best))
    return f"from {lowest} to {highest}"


def _draw_leads(axes: Axes, rows: pd.DataFrame, results: Results) -> None:
    axes.axhline(0, color=CONE, lw=0.8, zorder=1)
    stars = rows.drop_duplicates("size").set_index("size").beta_star.dropna()
    if len(stars):
        axes.axvspan(float(stars.min()), 1.0, color=SHADE, lw=0, zorder=0)
    for size, style in order_styles(results.sizes_shown).items():
        part = rows[(rows["size"] == size) & (rows.beta < 1 - ODD)]
        axes.plot(part.beta, part.lead, color=style["color"], lw=1.0, gid="lead")
        draw_points(axes, part.beta, part.lead, within_theory(part), style)
        if size in stars:
            axes.axvline(float(stars[size]), color=style["color"], lw=0.9, ls=":", zorder=1)
    _write_odd(axes, rows[(rows.beta >= 1 - ODD) & rows.lead.notna()])
    if rows.lead.isna().all():
        say_nothing_known(axes)


def _write_odd(axes: Axes, rows: pd.DataFrame) -> None:
    if len(rows):
        values = "\n".join(f"k = {row['size']}: {row.lead:z.3f}" for _, row in rows.iterrows())
        text = f"at $\\beta = 1$\n{values}".replace("-", "\N{MINUS SIGN}")
        axes.text(0.02, 0.04, text, transform=axes.transAxes, fontsize=7, va="bottom")


def _legend(results: Results) -> list[Line2D]:
    sizes = marks(order_styles(results.sizes_shown), size_text, ls="-", lw=1.0)
    return [*sizes, rectified_mark(), line(r"$\beta^*$", CONE, 0.9, ls=":")]


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
