"""The table and the figure of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.history import SLOWER, machine, relative_to_median
from benchmarks.ratio import Ratio, in_words
from mechcore.io.environment import library_versions
from mechcore.report.figures.style import CONE, PALETTE, paper_style, write_png, write_svg

OURS, WORSE, EARLIER = PALETTE[0], PALETTE[3], "0.7"

SMALL = 7.5
"""Points of names in the figure."""

LINE_HEIGHT = 0.16
"""Inches of the figure for each ratio."""

Sections = Mapping[str, Sequence[Ratio]]
"""Ratios by what they are about."""


def write_report(sections: Sections, earlier: pd.DataFrame, folder: Path) -> None:
    """Write the ratios as a table, in CSV and Markdown, and as a figure."""
    rows = [
        {"section": title, **vars(ratio), "ratio": ratio.value}
        for title, ratios in sections.items()
        for ratio in ratios
    ]
    pd.DataFrame(rows).to_csv(folder / "benchmarks.csv", index=False, float_format="%.6g")
    text = "\n".join(_lines(sections)) + "\n"
    (folder / "benchmarks.md").write_text(text, encoding="utf-8")
    figure = draw(sections, earlier)
    write_svg(figure, folder / "benchmarks.svg")
    write_png(figure, folder / "benchmarks.png")


def _lines(sections: Sections) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in library_versions().items())
    yield f"# Benchmarks, {datetime.now(UTC):%Y-%m-%d}"
    yield f"\n{machine()}; {versions}. Seconds of a processor, the least of several runs.\n"
    yield "| what | s | beside | s | | |"
    yield "|---|---:|---|---:|---:|---|"
    for title, ratios in sections.items():
        yield f"| **{title}** | | | | | |"
        for it in ratios:
            times = f"{it.seconds:.3g} | {it.yardstick} | {it.yardstick_seconds:.3g}"
            yield f"| {it.name} | {times} | {in_words(it.value)} | {it.remark} |"


def draw(sections: Sections, earlier: pd.DataFrame) -> Figure:
    """Draw each ratio, and how it compares with earlier runs."""
    names = [(title, ratio) for title, ratios in sections.items() for ratio in ratios]
    ratios = {ratio.name: ratio.value for _, ratio in names}
    with paper_style():
        figure = Figure((8.6, 1.2 + LINE_HEIGHT * len(names)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        places = np.arange(len(names))
        left.set_yticks(places, [f"{title}: {it.name}" for title, it in names], fontsize=SMALL)
        left.set_ylim(len(names) - 0.5, -0.5)
        _draw_ratios(left, ratios)
        _draw_changes(right, ratios, earlier)
    return figure


def _draw_ratios(axes: Axes, ratios: Mapping[str, float]) -> None:
    axes.axvline(1, color=CONE, lw=1)
    axes.plot(list(ratios.values()), range(len(ratios)), "o", color=OURS, ms=4)
    axes.set(xscale="log", xlabel="time over the yardstick's (1: as fast)")
    axes.grid(axis="both", lw=0.3)


def _draw_changes(axes: Axes, ratios: Mapping[str, float], earlier: pd.DataFrame) -> None:
    """Earlier runs in grey; this one in colour, in another one if it is much slower."""
    places = {name: place for place, name in enumerate(ratios)}
    for name, median in earlier.median().items():
        if name in places:
            runs = earlier[name] / median
            axes.plot(runs, [places[name]] * len(runs), "|", color=EARLIER, ms=6)
    for name, factor in relative_to_median(ratios, earlier).items():
        colour = WORSE if factor > SLOWER else OURS
        axes.plot(factor, places[name], "o", color=colour, ms=4)
    axes.axvline(1, color=CONE, lw=1)
    axes.axvline(SLOWER, color=WORSE, lw=1, ls="--")
    axes.set(xscale="log", xlabel="ratio over its earlier median")
    axes.set_title(f"earlier runs: {len(earlier)}", fontsize=9)
    axes.set_xticks((0.5, 0.75, 1, SLOWER, 2), ("0.5", "0.75", "1", f"{SLOWER}", "2"))
    axes.minorticks_off()
    axes.set_xlim(0.45, 2.2)
    axes.grid(axis="y", lw=0.3)
