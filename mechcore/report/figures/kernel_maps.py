"""The kernels themselves, from even to odd."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from mechcore.experiment.representative import spread
from mechcore.model.decomposition import Decomposition, decompose
from mechcore.model.geometry import centred_coordinates
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import beta_text, size_text
from mechcore.report.figures.style import new_figure
from mechcore.results.results import Results

BETAS_SHOWN = 5


def _table(results: Results, family: str) -> pd.DataFrame:
    kernels = [
        _taps(size, decompose(results.kernel(family, size, ratio)))
        for size in results.sizes_shown
        for ratio in spread(sorted(results.experiment.betas), BETAS_SHOWN)
    ]
    return pd.concat(kernels, ignore_index=True)


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


def _draw(data: FigureData) -> Figure:
    sizes, betas = data.table["size"].unique(), data.table.beta.unique()
    side = min(1.05, 6.0 / len(betas))
    figure = new_figure(side * len(betas) + 1.3, (side + 0.1) * len(sizes) + 0.55)
    panels = figure.subplots(len(sizes), len(betas), squeeze=False)
    for row, size in zip(panels, sizes, strict=True):
        part = data.table[data.table["size"] == size]
        largest = float(part.tap.abs().max())
        for axes, (_, taps) in zip(row, part.groupby("beta"), strict=True):
            image = _draw_kernel(axes, taps, int(size), largest)
        ticks = [-largest, 0, largest]
        figure.colorbar(image, ax=row[-1], shrink=0.9, ticks=ticks, format="%.2f")
        row[0].set_ylabel(size_text(size), rotation=0, ha="right", va="center")
    for axes, beta in zip(panels[0], betas, strict=True):
        axes.set_title(beta_text(beta))
    return figure


def _alt_text(data: FigureData) -> str:
    ranges = ", ".join(
        f"k = {size} from {rows.tap.min():z.3f} to {rows.tap.max():z.3f}"
        for size, rows in data.table.groupby("size")
    )
    betas = ", ".join(f"{beta:.3g}" for beta in data.table.beta.unique())
    return (
        f"Kernels of the {data.topic} family as heat maps at beta {betas}, from even to odd, with "
        f"the first moment as an arrow. Range of the taps: {ranges}."
    )


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Taps at {results.angle:g}° in the convolution convention; {results.experiment.mixing} "
        "mixing of an even and an odd part of unit norm. Arrow: first moment, to scale within a "
        "row. Red is positive, blue negative."
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
    axes.spines[:].set(visible=True, linewidth=0.5)
    # |M1| <= |r| |K| by Cauchy and Schwarz, and |K| <= 1: this is the longest arrow there can be.
    longest = size * np.sqrt((size**2 - 1) / 12)
    tip = 0.85 * half * taps[["momentum_x", "momentum_y"]].iloc[0].to_numpy(float) / longest
    if np.hypot(*tip) > 0.02 * size:
        style = {"arrowstyle": "-|>", "color": "black", "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", tip, (0, 0), arrowprops=style)
    return image


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
