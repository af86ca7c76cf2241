"""The trajectories of one cell, a picture small enough for a list of runs."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.analysis.measures import displacement_along
from mechcore.experiment.representative import preferred
from mechcore.model.geometry import light_speed
from mechcore.report.figures.style import (
    CONE,
    DOTS_PER_INCH,
    new_figure,
    paper_style,
    plain,
    shades,
)
from mechcore.report.figures.trajectories import beta_places


def cell_preview(dataset: xr.Dataset, figure: Figure | None = None) -> Figure:
    """Draw how far the state of a cell comes in layers, into a figure of `blank_preview`."""
    with paper_style():
        figure = blank_preview() if figure is None else _cleared(figure)
        name = plain(dataset.attrs.get("cell_id", dataset.attrs["activation"]))
        _draw_trajectories(figure.axes[0], dataset.isel(angle=[0]), name)
    return figure


def blank_preview() -> Figure:
    """Return an empty preview, which can be drawn into again and again."""
    with paper_style():
        # Placed by hand: finding a layout takes as long as drawing.
        figure = new_figure(4.8, 3.2, constrained=False)
        # That of the file: texts are laid out once, not for the screen and again for the file.
        figure.set_dpi(DOTS_PER_INCH)
        axes = figure.subplots()
        figure.subplots_adjust(0.13, 0.15, 0.97, 0.9)
        # Numbers on axes are what takes longest.
        axes.locator_params(nbins=4)
    return figure


def _cleared(figure: Figure) -> Figure:
    """Without its lines, but with the ticks: clearing the axes would make new ones."""
    axes = figure.axes[0]
    for line in list(axes.lines):
        line.remove()
    axes.relim()
    axes.autoscale()
    return figure


def _draw_trajectories(axes: Axes, dataset: xr.Dataset, cell: str) -> None:
    pattern = preferred([str(name) for name in dataset.pattern.values], "delta")
    moved = displacement_along(dataset).sel(pattern=pattern).isel(angle=0)
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
    axes.set_title(f"{cell}, pattern {plain(pattern)}", size=10)
    axes.legend(loc="upper left", fontsize=7, handlelength=1.4)
