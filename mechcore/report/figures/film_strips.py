"""The state of the filmed cells at a few layers, for a few odd shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mechcore.analysis.tables import joined
from mechcore.experiment.representative import spread
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels, draw_panels
from mechcore.report.figures.style import PALETTE, plain
from mechcore.report.figures.trajectories import beta_places
from mechcore.report.film import VISIBLE, quantised
from mechcore.results.results import Results

FRAMES_SHOWN = 6
BETAS_SHOWN = 4
SHADE = 5
"""Levels of a pixel that are drawn alike."""

WIDTH = 7.2
"""Width of a strip, in."""


def _films(results: Results) -> dict[str, xr.Dataset]:
    """A few frames of the films by activation, up to the layer at which a state leaves them."""
    films = {
        film.attrs["activation"]: film.isel(angle=0, beta=beta_places(film, BETAS_SHOWN)).sel(
            t=film.snapshot_t.values
        )
        for film in results.films.values()
    }
    inside = [_inside(film) for film in films.values()]
    frames = spread(np.flatnonzero(np.all(inside, axis=0)).tolist(), FRAMES_SHOWN)
    return {name: film.isel(snapshot_t=frames, t=frames) for name, film in films.items()}


def _inside(film: xr.Dataset) -> NDArray[np.bool_]:
    """At which snapshots no centroid has left the window; states that died are nowhere."""
    x, y = (np.nan_to_num(np.abs(film[name].values[0])).max(axis=0) for name in ("mu_x", "mu_y"))
    return np.asarray((x < film.sizes["x"] / 2) & (y < film.sizes["y"] / 2))


def _table(results: Results, _: str) -> pd.DataFrame:
    columns = ["activation", "odd_energy_ratio", "t", "mu_x", "mu_y"]
    parts = []
    for name, film in _films(results).items():
        places = film[["odd_energy_ratio", "mu_x", "mu_y"]].isel(pattern=0)
        parts.append(places.to_dataframe().reset_index().assign(activation=name)[columns])
    return joined(parts, columns)


def _draw(data: FigureData) -> Panels:
    films = _films(data.results)
    shown = _rows_seen(list(films.values()))
    film = next(iter(films.values()))
    height, width = shown.stop - shown.start, film.sizes["x"]
    rows, columns = film.sizes["beta"], film.sizes["snapshot_t"]
    panels = draw_panels(
        [plain(name) for name in films],
        ("layer t", "odd share ρ of the energy"),
        panel=(WIDTH, WIDTH * rows * height / (columns * width)),
        columns=1,
        gap=(0.2, 0.6),
    )
    for axes, film in zip(panels.axes, films.values(), strict=True):
        _draw_strip(axes, film, shown)
        layers = [str(layer) for layer in film.t.values]
        shares = [f"{share:.2g}" for share in film.odd_energy_ratio.values.ravel()]
        axes.set_xticks((np.arange(columns) + 0.5) * width - 0.5, layers)
        axes.set_yticks((np.arange(rows) + 0.5) * height - 0.5, shares)
        axes.tick_params(length=0)
    return panels


def _rows_seen(films: list[xr.Dataset]) -> slice:
    """The rows of the snapshots in which something can be seen in any frame."""
    frames = np.array([quantised(film.snapshot.values[0]) for film in films])
    rows = np.flatnonzero((frames >= VISIBLE).any(axis=(0, 1, 2, -1)))
    return slice(max(int(rows[0]) - 1, 0), int(rows[-1]) + 2)


def _draw_strip(axes: Axes, film: xr.Dataset, shown: slice) -> None:
    """All frames as one image, each scaled to its own maximum, and a cross at each centroid."""
    frames = quantised(film.snapshot.values[0][..., shown, :])
    rows, columns, height, width = frames.shape
    image = frames.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    # With few shades the image is a third of the bytes.
    axes.imshow(image // SHADE, cmap="Blues", interpolation="none", aspect="auto")
    for place in range(1, columns):
        axes.axvline(place * width - 0.5, color="0.75", lw=0.6)
    for place in range(1, rows):
        axes.axhline(place * height - 0.5, color="0.75", lw=0.6)
    across, down = np.meshgrid(np.arange(columns) * width, np.arange(rows) * height)
    x = film.mu_x.values[0] - film.snapshot_x.values + across
    y = film.mu_y.values[0] - film.snapshot_y.values - shown.start + down
    axes.plot(x.ravel(), y.ravel(), "+", color=PALETTE[3], ms=7, mew=1.4)
    axes.spines[:].set(visible=True)
    axes.set(xlim=(-0.5, columns * width - 0.5), ylim=(rows * height - 0.5, -0.5))


def _caption(data: FigureData) -> str:
    results, table = data.results, data.table
    pattern = next(iter(_films(results).values())).pattern.values[0]
    last = table[(table.t == table.t.max()) & (table.activation == table.activation.iloc[0])]
    places = ", ".join(f"{x:.0f}" if np.isfinite(x) else "–" for x in last.mu_x)
    return (
        f"Under {last.activation.iloc[0]}, the {pattern} is at x = {places} px by layer "
        f"{table.t.max()}, from the even kernel to the odd one ({results.family}, "
        f"k = {results.size}). Each frame is scaled to its own maximum; crosses are centroids."
    )


STRIP = ReportFigure(
    "strip",
    "What does it look like?",
    _table,
    _draw,
    _caption,
    value="mu_x",
    groups=("activation", "odd_energy_ratio"),
    main=True,
    shows="Images of the state, a row for each odd share, a column a layer; centroid x in px",
)
