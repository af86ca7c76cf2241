"""Panels of speed against a measure of the odd share: simulations, fitted lines, exact theory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mechcore.analysis.beta_ranges import EVERYWHERE
from mechcore.experiment.cell import Cell
from mechcore.experiment.representative import spread
from mechcore.io.arrays import Array
from mechcore.model.theory import Theory
from mechcore.report.figures.layout import line, say_nothing_known
from mechcore.report.figures.style import (
    CONE,
    SHADE,
    THEORY,
    Style,
    category_styles,
    draw_points,
    nested,
    plain,
)
from mechcore.results.results import Results

ALMOST_ODD = 0.9995
"""Curves end here: at beta = 1 the celerity is infinite."""

CURVE_POINTS = 45
BAND_POINTS = 13
"""Points along a curve and along a band, which is a hyperbola."""

MOST_POINTS = 21
"""Betas drawn of a simulation series: more would touch each other."""

SOLID: dict[str, Any] = {"lw": 1.1, "gid": "theory"}
DASHED: dict[str, Any] = {"lw": 1.0, "ls": (0, (4, 2))}
"""Where theory is exact, and where it is not."""

EXTENDED: dict[str, Any] = {"lw": 0.8, "ls": (0, (5, 3)), "alpha": 0.5, "gid": "extension"}
"""A line beyond the points that it was fitted to."""

PREDICTOR_LABELS = {
    "odd_energy_ratio": r"odd energy ratio $\rho$",
    "beta": r"$\beta = p/E$",
    "celerity": r"celerity $\gamma\beta = p/m$",
}


def speeds_of(results: Results, family: str, sizes: list[int]) -> pd.DataFrame:
    """Return mean speeds, and whether any simulation behind them is doubtful."""
    metrics, points = results.metrics, results.mean_speeds
    keys = ["activation", "size", "pattern", "beta"]
    chosen = metrics[(metrics.kernel == family) & metrics["size"].isin(sizes)]
    simulations = chosen.assign(extinct=chosen.extinct_at.notna()).groupby(keys)
    doubts = simulations[["ill_conditioned", "extinct"]].max().reset_index()
    points = points[(points.kernel == family) & points["size"].isin(sizes)]
    return points.drop(columns=["cell", "kernel"]).merge(doubts, on=keys)


def draw_speeds(
    axes: Axes,
    rows: pd.DataFrame,
    results: Results,
    cell: Cell,
    predictor: str,
    most: int = MOST_POINTS,
) -> None:
    """Draw the simulations of a cell, at most so many a pattern, with their lines and theory."""
    cone = results.mean_light_speed(cell.size)
    _draw_background(axes, rows, cone, predictor)
    theories = results.theories(cell.kernel, cell.size)
    _draw_theory(axes, theories, cone, results.is_exact(cell.activation), predictor)
    for pattern, style, size in _pattern_styles(results):
        part = rows[rows.pattern == pattern]
        doubtful = (part.ill_conditioned | part.extinct).to_numpy(bool)
        shown = spread(list(range(len(part))), most)
        x, y = part[predictor].to_numpy(float), part.speed.to_numpy(float)
        look = {"ms": size, "mew": 0.6}
        draw_points(axes, x[shown], y[shown], ~doubtful[shown], style, open_face="white", **look)
        fit = fitted_row(results.regressions, cell.id, pattern, predictor)
        if fit is not None and len(part):
            used = x[np.isfinite(x) & np.isfinite(y)]
            _draw_fit(axes, fit, used, color=style["color"], lw=1.0, zorder=2)
    if rows.empty:
        say_nothing_known(axes)


def limit_speed(axes: Axes, speeds: pd.Series, light_speed: float) -> None:
    """Set the vertical axis to hold all speeds and the light cone."""
    values = speeds.to_numpy(float)
    lowest, highest = np.nanmin([*values, 0.0]), np.nanmax([*values, light_speed])
    margin = 0.06 * (highest - lowest)
    axes.set_ylim(lowest - margin, highest + margin)


def speed_legend(results: Results, patterns: list[str]) -> list[Line2D | Patch]:
    """Return what the legend of a figure of speed says."""
    points = [
        Line2D([], [], lw=1.0, label=f"{plain(name)}: simulations, fitted line", ms=size, **style)
        for name, style, size in _pattern_styles(results)
        if name in patterns
    ]
    theory = [
        line(r"exact, $v = (M_1/M_0)\,\gamma\beta$", THEORY, SOLID["lw"]),
        line("the same, not exact", THEORY, DASHED["lw"], ls=DASHED["ls"]),
        line("light cone", CONE, 0.8),
    ]
    return [*points, *theory, Patch(color=SHADE, label=r"$\beta > \beta^*$: rectification acts")]


def fitted_row(
    regressions: pd.DataFrame, cell: str, pattern: str, predictor: str, domain: str = EVERYWHERE
) -> pd.Series | None:
    """Return the line through the speeds of a cell and pattern, if there is one."""
    chosen = (
        (regressions.cell == cell)
        & (regressions.pattern == pattern)
        & (regressions.predictor == predictor)
        & (regressions.domain == domain)
    )
    rows = regressions[chosen & np.isfinite(regressions.slope)]
    return rows.iloc[0] if len(rows) else None


def confidence_band(row: pd.Series, used: Array, where: Array) -> Array:
    """Return the half width of the confidence band of a fitted line.

    The table holds the slope's standard error s / sqrt(S_xx) and its interval, so the residual
    scatter s and the quantile of Student's t follow without fitting again.
    """
    spread = float(np.sum((used - used.mean()) ** 2))
    half = float(row.ci_high - row.ci_low) / 2
    band: Array = half * np.sqrt(spread / len(used) + (where - used.mean()) ** 2)
    return band


def draw_extended_line(axes: Axes, row: pd.Series, used: Array, end: float, **style: Any) -> None:
    """Draw a fitted line over the points that it was fitted to, and faintly on to the last."""
    places = np.array([used.min(), used.max(), max(used.max(), end)])
    speeds = row.intercept + row.slope * places
    axes.plot(places[:2], speeds[:2], **style)
    axes.plot(places[1:], speeds[1:], **style | EXTENDED)


def _draw_fit(axes: Axes, row: pd.Series, used: Array, **style: Any) -> None:
    where = np.linspace(used.min(), used.max(), BAND_POINTS)
    speeds = row.intercept + row.slope * where
    band = confidence_band(row, used, where)
    axes.fill_between(where, speeds - band, speeds + band, color=style["color"], alpha=0.18, lw=0)
    axes.plot(where[[0, -1]], speeds[[0, -1]], gid="fit", **style)


def _on_axis(beta: Array, predictor: str) -> Array:
    celerity = beta / np.sqrt(1 - beta**2)
    return {"odd_energy_ratio": beta**2, "beta": beta, "celerity": celerity}[predictor]


def _draw_background(axes: Axes, rows: pd.DataFrame, light_speed: float, predictor: str) -> None:
    """Shade where rectification acts, and mark beta* and the light cone."""
    star = rows.beta_star.min()
    if np.isfinite(star) and star < ALMOST_ODD:
        left, right = _on_axis(np.array([star, ALMOST_ODD]), predictor)
        axes.axvspan(left, right, color=SHADE, lw=0, zorder=0)
        axes.axvline(left, color=CONE, lw=0.8, ls=(0, (1, 1.5)), zorder=1)
    axes.axhline(light_speed, color=CONE, lw=0.8, zorder=1)


def _draw_theory(
    axes: Axes, theories: list[Theory], light_speed: float, exact: bool, predictor: str
) -> None:
    """Draw the exact curve, dashed where it is only that of the kernel without its activation."""
    slope = float(np.mean([theory.speed for theory in theories]))
    positive = min(theory.beta_star for theory in theories)
    if not np.isfinite(positive):
        # The kernel has negative taps at every beta: nothing moves with its mean.
        return
    star = positive if exact else -1.0
    beta = np.sort(np.append(np.linspace(0.0, ALMOST_ODD, CURVE_POINTS), max(star, 0.0)))
    free = slope * _on_axis(beta, "celerity")
    speed = np.where(free <= light_speed, free, np.nan)
    x = _on_axis(beta, predictor)
    for chosen, style in ((beta <= star, SOLID), (beta >= star, DASHED)):
        if chosen.any():
            axes.plot(x[chosen], speed[chosen], color=THEORY, zorder=2.5, **style)


def _pattern_styles(results: Results) -> list[tuple[str, Style, float]]:
    return list(nested(category_styles(results.patterns), 4.6, 2.0))
