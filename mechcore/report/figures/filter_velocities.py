"""Velocities of trained kernels: measured under rectification, and what their moments predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.measures import AT_REST
from mechcore.experiment.representative import filmed_activations
from mechcore.report.figures.banks import (
    INSIDE_LAYER,
    depth_styles,
    distinct,
    draw_nothing_known,
    inch_axes,
    layer_titles,
    nothing_known,
    strongest_of_layers,
)
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import add_legend, say_nothing_known
from mechcore.report.figures.style import CONE, THEORY, draw_points, new_figure
from mechcore.results.results import Results

COLUMNS = [
    *("number", "layer", *INSIDE_LAYER, "activation", "ran"),
    *("beta", "no_negative_tap", "momentum_angle"),
    *("predicted", "measured", "light_speed", "deviation", "extinct", "unsound"),
]
KERNELS_SHOWN = 96
"""Of all layers together: more would hide each other, and make the file too large."""

NONE_RAN = "none has run yet, or all are zero"

FASTEST = 2.0
"""Largest prediction on the axis, in light speeds: where the taps nearly cancel it is anything."""

WIDTH, LEFT, ACROSS, GAP, UPPER, LOWER = 7.1, 0.62, 2.93, 0.5, 2.0, 1.0
"""Places in inches."""


def drift_table(results: Results, bank: str) -> pd.DataFrame:
    """Return how the strongest kernels moved a point, beside what was predicted."""
    found = results.banks.get(bank)
    if found is None or found.velocities.empty:
        return pd.DataFrame(columns=COLUMNS)
    velocities = found.velocities
    shown = velocities.activation.isin(filmed_activations(results.experiment))
    rows = velocities[shown & (velocities.pattern == results.point)]
    kernels = rows.drop_duplicates(["number", *INSIDE_LAYER])
    strongest = strongest_of_layers(kernels, KERNELS_SHOWN)[["number", *INSIDE_LAYER]]
    rows = strongest.merge(rows, on=["number", *INSIDE_LAYER]).assign(ran=len(kernels))
    return _along(rows)[COLUMNS].sort_values("activation", key=_places(results), kind="stable")


def draw_drift(data: FigureData) -> Figure:
    """Draw measured against predicted velocities above, deviations of the direction below."""
    table = data.table
    if table.empty:
        return draw_nothing_known("no kernel ran yet")
    styles = depth_styles(layer_titles(table))
    handles = _legend(distinct(styles))
    top = 0.3 + 0.18 * -(-len(handles) // 4)
    figure = new_figure(WIDTH, 0.5 + LOWER + 0.55 + UPPER + top, constrained=False)
    for column, activation in enumerate(table.activation.unique()):
        left = LEFT + column * (ACROSS + GAP)
        speeds = inch_axes(figure, left, 0.5 + LOWER + 0.55, ACROSS, UPPER)
        angles = inch_axes(figure, left, 0.5, ACROSS, LOWER)
        rows = table[table.activation == activation]
        _draw_velocities(speeds, rows, styles)
        _draw_deviations(angles, rows, styles)
        extinct = int(rows.extinct.sum())
        speeds.set_title(f"{activation}, {extinct} of {len(rows)} extinct", pad=4)
        if column == 0:
            speeds.set_ylabel("measured velocity / light speed")
            angles.set_ylabel("deviation (°)", labelpad=1)
    add_legend(figure, handles, 4)
    return figure


def describe_drift(data: FigureData) -> str:
    """Return what the figure of velocities shows."""
    table = data.table
    if table.empty:
        return nothing_known(data.topic, NONE_RAN)
    texts = [
        f"{activation}: {_agreement(rows)}"
        for activation, rows in table.groupby("activation", sort=False)
    ]
    return (
        f"Measured against predicted velocity of kernels of {data.topic} along their momentum, "
        f"in units of the light speed, and the angle between the two against beta. "
        f"{'; '.join(texts)}."
    )


def caption_drift(data: FigureData) -> str:
    """Return what a reader must know to read the figure of velocities."""
    table = data.table
    if table.empty:
        return nothing_known(data.topic, NONE_RAN)
    count = len(table.drop_duplicates(["number", *INSIDE_LAYER]))
    return (
        f"The {count} strongest of {table.ran.iloc[0]} kernels that ran, as many of each layer, on "
        f"{data.results.point}. Above: velocity along the momentum, negative against it, "
        "predicted as M₁/M₀ (first moment over sum), both over the light speed, (k − 1)/2 px/layer "
        "along an axis and more along a diagonal; grey: the light cone. Below: angle between "
        f"velocity and momentum. Filled: no tap is negative{_exact(data)}. {_left_out(table)}"
    )


def _along(rows: pd.DataFrame) -> pd.DataFrame:
    """The same simulations, with velocities along the momentum."""
    angle = np.radians(rows.momentum_angle)
    x, y = np.cos(angle), np.sin(angle)
    speed = np.hypot(rows.velocity_x, rows.velocity_y)
    towards = np.degrees(np.arctan2(rows.velocity_y, rows.velocity_x))
    deviation = ((towards - rows.momentum_angle + 180) % 360 - 180).abs()
    return rows.assign(
        predicted=rows.predicted_x * x + rows.predicted_y * y,
        measured=rows.velocity_x * x + rows.velocity_y * y,
        light_speed=(x.abs() * (rows.width - 1) + y.abs() * (rows.height - 1)) / 2,
        deviation=deviation.where(speed > AT_REST),
        extinct=rows.extinct_at.notna(),
        unsound=rows.ill_conditioned.astype(bool),
    )


def _places(results: Results) -> Any:
    order = filmed_activations(results.experiment)
    return lambda names: names.map(order.index)


def _relative(rows: pd.DataFrame) -> pd.DataFrame:
    """Velocities over the light speed, of simulations that have both."""
    known = rows[~rows.unsound].dropna(subset=["predicted", "measured"])
    return known.assign(
        predicted=known.predicted / known.light_speed, measured=known.measured / known.light_speed
    )


def _draw_velocities(axes: Axes, rows: pd.DataFrame, styles: dict[int, dict[str, Any]]) -> None:
    known = _relative(rows)
    axes.plot([-1, 1], [-1, 1], color=THEORY, lw=1.0, zorder=2, gid="diagonal")
    for limit in (-1, 1):
        axes.axhline(limit, color=CONE, lw=0.9, zorder=1)
    inside = known[known.predicted.abs() <= FASTEST]
    for number, part in inside.groupby("number"):
        style = styles[int(str(number))]
        draw_points(axes, part.predicted, part.measured, part.no_negative_tap, style, size=3.6)
    if inside.empty:
        say_nothing_known(axes)
    axes.set(xlim=(-1.03 * FASTEST, 1.03 * FASTEST), ylim=(-1.15, 1.15), yticks=[-1, 0, 1])
    axes.set_xticks([-2, -1, 0, 1, 2])
    axes.set_xlabel("predicted velocity / light speed", labelpad=2)


def _draw_deviations(axes: Axes, rows: pd.DataFrame, styles: dict[int, dict[str, Any]]) -> None:
    known = rows[~rows.unsound].dropna(subset=["deviation"])
    axes.axhline(0.0, color=THEORY, lw=1.0, zorder=2)
    for number, part in known.groupby("number"):
        style, filled = styles[int(str(number))], part.no_negative_tap
        draw_points(axes, part.beta, part.deviation, filled, style, gid="deviation", size=3.6)
    if known.empty:
        say_nothing_known(axes)
    axes.set(xlim=(-0.02, 1.02), ylim=(-12, 192), yticks=[0, 90, 180])
    axes.set_xlabel(r"$\beta = p/E$ of the kernel", labelpad=2)


def _agreement(rows: pd.DataFrame) -> str:
    """How well predictions hold, of simulations of one activation."""
    known, kernels = _relative(rows), len(rows)
    exact = known[known.no_negative_tap]
    told = [f"{int(rows.extinct.sum())} of {kernels} states extinct"]
    if len(known):
        error = (known.measured - known.predicted).abs()
        told.append(f"median error {error.median():.2g} light speeds")
        turned = rows[~rows.unsound].deviation.median()
        told.append(f"median deviation {turned:.3g}°" if np.isfinite(turned) else "all at rest")
    if len(exact):
        worst = (exact.measured - exact.predicted).abs().max()
        told.append(f"at most {worst:.1g} for {len(exact)} kernels without a negative tap")
    return ", ".join(told)


def _exact(data: FigureData) -> str:
    exact = [name for name in data.table.activation.unique() if data.results.is_exact(name)]
    return f"; under {' and '.join(exact)} the diagonal is then exact" if exact else ""


def _left_out(table: pd.DataFrame) -> str:
    """What the upper panels do not show, and why."""
    known = _relative(table)
    outside = int((known.predicted.abs() > FASTEST).sum())
    sumless = int((table.predicted.isna() & ~table.extinct & ~table.unsound).sum())
    return (
        f"Of {len(table)} simulations {table.extinct.sum()} went extinct, {table.unsound.sum()} "
        f"are decided by rounding and {sumless} have no prediction (no first moment, or a sum of "
        f"zero); the predictions of {outside} are beyond {FASTEST:g} light speeds and not drawn."
    )


def _legend(styles: list[dict[str, Any]]) -> list[Line2D]:
    layers = [Line2D([], [], ls="", ms=4.5, mfc="none", **style) for style in styles]
    look: dict[str, Any] = {"ls": "", "marker": "o", "ms": 4.5, "mec": CONE}
    return [
        *layers,
        Line2D([], [], label="no negative tap", mfc=CONE, **look),
        Line2D([], [], color=THEORY, lw=1.0, label=r"prediction $M_1/M_0$"),
        Line2D([], [], color=CONE, lw=0.9, label="light cone"),
    ]
