"""How much faster the same kernels are under the modulus than under ReLU."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.analysis.beta_ranges import within_theory
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    facet_grid,
    facets,
    line,
    marks,
    name_axes,
    rectified_mark,
    size_text,
)
from mechcore.report.figures.series import ODD, draw_series, in_words, order_styles
from mechcore.report.figures.style import CONE, SHADE, plain
from mechcore.results.results import Results

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
    table, patterns = data.table, data.results.patterns
    styles = order_styles(data.results.sizes_shown)
    sizes = marks(styles, size_text, ls="-", lw=1.0)
    legend = [*sizes, rectified_mark(), line(r"$\beta^*$", CONE, 0.9, ls=":")]
    figure, panels = facet_grid(
        patterns,
        (3.0, 1.8),
        legend,
        most_columns=2,
        margins=Margins(left=0.78),
        text=lambda pattern: f"pattern {plain(pattern)}",
        sharex=True,
        sharey=True,
    )
    for axes, rows in facets(table, "pattern", patterns, panels):
        axes.axhline(0, color=CONE, lw=0.8, zorder=1)
        stars = rows.dropna(subset=["beta_star"]).drop_duplicates("size")
        if len(stars):
            axes.axvspan(stars.beta_star.min(), 1.0, color=SHADE, lw=0, zorder=0)
        for _, star in stars.iterrows():
            colour = styles[star["size"]]["color"]
            axes.axvline(star.beta_star, color=colour, lw=0.9, ls=":", zorder=1)
        mixed, columns = rows[rows.beta < ODD], ("beta", "lead")
        draw_series(axes, mixed, columns, "size", styles, filled=within_theory, joined=True)
        _write_odd(axes, rows[(rows.beta >= ODD) & rows.lead.notna()])
    # Without odd kernels, which would press the others together.
    largest = 1.15 * float(np.nanmax([*table.lead[table.beta < ODD].abs(), SMALLEST_RANGE]))
    panels[0].set(xlim=(-0.03, 1.03), ylim=(-largest, largest))
    name_axes(figure, r"$\beta$", "modulus minus ReLU (px/layer)")
    return figure


def _alt_text(data: FigureData) -> str:
    known = data.table.dropna(subset=["lead"])
    return (
        f"Speed of the modulus minus speed of ReLU in pixels per layer against beta, {data.topic} "
        f"family. {in_words(known, ['pattern', 'size'], _extremes)}."
    )


def _caption(data: FigureData) -> str:
    return (
        f"Speeds of the same kernels under the two activations ({data.topic}). Above 0 the modulus "
        "is faster. Grey: β > β* of at least one size; dotted: β* of each. Open: rectification "
        "acts; up to β*, neither changes anything. At β = 1 the modulus splits a point in two: "
        "those values are written out."
    )


def _extremes(rows: pd.DataFrame) -> str:
    best, worst = rows.iloc[int(rows.lead.argmax())], rows.iloc[int(rows.lead.argmin())]
    lowest, highest = (f"{row.lead:z.3f} at beta {row.beta:.3g}" for row in (worst, best))
    return f"from {lowest} to {highest}"


def _write_odd(axes: Axes, rows: pd.DataFrame) -> None:
    if len(rows):
        values = "\n".join(f"k = {row['size']}: {row.lead:z.3f}" for _, row in rows.iterrows())
        text = f"at $\\beta = 1$\n{values}".replace("-", "\N{MINUS SIGN}")
        axes.text(0.02, 0.04, text, transform=axes.transAxes, fontsize=7, va="bottom")


FIGURE = ReportFigure("lead", _table, _draw, _alt_text, _caption)
