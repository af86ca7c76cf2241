"""The kernels themselves, from even to odd."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.experiment.representative import spread
from mechcore.model.decomposition import decompose
from mechcore.model.geometry import centred_coordinates
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import Margins, beta_text, panel_grid, size_text
from mechcore.report.figures.series import in_words
from mechcore.results.results import Results

BETAS_SHOWN = 5


def _table(results: Results, family: str) -> pd.DataFrame:
    betas = spread(sorted(results.experiment.betas), BETAS_SHOWN)
    sizes = [size for size in results.sizes_shown if size in results.sizes_of(family)]
    parts = [_taps(results, family, size, beta) for size in sizes for beta in betas]
    return pd.concat(parts, ignore_index=True)


def _taps(results: Results, family: str, size: int, mixing_ratio: float) -> pd.DataFrame:
    parts = decompose(results.kernel(family, size, mixing_ratio))
    places = centred_coordinates(size)
    y, x = np.meshgrid(places, places, indexing="ij")
    x_moment, y_moment = parts.momentum_vector
    taps = {"x": x.ravel(), "y": y.ravel(), "tap": parts.kernel.ravel()}
    head = {"size": size, "beta": round(parts.beta, 12)}
    return pd.DataFrame({**head, **taps, "momentum_x": x_moment, "momentum_y": y_moment})


def _draw(data: FigureData) -> Figure:
    sizes, betas = data.table["size"].unique(), data.table.beta.unique()
    side = min(1.05, 6.0 / len(betas))
    margins = Margins(left=0.75, bottom=0.1)
    shape = (len(sizes), len(betas))
    figure, panels = panel_grid(shape, (side, side), gap=(0.1, 0.1), margins=margins)
    for row, size in zip(panels, sizes, strict=True):
        kernels = data.table[data.table["size"] == size]
        largest = float(kernels.tap.abs().max())
        for axes, (_, taps) in zip(row, kernels.groupby("beta"), strict=True):
            _draw_kernel(axes, taps, int(size), largest)
        text = f"{size_text(size)}\n±{largest:.2f}"
        row[0].set_ylabel(text, rotation=0, ha="right", va="center")
    for axes, beta in zip(panels[0], betas, strict=True):
        axes.set_title(beta_text(beta), pad=3)
    return figure


def _alt_text(data: FigureData) -> str:
    betas = ", ".join(f"{beta:.3g}" for beta in data.table.beta.unique())
    ranges = in_words(
        data.table, "size", lambda rows: f"from {rows.tap.min():z.3f} to {rows.tap.max():z.3f}"
    )
    return (
        f"Kernels of the {data.topic} family as heat maps at beta {betas}, from even to odd, with "
        f"the first moment as an arrow. Range of the taps: {ranges}."
    )


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Taps at {results.angle:g}° in the convolution convention; {results.experiment.mixing} "
        "mixing of an even and an odd part of unit norm. Red is positive, blue negative, strongest "
        "at the value below k. Arrow: first moment, to scale within a row."
    )


def _draw_kernel(axes: Axes, taps: pd.DataFrame, size: int, largest: float) -> None:
    half = size / 2
    axes.imshow(
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


FIGURE = ReportFigure("tap", _table, _draw, _alt_text, _caption)
