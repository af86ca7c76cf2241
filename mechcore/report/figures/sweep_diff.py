"""Two sweeps side by side: which numbers moved, which way, and in which cells."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from mechcore.report.figures.style import colours, new_figure, plain
from mechcore.results.diff import CONTENT, EQUAL, ROUNDING, changed_metrics, largest

MOST_METRICS = 16
"""More rows than this are no picture any more; the table has all."""

ROW = 0.235
WIDTH = 7.6
"""Height of a row and width of the figure, inches."""

LONGEST_NAME = 38
"""Characters of a name; longer ones, of patterns from files, lose their middle."""


def draw_comparison(table: pd.DataFrame, a: str, b: str) -> Figure:
    """Draw how the metrics that differ most moved in each cell: rows are metrics, dots cells."""
    worst = largest(table, MOST_METRICS)
    figure = new_figure(WIDTH, 1.25 + ROW * max(len(worst), 4))
    axes = figure.subplots()
    names = [f"{letter}  {plain(_short(name, 90))}" for letter, name in (("A", a), ("B", b))]
    title = "\n".join([*names, *_extent(table, len(worst))])
    figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    if worst.empty:
        _say_so(axes, table)
    else:
        _draw_rows(axes, worst, changed_metrics(table))
    return figure


def _extent(table: pd.DataFrame, shown: int) -> list[str]:
    """How much of all that differs is drawn."""
    if not shown:
        return []
    numbers, moved = table[table.kind == "metric"], changed_metrics(table)
    return [
        f"{len(moved)} of {len(numbers)} numbers of {numbers.cell.nunique()} cells differ; "
        f"{shown} of {moved.name.nunique()} metrics shown, a dot a cell"
    ]


def nothing_differs(table: pd.DataFrame) -> str:
    """Return in words why there is no metric to draw."""
    metrics = table[table.kind == "metric"]
    if metrics.empty:
        return "No number to compare\nno cell is in both sweeps"
    kinds = metrics.change.value_counts()
    counted = f"{metrics.cell.nunique()} cells in both, {kinds.get(EQUAL, 0)} numbers equal"
    if kinds.get(ROUNDING, 0):
        far = metrics[metrics.change == ROUNDING].scaled.astype(float).abs().max()
        counted += f", {kinds[ROUNDING]} but for rounding (at most {far:.0e} of their scale)"
    alone = int(metrics.change.str.startswith("only").sum())
    counted += f", {alone} known in only one" if alone else ""
    return f"No metric differs\n{counted}"


def _say_so(axes: Axes, table: pd.DataFrame) -> None:
    headline, _, details = nothing_differs(table).partition("\n")
    axes.set_axis_off()
    middle: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "gid": "nothing"}
    axes.text(0.5, 0.6, headline, fontsize=15, **middle)
    files = int((table.name == CONTENT).sum())
    details += f"\nthe files of {files} cells differ" if files else ""
    axes.text(0.5, 0.5, details, color="0.35", va="top", **middle)


def _draw_rows(axes: Axes, worst: pd.DataFrame, rows: pd.DataFrame) -> None:
    usual, marked = colours(4)[0], colours(4)[3]
    axes.axvline(0, color="0.4", lw=0.8, zorder=1)
    for place, (name, farthest) in enumerate(zip(worst.name, worst.scaled, strict=True)):
        moved = rows.scaled[rows.name == name].to_numpy(float)
        level = [place] * len(moved)
        axes.plot([0, farthest], [place, place], color="0.85", lw=1, zorder=1)
        axes.plot(moved, level, "o", ms=4.5, mew=0, color=usual, alpha=0.5, gid="cells")
        axes.plot([farthest], [place], "o", ms=5.5, mew=0, color=marked, gid="worst", zorder=4)
    axes.set_yticks(range(len(worst)), [plain(_short(name)) for name in worst.name])
    axes.set_ylim(len(worst) - 0.5, -0.5)
    reach = 1.08 * float(worst.scaled.astype(float).abs().max())
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_formatter(FuncFormatter(_percent))
    axes.set_xlabel("B − A, as a share of the largest size of the metric in both sweeps")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _name_sides(axes)
    _write_worst(axes, worst, marked)


def _name_sides(axes: Axes) -> None:
    look: dict[str, Any] = {
        "transform": axes.transAxes,
        "va": "bottom",
        "color": "0.35",
        "fontsize": 8,
    }
    axes.text(0.49, 1.01, "← smaller in B", ha="right", **look)
    axes.text(0.51, 1.01, "larger in B →", ha="left", **look)


def _write_worst(axes: Axes, worst: pd.DataFrame, colour: object) -> None:
    """Beside each row how many cells moved, and the farthest, in the colour of its dot."""
    beside = axes.secondary_yaxis("right")
    texts = [
        f"{plain(_short(cell, 30))}  {a:.4g} → {b:.4g}".replace(" -", " −")
        for cell, a, b in zip(worst.cell, worst.a, worst.b, strict=True)
    ]
    beside.set_yticks(range(len(worst)), texts, color=colour, fontsize=7.5)
    beside.tick_params(length=0)
    beside.spines["right"].set_visible(False)
    look: dict[str, Any] = {
        "transform": axes.transAxes,
        "va": "bottom",
        "fontsize": 8,
        "color": colour,
    }
    axes.text(1.02, 1.01, "farthest cell  A → B", **look)


def _percent(value: float, _: object) -> str:
    """Percent with as many digits as it takes, whatever the size."""
    return f"{100 * value:+.3g}%".replace("-", "−") if not math.isclose(value, 0) else "0"


def _short(name: str, limit: int = LONGEST_NAME) -> str:
    if len(name) <= limit:
        return name
    half = limit // 2 - 1
    return f"{name[:half]}...{name[-half:]}"
