"""Momentum and rest mass of the kernels of a network, at energy 1."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    INSIDE_LAYER,
    bank_figure,
    kernels_of,
    strongest_of_layers,
    with_depth,
)
from mechcore.report.figures.layout import marks, panel_grid
from mechcore.report.figures.series import draw_series, order_styles
from mechcore.report.figures.style import CONE
from mechcore.results.results import Results

COLUMNS = ["number", "layer", *INSIDE_LAYER, "known", "beta", "momentum_angle", "rest_mass"]
POINTS_SHOWN = 360
"""In all layers together: more would hide each other, and make the file too large."""

EQUAL = np.sqrt(0.5)
"""Momentum and rest mass where they are equal."""

NO_DIRECTION = -34.0
"""Place on the axis of angles (degrees) of kernels without a direction."""


def _table(results: Results, bank: str) -> pd.DataFrame:
    kernels = kernels_of(results.banks[bank].analysis, ["beta", "momentum_angle", "total"])
    rows = strongest_of_layers(kernels, POINTS_SHOWN)
    mass = np.sqrt(1 - rows.beta.clip(upper=1.0) ** 2)
    signed = np.where(rows.total < 0, -mass, mass)
    return rows.assign(known=len(kernels), rest_mass=signed)[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table = with_depth(data.table)
    table = table.assign(place=table.momentum_angle.fillna(NO_DIRECTION))
    styles = order_styles(list(table.depth.unique()))
    legend = marks(styles, str, mew=0)
    figure, panels = panel_grid((1, 1), (5.6, 2.6), legend, legend_columns=3)
    axes = panels[0, 0]
    for mass, dashes in ((0.0, "-"), (EQUAL, "--"), (-EQUAL, "--")):
        axes.axhline(mass, color="0.45", lw=0.8, ls=dashes, zorder=1)
    places = ("place", "rest_mass")
    draw_series(axes, table, places, "depth", styles, alpha=0.85, ms=3.2, mew=0)
    ticks: dict[float, str] = {0: "0", 90: "90", 180: "180", 270: "270", 360: "360"}
    if table.momentum_angle.isna().any():
        axes.axvline(NO_DIRECTION / 2, color=CONE, lw=0.6, zorder=1)
        ticks |= {NO_DIRECTION: "none"}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set(xlim=(1.7 * min(ticks) - 5, 365), ylim=(-1.04, 1.04), yticks=[-1, -0.5, 0, 0.5, 1])
    axes.set_xlabel("direction of the momentum (°)")
    axes.set_ylabel(r"signed rest mass $\pm m/E$")
    return figure


def _alt_text(data: FigureData) -> str:
    table = data.table
    positive, slow = (table.rest_mass > 0).mean(), (table.rest_mass.abs() > EQUAL).mean()
    return (
        f"{len(table)} kernels of {data.topic}: direction of the momentum against the signed rest "
        f"mass, over the energy. {positive:.0%} have a positive sum, {slow:.0%} more rest mass "
        f"than momentum, {_undirected(table)} no direction. Mean beta {table.beta.mean():.2f}."
    )


def _caption(data: FigureData) -> str:
    table, count = data.table, _undirected(data.table)
    undirected = f" {count} kernels without a first moment are at the left." if count else ""
    return (
        "Kernels at energy 1: direction of the momentum p (y downwards in the kernel), and rest "
        "mass m with the sign of the sum of the taps: a map of the sphere p² + m² = 1 that keeps "
        f"areas. Dashed: p = |m|, where β = √½.{undirected} Shown are {len(table)} of "
        f"{table.known.iloc[0]} kernels, those of the most energy of each layer."
    )


def _undirected(table: pd.DataFrame) -> int:
    return int(table.momentum_angle.isna().sum())


FIGURE = bank_figure("rest_mass", _table, _draw, _alt_text, _caption)
