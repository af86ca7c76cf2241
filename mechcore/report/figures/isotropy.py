"""Isotropy: how much the direction and the speed of the motion depend on the kernel's angle."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.measures import AT_REST
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.diffusion import activation_shown
from mechcore.report.figures.layout import name_axes, panel_grid, say_nothing_known, title
from mechcore.report.figures.style import CONE, draw_points, order_styles
from mechcore.results.results import Results

KEYS = ["kernel", "size", "angle", "beta"]
WISHES = (0.25, 0.5, 0.75, 1.0)
"""Betas to show: those of the grid that are nearest."""

COLUMNS = [
    *("size", "angle", "beta", "beta_star", "velocity_x", "velocity_y", "momentum_angle"),
    *("deviation", "speed", "relative_speed", "relative_cone"),
]


def isotropy_table(results: Results, family: str) -> pd.DataFrame:
    """Return velocities beside the momenta of their kernels, at a few betas."""
    rows = results.mechanics
    chosen = (rows.kernel == family) & (rows.activation == activation_shown(results))
    chosen &= (rows.pattern == results.point) & rows["size"].isin(results.sizes_shown)
    rows = rows[chosen & rows.beta.isin(_betas(results))]
    bodies = ["momentum_angle", "light_speed", "beta_star"]
    table = rows.merge(results.kernels[[*KEYS, *bodies]], on=KEYS)
    speed = np.hypot(table.velocity_x, table.velocity_y)
    direction = np.degrees(np.arctan2(table.velocity_y, table.velocity_x))
    deviation = (direction - table.momentum_angle + 180) % 360 - 180
    table = table.assign(speed=speed, deviation=deviation.where(speed > AT_REST))
    means = table.groupby(["size", "beta"])[["speed", "light_speed"]].transform("mean")
    return table.assign(
        relative_speed=speed / means.speed.where(means.speed > AT_REST),
        relative_cone=table.light_speed / means.light_speed,
    )[COLUMNS]


def draw_isotropy(data: FigureData) -> Figure:
    """Draw deviations of direction above, relative speeds below: columns are sizes."""
    table, results = data.table, data.results
    sizes = results.sizes_shown
    figure, panels = panel_grid(
        (2, len(sizes)),
        (max(1.5, 3.6 / len(sizes)), 1.25),
        _legend(results),
        legend_columns=3,
        gap=(0.14, 0.16),
        sharex=True,
        sharey="row",
    )
    for (upper, lower), size in zip(panels.T, sizes, strict=True):
        rows = table[table["size"] == size].sort_values("angle")
        cone = rows.drop_duplicates("angle")
        lower.plot(cone.angle, cone.relative_cone, color=CONE, lw=0.9, gid="cone")
        _draw_angles(upper, rows, "deviation", results)
        _draw_angles(lower, rows, "relative_speed", results)
        title(upper, f"k = {size}")
    _limit(panels, table, results)
    panels[0, 0].set_ylabel("deviation (°)")
    panels[1, 0].set_ylabel("speed / mean")
    name_axes(figure, "angle of the kernel (°)", "")
    return figure


def describe_isotropy(data: FigureData) -> str:
    """Return what the figure of isotropy shows."""
    texts = [
        f"k = {size}, beta {beta:.3g}: {_worst(rows)}"
        for (size, beta), rows in data.table.groupby(["size", "beta"])
    ]
    return (
        f"Deviation of the direction of motion from the kernel's momentum in degrees, and speed "
        f"over its mean over the angles, against the angle, {data.topic} family, "
        f"{activation_shown(data.results)}. {'; '.join(texts) or '0 velocities are known'}."
    )


def caption_isotropy(data: FigureData) -> str:
    """Return what a reader must know to read the figure of isotropy."""
    results = data.results
    return (
        f"Above: direction of the fitted velocity minus that of the kernel's first moment "
        f"({data.topic}, {activation_shown(results)}, {results.point}); a state at rest has "
        "none. Below: speed over its mean over the angles; grey: the light cone, which reaches "
        "farther along a diagonal. Open: rectification acts."
    )


def _betas(results: Results) -> list[float]:
    known = np.array(sorted(results.experiment.betas))
    known = np.unique(results.metrics.beta) if len(results.metrics) else known
    nearest = {float(known[np.abs(known - wish).argmin()]) for wish in WISHES}
    return sorted(nearest)


def _worst(rows: pd.DataFrame) -> str:
    known = rows.relative_speed.dropna()
    angle = f"{rows.deviation.abs().max():.2g}°" if rows.deviation.notna().any() else "at rest"
    if known.empty:
        return angle
    return f"{angle}, {known.min():z.3f} to {known.max():z.3f}"


def _draw_angles(axes: Axes, rows: pd.DataFrame, column: str, results: Results) -> None:
    for beta, style in order_styles(_betas(results)).items():
        part = rows[rows.beta == beta]
        axes.plot(part.angle, part[column], color=style["color"], lw=0.8, gid="line")
        draw_points(axes, part.angle, part[column], within_theory(part), style, gid=column)
    if rows[column].isna().all():
        say_nothing_known(axes)


def _limit(panels: np.ndarray, table: pd.DataFrame, results: Results) -> None:
    """At least a degree and a hundredth: smaller differences are not to be blown up."""
    largest = float(np.nanmax(np.append(table.deviation.abs().to_numpy(float), 1.0)))
    panels[0, 0].set_ylim(-1.12 * largest, 1.12 * largest)
    shares = table[["relative_speed", "relative_cone"]].to_numpy(float)
    away = float(np.nanmax(np.append(np.abs(shares - 1), 0.01)))
    panels[1, 0].set_ylim(max(1 - 1.12 * away, -0.1), 1 + 1.12 * away)
    panels[1, 0].set_xticks([0, 90, 180, 270])
    panels[1, 0].set_xlim(min(*results.experiment.angles, 0) - 12, 360)


def _legend(results: Results) -> list[Line2D]:
    betas = [
        Line2D([], [], lw=0.8, ms=4, label=rf"$\beta$ = {beta:.3g}", **style)
        for beta, style in order_styles(_betas(results)).items()
    ]
    acts = Line2D([], [], ls="", ms=4, marker="o", mfc="none", mec=CONE, label=r"$\beta > \beta^*$")
    return [*betas, acts, Line2D([], [], color=CONE, lw=0.9, label="light cone / its mean")]
