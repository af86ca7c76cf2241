"""Models: how well each curve predicts speeds that were held out, and what light speed it finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS, EVERYWHERE, UP_TO_BETA_STAR
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import Margins, panel_grid, say_nothing_known
from mechcore.report.figures.style import CONE, THEORY, category_styles, draw_points, plain
from mechcore.results.results import Results

DOMAINS_SHOWN = (EVERYWHERE, UP_TO_BETA_STAR)
LIMITED = ("saturating", "Lorentz")
"""Models with a light speed of their own."""

COLUMNS = [
    *("activation", "size", "pattern", "domain", "model", "relative_error"),
    *("light_speed", "light_cone", "diffusion_speed"),
]

FLOOR = 1e-17
"""Smaller errors, as of a line through points that lie on it exactly, are drawn here."""

HIGHEST = 1.3
"""Times the largest light cone: light speeds beyond are drawn at the upper edge."""


def model_table(results: Results, family: str) -> pd.DataFrame:
    """Return how curves fit the speeds of a family."""
    cells = results.cells.values()
    names = pd.DataFrame(
        [(cell.id, cell.activation, cell.size) for cell in cells if cell.kernel == family],
        columns=["cell", "activation", "size"],
    )
    models = results.models[results.models.domain.isin(DOMAINS_SHOWN)]
    table = models.merge(names, on="cell")
    return table.assign(relative_error=table.cross_validated_error / table.light_cone)[COLUMNS]


def draw_models(data: FigureData) -> Figure:
    """Draw errors of prediction above, fitted light speeds below."""
    table, results = data.table, data.results
    activations = results.experiment.activations
    figure, panels = panel_grid(
        (2, 2),
        (2.1, max(0.33 * len(activations), 1.6)),
        [],
        legend_columns=1,
        gap=(0.25, 0.7),
        margins=Margins(left=0.85, right=1.75),
        sharey="row",
    )
    for axes, domain in zip(panels[0], DOMAINS_SHOWN, strict=True):
        _draw_errors(axes, table[table.domain == domain], activations)
        axes.set_title(DOMAIN_SYMBOLS[domain], pad=3)
    for axes, model in zip(panels[1], LIMITED, strict=True):
        chosen = (table.model == model) & (table.domain == EVERYWHERE)
        rows = table[chosen & (table.pattern == results.point)]
        _draw_light_speeds(axes, rows, results)
        axes.set_title(f"{model}, {DOMAIN_SYMBOLS[EVERYWHERE]}", pad=3)
    panels[1, 0].set_ylabel("fitted light speed $c$ (px/layer)")
    _add_legends(panels[0, 1], panels[1, 1], table, activations)
    return figure


def describe_models(data: FigureData) -> str:
    """Return what the figure of models shows."""
    table = data.table
    texts = [
        f"{DOMAIN_SYMBOLS[domain]}: {_medians(table[table.domain == domain])}"
        for domain in DOMAINS_SHOWN
        if len(table[table.domain == domain])
    ]
    return (
        f"Cross-validated error of curves through the speeds of the {data.topic} family, as a "
        f"share of the light cone, and light speeds of two of them against kernel size. Median "
        f"errors over cells and patterns. {'. '.join(texts) or '0 cells were compared'}."
    )


def caption_models(data: FigureData) -> str:
    """Return what a reader must know to read the figure of models."""
    table = data.table[(data.table.pattern == data.results.point)]
    rows = table[(table.domain == EVERYWHERE) & table.model.isin(LIMITED)]
    lost = int((rows.light_speed > _top(data.results)).sum())
    return (
        f"Above: root mean square of predictions of held-out blocks of β ({data.topic}); mark: "
        "median over sizes and patterns, line: from best to worst. Errors below 10⁻¹⁷ stand at "
        "that edge. Below: the light speed that v = c tanh(aφ/c) and v = aφ/√(1 + (aφ/c)²) find, "
        f"φ = γβ ({data.results.point}); triangles at the upper edge: {lost} of {len(rows)} "
        "fits whose limit lies above the panel or at infinity."
    )


def _medians(rows: pd.DataFrame) -> str:
    medians = rows.groupby("model", sort=False).relative_error.median().dropna()
    return ", ".join(f"{model} {error:.2g}" for model, error in medians.items()) or "none"


def _draw_errors(axes: Axes, rows: pd.DataFrame, activations: list[str]) -> None:
    models = _model_styles(rows)
    for place, (model, style) in enumerate(models.items()):
        groups = rows[rows.model == model].groupby("activation").relative_error
        errors = groups.agg(["min", "median", "max"]).reindex(activations).clip(lower=FLOOR)
        height = np.arange(len(activations)) + 0.7 * ((place + 0.5) / len(models) - 0.5)
        axes.hlines(height, errors["min"], errors["max"], color=style["color"], lw=0.8)
        draw_points(axes, errors["median"], height, True, style, gid="errors", size=4)  # noqa: FBT003
    if not rows.relative_error.notna().any():
        say_nothing_known(axes)
        axes.set_xlim(FLOOR, 1)
    axes.set(xscale="log", xlabel="prediction error / light cone")
    lowest, highest = np.log10(axes.get_xlim())
    axes.set_xlim(10 ** np.floor(lowest), 10 ** np.ceil(highest))
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.minorticks_off()
    axes.set(ylim=(len(activations) - 0.5, -0.5))
    axes.set_yticks(range(len(activations)), [plain(name) for name in activations])
    axes.tick_params(axis="y", length=0)
    axes.hlines(np.arange(1, len(activations)) - 0.5, *axes.get_xlim(), color="0.9", lw=0.6)


def _draw_light_speeds(axes: Axes, rows: pd.DataFrame, results: Results) -> None:
    sizes, top = sorted(results.experiment.sizes), _top(results)
    styles = category_styles(results.experiment.activations)
    for place, (activation, style) in enumerate(styles.items()):
        part = rows[rows.activation == activation]
        offset = 0.5 * ((place + 0.5) / len(styles) - 0.5)
        inside = part.light_speed <= top
        draw_points(
            axes, part["size"] + offset, part.light_speed.where(inside), inside, style, size=4
        )
        beyond = part["size"][part.light_speed > top] + offset
        axes.plot(beyond, np.full(len(beyond), top), ls="", marker="^", ms=3.5, mfc="none",
                  mec=style["color"], mew=0.8, clip_on=False, gid="beyond")  # fmt: skip
    bodies = rows.drop_duplicates("size").sort_values("size")
    axes.plot(sizes, [results.mean_light_speed(size) for size in sizes], color=CONE, lw=1.2)
    axes.plot(bodies["size"], bodies.diffusion_speed, color=THEORY, lw=1.1, ls="--")
    axes.set(ylim=(0, top), xlabel="kernel size $k$ (px)")
    axes.set_xticks(sizes)


def _top(results: Results) -> float:
    return HIGHEST * max(results.mean_light_speed(size) for size in results.experiment.sizes)


def _model_styles(rows: pd.DataFrame) -> dict[Any, dict[str, Any]]:
    return category_styles(list(rows.model.unique()))


def _add_legends(upper: Axes, lower: Axes, table: pd.DataFrame, activations: list[str]) -> None:
    models = [
        Line2D(
            [], [], lw=0.8, ms=4, label=str(name).replace("odd_energy_ratio", r"$\rho$"), **style
        )
        for name, style in _model_styles(table).items()
    ]
    names = [
        Line2D([], [], ls="", ms=4, label=plain(name), **style)
        for name, style in category_styles(activations).items()
    ]
    lines = [
        Line2D([], [], color=CONE, lw=1.2, label="light cone"),
        Line2D([], [], color=THEORY, lw=1.1, ls="--", label="diffusion speed $s$"),
    ]
    for axes, handles in ((upper, models), (lower, [*names, *lines])):
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1.02))
