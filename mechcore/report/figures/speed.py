"""Speed against the odd share: over beta for each kernel size, and over three measures of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS, EVERYWHERE, UP_TO_BETA_STAR
from mechcore.analysis.regressions import PREDICTORS
from mechcore.experiment.representative import shown_sizes, spread
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    line,
    name_axes,
    name_rows,
    panel_grid,
    size_text,
)
from mechcore.report.figures.series import category_styles, draw_points, in_words, nested
from mechcore.report.figures.style import BEYOND, CONE, SHADE, THEORY, Style, colours, plain
from mechcore.results.results import Results

ALMOST_ODD = 0.9995
"""Curves end here: at beta = 1 the celerity is infinite."""

MOST_COLUMNS = 3
MOST_POINTS = 21
"""Betas drawn of a simulation series: more would touch each other."""

BELOW_ONE = 0.9999
EXACT = 1e-12
"""R2 of an exact line misses 1 by no more than sums of squares of some tens of points round."""

LINES: dict[str, dict[str, Any]] = {
    EVERYWHERE: {"lw": 1.0, "zorder": 2, "gid": "fit"},
    # Above the points, which would cover it.
    UP_TO_BETA_STAR: {"color": colours(4)[3], "lw": 1.5, "zorder": 4, "gid": "slow fit"},
}
"""How the lines that are fitted to a domain look."""

PREDICTOR_LABELS = {
    "odd_energy_ratio": r"odd energy ratio $\rho$",
    "beta": r"$\beta = p/E$",
    "celerity": r"celerity $\gamma\beta = p/m$",
}


def _sizes(results: Results) -> list[int]:
    return shown_sizes(results.experiment.sizes, MOST_COLUMNS)


def _table(results: Results, family: str, sizes: list[int]) -> pd.DataFrame:
    """Mean speeds, and whether any simulation behind them is doubtful."""
    metrics, points = results.metrics, results.mean_speeds
    doubtful = metrics.ill_conditioned.astype(bool) | metrics.extinct_at.notna()
    keys = ["cell", "pattern", "beta"]
    doubts = metrics.assign(doubtful=doubtful).groupby(keys).doubtful.max()
    points = points[(points.kernel == family) & points["size"].isin(sizes)]
    return points.join(doubts, on=keys).drop(columns="kernel").reset_index(drop=True)


def _beta_table(results: Results, family: str) -> pd.DataFrame:
    return _table(results, family, _sizes(results))


def _predictor_table(results: Results, family: str) -> pd.DataFrame:
    table = _table(results, family, [results.size])
    return table[table.pattern == results.point].reset_index(drop=True)


def _draw(
    data: FigureData, columns: list[tuple[int, str]], legend: list[Artist]
) -> tuple[Figure, NDArray[Any]]:
    """Draw a panel for each activation, size and predictor."""
    table, results = data.table, data.results
    activations = results.experiment.activations
    figure, panels = panel_grid(
        (len(activations), len(columns)),
        (max(1.75, 3.6 / len(columns)), 1.0),
        legend,
        legend_columns=2,
        gap=(0.38, 0.2),
        margins=Margins(right=0.3),
    )
    for (row, column), axes in np.ndenumerate(panels):
        size, predictor = columns[column]
        rows = table[table["size"] == size]
        highest = float(np.nanmax([*rows[predictor], 1e-6]))
        axes.set_xlim(-0.04 * highest, 1.04 * highest)
        _limit_speed(axes, rows.speed, results.mean_light_speed(size))
        shown = rows[rows.activation == activations[row]]
        _draw_theory(axes, results, data.topic, size, activations[row], predictor)
        _draw_simulations(axes, shown, results, predictor)
        axes.tick_params(labelbottom=row == len(activations) - 1)
    for axes, (_, predictor) in zip(panels[-1], columns, strict=True):
        axes.set_xlabel(PREDICTOR_LABELS[predictor])
    name_rows(panels, activations)
    name_axes(figure, "", "speed along the momentum (px/layer)")
    return figure, panels


def _beta_draw(data: FigureData) -> Figure:
    sizes = _sizes(data.results)
    legend = _legend(data.results, data.results.patterns)
    figure, panels = _draw(data, [(size, "beta") for size in sizes], legend)
    for axes, size in zip(panels[0], sizes, strict=True):
        axes.set_title(size_text(size), pad=3)
    return figure


def _predictor_draw(data: FigureData) -> Figure:
    results, look = data.results, LINES[UP_TO_BETA_STAR]
    legend = _legend(results, [results.point])
    legend.insert(1, line("line fitted to β ≤ β*", look["color"], look["lw"]))
    figure, panels = _draw(data, [(results.size, name) for name in PREDICTORS], legend)
    for (row, column), axes in np.ndenumerate(panels):
        activation, predictor = results.experiment.activations[row], list(PREDICTORS)[column]
        rows = data.table[data.table.activation == activation]
        _draw_line(axes, rows, results, predictor, UP_TO_BETA_STAR)
        for domain, side in ((EVERYWHERE, "left"), (UP_TO_BETA_STAR, "right")):
            text = f"{_r2(rows, results, predictor, domain)} {DOMAIN_SYMBOLS[domain]}"
            ink = LINES[domain].get("color", "black")
            prefix = "$R^2$ " if side == "left" else ""
            axes.set_title(prefix + text, loc=side, color=ink, fontsize=7.5, pad=3)
    return figure


def _beta_alt_text(data: FigureData) -> str:
    return (
        f"Speed in pixels per layer against beta, {data.topic} family, a panel for each activation "
        "and size, with fitted lines, theory and light cone. Largest mean speed of "
        f"{in_words(data.table, ['activation', 'size'], _peak)}."
    )


def _beta_caption(data: FigureData) -> str:
    count = len(data.results.experiment.angles)
    averaged = f" Speeds and light cones are means over {count} angles." if count > 1 else ""
    return (
        f"Points: simulations, at most {MOST_POINTS} of a series; open where they are "
        "ill-conditioned or a state died. Coloured lines: least squares in β over the whole range. "
        "Black: speed of a kernel without negative taps, (M₁/M₀) γβ "
        "with M₁ of the odd and M₀ of the even part; solid where it is exact, dashed where it is "
        "not. A wide pattern can pass the light cone of a point for a while, as it contracts onto "
        f"its leading edge.{averaged}"
    )


def _peak(rows: pd.DataFrame) -> str:
    known = rows.dropna(subset=["speed"])
    if known.empty:
        return "none"
    best = known.iloc[int(known.speed.argmax())]
    return f"{best.speed:z.3f} at beta {best.beta:g}"


def _predictor_alt_text(data: FigureData) -> str:
    results = data.results

    def fits(rows: pd.DataFrame) -> str:
        return ", ".join(
            "/".join(_r2(rows, results, predictor, domain) for domain in LINES)
            for predictor in PREDICTORS
        )

    return (
        f"Speed against odd energy ratio, beta and celerity, {data.topic} family, "
        f"k = {results.size}, pattern {results.point}, with two lines each. R squared in this "
        f"order, through all beta / up to beta star: {in_words(data.table, 'activation', fits)}."
    )


def _predictor_caption(data: FigureData) -> str:
    results = data.results
    return (
        f"The same speeds against three measures of the odd share (k = {results.size}, "
        f"{results.point}). Lines: least squares through all β, and through β ≤ β* alone, drawn to "
        f"the last point; R² of each above the panel.{_theory_in_words(results, data.topic)} "
        "β = 1 has no finite celerity and is left out on the right."
    )


def _theory_in_words(results: Results, family: str) -> str:
    known = all(np.isfinite(angle.beta_star) for angle in results.theories(family, results.size))
    exact = [name for name in results.experiment.activations if results.is_exact(name)]
    if not known or not exact:
        return ""
    return (
        f" By the exact theory ({', '.join(exact)}) the speed up to β* is (M₁/M₀) γβ: exactly "
        "linear in the celerity γβ, and in β only while γ ≈ 1. The theory ends at β*: a line "
        "through all β mixes two regimes."
    )


def _draw_simulations(axes: Axes, rows: pd.DataFrame, results: Results, predictor: str) -> None:
    """Draw the simulations of a cell with the lines through all of them."""
    for pattern, style in _pattern_styles(results).items():
        part = rows[rows.pattern == pattern]
        few = part.iloc[spread(list(range(len(part))), MOST_POINTS)] if len(part) else part
        reliable = ~few.doubtful.astype(bool)
        draw_points(axes, few[predictor], few.speed, reliable, style, "white", mew=0.6)
        _draw_line(axes, part, results, predictor, EVERYWHERE, color=style["color"])


def _draw_line(
    axes: Axes, rows: pd.DataFrame, results: Results, predictor: str, domain: str, **look: Any
) -> None:
    """Draw the line of a cell and pattern from the first to the last point."""
    fit = fitted_line(rows, results, predictor, domain)
    known = rows.dropna(subset=["speed", predictor])[predictor]
    if fit is not None:
        ends = np.array([known.min(), known.max()])
        axes.plot(ends, fit.intercept + fit.slope * ends, **LINES[domain] | look)


def fitted_line(
    rows: pd.DataFrame, results: Results, predictor: str, domain: str
) -> pd.Series | None:
    """Return the line through the speeds of one cell and pattern, if there is one."""
    fits = results.regressions
    chosen = fits.cell.isin(rows.cell.unique()) & fits.pattern.isin(rows.pattern.unique())
    chosen &= (fits.predictor == predictor) & (fits.domain == domain) & np.isfinite(fits.slope)
    return fits[chosen].iloc[0] if chosen.any() else None


def _r2(rows: pd.DataFrame, results: Results, predictor: str, domain: str) -> str:
    fit = fitted_line(rows, results, predictor, domain)
    if fit is None or not np.isfinite(fit.r2):
        return "none"
    # A line that is not exact must not read as one that is.
    return f"> {BELOW_ONE}" if BELOW_ONE < fit.r2 < 1 - EXACT else f"{fit.r2:.4f}"


def _limit_speed(axes: Axes, speeds: pd.Series, light_speed: float) -> None:
    """Set the vertical axis to hold all speeds and the light cone."""
    lowest, highest = np.nanmin([*speeds, 0.0]), np.nanmax([*speeds, light_speed])
    margin = 0.06 * (highest - lowest)
    axes.set_ylim(lowest - margin, highest + margin)


def _on_axis(beta: Array, predictor: str) -> Array:
    celerity = beta / np.sqrt(1 - beta**2)
    return {"odd_energy_ratio": beta**2, "beta": beta, "celerity": celerity}[predictor]


def _draw_theory(
    axes: Axes, results: Results, family: str, size: int, activation: str, predictor: str
) -> None:
    """Shade where rectification acts, and draw the exact curve, dashed where it is not exact."""
    cone, theories = results.mean_light_speed(size), results.theories(family, size)
    axes.axhline(cone, color=CONE, lw=0.8, zorder=1)
    star = min(theory.beta_star for theory in theories)
    if not np.isfinite(star):
        # The kernel has negative taps at every beta: nothing moves with its mean.
        return
    left, right = _on_axis(np.array([min(star, ALMOST_ODD), ALMOST_ODD]), predictor)
    axes.axvspan(left, right, color=SHADE, lw=0, zorder=0)
    beta = np.sort(np.append(np.linspace(0.0, ALMOST_ODD, 45), star))
    speed = np.mean([theory.speed for theory in theories]) * _on_axis(beta, "celerity")
    exact = (beta <= star) if results.is_exact(activation) else np.zeros(beta.size, bool)
    for chosen, style, gid in ((exact, "-", "theory"), (~exact | (beta == star), BEYOND, "free")):
        shown = chosen & (speed <= cone)
        x = _on_axis(beta[shown], predictor)
        axes.plot(x, speed[shown], color=THEORY, lw=1.1, ls=style, zorder=2.5, gid=gid)


def _pattern_styles(results: Results) -> dict[str, Style]:
    return nested(category_styles(results.patterns), 4.6, 2.0)


def _legend(results: Results, patterns: list[str]) -> list[Artist]:
    points = [
        Line2D([], [], lw=1.0, label=f"{plain(name)}: simulations, line fitted to all β", **style)
        for name, style in _pattern_styles(results).items()
        if name in patterns
    ]
    return [
        *points,
        line(r"exact, $v = (M_1/M_0)\,\gamma\beta$", THEORY, 1.1),
        line("the same, not exact", THEORY, 1.1, ls=BEYOND),
        line("light cone", CONE, 0.8),
        Patch(color=SHADE, label=r"$\beta > \beta^*$: rectification acts"),
    ]


BY_SIZE = ReportFigure("speed", _beta_table, _beta_draw, _beta_alt_text, _beta_caption)
BY_PREDICTOR = ReportFigure(
    "speed", _predictor_table, _predictor_draw, _predictor_alt_text, _predictor_caption
)
