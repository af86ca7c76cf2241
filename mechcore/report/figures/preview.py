"""The trajectories of one cell, a picture small enough for a list of runs."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from mechcore.analysis.displacement import displacement_along
from mechcore.experiment.representative import preferred
from mechcore.report.figures.style import new_figure, paper_style, plain, shades
from mechcore.report.figures.trajectories import beta_places


def cell_preview(dataset: xr.Dataset) -> Figure:
    """Draw the displacement of the state of a cell against the layer, a line for each beta."""
    pattern = preferred([str(name) for name in dataset.pattern.values], "delta")
    places = beta_places(dataset)
    chosen = dataset.sel(pattern=pattern).isel(angle=0, beta=places)
    name = plain(dataset.attrs.get("cell_id", dataset.attrs["activation"]))
    with paper_style():
        figure = new_figure(4.8, 3.2)
        axes = figure.subplots()
        figure.subplots_adjust(0.13, 0.15, 0.97, 0.9)
        axes.set_prop_cycle(color=shades(len(places)))
        axes.plot(chosen.t, displacement_along(chosen).transpose("t", "beta"))
        axes.legend([f"β = {beta:.3g}" for beta in chosen.beta.values], loc="upper left")
        axes.locator_params(nbins=4)
        axes.set(xlabel="layer t", ylabel="displacement (px)")
        axes.set_title(f"{name}, pattern {plain(pattern)}")
    return figure
