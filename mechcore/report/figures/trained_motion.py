"""The kernels of trained networks: how they move a point, and where they are in momentum space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from mechcore.analysis.tables import joined
from mechcore.experiment.representative import filmed_activations, spread
from mechcore.filters.bank_file import BankAnalysis
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, key, line, mark
from mechcore.report.figures.style import CONE, THEORY, plain, shades
from mechcore.report.figures.trained_layers import trained_banks
from mechcore.report.numbers import significant
from mechcore.results.results import Results

INSIDE_LAYER = ["out", "in", "plane"]
"""What distinguishes the kernels of a layer."""

RUNS_SHOWN, KERNELS_SHOWN = 96, 240
"""Kernels of a bank, in all layers together: more would hide each other."""

FASTEST = 2.0
"""Largest prediction on the axis, in light speeds: where the taps nearly cancel it is anything."""

COLUMNS = [
    *("bank", "number", "layer", *INSIDE_LAYER, "activation", "size", "odd_energy_ratio"),
    *("no_negative_tap", "predicted", "measured", "extinct", "unsound"),
]


def strongest_of_layers(kernels: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the kernels with the most energy, as many of each layer."""
    numbers = spread(sorted(kernels.number.unique()), most)
    rows = kernels[kernels.number.isin(numbers)]
    rank = rows.groupby("number").energy.rank(method="first", ascending=False)
    return rows[rank <= most // max(len(numbers), 1)].reset_index(drop=True)


def _velocities(results: Results, _: str) -> pd.DataFrame:
    parts = []
    for bank, analysis in trained_banks(results).items():
        spacing = analysis.layers[["spacing_x", "spacing_y"]].set_axis(analysis.layers.index + 1)
        velocities = results.banks[bank].velocities
        shown = velocities.activation.isin(filmed_activations(results.experiment.activations))
        rows = velocities[shown & (velocities.pattern == results.point)]
        kernels = rows.drop_duplicates(["number", *INSIDE_LAYER])
        few = strongest_of_layers(kernels, RUNS_SHOWN)[["number", *INSIDE_LAYER]]
        rows = few.merge(rows, on=["number", *INSIDE_LAYER]).join(spacing, on="number")
        parts.append(_along_momentum(rows).assign(bank=bank)[COLUMNS])
    return joined((part for part in parts if len(part)), COLUMNS)


def _along_momentum(rows: pd.DataFrame) -> pd.DataFrame:
    """Velocities along the momentum, over the light speed in that direction."""
    angle = np.radians(rows.momentum_angle)
    x, y = np.cos(angle), np.sin(angle)
    across, down = rows.spacing_x * (rows.width - 1), rows.spacing_y * (rows.height - 1)
    cone = (x.abs() * across + y.abs() * down) / 2
    return rows.assign(
        predicted=(rows.predicted_x * x + rows.predicted_y * y) / cone,
        measured=(rows.velocity_x * x + rows.velocity_y * y) / cone,
        size=rows[["height", "width"]].max(axis=1),
        odd_energy_ratio=rows.beta**2,
        extinct=rows.extinct_at.notna(),
        unsound=rows.ill_conditioned.astype(bool),
    )


def _draw_velocities(data: FigureData) -> Panels:
    table = data.table[~data.table.unsound.astype(bool)]
    banks = list(table.bank.unique())
    panels = draw_panels(
        [plain(bank) for bank in banks],
        ("predicted velocity M₁/M₀, in light speeds", "measured velocity"),
        [
            *key(table),
            mark("negative taps", mfc="white"),
            line("as predicted"),
            line("light cone", CONE, ls="--"),
        ],
        panel=(3.3, 2.6),
        columns=2,
        sharey=True,
    )
    for axes, rows in panels.facets(table, "bank"):
        axes.plot([-1, 1], [-1, 1], color=THEORY, zorder=2, gid="diagonal")
        for limit in (-1, 1):
            axes.axhline(limit, color=CONE, lw=1.0, ls="--", zorder=1)
        drawn = rows[rows.predicted.abs() <= FASTEST]
        hollow = ~drawn.no_negative_tap.astype(bool)
        panels.mark(axes, drawn, ("predicted", "measured"), _says_velocity, hollow=hollow)
        axes.set(xlim=(-1.03 * FASTEST, 1.03 * FASTEST), ylim=(-1.15, 1.15), yticks=[-1, 0, 1])
    return panels


def _says_velocity(row: dict[str, Any]) -> str:
    kernel = f"{row['activation']}, {row['layer']} [{row['out']}, {row['in']}]"
    return f"{kernel}: {row['measured']:.2f} c, predicted {row['predicted']:.2f} c"


def _velocity_caption(data: FigureData) -> str:
    table = data.table
    known = table[~table.unsound.astype(bool)].dropna(subset=["predicted", "measured"])
    miss = (known.measured - known.predicted).abs()
    exact = miss[known.no_negative_tap.astype(bool)]
    medians = miss.groupby(known.activation, sort=False).median()
    typical = " and ".join(f"{median:.2f} c under {name}" for name, median in medians.items())
    sure = f"; without negative taps by at most {significant(exact.max(), 1)} c ({len(exact)} runs)"
    hidden = (known.predicted.abs() > FASTEST).sum()
    return (
        f"In the median the prediction is missed by {typical}{sure if len(exact) else ''}. Of "
        f"{len(table)} runs of the strongest kernels {table.extinct.sum()} died, "
        f"{table.unsound.sum()} are decided by rounding, and {hidden} are beyond the axis."
    )


DRIFT = ReportFigure(
    "drift",
    "Do trained kernels move a point as predicted?",
    _velocities,
    _draw_velocities,
    _velocity_caption,
    value="measured",
    groups=("bank", "activation"),
    main=True,
)

POINT = ["point_x", "point_y", "point_z"]
LABELS = {"point_x": "|a| cos θ", "point_y": "|a| sin θ", "point_z": "± |s|"}


def kernels_of(analysis: BankAnalysis, columns: Sequence[str]) -> pd.DataFrame:
    """Return the kernels of all shapes that are not zero, with the names of their layers."""
    parts = []
    for slices in analysis.slices.values():
        known = {name: slices[name].values for name in (*INSIDE_LAYER, "energy", *columns)}
        parts.append(pd.DataFrame({"number": slices.layer.values.astype(int) + 1, **known}))
    kernels = pd.concat(parts, ignore_index=True)
    kernels = kernels[kernels.energy > 0].sort_values("number", kind="stable", ignore_index=True)
    kernels.insert(1, "layer", analysis.layers.name.to_numpy()[kernels.number.to_numpy(int) - 1])
    return kernels


def _points(results: Results, bank: str) -> pd.DataFrame:
    """The strongest kernels, with the major axis of the covariance of their filter's channels."""
    analysis = trained_banks(results)[bank]
    kernels = kernels_of(analysis, POINT)
    filters = pd.concat(analysis.filters.values(), ignore_index=True)
    angle, length = np.radians(filters.covariance_angle), np.sqrt(filters.covariance_major)
    axes = filters[["out"]].assign(
        number=filters.layer.astype(int) + 1,
        axis_x=length * np.cos(angle),
        axis_y=length * np.sin(angle),
    )
    shown = strongest_of_layers(kernels, KERNELS_SHOWN).assign(known=len(kernels))
    return shown.merge(axes, on=["number", "out"], how="left")


def _draw_points(data: FigureData) -> Panels:
    table = data.table.dropna(subset=POINT)
    ends = [int(table.number.min()), int(table.number.max())]
    legend = [mark(f"layer {number}", colour=shades(2)[place]) for place, number in enumerate(ends)]
    legend.append(line("axis of the channels of a filter"))
    panels = draw_panels(
        ["above", "side", "front"], ("", ""), legend, panel=(1.9, 1.9), gap=(0.75, 0.4), bottom=0.6
    )
    reach = 1.05 * float(table[POINT].abs().max().max())
    for axes, (x, y) in zip(panels.axes, combinations(POINT, 2), strict=True):
        axes.axhline(0.0, color="0.8", lw=0.6, zorder=1)
        axes.axvline(0.0, color="0.8", lw=0.6, zorder=1)
        axes.scatter(table[x], table[y], s=9, c=_colours(table), lw=0, alpha=0.85)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel=LABELS[x], ylabel=LABELS[y])
    # Of the strongest filter of each layer, a standard deviation to each side.
    first = table.sort_values("energy", ascending=False).drop_duplicates("number")
    ends_x, ends_y = (np.outer([-1, 1], first[name]) for name in ("axis_x", "axis_y"))
    panels.axes[0].plot(ends_x, ends_y, color=THEORY, gid="axis")
    # As images: y is downwards in a kernel.
    panels.axes[0].invert_yaxis()
    return panels


def _colours(table: pd.DataFrame) -> list[Any]:
    first, last = table.number.min(), table.number.max()
    palette = shades(101)
    return [palette[round(50 * (number - first) / max(last - first, 1))] for number in table.number]


def _point_caption(data: FigureData) -> str:
    table = data.table
    positive = (table.point_z > 0).mean()
    rest = np.nanmedian(np.hypot(table.point_x, table.point_y))
    return (
        f"{positive:.0%} have a positive sum; the median norms are {rest:.2f} of a and "
        f"{table.point_z.abs().median():.2f} of s. The symmetries of the square keep s, drawn with "
        f"the sign of the sum, and not a, drawn at the angle θ of the gradient; shown are the "
        f"strongest {len(table)} of {table.known.iloc[0]} kernels."
    )


def _turnable(data: FigureData) -> dict[str, object]:
    """The points in units of the farthest, and their colours."""
    table = data.table.dropna(subset=POINT)
    points = table[POINT] / table[POINT].abs().max().max()
    return {
        "points": points.round(3).to_numpy().tolist(),
        "colours": [to_hex(colour) for colour in _colours(table)],
    }


SPACE = ReportFigure(
    "space",
    "Where are trained kernels in momentum space?",
    _points,
    _draw_points,
    _point_caption,
    value="point_z",
    groups=("number",),
    topics=lambda results: list(trained_banks(results)),
    space=_turnable,
    shows="Kernels as points in space, seen along three axes; signed norm of the symmetric part",
)
