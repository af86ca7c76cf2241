"""The state of a filmed cell at a few layers, for a few betas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.experiment.representative import spread
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import Margins, beta_text, name_axes, panel_grid
from mechcore.report.figures.style import CONE, colours
from mechcore.report.figures.trajectories import beta_places
from mechcore.results.results import Results

FRAMES_SHOWN = 6
BETAS_SHOWN = 5
COLUMNS = ["beta", "t", "mu_x", "mu_y"]

FAINTEST = 0.01
"""Share of a frame's largest value that still belongs to the picture when it is cropped."""

Edges = tuple[float, float, float, float]
"""Left, right, bottom and top in px, as matplotlib takes them; y counts downwards."""


def _table(results: Results, activation: str) -> pd.DataFrame:
    rows = [
        (float(frame.beta), int(frame.snapshot_t), float(frame.mu_x), float(frame.mu_y))
        for frame in _frames(results, activation)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _draw(data: FigureData) -> Figure:
    frames, table = _frames(data.results, data.topic), data.table
    window = _window(frames)
    betas, layers = table.beta.unique(), table.t.unique()
    width = 7.2 / max(len(layers), 4) - 0.05
    height = width * (window[2] - window[3]) / (window[1] - window[0])
    figure, panels = panel_grid(
        (len(betas), len(layers)),
        (width, height),
        gap=(0.05, 0.05),
        margins=Margins(left=1.0, right=0.08, bottom=0.42),
    )
    for axes, frame in zip(panels.flat, frames, strict=True):
        _draw_frame(axes, frame)
        axes.set(xlim=window[:2], ylim=window[2:])
        axes.label_outer(remove_inner_ticks=True)
    for axes, layer in zip(panels[0], layers, strict=True):
        axes.set_title(f"t = {layer}", pad=3)
    for axes, beta in zip(panels[:, 0], betas, strict=True):
        axes.set_ylabel(beta_text(beta), rotation=0, ha="right", va="center")
    name_axes(figure, "$x$ (px); the vertical axis is $y$ (px), downwards", "")
    return figure


def _alt_text(data: FigureData) -> str:
    table, results = data.table, data.results
    last = int(table.t.max())
    places = ", ".join(
        f"({row.mu_x:z.1f}, {row.mu_y:z.1f}) for beta {row.beta:.3g}"
        if np.isfinite(row.mu_x)
        else f"extinct for beta {row.beta:.3g}"
        for _, row in table[table.t == last].iterrows()
    )
    return (
        f"The state of {_filmed(data)}, {results.family} kernels, k = {results.size}, at layers "
        f"{', '.join(map(str, table.t.unique()))}. Centroid x, y in pixels at layer {last}: "
        f"{places}."
    )


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"The state of {_filmed(data)} ({results.family}, k = {results.size}, {results.angle:g}°). "
        "Each frame is scaled to its own maximum; cross: centroid. Frames do not move with the "
        "state: it is not seen where it has left them, or died."
    )


def _film(results: Results, activation: str) -> xr.Dataset | None:
    films = (film for film in results.films.values() if film.attrs["activation"] == activation)
    return next(films, None)


def _filmed(data: FigureData) -> str:
    film = _film(data.results, data.topic)
    return data.topic if film is None else f"pattern {film.pattern.values[0]} under {data.topic}"


def _frames(results: Results, activation: str) -> list[xr.Dataset]:
    """The shown snapshots of a film, beta by beta, each with its centroid."""
    film = _film(results, activation)
    if film is None:
        return []
    names = ["snapshot", "snapshot_x", "snapshot_y", "mu_x", "mu_y"]
    film = film[names].isel(pattern=0, angle=0)
    return [
        film.isel(beta=beta, snapshot_t=place).sel(t=int(film.snapshot_t[place]))
        for beta in beta_places(film, BETAS_SHOWN)
        for place in spread(list(range(film.sizes["snapshot_t"])), FRAMES_SHOWN)
    ]


def _edges(frame: xr.Dataset) -> Edges:
    left, top = float(frame.snapshot_x) - 0.5, float(frame.snapshot_y) - 0.5
    return left, left + frame.sizes["x"], top + frame.sizes["y"], top


def _window(frames: list[xr.Dataset]) -> Edges:
    """The smallest window that holds what can be seen in any frame, with a pixel around it."""
    alive = [frame for frame in frames if np.nan_to_num(frame.snapshot.values).any()]
    corners = []
    for frame in alive or frames:
        values = np.abs(np.nan_to_num(frame.snapshot.values))
        visible = values >= FAINTEST * values.max()
        rows, columns = (np.flatnonzero(visible.any(axis=axis)) for axis in (1, 0))
        left, top = float(frame.snapshot_x), float(frame.snapshot_y)
        corners.append((left + columns[0], -left - columns[-1], -top - rows[-1], top + rows[0]))
    left, right, bottom, top = np.min(corners, axis=0)
    return float(left) - 1.5, 1.5 - float(right), 1.5 - float(bottom), float(top) - 1.5


def _draw_frame(axes: Axes, frame: xr.Dataset) -> None:
    values = frame.snapshot.values
    highest = float(np.nan_to_num(np.abs(values)).max())
    if highest > 0:
        look = _colour_map(values, highest)
        axes.imshow(values, extent=_edges(frame), interpolation="nearest", **look)
    axes.plot(frame.mu_x, frame.mu_y, "+", color=colours(4)[3], ms=6, mew=1.2)
    axes.set(facecolor="0.93", aspect="equal")
    axes.tick_params(length=2, labelsize=6.5)
    axes.spines[:].set(visible=True, linewidth=0.5, color=CONE)


def _colour_map(values: Array, highest: float) -> dict[str, Any]:
    """Dark ink on white for a density; two colours about white for a state with both signs."""
    signed = np.nanmin(values) < 0
    palette = sns.color_palette("vlag" if signed else "Blues", as_cmap=True)
    return {"cmap": palette, "vmin": -highest if signed else 0.0, "vmax": highest}


FIGURE = ReportFigure("beta", _table, _draw, _alt_text, _caption, raster=True)
