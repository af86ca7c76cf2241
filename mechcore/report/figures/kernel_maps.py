"""The kernels themselves, from even to odd."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from mechcore.experiment.representative import spread
from mechcore.model.decomposition import Decomposition, decompose
from mechcore.model.geometry import centred_coordinates
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.style import new_figure
from mechcore.results.results import Results

BETAS_SHOWN = 5


def kernel_table(results: Results, family: str) -> pd.DataFrame:
    """Return the taps of some kernels of a family."""
    ratios = spread(sorted(results.experiment.betas), BETAS_SHOWN)
    kernels = [
        (size, decompose(results.kernel(family, size, ratio)))
        for size in results.sizes_shown
        for ratio in ratios
    ]
    return pd.concat([_taps(size, parts) for size, parts in kernels], ignore_index=True)


def draw_kernels(data: FigureData) -> Figure:
    """Draw kernels as heat maps: columns are betas, rows are sizes."""
    table = data.table
    sizes, betas = list(table["size"].unique()), list(table.beta.unique())
    side = min(1.05, 6.0 / len(betas))
    figure = new_figure(side * len(betas) + 1.3, (side + 0.1) * len(sizes) + 0.55)
    panels = figure.subplots(len(sizes), len(betas), squeeze=False)
    for row, size in enumerate(sizes):
        part = table[table["size"] == size]
        largest = float(part.tap.abs().max())
        for axes, (beta, taps) in zip(panels[row], part.groupby("beta"), strict=True):
            image = _draw_kernel(axes, taps, int(size), largest)
            axes.set_title(rf"$\beta$ = {beta:.3g}" if row == 0 else "")
        figure.colorbar(
            image, ax=panels[row, -1], shrink=0.9, ticks=[-largest, 0, largest], format="%.2f"
        )
        panels[row, 0].set_ylabel(f"k = {size}", rotation=0, ha="right", va="center")
    return figure


def describe_kernels(data: FigureData) -> str:
    """Return what the figure of kernels shows."""
    table, family = data.table, data.topic
    ranges = ", ".join(
        f"k = {size} from {rows.tap.min():z.3f} to {rows.tap.max():z.3f}"
        for size, rows in table.groupby("size")
    )
    betas = ", ".join(f"{beta:.3g}" for beta in table.beta.unique())
    return (
        f"Kernels of the {family} family as heat maps at beta {betas}, from even to odd, with the "
        f"first moment as an arrow. Range of the taps: {ranges}."
    )


def caption_kernels(data: FigureData) -> str:
    """Return what a reader must know to read the figure of kernels."""
    results = data.results
    return (
        f"Taps at {results.angle:g}° in the convolution convention; {results.experiment.mixing} "
        "mixing of an even and an odd part of unit norm. Arrow: first moment, its length to scale "
        "within a row. Red is positive, blue negative."
    )


def _taps(size: int, parts: Decomposition) -> pd.DataFrame:
    y, x = np.meshgrid(centred_coordinates(size), centred_coordinates(size), indexing="ij")
    return pd.DataFrame(
        {
            "size": size,
            "beta": round(parts.beta, 12),
            "x": x.ravel(),
            "y": y.ravel(),
            "tap": parts.kernel.ravel(),
            "momentum_x": parts.momentum_vector[0],
            "momentum_y": parts.momentum_vector[1],
        }
    )


def _draw_kernel(axes: Axes, taps: pd.DataFrame, size: int, largest: float) -> AxesImage:
    half = size / 2
    image = axes.imshow(
        taps.tap.to_numpy().reshape(size, size),
        cmap=sns.color_palette("vlag", as_cmap=True),
        vmin=-largest,
        vmax=largest,
        extent=(-half, half, half, -half),
    )
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5)
    _draw_arrow(axes, taps[["momentum_x", "momentum_y"]].iloc[0].to_numpy(float), size)
    return image


def _draw_arrow(axes: Axes, moment: NDArray[np.float64], size: int) -> None:
    # |M1| <= |r| |K| by Cauchy and Schwarz, and |K| <= 1: this is the longest arrow there can be.
    longest = size * np.sqrt((size**2 - 1) / 12)
    tip = 0.85 * (size / 2) * moment / longest
    if np.hypot(*tip) > 0.02 * size:
        style = {"arrowstyle": "-|>", "color": "black", "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", tip, (0, 0), arrowprops=style)
