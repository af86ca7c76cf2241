"""What `mechcore filters` draws: a network's layers, and its kernels as a cloud in space."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mechcore.filters.bank_file import BankAnalysis
from mechcore.io.arrays import Array
from mechcore.report.figures.panels import Panels, draw_panels, mark
from mechcore.report.figures.style import CONE, plain, shades
from mechcore.report.figures.trained_layers import ONE_PICTURE, shown_layers
from mechcore.report.figures.trained_motion import LABELS, POINT, kernels_of, strongest_of_layers

KERNELS_SHOWN = 400
"""Kernels of all layers together, by energy: more would hide each other."""

AZIMUTH, ELEVATION = np.radians([-60.0, 20.0])
"""Where the cloud is seen from."""

SHADES = shades(101)
"""Colours of layers from the first to the last."""

WIDTHS = (6.6, 2.6)
"""Widths of the bars of a network and of its cloud, in."""


def cloud_of(analysis: BankAnalysis) -> pd.DataFrame:
    """Return the strongest kernels of each layer as points, in units of the layer's largest."""
    kernels = strongest_of_layers(kernels_of(analysis, POINT).dropna(subset=POINT), KERNELS_SHOWN)
    sizes = np.sqrt(kernels.energy.groupby(kernels.number).transform("max"))
    return kernels[["number"]].join(kernels[POINT].div(sizes, axis=0))


def draw_one_picture(layers: pd.DataFrame, clouds: dict[str, pd.DataFrame]) -> Panels:
    """Draw the layers of each bank of a table as bars, and its kernels beside them."""
    ends = {"kernels of the first layer": SHADES[0], "of the last layer": SHADES[-1]}
    legend = [*ONE_PICTURE.legend, *(mark(label, colour=ends[label]) for label in ends)]
    panels = draw_panels(
        [title for name in clouds for title in (plain(name), "strongest kernels")],
        ("", ONE_PICTURE.label),
        legend,
        panel=(sum(WIDTHS) / 2, 2.6),
        columns=2,
        gap=(0.2, 0.7),
        width_ratios=WIDTHS,
    )
    for place, (name, cloud) in enumerate(clouds.items()):
        bars, space = panels.axes[2 * place : 2 * place + 2]
        ONE_PICTURE.draw_layers(bars, shown_layers(layers[layers.bank == name]))
        _draw_cloud(space, cloud)
    return panels


def _draw_cloud(axes: Axes, cloud: pd.DataFrame) -> None:
    for direction, label in zip(np.eye(3), LABELS.values(), strict=True):
        u, v = _seen(np.outer([-1.0, 1.0], direction))
        axes.plot(u, v, color=CONE, lw=0.8, zorder=1)
        axes.annotate(label, (u[1], v[1]), fontsize=7, ha="center", va="bottom")
    numbers, layer = np.unique(cloud.number, return_inverse=True)
    u, v = _seen(cloud[POINT].to_numpy())
    colours = [SHADES[place * 100 // max(len(numbers) - 1, 1)] for place in layer]
    axes.scatter(u, v, s=5, c=colours, lw=0, alpha=0.7, zorder=2, gid="cloud")
    axes.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    axes.axis("off")


def _seen(points: Array) -> tuple[Array, Array]:
    """Points (n, 3) from a place above the plane of a."""
    x, y, z = points.T
    away = np.cos(AZIMUTH) * x + np.sin(AZIMUTH) * y
    return np.cos(AZIMUTH) * y - np.sin(AZIMUTH) * x, np.cos(ELEVATION) * z - np.sin(
        ELEVATION
    ) * away
