"""The state of a filmed cell at a few layers, for a few betas."""

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
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import beta_text, empty_figure
from mechcore.report.figures.style import CONE, colours, new_figure
from mechcore.report.figures.trajectories import beta_places
from mechcore.results.results import Results

FRAMES_SHOWN = 6
BETAS_SHOWN = 5
COLUMNS = ["beta", "t", "mu_x", "mu_y", "seen"]

FAINTEST = 0.01
"""Share of a frame's largest value that still belongs to the picture when it is cropped."""

Edges = tuple[float, float, float, float]
"""Left, right, bottom and top in px, as matplotlib takes them; y counts downwards."""


def _table(results: Results, activation: str) -> pd.DataFrame:
    strip = _strip(results, activation)
    rows: list[dict[str, Any]] = []
    if strip is not None:
        for beta in strip.beta.values:
            for layer in strip.snapshot_t.values:
                state = strip.sel(beta=beta, snapshot_t=layer)
                x, y = float(state.mu_x.sel(t=layer)), float(state.mu_y.sel(t=layer))
                left, right, bottom, top = _edges(state)
                seen = left <= x <= right and top <= y <= bottom
                values = (float(beta), int(layer), x, y, seen)
                rows.append(dict(zip(COLUMNS, values, strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _draw(data: FigureData) -> Figure:
    strip = _strip(data.results, data.topic)
    if strip is None:
        return empty_figure()
    window = _window(strip)
    betas, layers = strip.beta.values, strip.snapshot_t.values
    figure, panels = _frames(len(betas), len(layers), window)
    for (row, column), axes in np.ndenumerate(panels):
        place = data.table.iloc[row * len(layers) + column]
        _draw_frame(axes, strip.isel(beta=row, snapshot_t=column), place)
        axes.set(xlim=window[:2], ylim=window[2:])
        axes.label_outer(remove_inner_ticks=True)
    for axes, layer in zip(panels[0], layers, strict=True):
        axes.set_title(f"t = {layer}")
    for axes, beta in zip(panels[:, 0], betas, strict=True):
        axes.set_ylabel(beta_text(beta), rotation=0, ha="right", va="center")
    figure.supxlabel("$x$ (px); the vertical axis is $y$ (px), downwards", y=0.0, va="bottom")
    return figure


def _alt_text(data: FigureData) -> str:
    table, results = data.table, data.results
    if table.empty:
        return f"An empty panel: {data.topic} was not filmed, there are 0 frames to be shown here."
    last = int(table.t.max())
    places = ", ".join(
        f"({row.mu_x:z.1f}, {row.mu_y:z.1f}) for beta {row.beta:.3g}"
        if np.isfinite(row.mu_x)
        else f"extinct for beta {row.beta:.3g}"
        for _, row in table[table.t == last].iterrows()
    )
    return (
        f"The state of pattern {_pattern(results)} under {results.family} kernels, "
        f"k = {results.size}, {data.topic}, at layers {', '.join(map(str, table.t.unique()))}. "
        f"Centroid x, y in pixels at layer {last}: {places}."
    )


def _caption(data: FigureData) -> str:
    table, results = data.table, data.results
    lost = int((~table.seen.astype(bool) & table.mu_x.notna()).sum())
    outside = (
        f" Where the centroid has left the window ({lost} of {len(table)}), its place in px."
        if lost
        else ""
    )
    return (
        f"{data.topic}, {results.family}, k = {results.size}, {_pattern(results)}, "
        f"{results.angle:g}°. Each frame is scaled to its own maximum; cross: centroid; frames do "
        f"not move with the state.{outside}"
    )


def _pattern(results: Results) -> str:
    return preferred(results.patterns, "disc")


def _strip(results: Results, activation: str) -> xr.Dataset | None:
    for film in results.films.values():
        if film.attrs["activation"] == activation:
            names = ["snapshot", "snapshot_x", "snapshot_y", "mu_x", "mu_y"]
            frames = spread(list(range(film.sizes["snapshot_t"])), FRAMES_SHOWN)
            betas = beta_places(film, BETAS_SHOWN)
            return film[names].isel(pattern=0, angle=0, beta=betas, snapshot_t=frames)
    return None


def _frames(rows: int, columns: int, window: Edges) -> tuple[Figure, NDArray[Any]]:
    """Panels as large as the window, set by hand: constrained layout takes seconds for so many."""
    gap, left, right, top, bottom = 0.05, 1.0, 0.08, 0.25, 0.42
    width = 7.2 / max(columns, 4) - gap
    height = width * (window[2] - window[3]) / (window[1] - window[0])
    across = columns * (width + gap) + left + right
    down = rows * (height + gap) + top + bottom
    figure = new_figure(across, down, constrained=False)
    panels = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left / across, bottom / down, 1 - right / across, 1 - top / down, gap / width, gap / height
    )
    return figure, panels


def _edges(state: xr.Dataset) -> Edges:
    left, top = float(state.snapshot_x) - 0.5, float(state.snapshot_y) - 0.5
    return left, left + state.sizes["x"], top + state.sizes["y"], top


def _window(strip: xr.Dataset) -> Edges:
    """The smallest window that holds what is to be seen, with a pixel around it."""
    values = np.abs(np.nan_to_num(strip.snapshot.values))
    visible = values > FAINTEST * values.max(axis=(-2, -1), keepdims=True)
    margin = 1.5
    if not visible.any():
        visible[:], margin = True, 0.5
    left, right = _range(strip.snapshot_x.values, visible.any(axis=(0, 2)), margin)
    top, bottom = _range(strip.snapshot_y.values, visible.any(axis=(0, 3)), margin)
    return left, right, bottom, top


def _range(starts: Array, visible: NDArray[np.bool_], margin: float) -> tuple[float, float]:
    places = (starts[:, np.newaxis] + np.arange(visible.shape[1]))[visible]
    return float(places.min()) - margin, float(places.max()) + margin


def _draw_frame(axes: Axes, state: xr.Dataset, place: pd.Series) -> None:
    values = state.snapshot.values
    axes.set_facecolor("0.93")
    axes.set_aspect("equal")
    highest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    if highest > 0:
        look = _colour_map(values, highest)
        axes.imshow(values, extent=_edges(state), interpolation="nearest", **look)
    axes.tick_params(length=2, labelsize=6.5)
    axes.spines[:].set(visible=True, linewidth=0.5, color=CONE)
    _mark_centroid(axes, place, highest > 0)


def _colour_map(values: Array, highest: float) -> dict[str, Any]:
    """Dark ink on white for a density; two colours about white for a state with both signs."""
    if np.nanmin(values) < 0:
        return {"cmap": sns.color_palette("vlag", as_cmap=True), "vmin": -highest, "vmax": highest}
    return {"cmap": sns.color_palette("Blues", as_cmap=True), "vmin": 0.0, "vmax": highest}


def _mark_centroid(axes: Axes, place: pd.Series, alive: bool) -> None:
    if place.seen:
        axes.plot(place.mu_x, place.mu_y, "+", color=colours(4)[3], ms=6, mew=1.2)
        return
    text = "extinct"
    if np.isfinite(place.mu_x):
        text = rf"$\rightarrow$ ({place.mu_x:z.0f}, {place.mu_y:z.0f})"
    style: dict[str, Any] = {"color": "0.25", "fontsize": 6.5, "ha": "center", "va": "center"}
    axes.text(0.5, 0.88 if alive else 0.5, text, transform=axes.transAxes, **style)


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption, raster=True)
