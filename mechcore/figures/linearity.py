"""Linearity: the same speeds against three measures of the odd share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.evidence import Evidence, FigureData
from mechcore.figures.fits import fitted_row
from mechcore.figures.layout import Margins, name_axes, panel_grid
from mechcore.figures.speed import (
    PREDICTOR_LABELS,
    draw_background,
    draw_patterns,
    draw_theory,
    limit_speed,
    speed_legend,
    speeds_of,
)
from mechcore.figures.style import name_row, pixels_per_layer
from mechcore.regressions import PREDICTORS


def linearity_table(evidence: Evidence, family: str) -> pd.DataFrame:
    """Return the speeds of the representative size and pattern.

    Parameters
    ----------
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    pandas.DataFrame
        Part of `speed_table`.
    """
    table = speeds_of(evidence, family, [evidence.size])
    return table[table.pattern == evidence.point].reset_index(drop=True)


def draw_linearity(data: FigureData) -> Figure:
    """Draw speed against three measures of the odd share: columns; rows are activations.

    Parameters
    ----------
    data : FigureData
        Of `linearity_table`.

    Returns
    -------
    matplotlib.figure.Figure
        With points, fitted lines and theory.
    """
    table, evidence, family = data.table, data.evidence, data.topic
    activations = evidence.experiment.activations
    theories, cone = (
        evidence.theories(family, evidence.size),
        evidence.mean_light_speed(evidence.size),
    )
    figure, panels = panel_grid(
        (len(activations), len(PREDICTORS)),
        (1.95, 0.88),
        speed_legend(evidence, [evidence.point]),
        legend_columns=2,
        gap=(0.15, 0.22),
        margins=Margins(right=0.3),
    )
    for row, activation in enumerate(activations):
        part = table[table.activation == activation]
        cell = evidence.cell_name(family, activation, evidence.size)
        for axes, predictor in zip(panels[row], PREDICTORS, strict=True):
            draw_background(axes, part, cone, predictor)
            draw_theory(axes, theories, cone, evidence.is_exact(activation), predictor)
            draw_patterns(axes, part, evidence, cell, predictor, most=len(part))
            _write_r2(axes, evidence, cell, predictor)
            _fit_to_points(axes, table[predictor])
            limit_speed(axes, table.speed, cone)
            axes.label_outer()
        name_row(panels[row, -1], activation)
    for axes, predictor in zip(panels[-1], PREDICTORS, strict=True):
        axes.set_xlabel(PREDICTOR_LABELS[predictor])
    name_axes(figure, "", pixels_per_layer("speed along the momentum"))
    return figure


def describe_linearity(data: FigureData) -> str:
    """Return what the figure of linearity shows.

    Parameters
    ----------
    data : FigureData
        Of `linearity_table`.

    Returns
    -------
    str
        For readers who do not see it.
    """
    evidence, family = data.evidence, data.topic
    return (
        f"Speed against odd energy ratio, beta and celerity for the {family} family, "
        f"k = {evidence.size}, pattern {evidence.point}. R squared of the lines, in this order: "
        f"{'; '.join(_r2_of(evidence, family, name) for name in evidence.experiment.activations)}."
    )


def caption_linearity(data: FigureData) -> str:
    """Return what a reader must know to read the figure of linearity.

    Parameters
    ----------
    data : FigureData
        Of `linearity_table`.

    Returns
    -------
    str
        The caption.
    """
    evidence = data.evidence
    return (
        f"The same speeds against three measures of the odd share (k = {evidence.size}, "
        f"{evidence.point}). The exact speed is a straight line in the celerity and a curve in β "
        "and ρ. β = 1 has no finite celerity and is left out on the right."
    )


def _fit_to_points(axes: Axes, values: pd.Series) -> None:
    highest = np.nanmax(np.append(values.to_numpy(float), 1e-6))
    axes.set_xlim(-0.04 * highest, 1.04 * highest)


def _write_r2(axes: Axes, evidence: Evidence, cell: str, predictor: str) -> None:
    fit = fitted_row(evidence.regressions, cell, evidence.point, predictor)
    if fit is not None and np.isfinite(fit.r2):
        axes.set_title(f"$R^2$ = {fit.r2:.3f}", loc="right", fontsize=8, pad=3)


def _r2_of(evidence: Evidence, family: str, activation: str) -> str:
    cell = evidence.cell_name(family, activation, evidence.size)
    fits = [fitted_row(evidence.regressions, cell, evidence.point, name) for name in PREDICTORS]
    values = ["none" if fit is None else f"{fit.r2:.3f}" for fit in fits]
    return f"{activation} {', '.join(values)}"
