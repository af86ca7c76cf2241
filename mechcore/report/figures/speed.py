"""Speed against beta, the root of the odd energy ratio, facetted by size and activation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mechcore.analysis.regressions import mean_speeds
from mechcore.experiment.representative import shown_sizes, spread
from mechcore.model.theory import Theory
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.fits import draw_fit, fitted_row
from mechcore.report.figures.layout import Margins, name_axes, panel_grid, say_nothing_known, title
from mechcore.report.figures.style import (
    CONE,
    MARKERS,
    SHADE,
    THEORY,
    colours,
    name_row,
    pixels_per_layer,
    plain,
)
from mechcore.results.results import Results

ALMOST_ODD = 0.9995
"""Curves end here: at beta = 1 the celerity is infinite."""

MOST_COLUMNS = 3
CURVE_POINTS = 45
MOST_POINTS = 21
"""Betas drawn of a simulation series: more would touch each other."""

SOLID: dict[str, Any] = {"lw": 1.1, "gid": "theory"}
DASHED: dict[str, Any] = {"lw": 1.0, "ls": (0, (4, 2))}
"""Where theory is exact, and where it is not."""

PREDICTOR_LABELS = {
    "odd_energy_ratio": r"odd energy ratio $\rho$",
    "beta": r"$\beta = p/E$",
    "celerity": r"celerity $\gamma\beta = p/m$",
}


def speed_table(results: Results, family: str) -> pd.DataFrame:
    """Return the speeds of a family, averaged over its angles."""
    return speeds_of(results, family, sizes_shown(results))


def sizes_shown(results: Results) -> list[int]:
    """Return the sizes that get a column: with rows of activations, more are too small to read."""
    return shown_sizes(results.experiment.sizes, MOST_COLUMNS)


def speeds_of(results: Results, family: str, sizes: list[int]) -> pd.DataFrame:
    """Return the speeds of some sizes of a family, as `speed_table` does."""
    metrics = results.metrics
    chosen = metrics[(metrics.kernel == family) & metrics["size"].isin(sizes)]
    keys = ["activation", "size", "pattern", "beta"]
    flags = chosen.assign(extinct=chosen.extinct_at.notna()).groupby(keys)
    doubts = flags[["ill_conditioned", "extinct"]].max().reset_index()
    points = mean_speeds(chosen)
    return points.drop(columns=["cell", "kernel"]).merge(doubts, on=keys)


def draw_speed(data: FigureData) -> Figure:
    """Draw speed against beta: columns are sizes, rows are activations."""
    table, results, family = data.table, data.results, data.topic
    activations, sizes = results.experiment.activations, sizes_shown(results)
    figure, panels = panel_grid(
        (len(activations), len(sizes)),
        (max(1.75, 3.6 / len(sizes)), 1.0),
        speed_legend(results, results.patterns),
        legend_columns=2,
        gap=(0.38, 0.12),
        margins=Margins(right=0.3),
    )
    for column, size in enumerate(sizes):
        theories, cone = results.theories(family, size), results.mean_light_speed(size)
        for row, activation in enumerate(activations):
            axes = panels[row, column]
            part = table[(table.activation == activation) & (table["size"] == size)]
            draw_background(axes, part, cone, "beta")
            draw_theory(axes, theories, cone, results.is_exact(activation), "beta")
            cell = results.cell_name(family, activation, size)
            draw_patterns(axes, part, results, cell, "beta")
            limit_speed(axes, table.speed[table["size"] == size], cone)
            # Axes that are shared ask each other at every line: here that takes half of the time.
            axes.set(xlim=(-0.05, 1.05), xticks=[0, 0.5, 1])
            axes.tick_params(labelbottom=row == len(activations) - 1)
        title(panels[0, column], f"k = {size}")
    for axes, activation in zip(panels[:, -1], activations, strict=True):
        name_row(axes, activation)
    name_axes(figure, PREDICTOR_LABELS["beta"], pixels_per_layer("speed along the momentum"))
    return figure


def describe_speed(data: FigureData) -> str:
    """Return what the figure of speed shows."""
    table, results, family = data.table, data.results, data.topic
    plan = results.experiment
    peaks = "; ".join(
        _peak(f"{activation}, k = {size}", rows)
        for (activation, size), rows in table.groupby(["activation", "size"], sort=False)
    )
    return (
        f"Speed in pixels per layer against beta for the {family} family, a panel for each of "
        f"{len(sizes_shown(results))} sizes and {len(plan.activations)} activations, with fitted "
        f"lines, theory and light cone. Largest mean speed: {peaks}."
    )


def caption_speed(data: FigureData) -> str:
    """Return what a reader must know to read the figure of speed."""
    results = data.results
    count = len(results.experiment.angles)
    averaged = f" Speeds and light cones are means over {count} angles." if count > 1 else ""
    return (
        f"Points: simulations, at most {MOST_POINTS} of a series; open where they are "
        "ill-conditioned or where a state died. Coloured "
        "lines: least-squares lines in β over the whole range with 95% confidence bands. Black: "
        "speed of a kernel without negative taps, (M₁/M₀) γβ with M₁ of the odd and M₀ of the even "
        "part, drawn solid where it is exact, dashed "
        f"where it is not. A wide pattern can pass the light cone of a point for a while, "
        f"as it contracts onto its leading edge.{averaged}"
    )


def _peak(name: str, rows: pd.DataFrame) -> str:
    known = rows[np.isfinite(rows.speed)]
    if known.empty:
        return f"{name} none"
    best = known.loc[known.speed.idxmax()]
    return f"{name} {best.speed:z.3f} at beta {best.beta:g}"


def _on_axis(beta: NDArray[np.float64], predictor: str) -> NDArray[np.float64]:
    celerity = beta / np.sqrt(1 - beta**2)
    return {"odd_energy_ratio": beta**2, "beta": beta, "celerity": celerity}[predictor]


def draw_background(axes: Axes, part: pd.DataFrame, light_speed: float, predictor: str) -> None:
    """Shade where rectification acts, and mark beta* and the light cone."""
    star = part.beta_star.min()
    if np.isfinite(star) and star < ALMOST_ODD:
        left, right = _on_axis(np.array([star, ALMOST_ODD]), predictor)
        axes.axvspan(left, right, color=SHADE, lw=0, zorder=0)
        axes.axvline(left, color=CONE, lw=0.8, ls=(0, (1, 1.5)), zorder=1)
    axes.axhline(light_speed, color=CONE, lw=0.8, zorder=1)


def draw_theory(
    axes: Axes, theories: list[Theory], light_speed: float, exact: bool, predictor: str
) -> None:
    """Draw the exact curve, dashed where it is only the kernel without its activation."""
    slope = float(np.mean([one.speed for one in theories]))
    positive = min(one.beta_star for one in theories)
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


def draw_patterns(
    axes: Axes,
    part: pd.DataFrame,
    results: Results,
    cell: str,
    predictor: str,
    *,
    most: int = MOST_POINTS,
) -> None:
    """Draw simulations of a cell, at most so many, and its fitted line, for each pattern."""
    for pattern, style in _styles(results).items():
        rows = part[part.pattern == pattern]
        if rows.empty:
            continue
        _draw_points(axes, rows, predictor, style, most)
        fit = fitted_row(results.regressions, cell, pattern, predictor)
        if fit is not None:
            used = rows[np.isfinite(rows.speed)][predictor].dropna().to_numpy(float)
            draw_fit(axes, fit, used, color=style["color"], lw=1.0, zorder=2)
    if part.empty:
        say_nothing_known(axes)


def _draw_points(
    axes: Axes, rows: pd.DataFrame, predictor: str, style: dict[str, Any], most: int
) -> None:
    doubtful = (rows.ill_conditioned | rows.extinct).to_numpy(bool)
    shown = np.isin(np.arange(len(rows)), spread(list(range(len(rows))), most))
    for chosen, face in ((shown & ~doubtful, style["color"]), (shown & doubtful, "white")):
        if chosen.any():
            axes.plot(
                rows[predictor].to_numpy()[chosen],
                rows.speed.to_numpy()[chosen],
                ls="",
                ms=style["ms"],
                marker=style["marker"],
                mec=style["color"],
                mfc=face,
                mew=0.6,
                zorder=3,
                gid="points",
            )


def _styles(results: Results) -> dict[str, dict[str, Any]]:
    names = results.patterns
    return {
        # Later patterns are smaller: those below stay visible where speeds agree.
        name: {
            "color": colour,
            "marker": MARKERS[index % len(MARKERS)],
            "ms": max(4.6 - 2 * index, 2),
        }
        for index, (name, colour) in enumerate(zip(names, colours(len(names)), strict=True))
    }


def limit_speed(axes: Axes, speeds: pd.Series, light_speed: float) -> None:
    """Set the vertical axis to hold all speeds and the light cone."""
    lowest = np.nanmin(np.append(speeds.to_numpy(float), 0.0))
    highest = np.nanmax(np.append(speeds.to_numpy(float), light_speed))
    margin = 0.06 * (highest - lowest)
    axes.set_ylim(lowest - margin, highest + margin)


def speed_legend(results: Results, patterns: list[str]) -> list[Line2D | Patch]:
    """Return what the legend of a figure of speed says."""
    styles = _styles(results)
    points = [
        Line2D([], [], lw=1.0, label=f"{plain(name)}: simulations, fitted line", **styles[name])
        for name in patterns
    ]
    theory = [
        Line2D([], [], color=THEORY, lw=1.1, label=r"exact, $v = (M_1/M_0)\,\gamma\beta$"),
        Line2D([], [], color=THEORY, lw=1.0, ls=DASHED["ls"], label="the same, not exact"),
        Line2D([], [], color=CONE, lw=0.8, label="light cone"),
    ]
    return [*points, *theory, Patch(color=SHADE, label=r"$\beta > \beta^*$: rectification acts")]
