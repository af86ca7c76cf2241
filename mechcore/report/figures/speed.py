"""Speed against the odd share of the energy, under all activations, with the exact theory."""

from __future__ import annotations

from itertools import product

import pandas as pd
from matplotlib.axes import Axes

from mechcore.analysis.beta_ranges import within_theory
from mechcore.claims.thresholds import EQUAL_SPEED
from mechcore.experiment.representative import PAPER_ACTIVATIONS, shown_sizes
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import (
    Panels,
    draw_panels,
    few,
    key,
    line,
    setting,
    shade,
    shade_entry,
)
from mechcore.report.figures.style import CONE, THEORY, plain
from mechcore.results.results import Results

MOST_SIZES, MOST_PATTERNS = 3, 2
POINTS_SHOWN = 26

KEYS = ["pattern", "size", "beta"]
COLUMNS = [
    *("cell", "activation", "size", "pattern", "beta", "odd_energy_ratio", "speed"),
    *("beta_star", "speed_linear"),
]


def _table(results: Results, family: str) -> pd.DataFrame:
    """Mean speeds, and abs(M1/M0)."""
    points = results.mean_speeds
    sizes = shown_sizes(results.sizes_of(family), MOST_SIZES)
    chosen = (points.kernel == family) & points["size"].isin(sizes)
    chosen &= points.pattern.isin(results.patterns[:MOST_PATTERNS])
    kernels = results.kernels[results.kernels.kernel == family]
    linear = kernels.groupby(["size", "beta"]).speed_linear.mean()
    return points[chosen].join(linear, on=["size", "beta"])[COLUMNS].reset_index(drop=True)


def _draw(data: FigureData) -> Panels:
    table = data.table
    patterns, sizes = list(table.pattern.unique()), sorted(table["size"].unique())
    grid = list(product(patterns, sizes))
    panels = draw_panels(
        [f"k = {size}, {plain(pattern)}" for pattern, size in grid],
        ("odd share ρ of the energy", "speed (px/layer)"),
        [*key(table), line("exact, |M₁/M₀|"), line("light cone", CONE, ls="--"), shade_entry()],
        panel=(2.15, 1.7),
        columns=len(sizes),
        gap=(0.42, 0.45),
        sharex=True,
    )
    for axes, (pattern, size) in zip(panels.axes, grid, strict=True):
        rows = table[(table.pattern == pattern) & (table["size"] == size)]
        cone = data.results.mean_light_speed(size)
        axes.axhline(cone, color=CONE, lw=1.0, ls="--", zorder=1)
        # The experiment may leave out a pattern at a size.
        if len(rows):
            shade(axes, rows.beta_star.min() ** 2)
            _draw_theory(axes, rows[rows.activation == rows.activation.iloc[0]])
            panels.mark(axes, few(rows, POINTS_SHOWN), ("odd_energy_ratio", "speed"), _says)
    panels.axes[0].set(xlim=(-0.03, 1.03), xticks=[0, 0.5, 1])
    return panels


def _draw_theory(axes: Axes, rows: pd.DataFrame) -> None:
    exact = rows[within_theory(rows)]
    axes.plot(exact.odd_energy_ratio, exact.speed_linear, color=THEORY, zorder=2, gid="theory")


def _says(row: dict[str, float]) -> str:
    return f"{setting(row)}: v = {row['speed']:.3f} px/layer"


def _caption(data: FigureData) -> str:
    return (
        f"{_lead(data.table)} M₁/M₀, first moment over sum of the taps, is the speed of a kernel "
        "without negative taps."
    )


def _lead(table: pd.DataFrame) -> str:
    """How the modulus differs from ReLU, kernel by kernel."""
    relu, modulus = (table[table.activation == name] for name in PAPER_ACTIVATIONS)
    both = relu.merge(modulus[[*KEYS, "speed"]], on=KEYS, suffixes=("", "_modulus"))
    both = both.assign(lead=both.speed_modulus - both.speed).dropna(subset=["lead"])
    if both.empty:
        fastest = table.iloc[int(table.speed.argmax())]
        return f"The fastest moves at {fastest.speed:.2f} px/layer ({setting(fastest)})."
    worst = both.iloc[int(both.lead.abs().argmax())]
    verb = "faster" if worst.lead > 0 else "slower"
    differ = (both.lead.abs() > EQUAL_SPEED).sum()
    return (
        f"Speeds under ReLU and the modulus differ for {differ} of {len(both)} kernels and "
        f"patterns, most at ρ = {worst.odd_energy_ratio:.2f} (k = {worst['size']}, "
        f"{worst.pattern}), where the modulus is {abs(worst.lead):.2f} px/layer {verb}."
    )


SPEED = ReportFigure(
    "speed",
    "Does the modulus move a pattern as fast as ReLU?",
    _table,
    _draw,
    _caption,
    value="speed",
    topics=lambda results: [
        results.family,
        *(name for name in results.experiment.kernels if name != results.family),
    ],
    main=True,
)
