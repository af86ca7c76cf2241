"""How much the direction and the speed of the motion depend on the kernel's angle."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.measures import AT_REST
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    beta_text,
    facets,
    line,
    marks,
    name_axes,
    panel_grid,
    rectified_mark,
    size_text,
)
from mechcore.report.figures.series import draw_series, in_words, order_styles
from mechcore.report.figures.style import CONE
from mechcore.results.results import Results

KEYS = ["kernel", "size", "angle", "beta"]
PREFERRED_BETAS = (0.25, 0.5, 0.75, 1.0)
"""Those of the grid that are nearest are shown."""

COLUMNS = [
    *("size", "angle", "beta", "beta_star", "velocity_x", "velocity_y", "momentum_angle"),
    *("deviation", "speed", "relative_speed", "relative_cone"),
]


def _table(results: Results, family: str) -> pd.DataFrame:
    rows = results.mechanics
    chosen = (rows.kernel == family) & (rows.activation == results.activation)
    chosen &= (rows.pattern == results.point) & rows["size"].isin(results.sizes_shown)
    rows = rows[chosen]
    betas = rows.beta.unique()
    nearest = {betas[np.abs(betas - beta).argmin()] for beta in PREFERRED_BETAS if len(betas)}
    kernels = results.kernels[[*KEYS, "momentum_angle", "light_speed", "beta_star"]]
    table = rows[rows.beta.isin(nearest)].merge(kernels, on=KEYS)
    speed = np.hypot(table.velocity_x, table.velocity_y)
    direction = np.degrees(np.arctan2(table.velocity_y, table.velocity_x))
    deviation = (direction - table.momentum_angle + 180) % 360 - 180
    table = table.assign(speed=speed, deviation=deviation.where(speed > AT_REST))
    means = table.groupby(["size", "beta"])[["speed", "light_speed"]].transform("mean")
    return table.assign(
        relative_speed=speed / means.speed.where(means.speed > AT_REST),
        relative_cone=table.light_speed / means.light_speed,
    ).sort_values(["size", "beta", "angle"], ignore_index=True)[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table, sizes = data.table, data.results.sizes_shown
    styles = order_styles(sorted(table.beta.unique()))
    cone = line("light cone / its mean", CONE, 0.9)
    figure, panels = panel_grid(
        (2, len(sizes)),
        (max(1.5, 3.6 / len(sizes)), 1.25),
        [*marks(styles, beta_text, ls="-", lw=0.8), rectified_mark(), cone],
        legend_columns=3,
        gap=(0.14, 0.16),
        sharex=True,
        sharey="row",
    )
    for row, column in zip(panels, ("deviation", "relative_speed"), strict=True):
        for axes, rows in facets(table, "size", sizes, row):
            places = ("angle", column)
            draw_series(axes, rows, places, "beta", styles, filled=within_theory, joined=True)
    for upper, lower, size in zip(*panels, sizes, strict=True):
        kernels = table[table["size"] == size].drop_duplicates("angle")
        lower.plot(kernels.angle, kernels.relative_cone, color=CONE, lw=0.9, gid="cone")
        upper.set_title(size_text(size), pad=3)
    # A degree and a hundredth at least: smaller differences are not to be blown up.
    turned = 1.12 * float(np.nanmax([*table.deviation.abs(), 1.0]))
    shares = table[["relative_speed", "relative_cone"]].to_numpy(float)
    away = 1.12 * float(np.nanmax([*np.abs(shares - 1).ravel(), 0.01]))
    panels[0, 0].set(ylabel="deviation (°)", ylim=(-turned, turned))
    panels[1, 0].set(ylabel="speed / mean", ylim=(max(1 - away, -0.1), 1 + away))
    panels[1, 0].set(xticks=[0, 90, 180, 270], xlim=(min(table.angle.min(), 0) - 12, 360))
    name_axes(figure, "angle of the kernel (°)", "")
    return figure


def _alt_text(data: FigureData) -> str:
    return (
        f"Deviation of the direction of motion from the kernel's momentum in degrees, and speed "
        f"over its mean over the angles, against the angle, {data.topic} family, "
        f"{data.results.activation}. {in_words(data.table, ['size', 'beta'], _worst)}."
    )


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Above: direction of the fitted velocity minus that of the kernel's first moment "
        f"({data.topic}, {results.activation}, {results.point}); a state at rest has none. Below: "
        "speed over its mean over the angles; grey: the light cone, which reaches farther along a "
        "diagonal. Open: rectification acts."
    )


def _worst(rows: pd.DataFrame) -> str:
    known = rows.relative_speed.dropna()
    angle = f"{rows.deviation.abs().max():.2g}°" if rows.deviation.notna().any() else "at rest"
    return angle if known.empty else f"{angle}, {known.min():z.3f} to {known.max():z.3f}"


FIGURE = ReportFigure("relative_speed", _table, _draw, _alt_text, _caption)
