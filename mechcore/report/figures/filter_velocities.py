"""Velocities of trained kernels: measured under rectification, and what their moments predict."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechcore.analysis.measures import AT_REST
from mechcore.experiment.representative import filmed_activations
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    INSIDE_LAYER,
    bank_figure,
    strongest_of_layers,
    with_depth,
)
from mechcore.report.figures.layout import line, mark, marks, panel_grid, say_nothing_known
from mechcore.report.figures.series import draw_series, in_words, order_styles
from mechcore.report.figures.style import CONE, THEORY
from mechcore.results.results import Results

COLUMNS = [
    *("number", "layer", *INSIDE_LAYER, "activation", "ran"),
    *("beta", "no_negative_tap", "momentum_angle"),
    *("predicted", "measured", "light_speed", "deviation", "extinct", "unsound"),
]
KERNELS_SHOWN = 96
"""In all layers together: more would hide each other, and make the file too large."""

FASTEST = 2.0
"""Largest prediction on the axis, in light speeds: where the taps nearly cancel it is anything."""


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
    return table.sort_values(
        "activation", key=lambda names: names.map(activations.index), kind="stable"
    )


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
    table = with_depth(data.table)
    styles = order_styles(list(table.depth.unique()))
    activations = list(table.activation.unique())
    legend = [
        *marks(styles, str, mfc="none"),
        mark("no negative tap", mec=CONE, mfc=CONE),
        line(r"prediction $M_1/M_0$", THEORY, 1.0),
        line("light cone", CONE, 0.9),
    ]
    shape = (2, len(activations))
    figure, panels = panel_grid(
        shape, (2.93, 1.5), legend, gap=(0.3, 0.55), height_ratios=(2, 1), sharey="row"
    )
    for (speeds, angles), activation in zip(panels.T, activations, strict=True):
        rows = table[table.activation == activation]
        speeds.set_title(f"{activation}, {rows.extinct.sum()} of {len(rows)} extinct", pad=4)
        speeds.plot([-1, 1], [-1, 1], color=THEORY, lw=1.0, zorder=2, gid="diagonal")
        for limit in (-1, 1):
            speeds.axhline(limit, color=CONE, lw=0.9, zorder=1)
        angles.axhline(0.0, color=THEORY, lw=1.0, zorder=2)
        inside, sound = _relative(rows), rows[~rows.unsound]
        inside = inside[inside.predicted.abs() <= FASTEST]
        for axes, part, places in (
            (speeds, inside, ("predicted", "measured")),
            (angles, sound, ("beta", "deviation")),
        ):
            filled = lambda kernels: kernels.no_negative_tap.astype(bool)  # noqa: E731
            draw_series(axes, part, places, "depth", styles, filled=filled, ms=3.6)
            if part.empty:
                say_nothing_known(axes)
        speeds.set(xlim=(-1.03 * FASTEST, 1.03 * FASTEST), ylim=(-1.15, 1.15), yticks=[-1, 0, 1])
        speeds.set(xlabel="predicted velocity / light speed", xticks=[-2, -1, 0, 1, 2])
        angles.set(xlim=(-0.02, 1.02), ylim=(-12, 192), yticks=[0, 90, 180])
        angles.set_xlabel(r"$\beta = p/E$ of the kernel")
    panels[0, 0].set_ylabel("measured velocity / light speed")
    panels[1, 0].set_ylabel("deviation (°)")
    return figure


def _alt_text(data: FigureData) -> str:
    return (
        f"Measured against predicted velocity of kernels of {data.topic} along their momentum, "
        "in units of the light speed, and the angle between the two against beta. "
        f"{in_words(data.table, 'activation', _agreement)}."
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
    error = (known.measured - known.predicted).abs()
    exact = error[known.no_negative_tap.astype(bool)]
    texts = [f"{rows.extinct.sum()} of {len(rows)} states extinct"]
    if len(known):
        texts.append(f"median error {error.median():.2g} light speeds")
    if len(exact):
        texts.append(f"at most {exact.max():.1g} for {len(exact)} kernels without a negative tap")
    return ", ".join(texts)


def _relative(rows: pd.DataFrame) -> pd.DataFrame:
    """Velocities over the light speed, of sound simulations that have both."""
    known = rows[~rows.unsound].dropna(subset=["predicted", "measured"])
    return known.assign(
        predicted=known.predicted / known.light_speed, measured=known.measured / known.light_speed
    )


FIGURE = bank_figure("measured", _table, _draw, _alt_text, _caption)
