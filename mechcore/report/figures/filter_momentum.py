"""Momentum and rest mass of the kernels of a network, at energy 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    INSIDE_LAYER,
    bank_figure,
    depth_marks,
    depth_styles,
    kernels_of,
    strongest_of_layers,
)
from mechcore.report.figures.layout import add_legend, inch_axes
from mechcore.report.figures.style import CONE, THEORY, Style, new_figure
from mechcore.results.results import Results

COLUMNS = [
    *("number", "layer", *INSIDE_LAYER, "known", "beta", "momentum_angle"),
    *("momentum_x", "momentum_y", "rest_mass"),
]
POINTS_SHOWN = 360
"""Of all layers together: more would hide each other, and make the file too large."""

TURN, TILT = np.radians(-35.0), np.radians(20.0)
"""How far the sphere is turned about its axis, and tilted towards the reader."""

EQUAL = np.sqrt(0.5)
"""Momentum and rest mass where they are equal, on the cone."""

NO_DIRECTION = -34.0
"""Place on the axis of angles (degrees) of kernels without a direction."""


def _table(results: Results, bank: str) -> pd.DataFrame:
    kernels = kernels_of(results.banks[bank].analysis, ["beta", "momentum_angle", "total"])
    rows = strongest_of_layers(kernels, POINTS_SHOWN)
    angle, beta = np.radians(rows.momentum_angle), rows.beta.clip(upper=1.0)
    mass = np.sqrt(1 - beta**2)
    return rows.assign(
        known=len(kernels),
        momentum_x=(beta * np.cos(angle)).fillna(0.0),
        momentum_y=(beta * np.sin(angle)).fillna(0.0),
        rest_mass=np.where(rows.total < 0, -mass, mass),
    )[COLUMNS]


def _draw(data: FigureData) -> Figure:
    styles = depth_styles(data.table)
    figure = new_figure(7.1, 3.3, constrained=False)
    sphere = inch_axes(figure, 0.02, 0.06, 2.75, 2.75)
    plane = inch_axes(figure, 3.5, 0.5, 3.45, 2.2)
    _draw_sphere(sphere)
    _draw_map(plane, undirected=bool(data.table.momentum_angle.isna().any()))
    for number, rows in data.table.groupby("number", sort=True):
        _, style = styles[int(str(number))]
        _draw_on_sphere(sphere, rows, style)
        _draw_on_map(plane, rows, style)
    add_legend(figure, depth_marks(styles, mew=0), 4)
    return figure


def _alt_text(data: FigureData) -> str:
    table = data.table
    positive, slow = (table.rest_mass > 0).mean(), (table.beta < EQUAL).mean()
    return (
        f"{len(table)} kernels of {data.topic} on the sphere of energy 1, seen from the side, and "
        "on a map of it: direction of the momentum against the signed rest mass. "
        f"{positive:.0%} have a positive sum, {slow:.0%} more rest mass than momentum, "
        f"{_undirected(table)} no direction. Mean beta {table.beta.mean():.2f}."
    )


def _caption(data: FigureData) -> str:
    table = data.table
    most = int(table.groupby("number").size().max())
    count = _undirected(table)
    undirected = (
        f" {count} kernels without a first moment are on the axis, and at the left of the map."
        if count
        else ""
    )
    return (
        "Kernels at energy 1: momentum p (x to the right, y downwards in the kernel), and rest "
        "mass m with the sign of the sum of the taps. Left: the sphere, its far side pale; right: "
        "the same sphere on a map that keeps areas. Dashed: p = |m|, where β = √½."
        f"{undirected} Shown are {len(table)} of {table.known.iloc[0]} kernels, up to {most} of "
        "each layer, those of the most energy."
    )


def _undirected(table: pd.DataFrame) -> int:
    return int(table.momentum_angle.isna().sum())


def _projected(x: Array, y: Array, mass: Array) -> tuple[Array, Array, Array]:
    """Where points are on paper, and how near they are to the reader."""
    right = x * np.cos(TURN) - y * np.sin(TURN)
    # y counts downwards in a kernel: seen from above, it comes towards the reader.
    towards = x * np.sin(TURN) + y * np.cos(TURN)
    up = mass * np.cos(TILT) - towards * np.sin(TILT)
    return right, up, towards * np.cos(TILT) + mass * np.sin(TILT)


def _draw_sphere(axes: Axes) -> None:
    turn = np.linspace(0, 2 * np.pi, 73)
    axes.fill(np.cos(turn), np.sin(turn), color="0.975", zorder=0)
    axes.plot(np.cos(turn), np.sin(turn), color="0.6", lw=0.8, zorder=1, gid="sphere")
    for mass, line in ((0.0, "-"), (EQUAL, "--"), (-EQUAL, "--")):
        wide = np.sqrt(1 - mass**2)
        circle = wide * np.cos(turn), wide * np.sin(turn), np.full_like(turn, mass)
        x, y, near = _projected(*circle)
        for chosen, colour in ((near >= 0, "0.45"), (near < 0, "0.8")):
            gaps = np.where(chosen, y, np.nan)
            axes.plot(x, gaps, color=colour, lw=0.8, ls=line, zorder=1, gid="circle")
    for end, text in (((1.42, 0, 0), "$p_x$"), ((0, 1.42, 0), "$p_y$"), ((0, 0, 1.3), r"$\pm m$")):
        _draw_axis(axes, np.array(end, float), text)
    axes.set(xlim=(-1.32, 1.32), ylim=(-1.32, 1.32), aspect="equal")
    axes.axis("off")


def _draw_axis(axes: Axes, end: Array, text: str) -> None:
    start = end / np.linalg.norm(end)
    (from_x, to_x), (from_y, to_y), _ = _projected(*np.transpose([start, end]))
    look: dict[str, Any] = {"arrowstyle": "-|>", "color": THEORY, "lw": 0.9}
    look |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    axes.annotate("", (to_x, to_y), (from_x, from_y), arrowprops=look)
    axes.plot([0, from_x], [0, from_y], color="0.8", lw=0.7, ls=":", zorder=1)
    axes.annotate(text, (to_x, to_y), (4, 1), textcoords="offset points", fontsize=9)


def _draw_map(axes: Axes, *, undirected: bool) -> None:
    axes.axhline(0.0, color="0.45", lw=0.8, zorder=1)
    for mass in (EQUAL, -EQUAL):
        axes.axhline(mass, color="0.45", lw=0.8, ls="--", zorder=1)
    axes.set(xlim=(-5, 365), ylim=(-1.04, 1.04), yticks=[-1, -0.5, 0, 0.5, 1])
    axes.set_xticks([0, 90, 180, 270, 360])
    if undirected:
        axes.axvline(NO_DIRECTION / 2, color=CONE, lw=0.6, zorder=1)
        axes.set_xlim(1.7 * NO_DIRECTION, 365)
        names = ["none", "0", "90", "180", "270", "360"]
        axes.set_xticks([NO_DIRECTION, 0, 90, 180, 270, 360], names)
    axes.set_xlabel("direction of the momentum (°)")
    axes.set_ylabel(r"signed rest mass $\pm m/E$", labelpad=1)


def _draw_on_sphere(axes: Axes, rows: pd.DataFrame, style: Style) -> None:
    places = (rows[name].to_numpy(float) for name in ("momentum_x", "momentum_y", "rest_mass"))
    x, y, near = _projected(*places)
    for chosen, alpha, size, order in ((near < 0, 0.3, 2.0, 2), (near >= 0, 0.85, 2.6, 3)):
        if chosen.any():
            look: dict[str, Any] = {"alpha": alpha, "ms": size, "zorder": order, "mew": 0}
            axes.plot(x[chosen], y[chosen], ls="", gid="points", **look, **style)


def _draw_on_map(axes: Axes, rows: pd.DataFrame, style: Style) -> None:
    angles = rows.momentum_angle.fillna(NO_DIRECTION)
    look: dict[str, Any] = {"alpha": 0.85, "ms": 2.6, "mew": 0, "zorder": 3}
    axes.plot(angles, rows.rest_mass, ls="", gid="map", **look, **style)


FIGURE = bank_figure(COLUMNS, _table, _draw, _alt_text, _caption, needs="rest_mass")
