"""Whether even kernels keep noise, which no symmetry keeps in place, where it is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.claims.thresholds import AT_REST_DRIFT, EXACT
from mechcore.experiment.controls import SYMMETRIC
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, key, line, mark
from mechcore.report.figures.style import THEORY, activation_colours, plain
from mechcore.report.numbers import significant
from mechcore.results.results import Results

DENSITIES = {"signed": "signed mass, no rectification", "absolute": "mass |x|"}
LIMITS = {"signed": EXACT, "absolute": AT_REST_DRIFT}

FLOOR = 1e-18
"""A drift of exactly 0 px is drawn here."""

COLUMNS = ["kernel", "activation", "size", "density", "drift", "extinct_at", "smallest_tap"]


def _table(results: Results, _: str) -> pd.DataFrame:
    rows = results.controls
    rows = rows[(rows.mixing_ratio == 0) & ~rows.pattern.isin(SYMMETRIC)]
    # An even kernel has no velocity: where the signed mass cancels, its centroid means nothing.
    drift = rows.off_course.where(rows.density == "signed", rows.drift)
    rows = rows.assign(drift=drift)[COLUMNS]
    return rows.sort_values("density", ascending=False, kind="stable", ignore_index=True)


def _draw(data: FigureData) -> Panels:
    families = list(data.table.kernel.unique())
    table = data.table.assign(level=_levels(data.table, families))
    table = table.assign(drift=table.drift.clip(lower=FLOOR))
    panels = draw_panels(
        [DENSITIES[name] for name in table.density.unique()],
        ("farthest drift of the centroid (px)", ""),
        [*key(table), mark("negative taps", mfc="white"), line("limit", ls="--")],
        panel=(3.0, 0.45 * len(families)),
        left=0.95,
        sharey=True,
        sharex=True,
    )
    for axes, rows in panels.facets(table, "density"):
        panels.mark(axes, rows, ("drift", "level"), _says, hollow=rows.smallest_tap < 0)
        axes.tick_params(axis="y", length=0)
        limit = LIMITS[rows.density.iloc[0]]
        axes.axvline(limit, color=THEORY, lw=0.9, ls="--", zorder=1, gid="threshold")
    first = panels.axes[0]
    first.set_yticks(range(len(families)), [plain(name) for name in families])
    largest = float(np.nanmax([*table.drift, 1.0]))
    first.set(ylim=(len(families) - 0.5, -0.5), xscale="log", xlim=(FLOOR / 4, 3 * largest))
    ticks = {FLOOR: "0"} | {10.0**power: f"$10^{{{power}}}$" for power in range(-15, 2, 5)}
    first.set_xticks(list(ticks), list(ticks.values()))
    first.minorticks_off()
    return panels


def _levels(table: pd.DataFrame, families: list[str]) -> pd.Series:
    """The family of a row, its activations side by side."""
    order = [name for name in activation_colours() if name in set(table.activation)]
    place = table.activation.map(order.index) + 1
    return table.kernel.map(families.index) + place / (len(order) + 1) - 0.5


def _says(row: dict[str, float]) -> str:
    return f"{row['kernel']}, {row['activation']}, k = {row['size']}: {row['drift']:.2g} px"


def _caption(data: FigureData) -> str:
    known = data.table.dropna(subset=["drift"])
    still = (known.drift <= known.density.map(LIMITS)).groupby(known.density)
    counts = still.agg(["sum", "size"]).reindex(list(LIMITS), fill_value=0).to_numpy(int)
    signed, absolute = (f"{number} of {every}" for number, every in counts)
    return (
        f"The centroid of the signed mass stays within {significant(EXACT)} px in {signed} runs, "
        f"that of |x| within {AT_REST_DRIFT} px in {absolute}. Noise is used as no symmetry keeps "
        f"it in place; {data.table.extinct_at.notna().sum()} states died."
    )


CONTROLS = ReportFigure(
    "controls",
    "Do even kernels leave noise where it is?",
    _table,
    _draw,
    _caption,
    value="drift",
    groups=("density", "kernel"),
    shows="Farthest drift of the centroid in pixels, logarithmic, by kernel family",
)
