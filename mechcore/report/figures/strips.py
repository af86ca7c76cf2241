"""Film strips: the state at the layers that were kept, for a few betas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mechcore.experiment.representative import preferred, spread
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import panel_grid, say_nothing_known
from mechcore.report.figures.style import CONE, colours, new_figure
from mechcore.report.figures.trajectories import beta_places
from mechcore.results.results import Results

MOST_FRAMES = 6
BETAS_SHOWN = 5
COLUMNS = ["beta", "t", "mu_x", "mu_y", "seen"]

FAINTEST = 0.01
"""Share of a frame's largest value that still belongs to the picture when it is cropped."""


def strip_table(results: Results, activation: str) -> pd.DataFrame:
    """Return where the centroid of each frame is."""
    strip = _strip(results, activation)
    if strip is None:
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for beta in strip.beta.values:
        for layer in strip.snapshot_t.values:
            state = strip.sel(beta=beta, snapshot_t=layer)
            place = {"mu_x": float(state.mu_x.sel(t=layer)), "mu_y": float(state.mu_y.sel(t=layer))}
            seen = _inside(_extent(state), place["mu_x"], place["mu_y"])
            rows.append({"beta": float(beta), "t": int(layer), **place, "seen": seen})
    return pd.DataFrame(rows, columns=COLUMNS)


def draw_strip(data: FigureData) -> Figure:
    """Draw the film strip of an activation: columns are layers, rows are betas."""
    table, results, activation = data.table, data.results, data.topic
    strip = _strip(results, activation)
    if strip is None:
        return _nothing_filmed()
    window = _window(strip)
    betas, layers = strip.beta.values, strip.snapshot_t.values
    figure, panels = _frames(len(betas), len(layers), window)
    for (row, column), axes in np.ndenumerate(panels):
        state = strip.isel(beta=row, snapshot_t=column)
        place = table.iloc[row * len(layers) + column]
        _draw_frame(axes, state, place)
        # Rows count downwards, as in the arrays.
        axes.set(xlim=window[:2], ylim=window[:1:-1])
        _keep_outer_ticks(axes)
    for axes, layer in zip(panels[0], layers, strict=True):
        axes.set_title(f"t = {layer}")
    for axes, beta in zip(panels[:, 0], betas, strict=True):
        axes.set_ylabel(rf"$\beta$ = {beta:.3g}", rotation=0, ha="right", va="center")
    figure.supxlabel("$x$ (px); the vertical axis is $y$ (px), downwards", y=0.0, va="bottom")
    return figure


def describe_strip(data: FigureData) -> str:
    """Return what a film strip shows."""
    table, results, activation = data.table, data.results, data.topic
    if table.empty:
        return f"An empty panel: {activation} was not filmed, there are 0 frames to be shown here."
    last = int(table.t.max())
    ends = table[table.t == last]
    places = ", ".join(
        f"({row.mu_x:z.1f}, {row.mu_y:z.1f}) for beta {row.beta:.3g}"
        if np.isfinite(row.mu_x)
        else f"extinct for beta {row.beta:.3g}"
        for _, row in ends.iterrows()
    )
    return (
        f"The state of pattern {_pattern(results)} under {results.family} kernels, "
        f"k = {results.size}, {activation}, at layers {', '.join(map(str, table.t.unique()))}. "
        f"Centroid x, y in pixels at layer {last}: {places}."
    )


def caption_strip(data: FigureData) -> str:
    """Return what a reader must know to read a film strip."""
    table, results, activation = data.table, data.results, data.topic
    lost = int((~table.seen.astype(bool) & table.mu_x.notna()).sum())
    outside = (
        f" Where the centroid has left the window ({lost} of {len(table)}), its place in px."
        if lost
        else ""
    )
    return (
        f"{activation}, {results.family}, k = {results.size}, {_pattern(results)}, "
        f"{results.angle:g}°. Each frame is scaled to its own maximum; cross: centroid; frames do "
        f"not move with the state.{outside}"
    )


def _pattern(results: Results) -> str:
    return preferred(results.patterns, "disc")


def _strip(results: Results, activation: str) -> xr.Dataset | None:
    films = results.films.values()
    dataset = next((film for film in films if film.attrs["activation"] == activation), None)
    if dataset is None:
        return None
    names = ["snapshot", "snapshot_x", "snapshot_y", "mu_x", "mu_y"]
    chosen = dataset[names].isel(pattern=0, angle=0)
    frames = spread(list(range(dataset.sizes["snapshot_t"])), MOST_FRAMES)
    return chosen.isel(beta=beta_places(dataset, BETAS_SHOWN), snapshot_t=frames)


def _nothing_filmed() -> Figure:
    figure, panels = panel_grid((1, 1), (4.0, 1.0), [], legend_columns=1)
    panels[0, 0].set(xticks=[], yticks=[])
    say_nothing_known(panels[0, 0])
    return figure


def _frames(
    rows: int, columns: int, window: tuple[float, float, float, float]
) -> tuple[Figure, NDArray[Any]]:
    """Panels as large as the window, set by hand: constrained layout takes seconds for so many."""
    gap, left, right, top, bottom = 0.05, 1.0, 0.08, 0.25, 0.42
    width = 7.2 / max(columns, 4) - gap
    height = width * (window[3] - window[2]) / (window[1] - window[0])
    across = columns * (width + gap) + left + right
    down = rows * (height + gap) + top + bottom
    figure = new_figure(across, down, constrained=False)
    panels = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left / across, bottom / down, 1 - right / across, 1 - top / down, gap / width, gap / height
    )
    return figure, panels


def _keep_outer_ticks(axes: Axes) -> None:
    place = axes.get_subplotspec()
    if place is not None and not place.is_first_col():
        axes.set_yticks([])
    if place is not None and not place.is_last_row():
        axes.set_xticks([])


def _extent(state: xr.Dataset) -> tuple[float, float, float, float]:
    """Edges of a frame in px: left, right, bottom, top, for rows that count downwards."""
    left, top = float(state.snapshot_x) - 0.5, float(state.snapshot_y) - 0.5
    return left, left + state.sizes["x"], top + state.sizes["y"], top


def _inside(extent: tuple[float, float, float, float], x: float, y: float) -> bool:
    return extent[0] <= x <= extent[1] and extent[3] <= y <= extent[2]


def _window(strip: xr.Dataset) -> tuple[float, float, float, float]:
    """The smallest window (left, right, top, bottom) that holds what is to be seen."""
    values = np.abs(np.nan_to_num(strip.snapshot.values))
    visible = values > FAINTEST * values.max(axis=(-2, -1), keepdims=True)
    x = strip.snapshot_x.values[:, np.newaxis] + np.arange(strip.sizes["x"])
    y = strip.snapshot_y.values[:, np.newaxis] + np.arange(strip.sizes["y"])
    columns, rows = visible.any(axis=(0, 2)), visible.any(axis=(0, 3))
    if not visible.any():
        return x.min() - 0.5, x.max() + 0.5, y.min() - 0.5, y.max() + 0.5
    return (
        x[columns].min() - 1.5,
        x[columns].max() + 1.5,
        y[rows].min() - 1.5,
        y[rows].max() + 1.5,
    )


def _draw_frame(axes: Axes, state: xr.Dataset, place: pd.Series) -> None:
    values = state.snapshot.values
    axes.set_facecolor("0.93")
    axes.set_aspect("equal")
    highest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    if highest > 0:
        axes.imshow(
            values, extent=_extent(state), interpolation="nearest", **_inks(values, highest)
        )
    axes.tick_params(length=2, labelsize=6.5)
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5, color=CONE)
    _mark_centroid(axes, place, highest > 0)


def _inks(values: Any, highest: float) -> dict[str, Any]:
    """Dark ink on white for a density; two colours about white for a state with both signs."""
    if np.nanmin(values) < 0:
        return {"cmap": sns.color_palette("vlag", as_cmap=True), "vmin": -highest, "vmax": highest}
    return {"cmap": sns.color_palette("Blues", as_cmap=True), "vmin": 0.0, "vmax": highest}


def _mark_centroid(axes: Axes, place: pd.Series, alive: bool) -> None:
    orange = colours(4)[3]
    if place.seen:
        axes.plot(place.mu_x, place.mu_y, "+", color=orange, ms=6, mew=1.2)
        return
    text = "extinct"
    if np.isfinite(place.mu_x):
        text = rf"$\rightarrow$ ({place.mu_x:z.0f}, {place.mu_y:z.0f})"
    style: dict[str, Any] = {"color": "0.25", "fontsize": 6.5, "ha": "center", "va": "center"}
    height = 0.5 if not alive else 0.88
    axes.text(0.5, height, text, transform=axes.transAxes, **style)
