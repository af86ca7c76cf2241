"""The films that the player of the page shows: all frames as one grey picture, small to embed."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import seaborn as sns
import xarray as xr
from numpy.typing import NDArray
from PIL import Image

from mechcore.results.results import Results

Bytes = NDArray[np.uint8]

LEVELS = 255
"""Steps from zero to the maximum of a frame, one byte a pixel."""

MIDDLE = 128
"""The byte of zero where a state has both signs."""

COLOUR_STOPS = 33
"""Colours between which the player mixes; more look the same."""

TRACKED = ("mu_x", "mu_y", "sigma_x", "sigma_y")
"""Numbers below the picture."""


def player_data(results: Results) -> dict[str, object] | None:
    """Return what the player shows, as values for JSON; None without films."""
    films = [film.isel(pattern=0, angle=0) for film in results.films.values()]
    if not films:
        return None
    signed = any(bool((film.snapshot < 0).any()) for film in films)
    frames = [quantised(film.snapshot.values, signed) for film in films]
    rows, columns = visible(np.concatenate(frames), MIDDLE if signed else 0)
    first = films[0]
    return {
        "family": first.attrs["kernel"],
        "size": int(first.attrs["size"]),
        "pattern": str(first.pattern.item()),
        "angle": float(first.angle),
        "steps": int(first.t[-1]),
        "betas": [float(beta) for beta in first.beta.values],
        "layers": [int(layer) for layer in first.snapshot_t.values],
        "left": [float(place) + columns.start for place in first.snapshot_x.values],
        "top": [float(place) + rows.start for place in first.snapshot_y.values],
        "width": columns.stop - columns.start,
        "height": rows.stop - rows.start,
        "signed": signed,
        "colours": _colours(signed),
        "films": [
            _film(film, frame[..., rows, columns])
            for film, frame in zip(films, frames, strict=True)
        ],
    }


def quantised(states: NDArray[np.floating], signed: bool) -> Bytes:
    """Return states as bytes, each frame in units of its own largest value.

    >>> quantised(np.array([[0.0, 1.0, 2.0]]), signed=False).tolist()
    [[0, 128, 255]]
    """
    values = np.nan_to_num(states)
    largest = np.abs(values).max(axis=(-2, -1), keepdims=True)
    shares = values / np.where(largest > 0, largest, 1.0)
    scaled = MIDDLE + (LEVELS - MIDDLE) * shares if signed else LEVELS * shares
    levels: Bytes = np.floor(scaled + 0.5).astype(np.uint8)
    return levels


def visible(frames: Bytes, zero: int) -> tuple[slice, slice]:
    """Return the smallest window with every pixel that differs from zero.

    >>> visible(np.array([[0, 0, 0], [0, 7, 9]], dtype=np.uint8), 0)
    (slice(1, 2, None), slice(1, 3, None))
    """
    shown = (frames != zero).any(axis=tuple(range(frames.ndim - 2)))
    return _bounds(shown.any(axis=1)), _bounds(shown.any(axis=0))


def _bounds(shown: NDArray[np.bool_]) -> slice:
    places = np.flatnonzero(shown)
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, len(shown))


def _film(film: xr.Dataset, frames: Bytes) -> dict[str, object]:
    tracks = film[list(TRACKED)].sel(t=film.snapshot_t.values)
    return {
        "activation": film.attrs["activation"],
        "cell": film.attrs["cell_id"],
        "sprite": _sprite(frames),
        "extinct": _numbers(film.extinct_at),
        **{name: _numbers(tracks[name]) for name in TRACKED},
    }


def _numbers(values: xr.DataArray) -> list[object]:
    """Return numbers (px) for JSON, None where there is none."""
    rounded = values.values.astype(float).round(3) + 0.0
    numbers = rounded.astype(object)
    numbers[~np.isfinite(rounded)] = None
    return list(numbers.tolist())


def _sprite(frames: Bytes) -> str:
    """One picture of all frames, as it compresses better than many: rows are betas."""
    betas, layers, height, width = frames.shape
    sheet = frames.transpose(0, 2, 1, 3).reshape(betas * height, layers * width)
    buffer = BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _colours(signed: bool) -> list[list[int]]:
    """Perceptually uniform, from paper to ink; two colours about white for both signs."""
    palette = sns.color_palette("vlag" if signed else "mako_r", as_cmap=True)
    stops = palette(np.linspace(0.0, 1.0, COLOUR_STOPS))[:, :3]
    return [[round(255 * part) for part in colour] for colour in stops.tolist()]
