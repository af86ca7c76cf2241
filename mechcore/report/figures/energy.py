"""Energy and momentum of the kernels: the mass shell, and by how much it is missed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.experiment.representative import spread
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import Margins, panel_grid, say_nothing_known
from mechcore.report.figures.style import THEORY, category_styles, draw_points, plain
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


def energy_table(results: Results, _family: str) -> pd.DataFrame:
    """Return energy and momentum of the kernels of all families."""
    kernels = results.kernels
    sizes = kernels.assign(**{name: kernels[name].abs() for name in DEFECTS})
    groups = sizes.groupby(["kernel", "size", "beta"], sort=False)
    bodies = groups[["rest_mass", "momentum"]].mean()
    return bodies.join(groups[list(DEFECTS)].max()).reset_index()[COLUMNS]


def draw_energy(data: FigureData) -> Figure:
    """Draw the kernels on the mass shell, and their largest defects against the size."""
    table, results = data.table, data.results
    figure, panels = panel_grid(
        (1, 3),
        (1.7, 1.7),
        _legend(results),
        legend_columns=6,
        gap=(1.0, 0.1),
        margins=Margins(left=0.5),
    )
    _draw_shell(panels[0, 0], table, results)
    for axes, (column, label) in zip(panels[0, 1:], DEFECTS.items(), strict=True):
        _draw_defects(axes, table, column, results)
        axes.set(xlabel="kernel size $k$ (px)", ylabel=label)
    return figure


def describe_energy(data: FigureData) -> str:
    """Return what the figure of energy shows."""
    texts = [
        f"{family} {rows.energy_defect.max():.1e} and {rows.parity_product.max():.1e}"
        for family, rows in data.table.groupby("kernel", sort=False)
    ]
    return (
        "Rest mass against momentum of the kernels, with the quarter circle of energy 1, and the "
        "largest defects against kernel size. Largest energy defect and product of the parities, "
        f"as shares of the squared energy: {'; '.join(texts) or '0 kernels are known'}."
    )


def caption_energy(data: FigureData) -> str:
    """Return what a reader must know to read the figure of energy."""
    mixing = data.results.experiment.mixing
    return (
        f"Left: p = |K_o| and m = |K_e| of kernels of all families and sizes, {mixing} mixing, at "
        "most 11 betas, on the shell E² = m² + p² = 1; families lie on each other. Middle and "
        "right: the largest magnitude over β and angles; double precision resolves 10⁻¹⁶ of E²."
    )


def _draw_shell(axes: Axes, table: pd.DataFrame, results: Results) -> None:
    quarter = np.linspace(0, np.pi / 2, 60)
    axes.plot(np.sin(quarter), np.cos(quarter), color=THEORY, lw=1.0, zorder=1, gid="shell")
    shown = spread(sorted(table.beta.unique()), BETAS_SHOWN) if len(table) else []
    rows = table[table.beta.isin(shown)].drop_duplicates(["kernel", "beta", "rest_mass"])
    for place, (family, style) in enumerate(category_styles(results.experiment.kernels).items()):
        part = rows[rows.kernel == family]
        hollow = np.zeros(len(part), dtype=bool)
        # Later families are smaller: those below stay visible where they agree.
        size = max(9.0 - 1.7 * place, 2.0)
        draw_points(axes, part.momentum, part.rest_mass, hollow, style, gid="kernels", size=size)
    axes.set(xlim=(-0.07, 1.1), ylim=(-0.07, 1.1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set(xlabel="momentum $p$", ylabel="rest mass $m$", aspect="equal")


def _draw_defects(axes: Axes, table: pd.DataFrame, column: str, results: Results) -> None:
    largest = table.groupby(["kernel", "size"], sort=False)[column].max().reset_index()
    styles = category_styles(results.experiment.kernels)
    for place, (family, style) in enumerate(styles.items()):
        part = largest[largest.kernel == family]
        offset = 0.6 * ((place + 0.5) / len(styles) - 0.5)
        drawn = part[column].clip(lower=FLOOR)
        draw_points(axes, part["size"] + offset, drawn, part[column] > 0, style, gid=column)
    if largest.empty:
        say_nothing_known(axes)
    axes.set(yscale="log", ylim=(FLOOR / 3, 1e-12))
    axes.set_yticks([FLOOR, *10.0 ** np.arange(-16, -11, 2)])
    axes.set_yticklabels(["exactly 0", *(f"$10^{{{power}}}$" for power in (-16, -14, -12))])
    axes.minorticks_off()
    axes.set_xticks(sorted(results.experiment.sizes))


def _legend(results: Results) -> list[Line2D]:
    look: dict[str, Any] = {"ls": "", "ms": 4.5, "mfc": "none"}
    names = [
        Line2D([], [], label=plain(name), **look, **style)
        for name, style in category_styles(results.experiment.kernels).items()
    ]
    return [*names, Line2D([], [], color=THEORY, lw=1.0, label="$E = 1$")]
