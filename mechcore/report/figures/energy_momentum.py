"""Energy and momentum of the kernels: the mass shell, and by how much it is missed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.experiment.representative import spread
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import Margins, line, marks, panel_grid
from mechcore.report.figures.series import category_styles, draw_series, in_words, nested
from mechcore.report.figures.style import THEORY
from mechcore.results.results import Results

DEFECTS = {
    "energy_defect": r"$|E^2 - m^2 - p^2|\,/\,E^2$",
    "parity_product": r"$|\langle K_e, K_o\rangle|\,/\,E^2$",
}
"""What is zero for kernels whose parities are orthogonal, with axis labels."""

COLUMNS = ["kernel", "size", "beta", "rest_mass", "momentum", *DEFECTS]
BETAS_SHOWN = 11

FLOOR = 1e-18
"""Exact zeros are drawn here: a double near 1 differs from it by no less than 1e-16."""

TICKS = {FLOOR: "exactly 0", 1e-16: "$10^{-16}$", 1e-14: "$10^{-14}$", 1e-12: "$10^{-12}$"}


def _table(results: Results, _family: str) -> pd.DataFrame:
    kernels = results.kernels
    sizes = kernels.assign(**{name: kernels[name].abs() for name in DEFECTS})
    groups = sizes.groupby(["kernel", "size", "beta"], sort=False)
    means = groups[["rest_mass", "momentum"]].mean()
    return means.join(groups[list(DEFECTS)].max()).reset_index()[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table, sizes = data.table, sorted(data.results.experiment.sizes)
    styles = category_styles(data.results.experiment.kernels)
    figure, panels = panel_grid(
        (1, 3),
        (1.7, 1.7),
        [*marks(styles, mfc="none"), line("$E = 1$", THEORY, 1.0)],
        legend_columns=6,
        gap=(1.0, 0.1),
        margins=Margins(left=0.5),
    )
    _draw_shell(panels[0, 0])
    rings = nested(styles, 9.0, 1.7)
    shown = table[table.beta.isin(spread(sorted(table.beta.unique()), BETAS_SHOWN))]
    shown = shown.drop_duplicates(["kernel", "beta", "rest_mass"])
    places = ("momentum", "rest_mass")
    draw_series(panels[0, 0], shown, places, "kernel", rings, filled=lambda _: False)
    largest = table.groupby(["kernel", "size"], sort=False)[list(DEFECTS)].max().reset_index()
    for axes, (column, label) in zip(panels[0, 1:], DEFECTS.items(), strict=True):
        heights = largest.assign(**{column: largest[column].clip(lower=FLOOR)})
        draw_series(axes, heights, ("size", column), "kernel", styles, apart=0.6)
        axes.set(yscale="log", ylim=(FLOOR / 3, 1e-12), xticks=sizes)
        axes.set_yticks(list(TICKS), list(TICKS.values()))
        axes.minorticks_off()
        axes.set(xlabel="kernel size $k$ (px)", ylabel=label)
    return figure


def _alt_text(data: FigureData) -> str:
    defects = in_words(
        data.table,
        "kernel",
        lambda rows: f"{rows.energy_defect.max():.1e} and {rows.parity_product.max():.1e}",
    )
    return (
        "Rest mass against momentum of the kernels, with the quarter circle of energy 1, and the "
        "largest defects against kernel size. Largest energy defect and product of the parities, "
        f"as shares of the squared energy: {defects}."
    )


def _caption(data: FigureData) -> str:
    return (
        "Left: p = |K_o| and m = |K_e| of kernels of all families and sizes, "
        f"{data.results.experiment.mixing} mixing, at most {BETAS_SHOWN} betas, on the shell "
        "E² = m² + p² = 1; families coincide. Middle and right: the largest magnitude over β and "
        "angles; double precision resolves 10⁻¹⁶ of E²."
    )


def _draw_shell(axes: Axes) -> None:
    quarter = np.linspace(0, np.pi / 2, 60)
    axes.plot(np.sin(quarter), np.cos(quarter), color=THEORY, lw=1.0, zorder=1, gid="shell")
    axes.set(xlim=(-0.07, 1.1), ylim=(-0.07, 1.1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set(xlabel="momentum $p$", ylabel="rest mass $m$", aspect="equal")


FIGURE = ReportFigure("energy_defect", _table, _draw, _alt_text, _caption)
