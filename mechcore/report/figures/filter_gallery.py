"""The most even and the most odd of the stronger kernels of a network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.filters.bank_file import BankAnalysis
from mechcore.model.geometry import centred_coordinates
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    INSIDE_LAYER,
    bank_figure,
    kernels_of,
    layer_titles,
)
from mechcore.report.figures.layout import inch_axes
from mechcore.report.figures.style import new_figure
from mechcore.results.results import Results

MOST = 8
"""Kernels of each kind."""

KERNEL = ["kind", "rank", "number", "layer", *INSIDE_LAYER, "height", "width", "beta"]
COLUMNS = [*KERNEL, "momentum_x", "momentum_y", "x", "y", "tap"]

KINDS = ("even", "odd")
SIDE, STEP, LEFT, HEIGHT, BOTTOM = 0.72, 0.83, 0.52, 2.62, 0.5
"""Places in inches."""

NAME = 9
"""Characters of the name of a layer that fit below a kernel."""

SHORTEST_ARROW = 0.1
"""Share of the longest that there can be: a shorter one cannot be seen."""


def _table(results: Results, bank: str) -> pd.DataFrame:
    analysis = results.banks[bank].analysis
    kernels = kernels_of(analysis, ["beta", "momentum_x", "momentum_y"])
    strong = kernels[kernels.energy >= kernels.groupby("number").energy.transform("median")]
    quota = math.ceil(MOST / max(strong.number.nunique(), 1))
    parts = []
    for kind, rising in zip(KINDS, (True, False), strict=True):
        order = strong.sort_values("beta", ascending=rising, kind="stable")
        first = order.groupby("number").head(quota).head(MOST)
        rows = first.assign(kind=kind, rank=np.arange(1, len(first) + 1))
        parts += [_taps(analysis, kernel) for _, kernel in rows.iterrows()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _taps(analysis: BankAnalysis, kernel: pd.Series) -> pd.DataFrame:
    height, width = int(kernel["height"]), int(kernel["width"])
    slices = analysis.slices[f"k{height}x{width}"]
    same = slices.layer.values == kernel["number"] - 1
    for name in INSIDE_LAYER:
        same &= slices[name].values == kernel[name]
    y, x = np.meshgrid(centred_coordinates(height), centred_coordinates(width), indexing="ij")
    taps = slices.taps.values[np.flatnonzero(same)[0]].astype(float)
    places = {"x": x.ravel(), "y": y.ravel(), "tap": taps.ravel()}
    return pd.DataFrame({**kernel, **places})[COLUMNS]


def _draw(data: FigureData) -> Figure:
    figure = new_figure(LEFT + MOST * STEP + 0.02, HEIGHT, constrained=False)
    titles = layer_titles(data.table, NAME)
    for row, kind in enumerate(KINDS):
        bottom = HEIGHT - 0.1 - SIDE - row * (SIDE + BOTTOM + 0.16)
        for rank, taps in data.table[data.table.kind == kind].groupby("rank"):
            left = LEFT + (int(str(rank)) - 1) * STEP
            _draw_kernel(inch_axes(figure, left, bottom, SIDE, SIDE), taps)
            kernel = taps.iloc[0]
            text = f"{titles[int(kernel.number)]}\n{_place(kernel)}\nβ = {kernel.beta:.3f}"
            look: dict[str, Any] = {"fontsize": 6.5, "ha": "center", "va": "top"}
            x = (left + SIDE / 2) / figure.get_figwidth()
            figure.text(x, (bottom - 0.03) / HEIGHT, text, linespacing=1.15, **look)
        middle = (bottom + SIDE / 2) / HEIGHT
        figure.text(0.06, middle, f"most\n{kind}", fontsize=9, ha="right", va="center")
    return figure


def _alt_text(data: FigureData) -> str:
    table = data.table
    texts = []
    for kind, rows in table.groupby("kind", sort=False):
        kernels = [kernel for _, kernel in rows.drop_duplicates("rank").iterrows()]
        names = [f"{kernel.layer} {_place(kernel)} {kernel.beta:.2f}" for kernel in kernels]
        texts.append(f"{len(kernels)} most {kind}: {', '.join(names)}")
    return (
        f"Kernels of {data.topic} as images, with the first moment as an arrow. Layer, output, "
        f"input and beta of the {'; of the '.join(texts)}. "
        f"Taps from {table.tap.min():z.2g} to {table.tap.max():z.2g}."
    )


def _caption(data: FigureData) -> str:
    kernels = data.table.drop_duplicates(["kind", "rank"])
    most = int(kernels.groupby(["kind", "number"]).size().max())
    return (
        "Taps in the convolution convention, each kernel to its own largest magnitude: red is "
        "positive, blue negative. Below: layer; output and input, from 0; β. Arrow: first moment "
        "over the norm of the kernel, half the image long where it is the longest that a kernel "
        "of this shape can have, left out below a tenth of this. Of each layer only kernels of its "
        f"median energy or more take part; a row shows at most {most} of one layer."
    )


def _draw_kernel(axes: Axes, taps: pd.DataFrame) -> None:
    height, width = int(taps.height.iloc[0]), int(taps.width.iloc[0])
    axes.imshow(
        taps.tap.to_numpy().reshape(height, width) / taps.tap.abs().max(),
        cmap=sns.color_palette("vlag", as_cmap=True),
        vmin=-1.0,
        vmax=1.0,
        extent=(-width / 2, width / 2, height / 2, -height / 2),
        interpolation="none",
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.patch.set(edgecolor="0.5", linewidth=1.0)
    # By Cauchy and Schwarz no first moment is longer than the product of these two norms.
    longest = np.sqrt((taps.x**2 + taps.y**2).sum() * (taps.tap**2).sum())
    moment = taps[["momentum_x", "momentum_y"]].iloc[0].to_numpy(float) / longest
    if np.hypot(*moment) >= SHORTEST_ARROW:
        look: dict[str, Any] = {"arrowstyle": "-|>", "color": "black", "lw": 1.1}
        look |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
        tip = moment * max(height, width) / 2
        axes.annotate("", tip, (0, 0), arrowprops=look, annotation_clip=False)


def _place(kernel: pd.Series) -> str:
    """Output and input, and the plane of a kernel of three dimensions if it is not the first."""
    numbers = [kernel["out"], kernel["in"], *([kernel["plane"]] if kernel["plane"] else [])]
    return ", ".join(str(number) for number in numbers)


FIGURE = bank_figure(COLUMNS, _table, _draw, _alt_text, _caption, needs="tap")
