"""How well each curve predicts speeds that were held out, and which light speed it finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS, EVERYWHERE, UP_TO_BETA_STAR
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import Margins, line, marks, panel_grid, say_nothing_known
from mechcore.report.figures.style import (
    CONE,
    THEORY,
    Style,
    category_styles,
    draw_points,
    plain,
    side_by_side,
)
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


def _table(results: Results, family: str) -> pd.DataFrame:
    cells = results.cells.values()
    names = pd.DataFrame(
        [(cell.id, cell.activation, cell.size) for cell in cells if cell.kernel == family],
        columns=["cell", "activation", "size"],
    )
    models = results.models[results.models.domain.isin(DOMAINS_SHOWN)]
    table = models.merge(names, on="cell")
    return table.assign(relative_error=table.cross_validated_error / table.light_cone)[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table, results = data.table, data.results
    activations = results.experiment.activations
    figure, panels = panel_grid(
        (2, 2),
        (2.1, max(0.33 * len(activations), 1.6)),
        gap=(0.25, 0.7),
        margins=Margins(left=0.85, right=1.75),
        sharey="row",
    )
    for axes, domain in zip(panels[0], DOMAINS_SHOWN, strict=True):
        _draw_errors(axes, table[table.domain == domain], activations)
        axes.set_title(DOMAIN_SYMBOLS[domain], pad=3)
    for axes, model in zip(panels[1], LIMITED, strict=True):
        _draw_light_speeds(axes, _with_light_speed(data, model), results)
        axes.set_title(f"{model}, {DOMAIN_SYMBOLS[EVERYWHERE]}", pad=3)
    panels[1, 0].set_ylabel("fitted light speed $c$ (px/layer)")
    models = {
        name.replace("odd_energy_ratio", r"$\rho$"): style
        for name, style in _model_styles(table).items()
    }
    theory = [
        line("light cone", CONE, 1.2),
        line("diffusion speed $s$", THEORY, 1.1, ls="--"),
    ]
    for axes, handles in (
        (panels[0, 1], marks(models, str, ls="-", lw=0.8)),
        (panels[1, 1], [*marks(category_styles(activations)), *theory]),
    ):
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1.02))
    return figure


def _alt_text(data: FigureData) -> str:
    texts = [
        f"{DOMAIN_SYMBOLS[domain]}: {_medians(rows)}"
        for domain in DOMAINS_SHOWN
        if len(rows := data.table[data.table.domain == domain])
    ]
    return (
        f"Cross-validated error of curves through the speeds of the {data.topic} family, as a "
        f"share of the light cone, and light speeds of two of them against kernel size. Median "
        f"errors over cells and patterns. {'. '.join(texts) or '0 cells were compared'}."
    )


def _caption(data: FigureData) -> str:
    rows = _with_light_speed(data, *LIMITED)
    lost = int((rows.light_speed > _top(data.results)).sum())
    return (
        f"Above: root mean square error in held-out blocks of β ({data.topic}); mark: median over "
        "sizes and patterns, line: from best to worst; errors below 10⁻¹⁷ are drawn there. Below: "
        "the light speed c that v = c tanh(aφ/c) and v = aφ/√(1 + (aφ/c)²) find, φ = γβ "
        f"({data.results.point}); triangles at the upper edge: {lost} of {len(rows)} fits whose "
        "limit is above the panel or infinite."
    )


def _with_light_speed(data: FigureData, *models: str) -> pd.DataFrame:
    table = data.table
    chosen = table.model.isin(models) & (table.domain == EVERYWHERE)
    return table[chosen & (table.pattern == data.results.point)]


def _medians(rows: pd.DataFrame) -> str:
    medians = rows.groupby("model", sort=False).relative_error.median().dropna()
    return ", ".join(f"{model} {error:.2g}" for model, error in medians.items()) or "none"


def _draw_errors(axes: Axes, rows: pd.DataFrame, activations: list[str]) -> None:
    levels = np.arange(len(activations))
    for model, style, offset in side_by_side(_model_styles(rows), 0.7):
        groups = rows[rows.model == model].groupby("activation").relative_error
        errors = groups.agg(["min", "median", "max"]).reindex(activations).clip(lower=FLOOR)
        axes.hlines(levels + offset, errors["min"], errors["max"], color=style["color"], lw=0.8)
        filled = np.ones(len(levels), bool)
        draw_points(axes, errors["median"], levels + offset, filled, style, gid="errors", ms=4)
    if not rows.relative_error.notna().any():
        say_nothing_known(axes)
        axes.set_xlim(FLOOR, 1)
    axes.set(xscale="log", xlabel="prediction error / light cone")
    lowest, highest = np.log10(axes.get_xlim())
    axes.set_xlim(10 ** np.floor(lowest), 10 ** np.ceil(highest))
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.minorticks_off()
    axes.set(ylim=(len(activations) - 0.5, -0.5))
    axes.set_yticks(levels, [plain(name) for name in activations])
    axes.tick_params(axis="y", length=0)
    axes.hlines(levels[1:] - 0.5, *axes.get_xlim(), color="0.9", lw=0.6)


def _draw_light_speeds(axes: Axes, rows: pd.DataFrame, results: Results) -> None:
    sizes, top = sorted(results.experiment.sizes), _top(results)
    styles = category_styles(results.experiment.activations)
    for activation, style, offset in side_by_side(styles, 0.5):
        part = rows[rows.activation == activation]
        place, inside = part["size"] + offset, part.light_speed <= top
        draw_points(axes, place, part.light_speed.where(inside), inside, style, ms=4)
        beyond = place[part.light_speed > top]
        edge = style | {"marker": "^"}
        look: dict[str, Any] = {
            "ms": 3.5,
            "mew": 0.8,
            "clip_on": False,
            "gid": "beyond",
            "zorder": 2,
        }
        draw_points(axes, beyond, np.full(len(beyond), top), False, edge, **look)  # noqa: FBT003
    kernels = rows.drop_duplicates("size").sort_values("size")
    axes.plot(sizes, [results.mean_light_speed(size) for size in sizes], color=CONE, lw=1.2)
    axes.plot(kernels["size"], kernels.diffusion_speed, color=THEORY, lw=1.1, ls="--")
    axes.set(ylim=(0, top), xlabel="kernel size $k$ (px)")
    axes.set_xticks(sizes)


def _top(results: Results) -> float:
    return HIGHEST * max(results.mean_light_speed(size) for size in results.experiment.sizes)


def _model_styles(rows: pd.DataFrame) -> dict[Any, Style]:
    return category_styles(list(rows.model.unique()))


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
