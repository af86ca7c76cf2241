"""Even kernels on noise: the signed centroid stays, that of |x| does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.claims.thresholds import AT_REST_DRIFT, EXACT
from mechcore.experiment.controls import SYMMETRIC
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

DENSITIES = {"signed": "signed centroid, no rectification", "absolute": r"centroid of $|x|$"}
LIMITS = {"signed": EXACT, "absolute": AT_REST_DRIFT}

FLOOR = 1e-18
"""A drift of exactly 0 px is drawn here."""

COLUMNS = ["kernel", "activation", "size", "density", "drift", "extinct_at", "smallest_tap"]


def _table(results: Results, _family: str) -> pd.DataFrame:
    rows = results.controls
    rows = rows[(rows.mixing_ratio == 0) & ~rows.pattern.isin(SYMMETRIC)]
    # An even kernel has no velocity: where the signed mass cancels, its centroid means nothing.
    drift = rows.off_course.where(rows.density == "signed", rows.drift)
    return rows.assign(drift=drift)[COLUMNS].reset_index(drop=True)


def _draw(data: FigureData) -> Figure:
    table = data.table
    styles = category_styles(list(dict.fromkeys(["identity", *table.activation])))
    families = list(table.kernel.unique())
    legend = [
        *marks(styles),
        mark("no negative tap", color=CONE),
        mark("negative taps", color=CONE, mfc="none"),
        line("limit", THEORY, 0.9, ls="--"),
    ]
    figure, panels = facet_grid(
        list(DENSITIES),
        (2.9, max(0.11 * (len(styles) + 1) * len(families), 1.2)),
        legend,
        text=DENSITIES.__getitem__,
        legend_columns=5,
        margins=Margins(left=0.8, right=0.2),
        sharey=True,
        sharex=True,
    )
    for axes, rows in facets(table, "density", list(DENSITIES), panels):
        _draw_density(axes, rows, families, styles)
    for axes, limit in zip(panels, LIMITS.values(), strict=True):
        axes.axvline(limit, color=THEORY, lw=0.9, ls="--", zorder=1, gid="threshold")
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
        drifts = [rows.drift[rows.density == name].dropna() for name in DENSITIES]
        return " and ".join(f"{drift.max():.2e}" if len(drift) else "none" for drift in drifts)

    return (
        f"Drift of {len(data.table)} controls in pixels on a logarithmic axis, by kernel family "
        "and activation: noise through even kernels, its signed centroid with a line at "
        f"{EXACT:g} px, that of its size with a line at {AT_REST_DRIFT} px. Largest drift of the "
        f"signed centroid and of that of the size under {in_words(data.table, 'kernel', largest)}."
    )


def _caption(data: FigureData) -> str:
    dead = int(data.table.extinct_at.notna().sum())
    return (
        "Noise, which no symmetry keeps in place, through even kernels; a point for each size: how "
        "far the centroid ever was from its start. Filled: no tap of the kernel is negative; open: "
        "some are. Where taps add up to zero, a state has no signed centroid. Dashed: "
        f"{EXACT:g} px, which rounding does not reach (N2), and {AT_REST_DRIFT} px, beyond which "
        f"|x| has moved (C1, F1). The state of {dead} of {len(data.table)} died."
    )


def _draw_density(
    axes: Axes, rows: pd.DataFrame, families: list[str], styles: dict[str, Style]
) -> None:
    for place, (activation, style) in enumerate(styles.items(), 1):
        part = rows[rows.activation == activation]
        level = part.kernel.map(families.index).astype(float) + place / (len(styles) + 1) - 0.5
        positive, drift = part.smallest_tap >= 0, part.drift.clip(lower=FLOOR)
        draw_points(axes, drift, level, positive, style, gid="controls")
    axes.tick_params(axis="y", length=0)
    for border in range(1, len(families)):
        axes.axhline(border - 0.5, color="0.85", lw=0.6)


FIGURE = ReportFigure("drift", _table, _draw, _alt_text, _caption)
