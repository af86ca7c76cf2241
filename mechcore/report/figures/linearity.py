"""Linearity: the same speeds against three measures of the odd share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS, DOMAINS, EVERYWHERE, UP_TO_BETA_STAR
from mechcore.analysis.regressions import PREDICTORS
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.fits import draw_line, fitted_row
from mechcore.report.figures.layout import Margins, name_axes, panel_grid
from mechcore.report.figures.speed import (
    PREDICTOR_LABELS,
    draw_background,
    draw_patterns,
    draw_theory,
    limit_speed,
    speed_legend,
    speeds_of,
)
from mechcore.report.figures.style import colours, name_row, pixels_per_layer, plain
from mechcore.results.results import Results

NAMES = {name: DOMAIN_SYMBOLS[name] for name in (EVERYWHERE, UP_TO_BETA_STAR)}
"""How the domains of the two lines are called in the panels."""

BELOW_ONE = 0.9999
EXACT = 1e-12
"""R2 of an exact line misses 1 by no more than sums of squares of some tens of points round."""

LINE: dict[str, Any] = {"color": colours(4)[3], "lw": 1.5, "zorder": 4, "gid": "slow fit"}
"""The second line: in a colour of its own and above the points, which would cover it."""


def linearity_table(results: Results, family: str) -> pd.DataFrame:
    """Return the speeds of the representative size and pattern."""
    table = speeds_of(results, family, [results.size])
    return table[table.pattern == results.point].reset_index(drop=True)


def draw_linearity(data: FigureData) -> Figure:
    """Draw speed against three measures of the odd share: columns; rows are activations."""
    table, results, family = data.table, data.results, data.topic
    activations = results.experiment.activations
    theories, cone = (
        results.theories(family, results.size),
        results.mean_light_speed(results.size),
    )
    figure, panels = panel_grid(
        (len(activations), len(PREDICTORS)),
        (1.95, 0.88),
        _legend(results),
        legend_columns=2,
        gap=(0.15, 0.22),
        margins=Margins(right=0.3),
    )
    for row, activation in enumerate(activations):
        part = table[table.activation == activation]
        cell = results.cell_name(family, activation, results.size)
        for axes, predictor in zip(panels[row], PREDICTORS, strict=True):
            draw_background(axes, part, cone, predictor)
            draw_theory(axes, theories, cone, results.is_exact(activation), predictor)
            draw_patterns(axes, part, results, cell, predictor, most=len(part))
            _draw_slow_fit(axes, part, results, cell, predictor)
            _write_r2(axes, results, cell, predictor)
            _fit_to_points(axes, table[predictor])
            limit_speed(axes, table.speed, cone)
            axes.label_outer()
        name_row(panels[row, -1], activation)
    for axes, predictor in zip(panels[-1], PREDICTORS, strict=True):
        axes.set_xlabel(PREDICTOR_LABELS[predictor])
    name_axes(figure, "", pixels_per_layer("speed along the momentum"))
    return figure


def describe_linearity(data: FigureData) -> str:
    """Return what the figure of linearity shows."""
    results, family = data.results, data.topic
    return (
        f"Speed against odd energy ratio, beta and celerity for the {family} family, "
        f"k = {results.size}, pattern {results.point}, with two lines each. R squared in this "
        "order, through all beta / up to beta star: "
        f"{'; '.join(_r2_of(results, family, name) for name in results.experiment.activations)}."
    )


def caption_linearity(data: FigureData) -> str:
    """Return what a reader must know to read the figure of linearity."""
    results = data.results
    return (
        f"The same speeds against three measures of the odd share (k = {results.size}, "
        f"{results.point}). Lines by least squares: through all β, with the 95% band of the mean, "
        "and through β ≤ β* alone, dashed beyond its points; R² of each line above the panel."
        f"{_of_theory(results, data.topic)} "
        "β = 1 has no finite celerity and is left out on the right."
    )


def _of_theory(results: Results, family: str) -> str:
    known = all(np.isfinite(one.beta_star) for one in results.theories(family, results.size))
    exact = [name for name in results.experiment.activations if results.is_exact(name)]
    if not known or not exact:
        return ""
    return (
        f" The exact theory ({', '.join(exact)}) says: up to β* the speed is (M₁/M₀) γβ, exactly "
        "linear in the celerity γβ, so linear in β only as far as γ ≈ 1, for small β. It ends "
        "at β*: a line through all β mixes two regimes."
    )


def _legend(results: Results) -> list[Line2D | Patch]:
    points, *others = speed_legend(results, [results.point])
    points.set_label(f"{plain(results.point)}: simulations, line fitted to all β")
    look = {name: LINE[name] for name in ("color", "lw")}
    return [points, Line2D([], [], label="line fitted to β ≤ β*", **look), *others]


def _draw_slow_fit(
    axes: Axes, part: pd.DataFrame, results: Results, cell: str, predictor: str
) -> None:
    fit = fitted_row(results.regressions, cell, results.point, predictor, UP_TO_BETA_STAR)
    if fit is None:
        return
    known = part[np.isfinite(part.speed) & np.isfinite(part[predictor])]
    used = known[predictor][DOMAINS[UP_TO_BETA_STAR](known)].to_numpy(float)
    draw_line(axes, fit, used, float(known[predictor].max()), **LINE)


def _fit_to_points(axes: Axes, values: pd.Series) -> None:
    highest = np.nanmax(np.append(values.to_numpy(float), 1e-6))
    axes.set_xlim(-0.04 * highest, 1.04 * highest)


def _r2(results: Results, cell: str, predictor: str, domain: str) -> str:
    fit = fitted_row(results.regressions, cell, results.point, predictor, domain)
    if fit is None or not np.isfinite(fit.r2):
        return "none"
    # A line that is not exact must not read as one that is.
    return f"> {BELOW_ONE}" if BELOW_ONE < fit.r2 < 1 - EXACT else f"{fit.r2:.4f}"


def _write_r2(axes: Axes, results: Results, cell: str, predictor: str) -> None:
    both = {name: _r2(results, cell, predictor, name) for name in NAMES}
    look: dict[str, Any] = {"fontsize": 7.5, "pad": 3}
    axes.set_title(f"$R^2$ {both[EVERYWHERE]} {NAMES[EVERYWHERE]}", loc="left", **look)
    below = f"{both[UP_TO_BETA_STAR]} {NAMES[UP_TO_BETA_STAR]}"
    axes.set_title(below, loc="right", color=LINE["color"], **look)


def _r2_of(results: Results, family: str, activation: str) -> str:
    cell = results.cell_name(family, activation, results.size)
    values = ("/".join(_r2(results, cell, one, domain) for domain in NAMES) for one in PREDICTORS)
    return f"{activation} {', '.join(values)}"
