"""The card of one cell, a picture small enough for a list of runs."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.choices import preferred
from mechcore.figures.style import (
    CONE,
    DOTS_PER_INCH,
    MARKERS,
    SHADE,
    THEORY,
    colours,
    new_figure,
    paper_style,
    pixels_per_layer,
    plain,
    shades,
)
from mechcore.figures.trajectories import beta_places
from mechcore.geometry import light_speed
from mechcore.measures import displacement_along, measure


def cell_preview(dataset: xr.Dataset, figure: Figure | None = None) -> Figure:
    """Draw one cell: speed against beta, and trajectories.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories of a cell, dimensions ``pattern, angle, beta, t``.
    figure : matplotlib.figure.Figure, optional
        That of another cell, or of `blank_preview`, to draw into: new axes take longer than what is
        in them.

    Returns
    -------
    matplotlib.figure.Figure
        6.4 x 2.7 inches; write it with `mechcore.figures.save`.
    """
    with paper_style():
        figure = blank_preview() if figure is None else _cleared(figure)
        # One angle stands for all.
        dataset = dataset.isel(angle=[0])
        left, right = figure.axes
        _draw_speed(left, dataset)
        _draw_trajectories(right, dataset)
        figure.suptitle(plain(dataset.attrs.get("cell_id", dataset.attrs["activation"])), size=10)
    return figure


def blank_preview() -> Figure:
    """Return the figure that a cell is drawn into.

    Returns
    -------
    matplotlib.figure.Figure
        6.4 x 2.7 inches, two empty axes.
    """
    # Placed by hand: finding a layout takes as long as drawing.
    figure = new_figure(6.4, 2.7, constrained=False)
    # That of the file: texts are laid out once, not for the screen and again for the file.
    figure.set_dpi(DOTS_PER_INCH)
    figure.subplots(1, 2)
    figure.subplots_adjust(0.09, 0.17, 0.985, 0.89, 0.22)
    for axes in figure.axes:
        # Numbers on axes are what takes longest.
        axes.locator_params(nbins=4)
    return figure


def _cleared(figure: Figure) -> Figure:
    """Without what was drawn, but with the ticks: clearing the axes would make new ones."""
    for axes in figure.axes:
        for artist in [*axes.lines, *axes.patches]:
            artist.remove()
        axes.relim()
        axes.autoscale()
    return figure


def _draw_speed(axes: Axes, dataset: xr.Dataset) -> None:
    found = measure(dataset).isel(angle=0)
    beta, names = dataset.beta.values, [str(name) for name in dataset.pattern.values]
    star = float(dataset.beta_star.isel(angle=0).min())
    if np.isfinite(star):
        axes.axvspan(star, 1.0, color=SHADE, lw=0, zorder=0)
    for index, (name, colour) in enumerate(zip(names, colours(len(names)), strict=True)):
        marker = MARKERS[index % len(MARKERS)]
        speed = found.speed.sel(pattern=name).values
        axes.plot(
            beta,
            speed,
            ls="",
            ms=max(4.6 - 2 * index, 2),
            marker=marker,
            color=colour,
            label=plain(f"pattern {name}"),
        )
    theory = found.speed_theory.isel(pattern=0).values
    if np.isfinite(theory).any():
        axes.plot(beta, theory, color=THEORY, lw=1.1, label="exact theory")
    axes.set(xlabel="β", ylabel=pixels_per_layer("speed"))
    axes.legend(loc="upper left", fontsize=7, handlelength=1.4)


def _draw_trajectories(axes: Axes, dataset: xr.Dataset) -> None:
    name = preferred([str(name) for name in dataset.pattern.values], "delta")
    moved = displacement_along(dataset).sel(pattern=name).isel(angle=0)
    places = beta_places(dataset)
    for place, colour in zip(places, shades(len(places)), strict=True):
        line = moved.isel(beta=place)
        # No mathematical text, which takes a quarter of the time.
        label = f"β = {float(line.beta):.3g}"
        axes.plot(dataset.t.values, line.values, color=colour, label=label)
    reach = light_speed(dataset.sizes["kernel_x"], float(dataset.angle[0]))
    last = int(dataset.t.max())
    axes.plot([0, last], [0, reach * last], color=CONE, lw=0.8, zorder=1)
    axes.set(xlabel="layer t", ylabel="displacement (px)")
    axes.legend(loc="upper left", fontsize=7, handlelength=1.4)
