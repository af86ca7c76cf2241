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

from mechcore.figures.evidence import Evidence, FigureData
from mechcore.figures.fits import draw_fit, fitted_row
from mechcore.figures.style import (
    CONE,
    MARKERS,
    SHADE,
    THEORY,
    colours,
    name_row,
    new_figure,
    pixels_per_layer,
    plain,
)
from mechcore.regressions import cell_names, mean_over_angles, with_celerity

ALMOST_ODD = 0.9995
"""Curves end here: at beta = 1 the celerity is infinite."""

PREDICTOR_LABELS = {
    "odd_energy_ratio": r"odd energy ratio $\rho$",
    "beta": r"$\beta = p/E$",
    "celerity": r"celerity $\gamma\beta = p/m$",
}


def speed_table(evidence: Evidence, family: str) -> pd.DataFrame:
    """Return the speeds of a family, averaged over its angles.

    Parameters
    ----------
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    pandas.DataFrame
        Columns activation, size, pattern, beta, odd_energy_ratio, celerity, speed (px/layer),
        beta_star (the smallest of the angles), ill_conditioned and extinct (of any angle).
    """
    rows = with_celerity(evidence.metrics[evidence.metrics.kernel == family])
    rows = rows.assign(extinct=rows.extinct_at.notna())
    groups = rows.groupby(["activation", "size", "pattern", "beta"], sort=False)
    means = {name: (name, "mean") for name in ("odd_energy_ratio", "celerity", "speed")}
    flags = {name: (name, "max") for name in ("ill_conditioned", "extinct")}
    table: pd.DataFrame = groups.agg(**means, beta_star=("beta_star", "min"), **flags)
    return table.reset_index()


def draw_speed(data: FigureData) -> Figure:
    """Draw speed against beta: columns are sizes, rows are activations.

    Parameters
    ----------
    data : FigureData
        Of `speed_table`.

    Returns
    -------
    matplotlib.figure.Figure
        With points, fitted lines, theory and light cone.
    """
    table, evidence, family = data.table, data.evidence, data.topic
    plan = evidence.experiment
    rows, columns = len(plan.activations), len(plan.sizes)
    figure = new_figure(max(4.6, 2.1 * columns + 0.9), 1.65 * rows + 1.35)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey="col")
    for row, activation in enumerate(plan.activations):
        for column, size in enumerate(plan.sizes):
            axes = panels[row, column]
            part = table[(table.activation == activation) & (table["size"] == size)]
            draw_background(axes, part, evidence.mean_light_speed(size), "beta")
            draw_theory(axes, evidence, family, activation, size, "beta")
            draw_patterns(
                axes, part, evidence, evidence.cell_name(family, activation, size), "beta"
            )
            axes.set_title(f"k = {size}" if row == 0 else "")
        name_row(panels[row, -1], activation)
    for column, size in enumerate(plan.sizes):
        shown = table.speed[table["size"] == size]
        limit_speed(panels[0, column], shown, evidence.mean_light_speed(size))
    figure.supxlabel(PREDICTOR_LABELS["beta"])
    figure.supylabel(pixels_per_layer("speed along the momentum"))
    handles = speed_legend(evidence, evidence.patterns)
    figure.legend(handles=handles, loc="outside upper center", ncols=2 if columns < 5 else 4)
    return figure


def describe_speed(data: FigureData) -> str:
    """Return what the figure of speed shows.

    Parameters
    ----------
    data : FigureData
        Of `speed_table`.

    Returns
    -------
    str
        For readers who do not see it.
    """
    table, evidence, family = data.table, data.evidence, data.topic
    plan = evidence.experiment
    peaks = "; ".join(
        _peak(f"{activation}, k = {size}", rows)
        for (activation, size), rows in table.groupby(["activation", "size"], sort=False)
    )
    return (
        f"Speed in pixels per layer against beta for the {family} family, a panel for each of "
        f"{len(plan.sizes)} sizes and {len(plan.activations)} activations, with fitted lines, "
        f"theory and light cone. Largest mean speed: {peaks}."
    )


def caption_speed(data: FigureData) -> str:
    """Return what a reader must know to read the figure of speed.

    Parameters
    ----------
    data : FigureData
        Of `speed_table`.

    Returns
    -------
    str
        The caption.
    """
    evidence = data.evidence
    count = len(evidence.experiment.angles)
    averaged = f" Speeds and light cones are means over {count} angles." if count > 1 else ""
    return (
        "Points: simulations; open where they are ill-conditioned or where a state died. Coloured "
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
    return f"{name} {best.speed:.3f} at beta {best.beta:g}"


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
    axes: Axes, evidence: Evidence, family: str, activation: str, size: int, predictor: str
) -> None:
    """Draw the exact curve, dashed where it is only the kernel without its activation."""
    theories = evidence.theories(family, size)
    slope = float(np.mean([one.speed for one in theories]))
    positive = min(one.beta_star for one in theories)
    if not np.isfinite(positive):
        # The kernel has negative taps at every beta: nothing moves with its mean.
        return
    star = positive if evidence.is_exact(activation) else np.nan
    beta = np.sort(np.append(np.linspace(0.0, ALMOST_ODD, 400), star if np.isfinite(star) else 0.0))
    free = slope * _on_axis(beta, "celerity")
    speed = np.where(free <= evidence.mean_light_speed(size), free, np.nan)
    x = _on_axis(beta, predictor)
    exact = beta <= star
    if exact.any():
        axes.plot(x[exact], speed[exact], color=THEORY, lw=1.1, zorder=2.5, gid="theory")
    beyond = ~exact if not exact.any() else beta >= star
    axes.plot(x[beyond], speed[beyond], color=THEORY, lw=1.0, ls=(0, (4, 2)), zorder=2.5)


def draw_patterns(
    axes: Axes, part: pd.DataFrame, evidence: Evidence, cell: str, predictor: str
) -> None:
    """Draw the simulations of a cell and its fitted line, for each pattern."""
    shown = [name for name in evidence.patterns if name in set(part.pattern)]
    for pattern in shown:
        style = _styles(evidence)[pattern]
        rows = part[part.pattern == pattern]
        _draw_points(axes, rows, predictor, style)
        fit = fitted_row(evidence.regressions, cell, pattern, predictor)
        if fit is not None:
            used = _used(evidence, cell, pattern, predictor)
            draw_fit(axes, fit, used, color=style["color"], lw=1.0, zorder=2)


def _draw_points(axes: Axes, rows: pd.DataFrame, predictor: str, style: dict[str, Any]) -> None:
    doubtful = (rows.ill_conditioned | rows.extinct).to_numpy(bool)
    for chosen, face in ((~doubtful, style["color"]), (doubtful, "white")):
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


def _used(evidence: Evidence, cell: str, pattern: str, predictor: str) -> NDArray[np.float64]:
    """The values of the predictor behind a row of the table of regressions."""
    metrics = evidence.metrics
    chosen = (cell_names(metrics, evidence.experiment.boundary) == cell) & (
        metrics.pattern == pattern
    )
    return mean_over_angles(metrics[chosen], predictor)[predictor].to_numpy(float)


def _styles(evidence: Evidence) -> dict[str, dict[str, Any]]:
    names = evidence.patterns
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


def speed_legend(evidence: Evidence, patterns: list[str]) -> list[Line2D | Patch]:
    """Return what the legend of a figure of speed says."""
    styles = _styles(evidence)
    points = [
        Line2D([], [], lw=1.0, label=f"{plain(name)}: simulations, fitted line", **styles[name])
        for name in patterns
    ]
    theory = [
        Line2D([], [], color=THEORY, lw=1.1, label=r"exact, $v = (M_1/M_0)\,\gamma\beta$"),
        Line2D([], [], color=THEORY, lw=1.0, ls=(0, (4, 2)), label="the same, not exact"),
        Line2D([], [], color=CONE, lw=0.8, label="light cone"),
    ]
    return [*points, *theory, Patch(color=SHADE, label=r"$\beta > \beta^*$: rectification acts")]
