"""How much the direction and the speed of the motion depend on the kernel's angle."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.measures import AT_REST
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    beta_text,
    line,
    marks,
    name_axes,
    panel_grid,
    rectified_mark,
    say_nothing_known,
    size_text,
    title,
)
from mechcore.report.figures.style import CONE, Style, draw_points, order_styles
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
    rows = rows[chosen & rows.beta.isin(_betas(results))]
    kernels = results.kernels[[*KEYS, "momentum_angle", "light_speed", "beta_star"]]
    table = rows.merge(kernels, on=KEYS)
    speed = np.hypot(table.velocity_x, table.velocity_y)
    direction = np.degrees(np.arctan2(table.velocity_y, table.velocity_x))
    deviation = (direction - table.momentum_angle + 180) % 360 - 180
    table = table.assign(speed=speed, deviation=deviation.where(speed > AT_REST))
    means = table.groupby(["size", "beta"])[["speed", "light_speed"]].transform("mean")
    return table.assign(
        relative_speed=speed / means.speed.where(means.speed > AT_REST),
        relative_cone=table.light_speed / means.light_speed,
    )[COLUMNS]


def _draw(data: FigureData) -> Figure:
    sizes, styles = data.results.sizes_shown, order_styles(_betas(data.results))
    figure, panels = panel_grid(
        (2, len(sizes)),
        (max(1.5, 3.6 / len(sizes)), 1.25),
        _legend(styles),
        legend_columns=3,
        gap=(0.14, 0.16),
        sharex=True,
        sharey="row",
    )
    for (upper, lower), size in zip(panels.T, sizes, strict=True):
        rows = data.table[data.table["size"] == size].sort_values("angle")
        cone = rows.drop_duplicates("angle")
        lower.plot(cone.angle, cone.relative_cone, color=CONE, lw=0.9, gid="cone")
        _draw_betas(upper, rows, "deviation", styles)
        _draw_betas(lower, rows, "relative_speed", styles)
        title(upper, size_text(size))
    _limit(panels[0, 0], panels[1, 0], data)
    panels[0, 0].set_ylabel("deviation (°)")
    panels[1, 0].set_ylabel("speed / mean")
    name_axes(figure, "angle of the kernel (°)", "")
    return figure


def _alt_text(data: FigureData) -> str:
    texts = [
        f"k = {size}, beta {beta:.3g}: {_worst(rows)}"
        for (size, beta), rows in data.table.groupby(["size", "beta"])
    ]
    return (
        f"Deviation of the direction of motion from the kernel's momentum in degrees, and speed "
        f"over its mean over the angles, against the angle, {data.topic} family, "
        f"{data.results.activation}. {'; '.join(texts) or '0 velocities are known'}."
    )


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Above: direction of the fitted velocity minus that of the kernel's first moment "
        f"({data.topic}, {results.activation}, {results.point}); a state at rest has none. Below: "
        "speed over its mean over the angles; grey: the light cone, which reaches farther along a "
        "diagonal. Open: rectification acts."
    )


def _betas(results: Results) -> list[float]:
    measured = len(results.metrics) > 0
    known = np.unique(results.metrics.beta if measured else results.experiment.betas)
    return sorted({float(known[np.abs(known - beta).argmin()]) for beta in PREFERRED_BETAS})


def _worst(rows: pd.DataFrame) -> str:
    known = rows.relative_speed.dropna()
    angle = f"{rows.deviation.abs().max():.2g}°" if rows.deviation.notna().any() else "at rest"
    return angle if known.empty else f"{angle}, {known.min():z.3f} to {known.max():z.3f}"


def _draw_betas(axes: Axes, rows: pd.DataFrame, column: str, styles: dict[float, Style]) -> None:
    for beta, style in styles.items():
        part = rows[rows.beta == beta]
        axes.plot(part.angle, part[column], color=style["color"], lw=0.8, gid="line")
        draw_points(axes, part.angle, part[column], within_theory(part), style, gid=column)
    if rows[column].isna().all():
        say_nothing_known(axes)


def _limit(upper: Axes, lower: Axes, data: FigureData) -> None:
    """Show at least a degree and a hundredth: smaller differences are not to be blown up."""
    largest = float(np.nanmax([*data.table.deviation.abs(), 1.0]))
    upper.set_ylim(-1.12 * largest, 1.12 * largest)
    shares = data.table[["relative_speed", "relative_cone"]].to_numpy(float)
    away = float(np.nanmax([*np.abs(shares - 1).ravel(), 0.01]))
    lower.set_ylim(max(1 - 1.12 * away, -0.1), 1 + 1.12 * away)
    lower.set_xticks([0, 90, 180, 270])
    lower.set_xlim(min(*data.results.experiment.angles, 0) - 12, 360)


def _legend(styles: dict[float, Style]) -> list[Line2D]:
    betas = marks(styles, beta_text, ls="-", lw=0.8)
    return [*betas, rectified_mark(), line("light cone / its mean", CONE, 0.9)]


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
