"""The headline law: the square of the speed against the odd share of the energy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.regressions import horizons, law_predictor, squared, squared_speeds
from mechcore.claims.thresholds import LAW
from mechcore.claims.wording import horizon_text
from mechcore.experiment.representative import spread
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
from mechcore.report.figures.style import FIRST, activation_colours
from mechcore.results.results import Results

HORIZONS_SHOWN = 3
POINTS_SHOWN = 26
"""Marks of a series: more would touch each other."""

LABELS = {
    "odd_energy_ratio": "odd share ρ of the energy",
    "asymmetric_share": "asymmetric share of the energy",
}

COLUMNS = [
    *("panel", "kernel", "cell", "activation", "size", "odd_energy_ratio", "layers", "share"),
    *("squared_speed", "low", "high", "g", "beta", "beta_star"),
]


def _of_layers(results: Results, family: str, layers: float) -> pd.DataFrame:
    """(v/c)^2 of the point over a number of layers; the limit has an interval."""
    known = results.mean_speeds
    known = known[(known.kernel == family) & (known.pattern == results.point)]
    # The law is about these; the colours of more would hide one another.
    named = known.activation.isin(FIRST)
    known = known[named] if named.any() else known
    known = squared_speeds(known[known["size"].isin(results.sizes_shown)], results.kernels)
    ends = {
        name: (known[f"asymptotic_{name}"].clip(lower=0) / known.light_speed) ** 2
        if math.isinf(layers)
        else np.nan
        for name in ("low", "high")
    }
    return known.assign(
        layers=layers,
        panel=horizon_text(layers),
        share=known[law_predictor(family)],
        squared_speed=known[squared(layers)],
        **ends,
    )[COLUMNS]


def _by_layers(results: Results, family: str) -> pd.DataFrame:
    every = spread(horizons(results.metrics), HORIZONS_SHOWN)
    return pd.concat([_of_layers(results, family, layers) for layers in every], ignore_index=True)


def _other_families(results: Results) -> list[str]:
    return [name for name in results.experiment.kernels if name != results.family]


def _by_family(results: Results, _: str) -> pd.DataFrame:
    layers = horizons(results.metrics)[-2]
    parts = [
        _of_layers(results, family, layers).assign(panel=family)
        for family in _other_families(results)
    ]
    return pd.concat(parts, ignore_index=True)


def _draw(data: FigureData) -> Panels:
    table = data.table
    titles = list(table.panel.unique())
    label = " or ".join(
        dict.fromkeys(LABELS[law_predictor(name)] for name in table.kernel.unique())
    )
    exact = [line("exact law", width=0.8)] if table.g.notna().any() else []
    panels = draw_panels(
        titles,
        (label, "(v/c)²"),
        [*key(table), line("(v/c)² = ρ, the paper's law", width=2.2), *exact, shade_entry()],
        panel=(2.3, 2.3) if len(titles) > 2 else (3.3, 2.5),
        sharex=True,
        sharey=True,
    )
    for axes, rows in panels.facets(table, "panel"):
        shade(axes, rows[within_theory(rows)].groupby("size").share.max().max())
        axes.plot([0, 1], [0, 1], color="0.15", lw=2.2, zorder=2, gid="law")
        _draw_exact(axes, rows.drop_duplicates("size"))
        shown = few(rows, POINTS_SHOWN)
        colours = list(shown.activation.map(activation_colours()))
        # Above the panel an interval has no end to show.
        axes.vlines(shown.share, shown.low, shown.high.clip(upper=1.2), colours, lw=0.6, alpha=0.5)
        panels.mark(axes, shown, ("share", "squared_speed"), _says)
    panels.axes[0].set(
        xlim=(-0.03, 1.03), ylim=(-0.03, 1.08), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1]
    )
    return panels


def _draw_exact(axes: Axes, kernels: pd.DataFrame) -> None:
    """Draw g rho / (1 - rho) up to beta*, for kernels that have one."""
    for star, g in kernels[["beta_star", "g"]].dropna().to_numpy(float):
        ratio = np.linspace(0, star**2, 40)
        axes.plot(ratio, g * ratio / (1 - ratio), color="0.15", lw=0.8, zorder=2.5, gid="theory")


def _says(row: dict[str, float]) -> str:
    return f"{row['panel']}, {setting(row)}: (v/c)² = {row['squared_speed']:.2f}"


def _misses(data: FigureData) -> str:
    """How well the activation that stands for all follows the line."""
    known = data.table.dropna(subset=["squared_speed"])
    own = known[known.activation == data.results.activation]
    known = known if own.empty else own
    known = known.assign(miss=(known.squared_speed - known.share).abs())
    series = known.groupby(["panel", "size"]).miss.max()
    worst = known.iloc[int(known.miss.argmax())]
    return (
        f"Under {worst.activation}, {(series <= LAW).sum()} of the {len(series)} series shown stay "
        f"within {LAW:g} of the line (v/c)² = ρ; the worst point misses it by {worst.miss:.2f} "
        f"({worst.panel}, k = {worst['size']}, at a share of {worst.share:.2f})."
    )


def _caption(data: FigureData) -> str:
    return (
        f"{_misses(data)} v is the mean speed of a point over T layers (T → ∞: its limit, with a "
        "bar for the interval); up to β*, where the first tap turns negative, (v/c)² = g ρ/(1 − ρ)."
    )


def _families_caption(data: FigureData) -> str:
    return f"{_misses(data)} Speeds are means over {data.table.layers.iloc[0]:.0f} layers."


HEADLINE = ReportFigure(
    "headline",
    "Is (v/c)² the odd share ρ of the energy?",
    _by_layers,
    _draw,
    _caption,
    value="squared_speed",
    groups=("panel", "activation", "size"),
    topics=lambda results: [results.family],
    main=True,
)

FAMILIES = ReportFigure(
    "families",
    "Do other kernels follow the same law?",
    _by_family,
    _draw,
    _families_caption,
    value="squared_speed",
    groups=("panel", "activation", "size"),
    topics=lambda results: [""] if _other_families(results) else [],
    main=True,
)
