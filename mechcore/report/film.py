"""The film of the first screen: all layers of a pattern under four betas, as one strip."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO

import matplotlib as mpl
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image

from mechcore.experiment.representative import spread
from mechcore.results.results import Results

Bytes = NDArray[np.uint8]

PANELS = 4
COLUMNS = 2
"""Betas that are shown, and how many of them side by side."""

LEVELS = 255
"""Steps from zero to the maximum of a frame, one byte a pixel."""

VISIBLE = 5
"""The first level that a reader can tell from the paper."""


@dataclass(frozen=True)
class Film:
    """What the page shows."""

    strip: str
    """All frames side by side, as a data URI."""
    layers: list[int]
    betas: list[float]
    """From left to right, and then downwards."""
    width: int
    height: int
    """Size of a frame, px."""
    activation: str
    size: int
    pattern: str


def film_of(results: Results) -> Film | None:
    """Return the film of the activation that stands for all; None without films."""
    films = [film.isel(pattern=0, angle=0) for film in results.films.values()]
    if not films:
        return None
    film = min(films, key=lambda film: film.attrs["activation"] != results.activation)
    patterns = results.experiment.patterns
    film = _in_view(film.sel(beta=spread(list(film.beta.values), PANELS)))
    frames = cropped(quantised(film.snapshot.values))
    betas, layers, height, width = frames.shape
    rows = -(-betas // COLUMNS)
    full = np.zeros((rows * COLUMNS, layers, height, width), np.uint8)
    full[:betas] = frames
    # Betas fill a frame, and layers follow each other from left to right.
    panels = full.reshape(rows, COLUMNS, layers, height, width).transpose(0, 3, 2, 1, 4)
    strip = panels.reshape(rows * height, layers * COLUMNS * width)
    return Film(
        strip=_picture(strip),
        layers=[int(layer) for layer in film.snapshot_t.values],
        betas=[float(beta) for beta in film.measured_beta.values],
        width=COLUMNS * width,
        height=rows * height,
        activation=film.attrs["activation"],
        size=int(film.attrs["size"]),
        pattern=next(p.name for p in patterns if p.label == film.pattern.item()),
    )


def _in_view(film: xr.Dataset) -> xr.Dataset:
    """The layers before the first in which a centroid is outside the picture."""
    tracks, right = film.sel(t=film.snapshot_t.values), film.snapshot_x[0] + film.sizes["x"]
    gone = (tracks.mu_x > right).any("beta").to_numpy()
    return film.isel(snapshot_t=slice(None, int(gone.argmax()) if gone.any() else None))


def quantised(states: NDArray[np.floating]) -> Bytes:
    """Return the mass |x| of states as bytes, each frame in units of its own largest value.

    >>> quantised(np.array([[0.0, 1.0, -2.0]])).tolist()
    [[0, 128, 255]]
    """
    values = np.abs(np.nan_to_num(states))
    largest = values.max(axis=(-2, -1), keepdims=True)
    shares = values / np.where(largest > 0, largest, 1.0)
    levels: Bytes = np.floor(LEVELS * shares + 0.5).astype(np.uint8)
    return levels


def cropped(frames: Bytes) -> Bytes:
    """Return frames without the margins in which nothing is ever visible.

    >>> cropped(np.array([[0, 0, 0], [0, 7, 9]], dtype=np.uint8)).tolist()
    [[7, 9]]
    """
    shown = (frames >= VISIBLE).any(axis=tuple(range(frames.ndim - 2)))
    rows, columns = (np.flatnonzero(np.any(shown, axis=axis)) for axis in (1, 0))
    if not len(rows):
        return frames
    return frames[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _picture(strip: Bytes) -> str:
    """A PNG in perceptually uniform colours, from paper to ink."""
    image = Image.fromarray(strip)
    colours = mpl.colormaps["Blues"](np.linspace(0.0, 1.0, LEVELS + 1))
    colours[0] = 1.0
    image.putpalette((255 * colours[:, :3]).round().astype(np.uint8).tobytes())
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
