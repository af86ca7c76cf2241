"""One network in one picture: displacement and radius over depth, momenta against steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mechcore.experiment.representative import spread
from mechcore.report.figures.style import CONE, PALETTE, THEORY, shades

NO_STEP = 1e-9
"""px: kernels of one tap have no momentum but for rounding."""

MOST_DOTS = 3000
"""Channels and axes of the panel of momenta."""

IMAGES: dict[str, Any] = {"color": PALETTE[0], "marker": "o", "ms": 3.5, "lw": 1.1}
KERNELS: dict[str, Any] = {"color": THEORY, "ls": ":", "lw": 1.3}
STEPS: dict[str, Any] = {"color": PALETTE[1], "marker": "D", "ms": 3.5, "mfc": "white", "ls": ""}
UNIFORM: dict[str, Any] = {"color": CONE, "ls": "--", "lw": 1.1}

CURVES = {
    "displacement (px)": {
        "path_displacement": ("on the images", IMAGES),
        "energy_displacement": ("by kernels alone", KERNELS),
        "path_step": ("by this layer alone", STEPS),
    },
    "radius of the receptive field (px)": {
        "radius": ("on the images", IMAGES),
        "energy_radius": ("by kernels alone", KERNELS),
        "whole_radius": ("all of the theoretical field alike", UNIFORM),
    },
}
"""Panels over depth: columns, what they are called, and how they look."""


def draw_network(data: xr.Dataset, layers: pd.DataFrame) -> Figure:
    """Draw a network from `mechcore.network` and its `layer_means`.

    Layers of one unit, as after pooling, see the whole image: the curves leave them out.
    """
    variances = np.einsum("cii->c", data.energy_covariance.values)
    by_layer = pd.Series(variances).groupby(data.layer_number.values).mean()
    layers = layers.assign(
        energy_radius=np.sqrt(by_layer.to_numpy()),
        # A field that is used alike everywhere has a variance of s^2/12 along each side.
        whole_radius=layers.theoretical_field / np.sqrt(6),
        number=np.arange(1, len(layers) + 1),
    )
    spatial = layers[layers.units > 1]
    measured = "path_step" in data
    figure = Figure((10.5 if measured else 7.0, 3.8), layout="constrained")
    panels = figure.subplots(1, 3 if measured else 2)
    for axes, (label, curves) in zip(panels, CURVES.items(), strict=False):
        _draw_curves(axes, spatial, label, curves)
    if measured:
        _draw_steps(panels[2], data)
    return figure


def _draw_curves(
    axes: Axes, layers: pd.DataFrame, label: str, curves: dict[str, tuple[str, Any]]
) -> None:
    for name, (said, look) in curves.items():
        if name in layers:
            # Kernels of one tap take no step.
            shown = layers[layers[name] > NO_STEP] if look is STEPS else layers
            axes.plot(shown.number, shown[name], label=said, **look)
    axes.set(xlabel="layer", ylabel=label)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def _draw_steps(axes: Axes, data: xr.Dataset) -> None:
    """Each channel and axis: what its own kernels say, and what the images show."""
    momentum = data.own_momentum.values
    step = data.path_step.mean("image").values
    number = data.layer_number.values
    moves = (np.abs(momentum) > NO_STEP).any(axis=1) & np.isfinite(step).all(axis=1)
    spacing = data.layer_spacing.values[number]
    places = spread(list(np.flatnonzero(moves)), MOST_DOTS // 2)
    x, y = (values[places] / spacing[places] for values in (momentum, step))
    colours = shades(data.sizes["layer"])
    axes.scatter(
        x.ravel(),
        y.ravel(),
        s=5,
        c=[colours[layer] for layer in np.repeat(number[places], 2)],
        linewidths=0,
        alpha=0.6,
    )
    axes.axline((0, 0), slope=1, color=THEORY, lw=1, ls=":")
    axes.set(xlabel="momentum of the kernels (units)", ylabel="displacement by them (units)")
    axes.set_title(
        "a dot is an axis of a channel\n(first layers dark, last ones light)", fontsize=9.5
    )
    axes.set_aspect("equal", adjustable="datalim")
