"""The headline law: the square of the speed against the odd share of the energy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.analysis.regressions import (
    horizons,
    law_predictor,
    mean_speeds,
    squared,
    squared_speeds,
)
from mechcore.claims.wording import horizon_text
from mechcore.experiment.representative import spread
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    line,
    marks,
    name_axes,
    name_rows,
    panel_grid,
    say_nothing_known,
    size_text,
)
from mechcore.report.figures.series import draw_points, in_words, order_styles
from mechcore.report.figures.style import THEORY, Style
from mechcore.results.results import Results

MOST_POINTS = 26
"""Points drawn of a series: more would touch each other."""

MOST_HORIZONS = 4

SHARES = {"odd_energy_ratio": "odd", "asymmetric_share": "asymmetric"}

COLUMNS = [
    *("activation", "size", "layers", "share", "squared_speed", "low", "high"),
    *("g", "beta", "beta_star"),
]


def _table(results: Results, family: str) -> pd.DataFrame:
    """(v/c)^2 of the point for each number of layers; the limit has an interval."""
    metrics = results.metrics
    chosen = (metrics.kernel == family) & (metrics.pattern == results.point)
    points = squared_speeds(mean_speeds(metrics[chosen]), results.kernels)
    points = points[points["size"].isin(results.sizes_shown)]
    points = points.assign(share=points[law_predictor(family)])
    limits = {
        name: (points[f"asymptotic_{name}"].clip(lower=0) / points.light_speed) ** 2
        for name in ("low", "high")
    }
    every = horizons(metrics)
    parts = [
        points.assign(layers=layers, squared_speed=points[squared(layers)], low=np.nan, high=np.nan)
        for layers in spread(every, MOST_HORIZONS)
    ]
    parts[-1] = parts[-1].assign(**limits)
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table = data.table
    activations, layers = table.activation.unique(), table.layers.unique()
    sizes = sorted(table["size"].unique())
    styles = order_styles(sizes)
    legend = [
        *marks(styles, size_text),
        line("the paper's law, y = x", THEORY, 1.2),
    ]
    if table.g.notna().any():
        legend.append(line("exact up to β*", "0.4", 1.0, ls=":"))
    figure, panels = panel_grid(
        (len(activations), len(layers)),
        (1.5, 1.5),
        legend,
        legend_columns=5,
        gap=(0.12, 0.14),
        margins=Margins(right=0.3),
        sharex=True,
        sharey=True,
    )
    for (row, column), axes in np.ndenumerate(panels):
        shown = table[(table.activation == activations[row]) & (table.layers == layers[column])]
        _draw_panel(axes, shown, styles)
    for axes, number in zip(panels[0], layers, strict=True):
        axes.set_title(horizon_text(number).replace("→ ∞", r"$\to\infty$"), pad=3)
    panels[0, 0].set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.08), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    name_rows(panels, list(activations))
    name_axes(figure, f"{SHARES[law_predictor(data.topic)]} share of the energy", r"$(v/c)^2$")
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, styles: dict[int, Style]) -> None:
    axes.plot([0, 1], [0, 1], color=THEORY, lw=1.2, zorder=2, gid="law")
    for size, style in styles.items():
        part = rows[rows["size"] == size]
        if part.empty:
            continue
        _draw_exact(axes, part, style)
        few = part.iloc[spread(list(range(len(part))), MOST_POINTS)]
        # Above the panel an interval has no end to show.
        high = few.high.clip(upper=1.2)
        axes.vlines(few.share, few.low, high, color=style["color"], lw=0.6, alpha=0.45)
        draw_points(axes, few.share, few.squared_speed, style=style, filled=True, ms=2.8)
    if rows.squared_speed.isna().all():
        say_nothing_known(axes)


def _draw_exact(axes: Axes, part: pd.DataFrame, style: Style) -> None:
    """Draw g rho / (1 - rho) up to beta*, where there is one."""
    star, g = float(part.beta_star.iloc[0]), float(part.g.iloc[0])
    if math.isfinite(star) and math.isfinite(g):
        ratio = np.linspace(0, star**2, 40)
        look = {"color": style["color"], "lw": 1.0, "ls": ":", "zorder": 2.5, "gid": "theory"}
        axes.plot(ratio, g * ratio / (1 - ratio), **look)


def _alt_text(data: FigureData) -> str:
    def misses(rows: pd.DataFrame) -> str:
        known = rows.dropna(subset=["squared_speed"])
        if known.empty:
            return "none"
        miss = (known.squared_speed - known.share).abs().to_numpy()
        return f"{miss.max():.3f} at {known.share.iloc[miss.argmax()]:.2g}"

    table = data.table.assign(horizon=data.table.layers.map(horizon_text))
    return (
        f"Square of the speed over the light speed against the {SHARES[law_predictor(data.topic)]} "
        f"share of the energy, {data.topic} family. Largest distance from the line y = x: "
        f"{in_words(table, ['activation', 'horizon', 'size'], misses)}."
    )


def _caption(data: FigureData) -> str:
    return (
        f"{data.topic} kernels on a point: v is the mean speed over T layers, or the speed it "
        "tends to, with its interval (T → ∞); c = (k − 1)/2 px/layer along an axis. Dotted: the "
        "exact law g ρ/(1 − ρ), up to β*."
    )


FIGURE = ReportFigure("squared_speed", _table, _draw, _alt_text, _caption)
