"""The gallery: the most even and the most odd of the stronger kernels of a network."""

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
from mechcore.report.figures.banks import (
    INSIDE_LAYER,
    draw_nothing_known,
    inch_axes,
    kernels_of,
    layer_titles,
    named,
    nothing_known,
    trained_analysis,
)
from mechcore.report.figures.data import FigureData
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


def gallery_table(results: Results, bank: str) -> pd.DataFrame:
    """Return the taps of the most even and the most odd kernels."""
    analysis = trained_analysis(results, bank)
    if analysis is None:
        return pd.DataFrame(columns=COLUMNS)
    kernels = kernels_of(analysis, ["beta", "momentum_x", "momentum_y"])
    strong = kernels[kernels.energy >= kernels.groupby("number").energy.transform("median")]
    quota = math.ceil(MOST / max(strong.number.nunique(), 1))
    parts = []
    for kind, rising in zip(KINDS, (True, False), strict=True):
        order = strong.sort_values("beta", ascending=rising, kind="stable")
        first = order.groupby("number").head(quota).head(MOST)
        rows = named(first, analysis).assign(kind=kind, rank=np.arange(1, len(first) + 1))
        parts += [_taps(analysis, kernel) for _, kernel in rows.iterrows()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def draw_gallery(data: FigureData) -> Figure:
    """Draw the kernels as images, even above, odd below."""
    table = data.table
    if table.empty:
        return draw_nothing_known()
    figure = new_figure(LEFT + MOST * STEP + 0.02, HEIGHT, constrained=False)
    titles = layer_titles(table, NAME)
    for row, kind in enumerate(KINDS):
        bottom = HEIGHT - 0.1 - SIDE - row * (SIDE + BOTTOM + 0.16)
        for rank, taps in table[table.kind == kind].groupby("rank"):
            left = LEFT + (int(str(rank)) - 1) * STEP
            axes = inch_axes(figure, left, bottom, SIDE, SIDE)
            _draw_kernel(axes, taps)
            _tell(axes, taps.iloc[0], titles)
        middle = (bottom + SIDE / 2) / HEIGHT
        figure.text(0.06, middle, f"most\n{kind}", fontsize=9, ha="right", va="center")
    return figure


def describe_gallery(data: FigureData) -> str:
    """Return what the gallery shows."""
    table = data.table
    if table.empty:
        return nothing_known(data.topic)
    texts = []
    for kind, rows in table.groupby("kind", sort=False):
        kernels = rows.drop_duplicates("rank")
        told = (
            f"{row['layer']} {_place(row)} {row['beta']:.2f}" for row in kernels.to_dict("records")
        )
        texts.append(f"{len(kernels)} most {kind}: {', '.join(told)}")
    return (
        f"Kernels of {data.topic} as images, with the first moment as an arrow. Layer, output, "
        f"input and beta of the {'; of the '.join(texts)}. "
        f"Taps from {table.tap.min():z.2g} to {table.tap.max():z.2g}."
    )


def caption_gallery(data: FigureData) -> str:
    """Return what a reader must know to read the gallery."""
    if data.table.empty:
        return nothing_known(data.topic)
    kernels = data.table.drop_duplicates(["kind", "rank"])
    most = int(kernels.groupby(["kind", "number"]).size().max())
    return (
        "Taps in the convolution convention, each kernel to its own largest magnitude: red is "
        "positive, blue negative. Below: layer; output and input, from 0; β. Arrow: first moment "
        "over the norm of the kernel, as long as half the image where no kernel of this shape can "
        "have more, left out below a tenth of this. Of each layer only kernels of its median "
        f"energy or more take part, and of one layer at most {most} are shown in a row."
    )


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


def _draw_kernel(axes: Axes, taps: pd.DataFrame) -> None:
    height, width = int(taps.height.iloc[0]), int(taps.width.iloc[0])
    largest = float(taps.tap.abs().max())
    axes.imshow(
        taps.tap.to_numpy().reshape(height, width) / largest,
        cmap=sns.color_palette("vlag", as_cmap=True),
        vmin=-1.0,
        vmax=1.0,
        extent=(-width / 2, width / 2, height / 2, -height / 2),
        interpolation="none",
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.patch.set(edgecolor="0.5", linewidth=1.0)
    _draw_arrow(axes, taps)


def _draw_arrow(axes: Axes, taps: pd.DataFrame) -> None:
    # By Cauchy and Schwarz no first moment is longer than the product of these two norms.
    longest = np.sqrt((taps.x**2 + taps.y**2).sum() * (taps.tap**2).sum())
    moment = taps[["momentum_x", "momentum_y"]].iloc[0].to_numpy(float) / longest
    if np.hypot(*moment) < SHORTEST_ARROW:
        return
    tip = moment * max(taps.height.iloc[0], taps.width.iloc[0]) / 2
    look: dict[str, Any] = {"arrowstyle": "-|>", "color": "black", "lw": 1.1}
    look |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
    axes.annotate("", tip, (0, 0), arrowprops=look, annotation_clip=False)


def _tell(axes: Axes, kernel: pd.Series, titles: dict[int, str]) -> None:
    text = f"{titles[int(kernel.number)]}\n{_place(kernel)}\nβ = {kernel.beta:.3f}"
    look: dict[str, Any] = {"fontsize": 6.5, "ha": "center", "va": "top", "linespacing": 1.15}
    # An image of a row of taps is flat: the text stands below the space of a square one.
    figure = axes.get_figure()
    box = axes.get_position(original=True)
    assert figure is not None
    figure.text((box.x0 + box.x1) / 2, box.y0 - 0.03 / HEIGHT, text, **look)


def _place(kernel: Any) -> str:
    """Output and input, and the plane of a kernel of three dimensions if it is not the first."""
    numbers = [kernel["out"], kernel["in"], *([kernel["plane"]] if kernel["plane"] else [])]
    return ", ".join(str(number) for number in numbers)
