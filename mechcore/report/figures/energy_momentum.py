"""Energy and momentum of the kernels: the mass shell, and by how much it is missed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.experiment.representative import spread
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import Margins, line, marks, panel_grid, say_nothing_known
from mechcore.report.figures.style import (
    THEORY,
    Style,
    category_styles,
    draw_points,
    nested,
    side_by_side,
)
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


def _table(results: Results, _family: str) -> pd.DataFrame:
    kernels = results.kernels
    sizes = kernels.assign(**{name: kernels[name].abs() for name in DEFECTS})
    groups = sizes.groupby(["kernel", "size", "beta"], sort=False)
    means = groups[["rest_mass", "momentum"]].mean()
    return means.join(groups[list(DEFECTS)].max()).reset_index()[COLUMNS]


def _draw(data: FigureData) -> Figure:
    styles = category_styles(data.results.experiment.kernels)
    families = marks(styles, ms=4.5, mfc="none")
    figure, panels = panel_grid(
        (1, 3),
        (1.7, 1.7),
        [*families, line("$E = 1$", THEORY, 1.0)],
        legend_columns=6,
        gap=(1.0, 0.1),
        margins=Margins(left=0.5),
    )
    _draw_shell(panels[0, 0], data.table, styles)
    for axes, (column, label) in zip(panels[0, 1:], DEFECTS.items(), strict=True):
        _draw_defects(axes, data.table, column, styles)
        axes.set_xticks(sorted(data.results.experiment.sizes))
        axes.set(xlabel="kernel size $k$ (px)", ylabel=label)
    return figure


def _alt_text(data: FigureData) -> str:
    texts = [
        f"{family} {rows.energy_defect.max():.1e} and {rows.parity_product.max():.1e}"
        for family, rows in data.table.groupby("kernel", sort=False)
    ]
    return (
        "Rest mass against momentum of the kernels, with the quarter circle of energy 1, and the "
        "largest defects against kernel size. Largest energy defect and product of the parities, "
        f"as shares of the squared energy: {'; '.join(texts) or '0 kernels are known'}."
    )


def _caption(data: FigureData) -> str:
    return (
        "Left: p = |K_o| and m = |K_e| of kernels of all families and sizes, "
        f"{data.results.experiment.mixing} mixing, at most {BETAS_SHOWN} betas, on the shell "
        "E² = m² + p² = 1; families coincide. Middle and right: the largest magnitude over β and "
        "angles; double precision resolves 10⁻¹⁶ of E²."
    )


def _draw_shell(axes: Axes, table: pd.DataFrame, styles: dict[str, Style]) -> None:
    quarter = np.linspace(0, np.pi / 2, 60)
    axes.plot(np.sin(quarter), np.cos(quarter), color=THEORY, lw=1.0, zorder=1, gid="shell")
    shown = spread(sorted(table.beta.unique()), BETAS_SHOWN)
    rows = table[table.beta.isin(shown)].drop_duplicates(["kernel", "beta", "rest_mass"])
    for family, style, size in nested(styles, 9.0, 1.7):
        part = rows[rows.kernel == family]
        filled = np.zeros(len(part), dtype=bool)
        draw_points(axes, part.momentum, part.rest_mass, filled, style, gid="kernels", ms=size)
    axes.set(xlim=(-0.07, 1.1), ylim=(-0.07, 1.1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set(xlabel="momentum $p$", ylabel="rest mass $m$", aspect="equal")


def _draw_defects(axes: Axes, table: pd.DataFrame, column: str, styles: dict[str, Style]) -> None:
    largest = table.groupby(["kernel", "size"], sort=False)[column].max().reset_index()
    for family, style, offset in side_by_side(styles, 0.6):
        part = largest[largest.kernel == family]
        height = part[column].clip(lower=FLOOR)
        draw_points(axes, part["size"] + offset, height, part[column] > 0, style, gid=column)
    if largest.empty:
        say_nothing_known(axes)
    axes.set(yscale="log", ylim=(FLOOR / 3, 1e-12))
    axes.set_yticks([FLOOR, *10.0 ** np.arange(-16, -11, 2)])
    axes.set_yticklabels(["exactly 0", *(f"$10^{{{power}}}$" for power in (-16, -14, -12))])
    axes.minorticks_off()


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
