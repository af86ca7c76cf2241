"""How wide states grow: even kernels in time, and moving states against their speed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.displacement import variance_along
from mechcore.analysis.tables import joined
from mechcore.experiment.representative import spread
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels, few, key, line, mark, setting
from mechcore.report.figures.style import THEORY
from mechcore.report.numbers import significant
from mechcore.results.results import Results

DIRECTIONS = {"contraction_along": "along the motion", "contraction_across": "across the motion"}
WIDEST = 1.45
SLOWEST, FASTEST = -0.06, 1.35
"""Limits of the axes: beyond beta* a few states are far wider."""

POINTS_SHOWN = 26
LAYERS_SHOWN = 12


def _contraction_table(results: Results, family: str) -> pd.DataFrame:
    rows = results.simulations
    chosen = (rows.kernel == family) & (rows.pattern == results.point)
    chosen &= (rows.angle == results.angle) & rows["size"].isin(results.sizes_shown)
    rows = rows[chosen]
    columns = ["cell", "activation", "size", "beta", "beta_star", "odd_energy_ratio"]
    return rows.assign(relative_speed=rows.speed / rows.diffusion_speed)[
        [*columns, "relative_speed", *DIRECTIONS]
    ]


def _draw_contraction(data: FigureData) -> Panels:
    table = data.table
    panels = draw_panels(
        list(DIRECTIONS.values()),
        ("speed v/s", "width σ(ρ)/σ(0)"),
        [*key(table), line("√(1 − v²/s²), and 1"), mark("beyond β*", mfc="white")],
        panel=(3.3, 2.4),
        sharex=True,
        sharey=True,
    )
    speeds = np.linspace(0, 1, 100)
    shown = few(table, POINTS_SHOWN)
    for axes, column in zip(panels.axes, DIRECTIONS, strict=True):
        factor = np.sqrt(1 - speeds**2) if column == "contraction_along" else np.ones_like(speeds)
        axes.plot(speeds, factor, color=THEORY, zorder=1)
        rows = shown[(shown[column] <= WIDEST) & shown.relative_speed.between(SLOWEST, FASTEST)]
        says = lambda row, column=column: (  # noqa: E731
            f"{setting(row)}: v/s = {row['relative_speed']:.2f}, width {row[column]:.2f}"
        )
        panels.mark(axes, rows, ("relative_speed", column), says, hollow=~within_theory(rows))
    panels.axes[0].set(xlim=(SLOWEST, FASTEST), ylim=(0, WIDEST), yticks=[0, 0.5, 1])
    return panels


def _contraction_caption(data: FigureData) -> str:
    known, results = data.table.dropna(subset=["relative_speed", "contraction_along"]), data.results
    factor = np.sqrt((1 - known.relative_speed**2).clip(lower=0))
    miss = (known.contraction_along - factor).abs()
    exact = within_theory(known) & known.activation.map(results.is_exact)
    misses = " and ".join(
        f"by at most {significant(float(miss[rows].max()), 2)} {where}"
        for rows, where in ((exact, "where theory is exact"), (~exact, "elsewhere"))
        if rows.any()
    )
    hidden = (known.contraction_along > WIDEST) | ~known.relative_speed.between(SLOWEST, FASTEST)
    return (
        f"Along the motion the width of a point misses the Lorentz factor √(1 − v²/s²) {misses}. "
        f"σ is the width grown by layer {results.experiment.steps}, s the diffusion speed of the "
        f"even kernel; {hidden.sum()} of {len(known)} points are outside the axes."
    )


CONTRACTION = ReportFigure(
    "contraction",
    "Does a moving pattern contract?",
    _contraction_table,
    _draw_contraction,
    _contraction_caption,
    value="contraction_along",
    topics=lambda results: [results.family] if 0.0 in results.experiment.betas else [],
    main=True,
)


def _diffusion_table(results: Results, family: str) -> pd.DataFrame:
    """How much wider a point has grown under even kernels."""
    parts = []
    for size in results.sizes_shown:
        cell = results.cell_name(family, results.activation, size)
        if results.shows(cell, 0.0):
            dataset = results.dataset(family, results.activation, size)
            # Chosen before anything is computed: a cell holds hundreds of trajectories.
            even = dataset.sel(pattern=results.point, beta=[0.0]).isel(angle=[0])
            variance = variance_along(even).values.ravel()
            width = np.sqrt((variance - variance[0]).clip(min=0.0))
            table = pd.DataFrame({"t": even.t, "width": width})[1:]
            speed = results.theories(family, size)[0].diffusion_speed
            table = table.assign(cell=cell, activation=results.activation, size=size)
            parts.append(table.assign(diffusion_speed=speed))
    return joined(parts, ["activation", "size", "t", "width"])


def _draw_diffusion(data: FigureData) -> Panels:
    table, steps = data.table, data.results.experiment.steps
    panels = draw_panels(
        [""],
        ("layer t", "width grown (px)"),
        [*key(table), line("s √t")],
        panel=(5.2, 2.7),
    )
    (axes,) = panels.axes
    for speed in table.diffusion_speed.dropna().unique():
        t = np.array([1.0, steps])
        axes.plot(t, speed * np.sqrt(t), color=THEORY, zorder=2, gid="theory")
    layers = spread(list(np.unique(np.geomspace(1, steps, 60).round().astype(int))), LAYERS_SHOWN)
    rows = table[table.t.isin(layers) & (table.width > 1e-6)]
    panels.mark(axes, rows, ("t", "width"), _says_width)
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    return panels


def _says_width(row: dict[str, float]) -> str:
    return f"{row['activation']}, k = {row['size']}, t = {row['t']}: {row['width']:.3g} px"


def _diffusion_caption(data: FigureData) -> str:
    results, table, metrics = data.results, data.table, data.results.metrics
    even = metrics[(metrics.kernel == data.topic) & (metrics.beta == 0)]
    exponents = even[even.pattern == results.point].diffusion_exponent
    off = (table.width / (table.diffusion_speed * np.sqrt(table.t)) - 1).abs().max()
    return (
        f"The width of a point grows as s√t, with a relative error of {significant(off, 1)}, where "
        f"s² is the variance of the kernel. Over all activations and sizes the exponents of t are "
        f"{' to '.join(dict.fromkeys([f'{exponents.min():.3f}', f'{exponents.max():.3f}']))}."
    )


DIFFUSION = ReportFigure(
    "diffusion",
    "How do even kernels spread a point?",
    _diffusion_table,
    _draw_diffusion,
    _diffusion_caption,
    value="width",
    topics=lambda results: [results.family] if 0.0 in results.experiment.betas else [],
    main=True,
)
