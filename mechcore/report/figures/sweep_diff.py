"""Two sweeps side by side: which numbers differ, which way, and in which cells."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.report.figures.style import colours, new_figure, plain
from mechcore.results.diff import CONTENT, EQUAL, ROUNDING, changed_metrics, largest

MOST_METRICS = 16
"""More rows than this are no picture any more; the table has all."""

ROW = 0.235
WIDTH = 7.6
"""Height of a row and width of the figure, inches."""

LONGEST_NAME = 38
"""Characters of a name; longer ones, of patterns from files, lose their middle."""

MINUS = "\N{MINUS SIGN}"


def draw_comparison(table: pd.DataFrame, a: str, b: str) -> Figure:
    """Draw how the metrics that differ most changed: rows are metrics, dots are cells."""
    worst = largest(table, MOST_METRICS)
    figure = new_figure(WIDTH, 1.25 + ROW * max(len(worst), 4))
    axes = figure.subplots()
    title = f"A  {_short(a, 90)}\nB  {_short(b, 90)}"
    if worst.empty:
        _write_nothing_differs(axes, table)
    else:
        title += f"\n{_extent(table, len(worst))}"
        _draw_metrics(axes, worst, changed_metrics(table))
        _write_farthest(axes, worst)
    figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    return figure


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


def _extent(table: pd.DataFrame, shown: int) -> str:
    numbers, changed = table[table.kind == "metric"], changed_metrics(table)
    return (
        f"{len(changed)} of {len(numbers)} numbers of {numbers.cell.nunique()} cells differ; "
        f"{shown} of {changed.name.nunique()} metrics shown, a dot a cell"
    )


def _write_nothing_differs(axes: Axes, table: pd.DataFrame) -> None:
    headline, _, details = nothing_differs(table).partition("\n")
    axes.set_axis_off()
    middle: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "gid": "nothing"}
    axes.text(0.5, 0.6, headline, fontsize=15, **middle)
    files = int((table.name == CONTENT).sum())
    details += f"\nthe files of {files} cells differ" if files else ""
    axes.text(0.5, 0.5, details, color="0.35", va="top", **middle)


def _draw_metrics(axes: Axes, worst: pd.DataFrame, rows: pd.DataFrame) -> None:
    usual, marked = colours(4)[0], colours(4)[3]
    axes.axvline(0, color="0.4", lw=0.8, zorder=1)
    for level, (name, farthest) in enumerate(zip(worst.name, worst.scaled, strict=True)):
        changes = rows.scaled[rows.name == name].to_numpy(float)
        levels = [level] * len(changes)
        axes.plot([0, farthest], [level, level], color="0.85", lw=1, zorder=1)
        axes.plot(changes, levels, "o", ms=4.5, mew=0, color=usual, alpha=0.5, gid="cells")
        axes.plot([farthest], [level], "o", ms=5.5, mew=0, color=marked, gid="worst", zorder=4)
    axes.set_yticks(range(len(worst)), [_short(name) for name in worst.name])
    axes.set_ylim(len(worst) - 0.5, -0.5)
    reach = 1.08 * float(worst.scaled.astype(float).abs().max())
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_formatter(_percent)
    axes.set_xlabel(f"B {MINUS} A, as a share of the largest size of the metric in both sweeps")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _write_above(axes, 0.49, "← smaller in B", color="0.35", ha="right")
    _write_above(axes, 0.51, "larger in B →", color="0.35", ha="left")


def _write_farthest(axes: Axes, worst: pd.DataFrame) -> None:
    """Beside each row the cell that differs most, in the colour of its dot."""
    colour = colours(4)[3]
    beside = axes.secondary_yaxis("right")
    texts = [
        f"{_short(cell, 30)}  {a:.4g} → {b:.4g}".replace(" -", f" {MINUS}")
        for cell, a, b in zip(worst.cell, worst.a, worst.b, strict=True)
    ]
    beside.set_yticks(range(len(worst)), texts, color=colour, fontsize=7.5)
    beside.tick_params(length=0)
    beside.spines["right"].set_visible(False)
    _write_above(axes, 1.02, "farthest cell  A → B", color=colour)


def _write_above(axes: Axes, x: float, text: str, **look: Any) -> None:
    axes.text(x, 1.01, text, transform=axes.transAxes, va="bottom", fontsize=8, **look)


def _percent(value: float, _: object) -> str:
    return f"{100 * value:+.3g}%".replace("-", MINUS) if value else "0"


def _short(name: str, most: int = LONGEST_NAME) -> str:
    if len(name) > most:
        half = most // 2 - 1
        name = f"{name[:half]}...{name[-half:]}"
    return plain(name)
