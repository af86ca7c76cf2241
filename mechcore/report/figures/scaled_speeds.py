"""The speeds of all families and sizes in units of their own diffusion speed: they collapse."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.mechanics import characteristic_speeds
from mechcore.experiment.representative import spread
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    facet_grid,
    facets,
    line,
    marks,
    name_axes,
    rectified_mark,
)
from mechcore.report.figures.series import (
    FILLED,
    ODD,
    category_styles,
    draw_series,
    in_words,
    nested,
)
from mechcore.report.figures.style import THEORY
from mechcore.results.results import Results

BETAS_SHOWN = 8
COLUMNS = ["kernel", "activation", "size", "beta", "beta_star", "celerity", "relative_speed"]

SLOWEST, FASTEST = 1e-2, 10.0
"""Limits of v / s in the figure."""


def _table(results: Results, _family: str) -> pd.DataFrame:
    points = results.mean_speeds[results.mean_speeds.pattern == results.point]
    mixed = points.beta[points.beta.between(0, ODD, inclusive="neither")]
    points = points[points.beta.isin(spread(sorted(mixed.unique()), BETAS_SHOWN))]
    diffusion_speeds = characteristic_speeds(results.kernels).diffusion_speed
    table = points.join(diffusion_speeds, on=["kernel", "size"])
    table = table.assign(relative_speed=table.speed / table.diffusion_speed)
    return table.dropna(subset=["celerity", "relative_speed"])[COLUMNS].reset_index(drop=True)


def _draw(data: FigureData) -> Figure:
    table, names = data.table, data.results.experiment.activations
    styles = nested(category_styles(list(table.kernel.unique())), 4.8, 0.7)
    theory = line(r"$v = s\,\gamma\beta$", THEORY, 1.0)
    legend = [*marks(styles), rectified_mark(), theory]
    figure, panels = facet_grid(names, (1.55, 1.55), legend, sharex=True, sharey=True)
    shown = table[table.relative_speed.between(SLOWEST, FASTEST)]
    columns = ("celerity", "relative_speed")
    for axes, rows in facets(shown, "activation", names, panels):
        axes.plot([1e-3, 1e3], [1e-3, 1e3], color=THEORY, lw=1.0, zorder=1)
        draw_series(axes, rows, columns, "kernel", styles, filled=within_theory)
    limits = table.celerity.min() / 1.3, table.celerity.max() * 1.3
    panels[0].set(xscale="log", yscale="log", xlim=limits, ylim=(SLOWEST, FASTEST))
    panels[0].xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    panels[0].xaxis.set_major_formatter("{x:g}")
    panels[0].xaxis.set_minor_formatter(NullFormatter())
    name_axes(figure, r"celerity $\gamma\beta = p/m$", "speed over diffusion speed $v/s$")
    return figure


def _alt_text(data: FigureData) -> str:
    def ratios(rows: pd.DataFrame) -> str:
        ratio = (rows.relative_speed / rows.celerity)[within_theory(rows)]
        return f"from {ratio.min():z.3f} to {ratio.max():z.3f}" if len(ratio) else "none"

    return (
        f"Speed over diffusion speed against celerity for {len(data.table)} points of all kernel "
        "families and sizes that have a diffusion speed, a panel for each activation. "
        f"Ratio of the two up to beta star: {in_words(data.table, 'kernel', ratios)}."
    )


def _caption(data: FigureData) -> str:
    speeds = data.table.relative_speed
    lost = int((~speeds.between(SLOWEST, FASTEST)).sum())
    left_out = sorted(set(data.results.experiment.kernels) - set(data.table.kernel))
    without = f" No diffusion speed: {', '.join(left_out)}." if left_out else ""
    return (
        f"All families and sizes ({data.results.point}, means over the angles), at most "
        f"{BETAS_SHOWN} betas of each. {FILLED} Line: v = s γβ. {lost} of {len(speeds)} points "
        f"are outside the axes, as are all at rest.{without}"
    )


FIGURE = ReportFigure("relative_speed", _table, _draw, _alt_text, _caption)
