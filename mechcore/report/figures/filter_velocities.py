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
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    INSIDE_LAYER,
    bank_figure,
    depth_marks,
    depth_styles,
    strongest_of_layers,
)
from mechcore.report.figures.layout import add_legend, inch_axes, line, mark, say_nothing_known
from mechcore.report.figures.style import CONE, THEORY, Style, draw_points, new_figure
from mechcore.results.results import Results

COLUMNS = [
    *("number", "layer", *INSIDE_LAYER, "activation", "ran"),
    *("beta", "no_negative_tap", "momentum_angle"),
    *("predicted", "measured", "light_speed", "deviation", "extinct", "unsound"),
]
KERNELS_SHOWN = 96
"""Of all layers together: more would hide each other, and make the file too large."""

FASTEST = 2.0
"""Largest prediction on the axis, in light speeds: where the taps nearly cancel it is anything."""

WIDTH, LEFT, ACROSS, GAP, UPPER, LOWER = 7.1, 0.62, 2.93, 0.5, 2.0, 1.0
"""Places in inches."""


def _table(results: Results, bank: str) -> pd.DataFrame:
    velocities = results.banks[bank].velocities
    if velocities.empty:
        return pd.DataFrame(columns=COLUMNS)
    activations = filmed_activations(results.experiment)
    shown = velocities.activation.isin(activations) & (velocities.pattern == results.point)
    kernels = velocities[shown].drop_duplicates(["number", *INSIDE_LAYER])
    strongest = strongest_of_layers(kernels, KERNELS_SHOWN)[["number", *INSIDE_LAYER]]
    rows = strongest.merge(velocities[shown], on=["number", *INSIDE_LAYER])
    table = _along_momentum(rows.assign(ran=len(kernels)))[COLUMNS]
    order = {name: place for place, name in enumerate(activations)}
    return table.sort_values("activation", key=lambda names: names.map(order), kind="stable")


def _along_momentum(rows: pd.DataFrame) -> pd.DataFrame:
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


def _draw(data: FigureData) -> Figure:
    table = data.table
    styles = depth_styles(table)
    handles = _legend(styles)
    top = 0.3 + 0.18 * -(-len(handles) // 4)
    figure = new_figure(WIDTH, 0.5 + LOWER + 0.55 + UPPER + top, constrained=False)
    for column, (activation, rows) in enumerate(table.groupby("activation", sort=False)):
        left = LEFT + column * (ACROSS + GAP)
        speeds = inch_axes(figure, left, 0.5 + LOWER + 0.55, ACROSS, UPPER)
        angles = inch_axes(figure, left, 0.5, ACROSS, LOWER)
        _draw_velocities(speeds, rows, styles)
        _draw_deviations(angles, rows, styles)
        speeds.set_title(f"{activation}, {rows.extinct.sum()} of {len(rows)} extinct", pad=4)
        if column == 0:
            speeds.set_ylabel("measured velocity / light speed")
            angles.set_ylabel("deviation (°)", labelpad=1)
    add_legend(figure, handles, 4)
    return figure


def _alt_text(data: FigureData) -> str:
    texts = [
        f"{activation}: {_agreement(rows)}"
        for activation, rows in data.table.groupby("activation", sort=False)
    ]
    return (
        f"Measured against predicted velocity of kernels of {data.topic} along their momentum, "
        f"in units of the light speed, and the angle between the two against beta. "
        f"{'; '.join(texts)}."
    )


def _caption(data: FigureData) -> str:
    table = data.table
    count = len(table.drop_duplicates(["number", *INSIDE_LAYER]))
    exact = [name for name in table.activation.unique() if data.results.is_exact(name)]
    diagonal = f"; under {' and '.join(exact)} the diagonal is then exact" if exact else ""
    return (
        f"The {count} strongest of {table.ran.iloc[0]} kernels that ran, as many of each layer, on "
        f"{data.results.point}. Above: velocity along the momentum, negative against it, "
        "predicted as M₁/M₀ (first moment over sum), both over the light speed, (k − 1)/2 px/layer "
        "along an axis and more along a diagonal; grey: the light cone. Below: angle between "
        f"velocity and momentum. Filled: no tap is negative{diagonal}. {_left_out(table)}"
    )


def _left_out(table: pd.DataFrame) -> str:
    """What the upper panels do not show, and why."""
    outside = int((_relative(table).predicted.abs() > FASTEST).sum())
    sumless = int((table.predicted.isna() & ~table.extinct & ~table.unsound).sum())
    return (
        f"Of {len(table)} simulations {table.extinct.sum()} went extinct, {table.unsound.sum()} "
        f"are decided by rounding and {sumless} have no prediction (no first moment, or a sum of "
        f"zero); the predictions of {outside} are beyond {FASTEST:g} light speeds and not drawn."
    )


def _agreement(rows: pd.DataFrame) -> str:
    """How well predictions hold in the simulations of one activation."""
    known = _relative(rows)
    exact = known[known.no_negative_tap]
    texts = [f"{rows.extinct.sum()} of {len(rows)} states extinct"]
    if len(known):
        error = (known.measured - known.predicted).abs()
        texts.append(f"median error {error.median():.2g} light speeds")
        turned = rows[~rows.unsound].deviation.median()
        texts.append(f"median deviation {turned:.3g}°" if np.isfinite(turned) else "all at rest")
    if len(exact):
        worst = (exact.measured - exact.predicted).abs().max()
        texts.append(f"at most {worst:.1g} for {len(exact)} kernels without a negative tap")
    return ", ".join(texts)


def _relative(rows: pd.DataFrame) -> pd.DataFrame:
    """Velocities over the light speed, of sound simulations that have both."""
    known = rows[~rows.unsound].dropna(subset=["predicted", "measured"])
    return known.assign(
        predicted=known.predicted / known.light_speed, measured=known.measured / known.light_speed
    )


def _draw_velocities(axes: Axes, rows: pd.DataFrame, styles: dict[int, tuple[str, Style]]) -> None:
    known = _relative(rows)
    axes.plot([-1, 1], [-1, 1], color=THEORY, lw=1.0, zorder=2, gid="diagonal")
    for limit in (-1, 1):
        axes.axhline(limit, color=CONE, lw=0.9, zorder=1)
    inside = known[known.predicted.abs() <= FASTEST]
    _draw_layers(axes, inside, ("predicted", "measured"), styles, "points")
    axes.set(xlim=(-1.03 * FASTEST, 1.03 * FASTEST), ylim=(-1.15, 1.15), yticks=[-1, 0, 1])
    axes.set_xticks([-2, -1, 0, 1, 2])
    axes.set_xlabel("predicted velocity / light speed", labelpad=2)


def _draw_deviations(axes: Axes, rows: pd.DataFrame, styles: dict[int, tuple[str, Style]]) -> None:
    known = rows[~rows.unsound].dropna(subset=["deviation"])
    axes.axhline(0.0, color=THEORY, lw=1.0, zorder=2)
    _draw_layers(axes, known, ("beta", "deviation"), styles, "deviation")
    axes.set(xlim=(-0.02, 1.02), ylim=(-12, 192), yticks=[0, 90, 180])
    axes.set_xlabel(r"$\beta = p/E$ of the kernel", labelpad=2)


def _draw_layers(
    axes: Axes,
    rows: pd.DataFrame,
    columns: tuple[str, str],
    styles: dict[int, tuple[str, Style]],
    gid: str,
) -> None:
    for number, part in rows.groupby("number"):
        _, style = styles[int(str(number))]
        x, y = (part[name] for name in columns)
        draw_points(axes, x, y, part.no_negative_tap, style, gid=gid, ms=3.6)
    if rows.empty:
        say_nothing_known(axes)


def _legend(styles: dict[int, tuple[str, Style]]) -> list[Line2D]:
    taps: dict[str, Any] = {"ms": 4.5, "mec": CONE, "mfc": CONE}
    return [
        *depth_marks(styles, mfc="none"),
        mark("no negative tap", **taps),
        line(r"prediction $M_1/M_0$", THEORY, 1.0),
        line("light cone", CONE, 0.9),
    ]


FIGURE = bank_figure(
    COLUMNS,
    _table,
    _draw,
    _alt_text,
    _caption,
    needs="number",
    empty="no kernel ran yet",
    reason="none has run yet, or all are zero",
)
