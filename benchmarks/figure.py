"""The figure of a run: peers, ceiling, layers, batch and processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter, ScalarFormatter

from benchmarks.comparison import ENGINE
from benchmarks.report import Results, fastest
from benchmarks.scaling import Cost
from benchmarks.workloads import COMPARED, GENERAL, SEPARABLE
from mechcore.io.arrays import Array
from mechcore.report.figures.style import (
    CONE,
    MARKERS,
    THEORY,
    colours,
    paper_style,
    write_png,
    write_svg,
)

OTHERS = "0.82"
"""All peers but the fastest one."""

SMALL = 7.5
"""Points of the text inside panels."""

PEER_LINES = {"float64": "--", "float32": ":"}


def draw(results: Results, peers: pd.DataFrame, folder: Path) -> None:
    """Write ``benchmarks.svg`` and ``benchmarks.png``."""
    with paper_style():
        figure = Figure((7.6, 6.0), layout="constrained")
        panels = figure.subplots(2, 2)
        _draw_peers(panels[0, 0], peers)
        _draw_ceiling(panels[0, 1], results)
        _draw_layers(panels[1, 0], results.scaling)
        _draw_batch(panels[1, 1], results.scaling)
        for letter, axes in zip("abcd", panels.flat, strict=True):
            axes.set_title(f"{letter}   {axes.get_title()}", loc="left")
            axes.set_title("")
    write_svg(figure, folder / "benchmarks.svg")
    write_png(figure, folder / "benchmarks.png")


def _draw_peers(axes: Axes, peers: pd.DataFrame) -> None:
    """The engine and the fastest peers, in front of the others on the general workload."""
    others = peers[peers["workload"].eq(GENERAL.name) & peers["method"].ne(ENGINE)]
    for number, (_, peer) in enumerate(others.groupby(["method", "dtype"])):
        label = "" if number else f"each peer, {GENERAL.name}"
        axes.plot(peer["k"], peer["seconds"], color=OTHERS, lw=0.8, label=label, zorder=1)
    for workload, look in _looks():
        engine = peers[peers["workload"].eq(workload) & peers["method"].eq(ENGINE)]
        axes.plot(engine["k"], engine["seconds"], label=f"engine, {workload}", **look)
        for dtype, style in PEER_LINES.items():
            best = fastest(peers, workload, dtype)["seconds"]
            axes.plot(best.index, best, ls=style, color=look["color"], zorder=2)
    for dtype, style in PEER_LINES.items():
        axes.plot([], [], ls=style, color=THEORY, label=f"fastest peer, {dtype}")
    axes.set(yscale="log", xlabel="kernel size k", ylabel="seconds")
    axes.set_title("time of 21 kernels, 64 layers")
    _set_sizes(axes)
    # Above the curves, which all rise.
    axes.set_ylim(top=axes.get_ylim()[1] * 30)
    axes.legend(fontsize=SMALL, ncols=2, loc="upper left", handlelength=2.2, columnspacing=1.0)


def _draw_ceiling(axes: Axes, results: Results) -> None:
    shares = results.ceiling.shares
    sizes, heights = [share.size for share in shares], [share.share for share in shares]
    axes.plot(sizes, heights, "o-", color=colours(1)[0], ms=3.5)
    axes.axhline(1.0, color=CONE, ls="--", lw=1.0)
    text = f"matrix product, float64: {shares[0].dgemm_rate / 1e9:.0f}e9 multiply-adds/s"
    place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "bottom"}
    axes.text(0.99, 1.02, text, fontsize=SMALL, **place)
    axes.set(ylim=(0, 1.12), xlabel="kernel size k")
    axes.set_title("direct convolution, share of the ceiling")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    _set_sizes(axes)


def _draw_layers(axes: Axes, scaling: Sequence[Cost]) -> None:
    for workload, look in _looks():
        layers, seconds = _costs(scaling, "T", workload)
        axes.plot(layers, seconds, label=workload, **look)
    _set_powers_of_two(axes, layers)
    slopes = ((1, SEPARABLE.name, 0.3, "$T$"), (2, GENERAL.name, 2.2, "$T^2$"))
    for power, workload, factor, label in slopes:
        start = _costs(scaling, "T", workload)[1][0]
        slope = factor * start * (layers / layers[0]) ** power
        axes.plot(layers, slope, color=CONE, lw=0.9, ls="--", zorder=0)
        end = (layers[-1], slope[-1])
        axes.annotate(label, end, (3, -2), textcoords="offset points", fontsize=SMALL)
    axes.set(xlabel="layers T", ylabel="seconds", title="cost of a longer run, k = 3")
    axes.legend(fontsize=SMALL, loc="upper left")


def _draw_batch(axes: Axes, scaling: Sequence[Cost]) -> None:
    for workload, look in _looks():
        sizes, seconds = _costs(scaling, "batch", workload)
        _, pair = _costs(scaling, "processes", workload)
        label = f"{workload}; two processes: {pair[0] / pair[-1]:.2f} × throughput"
        axes.plot(sizes, 1e6 * seconds, label=label, **look)
    _set_powers_of_two(axes, sizes)
    low, high = axes.get_ylim()
    axes.set_ylim(low, 4 * high)
    axes.legend(fontsize=SMALL, loc="upper right")
    axes.set(xlabel="kernels in a batch", ylabel="µs a simulation")
    axes.set_title("batch and processes, k = 3")


def _looks() -> Iterator[tuple[str, dict[str, Any]]]:
    for workload, colour, marker in zip(COMPARED, colours(2), MARKERS[:2], strict=True):
        yield workload, {"color": colour, "marker": marker, "ms": 3.5}


def _costs(scaling: Sequence[Cost], axis: str, workload: str) -> tuple[Array, Array]:
    chosen = [cost for cost in scaling if cost.axis == axis and cost.workload == workload]
    return np.array([cost.value for cost in chosen]), np.array([cost.seconds for cost in chosen])


def _set_sizes(axes: Axes) -> None:
    axes.set_xticks((2, *range(3, 16, 2)))
    axes.minorticks_off()


def _set_powers_of_two(axes: Axes, values: Array) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(values[:: max(1, len(values) // 6)])
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
