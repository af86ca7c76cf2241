"""Speed against beta, a panel for each size and activation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechcore.experiment.representative import shown_sizes
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    name_axes,
    name_row,
    panel_grid,
    size_text,
    title,
)
from mechcore.report.figures.speed_panels import (
    MOST_POINTS,
    PREDICTOR_LABELS,
    draw_speeds,
    limit_speed,
    speed_legend,
    speeds_of,
)
from mechcore.results.results import Results

MOST_COLUMNS = 3


def _table(results: Results, family: str) -> pd.DataFrame:
    return speeds_of(results, family, _sizes(results))


def _sizes(results: Results) -> list[int]:
    return shown_sizes(results.experiment.sizes, MOST_COLUMNS)


def _draw(data: FigureData) -> Figure:
    table, results = data.table, data.results
    activations, sizes = results.experiment.activations, _sizes(results)
    figure, panels = panel_grid(
        (len(activations), len(sizes)),
        (max(1.75, 3.6 / len(sizes)), 1.0),
        speed_legend(results, results.patterns),
        legend_columns=2,
        gap=(0.38, 0.12),
        margins=Margins(right=0.3),
    )
    for (row, column), axes in np.ndenumerate(panels):
        size, activation = sizes[column], activations[row]
        part = table[table["size"] == size]
        cell = results.cells[results.cell_name(data.topic, activation, size)]
        draw_speeds(axes, part[part.activation == activation], results, cell, "beta")
        limit_speed(axes, part.speed, results.mean_light_speed(size))
        # Axes that are shared ask each other at every line: here that takes half of the time.
        axes.set(xlim=(-0.05, 1.05), xticks=[0, 0.5, 1])
        axes.tick_params(labelbottom=row == len(activations) - 1)
    for axes, size in zip(panels[0], sizes, strict=True):
        title(axes, size_text(size))
    for axes, activation in zip(panels[:, -1], activations, strict=True):
        name_row(axes, activation)
    name_axes(figure, PREDICTOR_LABELS["beta"], "speed along the momentum (px/layer)")
    return figure


def _alt_text(data: FigureData) -> str:
    groups = data.table.groupby(["activation", "size"], sort=False)
    peaks = [_peak(f"{activation}, k = {size}", rows) for (activation, size), rows in groups]
    return (
        f"Speed in pixels per layer against beta, {data.topic} family, a panel for each of "
        f"{len(_sizes(data.results))} sizes and {len(data.results.experiment.activations)} "
        f"activations, with fitted lines, theory and light cone. Largest mean speed: "
        f"{'; '.join(peaks)}."
    )


def _caption(data: FigureData) -> str:
    count = len(data.results.experiment.angles)
    averaged = f" Speeds and light cones are means over {count} angles." if count > 1 else ""
    return (
        f"Points: simulations, at most {MOST_POINTS} of a series; open where they are "
        "ill-conditioned or a state died. Coloured lines: least squares in β over the whole range, "
        "with 95% confidence bands. Black: speed of a kernel without negative taps, (M₁/M₀) γβ "
        "with M₁ of the odd and M₀ of the even part; solid where it is exact, dashed where it is "
        "not. A wide pattern can pass the light cone of a point for a while, as it contracts onto "
        f"its leading edge.{averaged}"
    )


def _peak(name: str, rows: pd.DataFrame) -> str:
    known = rows.dropna(subset=["speed"])
    if known.empty:
        return f"{name} none"
    best = known.iloc[int(known.speed.argmax())]
    return f"{name} {best.speed:z.3f} at beta {best.beta:g}"


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
