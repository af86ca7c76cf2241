"""Speed against the odd share: over beta for each kernel size, and over three measures of it."""

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
from mechcore.experiment.cell import Cell
from mechcore.experiment.representative import shown_sizes
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    line,
    name_axes,
    name_row,
    panel_grid,
    size_text,
    title,
)
from mechcore.report.figures.speed_panels import (
    MOST_POINTS,
    PREDICTOR_LABELS,
    draw_extended_line,
    draw_speeds,
    fitted_row,
    limit_speed,
    speed_legend,
    speeds_of,
)
from mechcore.report.figures.style import colours, plain
from mechcore.results.results import Results

MOST_COLUMNS = 3
DOMAINS_SHOWN = (EVERYWHERE, UP_TO_BETA_STAR)

BELOW_ONE = 0.9999
EXACT = 1e-12
"""R2 of an exact line misses 1 by no more than sums of squares of some tens of points round."""

LINE: dict[str, Any] = {"color": colours(4)[3], "lw": 1.5, "zorder": 4, "gid": "slow fit"}
"""The line up to beta*: above the points, which would cover it."""


def _beta_table(results: Results, family: str) -> pd.DataFrame:
    return speeds_of(results, family, _sizes(results))


def _sizes(results: Results) -> list[int]:
    return shown_sizes(results.experiment.sizes, MOST_COLUMNS)


def _beta_draw(data: FigureData) -> Figure:
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


def _beta_alt_text(data: FigureData) -> str:
    groups = data.table.groupby(["activation", "size"], sort=False)
    peaks = [_peak(f"{activation}, k = {size}", rows) for (activation, size), rows in groups]
    return (
        f"Speed in pixels per layer against beta, {data.topic} family, a panel for each of "
        f"{len(_sizes(data.results))} sizes and {len(data.results.experiment.activations)} "
        f"activations, with fitted lines, theory and light cone. Largest mean speed: "
        f"{'; '.join(peaks)}."
    )


def _beta_caption(data: FigureData) -> str:
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


def _predictor_table(results: Results, family: str) -> pd.DataFrame:
    table = speeds_of(results, family, [results.size])
    return table[table.pattern == results.point].reset_index(drop=True)


def _predictor_draw(data: FigureData) -> Figure:
    table, results = data.table, data.results
    cells = _cells(data)
    figure, panels = panel_grid(
        (len(cells), len(PREDICTORS)),
        (1.95, 0.88),
        _legend(results),
        legend_columns=2,
        gap=(0.15, 0.22),
        margins=Margins(right=0.3),
    )
    for row, cell in zip(panels, cells, strict=True):
        part = table[table.activation == cell.activation]
        for axes, predictor in zip(row, PREDICTORS, strict=True):
            draw_speeds(axes, part, results, cell, predictor, most=len(part))
            _draw_slow_fit(axes, part, results, cell, predictor)
            _write_r2(axes, results, cell, predictor)
            highest = np.nanmax([*table[predictor], 1e-6])
            axes.set_xlim(-0.04 * highest, 1.04 * highest)
            limit_speed(axes, table.speed, results.mean_light_speed(cell.size))
            axes.label_outer()
        name_row(row[-1], cell.activation)
    for axes, predictor in zip(panels[-1], PREDICTORS, strict=True):
        axes.set_xlabel(PREDICTOR_LABELS[predictor])
    name_axes(figure, "", "speed along the momentum (px/layer)")
    return figure


def _predictor_alt_text(data: FigureData) -> str:
    results = data.results
    texts = [
        f"{cell.activation} {', '.join(_r2_of_both(results, cell, name) for name in PREDICTORS)}"
        for cell in _cells(data)
    ]
    return (
        f"Speed against odd energy ratio, beta and celerity, {data.topic} family, "
        f"k = {results.size}, pattern {results.point}, with two lines each. R squared in this "
        f"order, through all beta / up to beta star: {'; '.join(texts)}."
    )


def _predictor_caption(data: FigureData) -> str:
    results = data.results
    return (
        f"The same speeds against three measures of the odd share (k = {results.size}, "
        f"{results.point}). Lines: least squares through all β, with the 95% band of the mean, "
        "and through β ≤ β* alone, dashed beyond its points; R² of each above the panel."
        f"{_theory(results, data.topic)} "
        "β = 1 has no finite celerity and is left out on the right."
    )


def _theory(results: Results, family: str) -> str:
    known = all(np.isfinite(angle.beta_star) for angle in results.theories(family, results.size))
    exact = [name for name in results.experiment.activations if results.is_exact(name)]
    if not known or not exact:
        return ""
    return (
        f" By the exact theory ({', '.join(exact)}) the speed up to β* is (M₁/M₀) γβ: exactly "
        "linear in the celerity γβ, and in β only while γ ≈ 1. The theory ends at β*: a line "
        "through all β mixes two regimes."
    )


def _cells(data: FigureData) -> list[Cell]:
    results = data.results
    names = (
        results.cell_name(data.topic, activation, results.size)
        for activation in results.experiment.activations
    )
    return [results.cells[name] for name in names]


def _legend(results: Results) -> list[Line2D | Patch]:
    points, *others = speed_legend(results, [results.point])
    points.set_label(f"{plain(results.point)}: simulations, line fitted to all β")
    return [points, line("line fitted to β ≤ β*", LINE["color"], LINE["lw"]), *others]


def _draw_slow_fit(
    axes: Axes, rows: pd.DataFrame, results: Results, cell: Cell, predictor: str
) -> None:
    fit = fitted_row(results.regressions, cell.id, results.point, predictor, UP_TO_BETA_STAR)
    if fit is None:
        return
    known = rows.dropna(subset=["speed", predictor])
    used = known[predictor][DOMAINS[UP_TO_BETA_STAR](known)].to_numpy(float)
    draw_extended_line(axes, fit, used, float(known[predictor].max()), **LINE)


def _write_r2(axes: Axes, results: Results, cell: Cell, predictor: str) -> None:
    everywhere, slow = (
        f"{_r2(results, cell, predictor, domain)} {DOMAIN_SYMBOLS[domain]}"
        for domain in DOMAINS_SHOWN
    )
    look: dict[str, Any] = {"fontsize": 7.5, "pad": 3}
    axes.set_title(f"$R^2$ {everywhere}", loc="left", **look)
    axes.set_title(slow, loc="right", color=LINE["color"], **look)


def _r2_of_both(results: Results, cell: Cell, predictor: str) -> str:
    return "/".join(_r2(results, cell, predictor, domain) for domain in DOMAINS_SHOWN)


def _r2(results: Results, cell: Cell, predictor: str, domain: str) -> str:
    fit = fitted_row(results.regressions, cell.id, results.point, predictor, domain)
    if fit is None or not np.isfinite(fit.r2):
        return "none"
    # A line that is not exact must not read as one that is.
    return f"> {BELOW_ONE}" if BELOW_ONE < fit.r2 < 1 - EXACT else f"{fit.r2:.4f}"


BY_SIZE = ReportFigure(_beta_table, _beta_draw, _beta_alt_text, _beta_caption)
BY_PREDICTOR = ReportFigure(
    _predictor_table, _predictor_draw, _predictor_alt_text, _predictor_caption
)
