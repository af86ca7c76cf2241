"""Pure parities on a pattern without symmetry, which must or must not move."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.claims.thresholds import AT_REST_DRIFT
from mechcore.model.theory import TAP_ROUNDING
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    facet_grid,
    facets,
    line,
    mark,
    marks,
    name_axes,
)
from mechcore.report.figures.series import category_styles, draw_points, in_words
from mechcore.report.figures.style import CONE, THEORY, Style, plain
from mechcore.results.results import Results

PARITIES = {0.0: r"even kernels, $\beta = 0$", 1.0: r"odd kernels, $\beta = 1$"}

FLOOR = 1e-18
"""A drift of exactly 0 px is drawn here."""

COLUMNS = ["kernel", "activation", "size", "beta", "speed", "drift", "extinct_at", "smallest_tap"]


def _table(results: Results, _family: str) -> pd.DataFrame:
    return results.controls[COLUMNS].reset_index(drop=True)


def _draw(data: FigureData) -> Figure:
    table, styles = data.table, category_styles(data.results.experiment.activations)
    families = list(table.kernel.unique())
    legend = [
        *marks(styles),
        mark("no negative tap", color=CONE),
        mark("negative taps", color=CONE, mfc="none"),
        line(f"{AT_REST_DRIFT} px", THEORY, 0.9, ls="--"),
    ]
    figure, panels = facet_grid(
        list(PARITIES),
        (2.9, max(0.11 * (len(styles) + 1) * len(families), 1.2)),
        legend,
        text=PARITIES.__getitem__,
        legend_columns=5,
        margins=Margins(left=0.8, right=0.2),
        sharey=True,
        sharex=True,
    )
    for axes, rows in facets(table, "beta", list(PARITIES), panels):
        _draw_parity(axes, rows, families, styles)
    panels[0].set_yticks(range(len(families)), [plain(name) for name in families])
    panels[0].set_ylim(len(families) - 0.5, -0.5)
    largest = float(np.nanmax([*table.drift, 1.0]))
    powers = range(-15, int(np.ceil(np.log10(largest))) + 1, 3)
    panels[0].set(xscale="log", xlim=(FLOOR / 4, 3 * largest))
    ticks = {FLOOR: "0"} | {10.0**power: f"$10^{{{power}}}$" for power in powers}
    panels[0].set_xticks(list(ticks), list(ticks.values()))
    panels[0].minorticks_off()
    name_axes(figure, "farthest drift of the centroid (px)", "")
    return figure


def _alt_text(data: FigureData) -> str:
    def largest(rows: pd.DataFrame) -> str:
        drifts = [rows.drift[rows.beta == beta].dropna() for beta in PARITIES]
        return " and ".join(f"{drift.max():.2e}" if len(drift) else "none" for drift in drifts)

    return (
        f"Drift of {len(data.table)} controls in pixels on a logarithmic axis, by kernel family "
        "and activation: a random pattern through even and through odd kernels, with a line at "
        f"{AT_REST_DRIFT} px. Largest drift under even and under odd kernels of "
        f"{in_words(data.table, 'kernel', largest)}."
    )


def _caption(data: FigureData) -> str:
    dead = int(data.table.extinct_at.notna().sum())
    return (
        "A random pattern, which no symmetry holds in place, through the pure parities; a point "
        "for each size: how far the centroid ever was from its start. Filled: no tap of the kernel "
        f"is negative; open: some are. Dashed: {AT_REST_DRIFT} px, below which a control is at "
        f"rest. The state of {dead} of {len(data.table)} died."
    )


def _draw_parity(
    axes: Axes, rows: pd.DataFrame, families: list[str], styles: dict[str, Style]
) -> None:
    for place, (activation, style) in enumerate(styles.items(), 1):
        part = rows[rows.activation == activation]
        level = part.kernel.map(families.index).astype(float) + place / (len(styles) + 1) - 0.5
        positive, drift = part.smallest_tap >= -TAP_ROUNDING, part.drift.clip(lower=FLOOR)
        draw_points(axes, drift, level, positive, style, gid="controls")
    axes.axvline(AT_REST_DRIFT, color=THEORY, lw=0.9, ls="--", zorder=1, gid="threshold")
    axes.tick_params(axis="y", length=0)
    for border in range(1, len(families)):
        axes.axhline(border - 0.5, color="0.85", lw=0.6)


FIGURE = ReportFigure("drift", _table, _draw, _alt_text, _caption)
