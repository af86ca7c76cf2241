"""Momentum space: momentum and rest mass of the kernels of a network, at energy 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mechcore.report.figures.banks import (
    INSIDE_LAYER,
    depth_styles,
    distinct,
    draw_nothing_known,
    inch_axes,
    kernels_of,
    layer_titles,
    named,
    nothing_known,
    strongest_of_layers,
    trained_analysis,
)
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import add_legend
from mechcore.report.figures.style import CONE, THEORY, new_figure
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
"""Where on the axis of angles (degrees) kernels without a direction stand."""

Array = NDArray[np.float64]


def space_table(results: Results, bank: str) -> pd.DataFrame:
    """Return where the strongest kernels of each layer are in momentum space."""
    analysis = trained_analysis(results, bank)
    if analysis is None:
        return pd.DataFrame(columns=COLUMNS)
    kernels = kernels_of(analysis, ["beta", "momentum_angle", "total"])
    rows = named(strongest_of_layers(kernels, POINTS_SHOWN), analysis)
    angle, beta = np.radians(rows.momentum_angle), rows.beta.clip(upper=1.0)
    mass = np.sqrt(1 - beta**2)
    return rows.assign(
        known=len(kernels),
        momentum_x=(beta * np.cos(angle)).fillna(0.0),
        momentum_y=(beta * np.sin(angle)).fillna(0.0),
        rest_mass=np.where(rows.total < 0, -mass, mass),
    )[COLUMNS]


def draw_space(data: FigureData) -> Figure:
    """Draw the kernels on the sphere of energy 1, and the same sphere as a map."""
    table = data.table
    if table.empty:
        return draw_nothing_known()
    styles = depth_styles(layer_titles(table))
    figure = new_figure(7.1, 3.3, constrained=False)
    sphere = inch_axes(figure, 0.02, 0.06, 2.75, 2.75)
    plane = inch_axes(figure, 3.5, 0.5, 3.45, 2.2)
    _draw_sphere(sphere)
    _draw_map(plane, undirected=bool(table.momentum_angle.isna().any()))
    for number, rows in table.groupby("number", sort=True):
        style = styles[int(str(number))]
        _draw_on_sphere(sphere, rows, style)
        _draw_on_map(plane, rows, style)
    add_legend(figure, _legend(distinct(styles)), 4)
    return figure


def describe_space(data: FigureData) -> str:
    """Return what the figure of momentum space shows."""
    table = data.table
    if table.empty:
        return nothing_known(data.topic)
    positive, slow = (table.rest_mass > 0).mean(), (table.beta < EQUAL).mean()
    return (
        f"{len(table)} kernels of {data.topic} on the sphere of energy 1, seen from the side, and "
        "on a map of it: direction of the momentum against the signed rest mass. "
        f"{positive:.0%} have a positive sum, {slow:.0%} more rest mass than momentum, "
        f"{_without(table)} no direction. Mean beta {table.beta.mean():.2f}."
    )


def caption_space(data: FigureData) -> str:
    """Return what a reader must know to read the figure of momentum space."""
    table = data.table
    if table.empty:
        return nothing_known(data.topic)
    most = int(table.groupby("number").size().max())
    return (
        "Kernels at energy 1: momentum p (x to the right, y downwards in the kernel), and rest "
        "mass m with the sign of the sum of the taps. Left: the sphere, its far side pale; right: "
        "the same sphere on a map that keeps areas. Dashed: p = |m|, where β = √½."
        f"{_undirected(table)} Shown are {len(table)} of {table.known.iloc[0]} kernels, up to "
        f"{most} of each layer, those of the most energy."
    )


def _without(table: pd.DataFrame) -> int:
    return int(table.momentum_angle.isna().sum())


def _undirected(table: pd.DataFrame) -> str:
    count = _without(table)
    told = f" {count} kernels without a first moment stand on the axis, and at the left of the map."
    return told if count else ""


def _seen(x: Array, y: Array, mass: Array) -> tuple[Array, Array, Array]:
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
        x, y, near = _seen(wide * np.cos(turn), wide * np.sin(turn), np.full_like(turn, mass))
        for chosen, colour in ((near >= 0, "0.45"), (near < 0, "0.8")):
            gaps = np.where(chosen, y, np.nan)
            axes.plot(x, gaps, color=colour, lw=0.8, ls=line, zorder=1, gid="circle")
    for end, text in (((1.42, 0, 0), "$p_x$"), ((0, 1.42, 0), "$p_y$"), ((0, 0, 1.3), r"$\pm m$")):
        _draw_axis(axes, np.array(end, float), text)
    axes.set(xlim=(-1.32, 1.32), ylim=(-1.32, 1.32), aspect="equal")
    axes.axis("off")


def _draw_axis(axes: Axes, end: Array, text: str) -> None:
    start = end / np.linalg.norm(end)
    (from_x, to_x), (from_y, to_y), _ = _seen(*np.transpose([start, end]))
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


def _draw_on_sphere(axes: Axes, rows: pd.DataFrame, style: dict[str, Any]) -> None:
    places = (rows[name].to_numpy(float) for name in ("momentum_x", "momentum_y", "rest_mass"))
    x, y, near = _seen(*places)
    look = {"ls": "", "marker": style["marker"], "mew": 0, "gid": "points"}
    for chosen, alpha, size, order in ((near < 0, 0.3, 2.0, 2), (near >= 0, 0.85, 2.6, 3)):
        if chosen.any():
            colour = {"color": style["color"], "alpha": alpha, "ms": size, "zorder": order}
            axes.plot(x[chosen], y[chosen], **look, **colour)


def _draw_on_map(axes: Axes, rows: pd.DataFrame, style: dict[str, Any]) -> None:
    look = {"color": style["color"], "marker": style["marker"], "alpha": 0.85}
    angles = rows.momentum_angle.fillna(NO_DIRECTION)
    axes.plot(angles, rows.rest_mass, ls="", ms=2.6, mew=0, zorder=3, gid="map", **look)


def _legend(styles: list[dict[str, Any]]) -> list[Line2D]:
    return [Line2D([], [], ls="", ms=4.5, mew=0, **style) for style in styles]
