"""Rectifiers: the lead of the modulus over ReLU."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.regressions import mean_speeds
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import (
    Margins,
    facets,
    hide_unused,
    name_axes,
    panel_grid,
    say_nothing_known,
    title,
)
from mechcore.report.figures.style import CONE, SHADE, draw_points, order_styles, pixels_per_layer
from mechcore.results.results import MOST_PANELS, Results

ODD = 1e-9
"""A kernel whose beta is this near to 1 is odd."""

SMALLEST_RANGE = 0.01
"""Half the height of the panels at least, px/layer: rounding is not to be blown up."""

COLUMNS = ["pattern", "size", "beta", "beta_star", "speed_relu", "speed_modulus", "lead"]


def rectifier_table(results: Results, family: str) -> pd.DataFrame:
    """Return the speeds of the modulus and of ReLU side by side, for the sizes shown."""
    metrics = results.metrics
    chosen = (metrics.kernel == family) & metrics["size"].isin(results.sizes_shown)
    points = mean_speeds(metrics[chosen])
    relu, modulus = (points[points.activation == name] for name in ("relu", "modulus"))
    keys = ["pattern", "size", "beta"]
    both = relu.merge(modulus[[*keys, "speed"]], on=keys, suffixes=("_relu", "_modulus"))
    return both.assign(lead=both.speed_modulus - both.speed_relu)[COLUMNS]


def draw_rectifiers(data: FigureData) -> Figure:
    """Draw the lead of the modulus against beta, a panel for each pattern."""
    table, results = data.table, data.results
    figure, panels = panel_grid(
        facets(len(results.patterns), MOST_PANELS // 2),
        (3.0, 1.8),
        _legend(results),
        legend_columns=4,
        gap=(0.15, 0.3),
        margins=Margins(left=0.78),
        sharex=True,
        sharey=True,
    )
    for axes, pattern in zip(panels.flat, results.patterns, strict=False):
        _draw_leads(axes, table[table.pattern == pattern], results)
        title(axes, f"pattern {pattern}")
    panels[0, 0].set(xlim=(-0.03, 1.03), ylim=_limits(table))
    hide_unused(panels, len(results.patterns))
    name_axes(figure, r"$\beta$", pixels_per_layer("modulus minus ReLU"))
    return figure


def describe_rectifiers(data: FigureData) -> str:
    """Return what the figure of rectifiers shows."""
    known = data.table.dropna(subset=["lead"])
    texts = [
        f"pattern {pattern}, k = {size}: {_extremes(rows)}"
        for (pattern, size), rows in known.groupby(["pattern", "size"], sort=False)
    ]
    return (
        f"Speed of the modulus minus speed of ReLU in pixels per layer against beta, {data.topic} "
        f"family. {'; '.join(texts) or '0 pairs are known'}."
    )


def caption_rectifiers(data: FigureData) -> str:
    """Return what a reader must know to read the figure of rectifiers."""
    return (
        f"Speeds of the same kernels under the two activations ({data.topic}). Above 0 the "
        "modulus is faster. Grey: β > β* of at least one size, dotted lines: β* of each. Open: "
        "rectification acts; before, both do nothing. At β = 1 the "
        "modulus splits a point in two: those values are written out."
    )


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """All leads but those of odd kernels, which would press the others together."""
    mixed = table.lead[table.beta < 1 - ODD].abs()
    largest = 1.15 * float(np.nanmax(np.append(mixed.to_numpy(float), SMALLEST_RANGE)))
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
        beta, lead = part.beta.to_numpy(float), part.lead.to_numpy(float)
        axes.plot(beta, lead, color=style["color"], lw=1.0, gid="lead")
        draw_points(axes, beta, lead, np.asarray(within_theory(part)), style)
        if size in stars:
            axes.axvline(float(stars[size]), color=style["color"], lw=0.9, ls=":", zorder=1)
    odd = rows[(rows.beta >= 1 - ODD) & rows.lead.notna()]
    values = "\n".join(f"k = {row['size']}: {row.lead:z.3f}" for _, row in odd.iterrows())
    if values:
        text = f"at $\\beta = 1$\n{values}".replace("-", "\N{MINUS SIGN}")
        axes.text(0.02, 0.04, text, transform=axes.transAxes, fontsize=7, va="bottom")
    if rows.lead.isna().all():
        say_nothing_known(axes)


def _legend(results: Results) -> list[Line2D]:
    sizes = [
        Line2D([], [], lw=1.0, ms=4, label=f"k = {size}", **style)
        for size, style in order_styles(results.sizes_shown).items()
    ]
    acts = Line2D([], [], ls="", ms=4, marker="o", mfc="none", mec=CONE, label=r"$\beta > \beta^*$")
    return [*sizes, acts, Line2D([], [], color=CONE, lw=0.9, ls=":", label=r"$\beta^*$")]
