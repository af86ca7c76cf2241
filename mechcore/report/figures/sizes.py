"""Sizes: how diffusion and speed grow with the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.beta_ranges import UP_TO_BETA_STAR
from mechcore.analysis.mechanics import characteristic_speeds
from mechcore.analysis.regressions import mean_speeds
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import Margins, panel_grid, say_nothing_known
from mechcore.report.figures.style import CONE, THEORY, category_styles, draw_points, plain
from mechcore.results.results import Results

FIGURES = {
    "diffusion_coefficient": "diffusion coefficient (px)",
    "largest_speed": "largest speed (px/layer)",
    "slope": r"slope in $\gamma\beta$ (px/layer)",
}
"""What is drawn against the size, with axis labels."""

KEYS = ["activation", "size"]
COLUMNS = [*KEYS, *FIGURES, "light_cone", "diffusion_speed"]


def size_table(results: Results, family: str) -> pd.DataFrame:
    """Return diffusion and speed of every cell of a family."""
    metrics = results.metrics
    part = metrics[(metrics.kernel == family) & (metrics.pattern == results.point)]
    even = part[part.beta == 0].groupby(KEYS).diffusion_coefficient.mean()
    speeds = mean_speeds(part).groupby(["cell", *KEYS], sort=False)
    table = speeds.speed.max().rename("largest_speed").reset_index()
    table = table.assign(kernel=family).join(even, on=KEYS)
    slopes = table.cell.map(_slopes(results))
    bodies = characteristic_speeds(results.kernels)
    return table.assign(slope=slopes).join(bodies, on=["kernel", "size"])[COLUMNS]


def draw_sizes(data: FigureData) -> Figure:
    """Draw diffusion, largest speed and slope against the kernel size."""
    table, results = data.table, data.results
    figure, panels = panel_grid(
        (1, len(FIGURES)),
        (1.85, 1.9),
        _legend(results),
        legend_columns=5,
        gap=(0.55, 0.1),
        margins=Margins(left=0.5),
        sharex=True,
    )
    for axes, (column, label) in zip(panels[0], FIGURES.items(), strict=True):
        _draw_bodies(axes, table, with_cone=column != "diffusion_coefficient")
        _draw_activations(axes, table, column, results)
        axes.set(xlabel="kernel size $k$ (px)", ylabel=label)
        axes.set_ylim(bottom=0)
        axes.set_xticks(sorted(results.experiment.sizes))
    return figure


def describe_sizes(data: FigureData) -> str:
    """Return what the figure of sizes shows."""
    texts = [
        f"{activation}: {', '.join(_of_size(row) for _, row in rows.iterrows())}"
        for activation, rows in data.table.sort_values("size").groupby("activation", sort=False)
    ]
    return (
        "Width that an even kernel adds in the first layer, largest speed, and slope of speed on "
        f"celerity up to beta star, against kernel size, {data.topic} family. Diffusion "
        f"coefficient and largest speed: {'; '.join(texts) or '0 cells are known'}."
    )


def caption_sizes(data: FigureData) -> str:
    """Return what a reader must know to read the figure of sizes."""
    rule = ", for dct √((k² − 1)/12)" if data.topic == "dct" else ""
    return (
        f"{data.topic}, {data.results.point}; activations stand side by side at each size. Left: "
        "c of the width c tᵃ fitted at β = 0. Middle: largest over β. Right: least-squares slope "
        f"over β ≤ β*. Dashed: diffusion speed s, the width of the even kernel{rule}. Grey: light "
        "cone."
    )


def _slopes(results: Results) -> dict[str, float]:
    fits = results.regressions
    chosen = (fits.predictor == "celerity") & (fits.domain == UP_TO_BETA_STAR)
    rows = fits[chosen & (fits.pattern == results.point)]
    return dict(zip(rows.cell, rows.slope.astype(float), strict=True))


def _of_size(row: pd.Series) -> str:
    values = [
        f"{row[name]:z.3f}" if np.isfinite(row[name]) else "none" for name in list(FIGURES)[:2]
    ]
    return f"k = {row['size']} {' and '.join(values)}"


def _draw_bodies(axes: Axes, table: pd.DataFrame, *, with_cone: bool) -> None:
    rows = table.drop_duplicates("size").sort_values("size")
    axes.plot(rows["size"], rows.diffusion_speed, color=THEORY, lw=1.1, ls="--", gid="s")
    if with_cone:
        axes.plot(rows["size"], rows.light_cone, color=CONE, lw=1.2, gid="cone")


def _draw_activations(axes: Axes, table: pd.DataFrame, column: str, results: Results) -> None:
    styles = category_styles(results.experiment.activations)
    for place, (activation, style) in enumerate(styles.items()):
        rows = table[table.activation == activation]
        offset = 0.6 * ((place + 0.5) / len(styles) - 0.5)
        filled = np.ones(len(rows), dtype=bool)
        draw_points(axes, rows["size"] + offset, rows[column], filled, style, gid=column)
    if table[column].isna().all():
        say_nothing_known(axes)


def _legend(results: Results) -> list[Line2D]:
    look: dict[str, Any] = {"ls": "", "ms": 4}
    names = [
        Line2D([], [], label=plain(name), **look, **style)
        for name, style in category_styles(results.experiment.activations).items()
    ]
    lines = [
        Line2D([], [], color=THEORY, lw=1.1, ls="--", label="diffusion speed $s$"),
        Line2D([], [], color=CONE, lw=1.2, label="light cone"),
    ]
    return [*names, *lines]
