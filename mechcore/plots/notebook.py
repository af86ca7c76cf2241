"""Plots for a notebook: a kernel's parts, a run, a run over its light cone, the headline law.

matplotlib is imported when something is drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.analysis.displacement import displacement_along, light_speeds, variance_along
from mechcore.analysis.regressions import horizons, law_predictor, squared, squared_speeds
from mechcore.errors import InvalidValue
from mechcore.io.netcdf import KERNEL_AXES
from mechcore.model.decomposition import decompose
from mechcore.model.theory import theory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THEORY, CONE, SPREAD = "0.15", "0.93", 0.2
"""Greys of the theory and of the light cone, and how opaque the width is."""


def plot_kernel(kernel: object) -> Figure:
    """Draw a kernel and its isotropic, anisotropic and odd part, which add up to it.

    Parameters
    ----------
    kernel : (kh, kw) array_like
        Any kernel.

    Returns
    -------
    matplotlib.figure.Figure
        Four panels of one colour scale, blue below zero and red above, each with its share of the
        energy.
    """
    parts = decompose(kernel)
    panels = {
        "kernel": parts.kernel,
        "isotropic": parts.isotropic,
        "anisotropic": parts.anisotropic,
        "odd": parts.odd,
    }
    largest = float(np.abs(list(panels.values())).max())
    figure, axes = _subplots(1, 4, figsize=(9, 2.6))
    for ax, (name, taps) in zip(axes.flat, panels.items(), strict=True):
        picture = ax.imshow(taps, cmap="RdBu_r", vmin=-largest, vmax=largest)
        share = (np.linalg.norm(taps / largest) / np.linalg.norm(parts.kernel / largest)) ** 2
        ax.set(title=f"{name}, {share:.0%} of the energy", xticks=[], yticks=[])
        ax.title.set_fontsize(9)
    figure.colorbar(picture, ax=axes, label="tap")
    return figure


def plot_run(run: xr.Dataset) -> Figure:
    """Draw centroid, width and gain of one simulation, layer by layer.

    Parameters
    ----------
    run : xarray.Dataset
        One simulation, as `mechcore.propagate` returns it, or one of `Results.trajectories`.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels.
    """
    _check_single(run)
    panels = {
        "centroid (px)": {"x": run.mu_x, "y": run.mu_y},
        "width (px)": {"x": run.sigma_x, "y": run.sigma_y},
        "gain": {"": run.gain},
    }
    figure, axes = _subplots(1, 3, figsize=(9, 2.8))
    for ax, (label, lines) in zip(axes.flat, panels.items(), strict=True):
        for name, values in lines.items():
            ax.plot(run.t, values, label=name)
        ax.set(xlabel="layer t", ylabel=label)
    for ax in axes.flat[:2]:
        ax.legend(frameon=False)
    return figure


def plot_light_cone(run: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the displacement of one simulation over its light cone.

    Parameters
    ----------
    run : xarray.Dataset
        One simulation, as `mechcore.propagate` returns it, or one of `Results.trajectories`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Along the momentum of the kernel: the centroid with its width on both sides, the cone
        abs(x) <= c t that nothing leaves, and the straight line of the exact theory where it holds.
    """
    _check_single(run)
    run = _without_padding(run)
    ax = ax or _subplots(1, 1, figsize=(4.2, 3.4))[1].item()
    layers = run.t.values
    moved, width = displacement_along(run).values, np.sqrt(variance_along(run).values)
    reach = float(light_speeds(run)) * layers
    ax.fill_betweenx(layers, -reach, reach, color=CONE, label="light cone")
    ax.fill_betweenx(layers, moved - width, moved + width, alpha=SPREAD, lw=0, label="± σ")
    ax.plot(moved, layers, label="centroid")
    exact = theory(run.kernel_taps.values, str(np.asarray(run.activation)))
    if exact.exact:
        ax.plot(exact.speed * layers, layers, color=THEORY, ls="--", lw=1, label="exact theory")
    ax.set(xlabel="displacement along the momentum (px)", ylabel="layer t")
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_law(
    mean_speeds: pd.DataFrame,
    kernels: pd.DataFrame,
    layers: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the headline law: (v/c)^2 against the odd share of the energy.

    Parameters
    ----------
    mean_speeds, kernels : pandas.DataFrame
        Points of one family and pattern, and the kernels behind them: `Results.mean_speeds`,
        `Results.kernels`.
    layers : float, optional
        Number of layers of the mean speed, or infinity for the limit; the first that is known by
        default.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        A line for each cell, and the straight line of the paper.
    """
    known = horizons(mean_speeds)
    layers = known[0] if layers is None else layers
    if layers not in known:
        raise InvalidValue("layers", layers, f"one of {', '.join(f'{end:g}' for end in known)}")
    ax = ax or _subplots(1, 1, figsize=(4.6, 3.8))[1].item()
    points = squared_speeds(mean_speeds, kernels)
    for (cell, family), rows in points.groupby(["cell", "kernel"], sort=False):
        ax.plot(
            rows[law_predictor(str(family))], rows[squared(layers)], "o-", ms=3, lw=1, label=cell
        )
    ax.plot([0, 1], [0, 1], color=THEORY, lw=2, zorder=1, label="(v/c)² = ρ, the paper's law")
    over = "in the limit of all layers" if math.isinf(layers) else f"after {layers:g} layers"
    ax.set(xlabel="odd share ρ of the energy", ylabel=f"(v/c)² {over}")
    ax.legend(frameon=False, fontsize=8)
    return ax


def _check_single(run: xr.Dataset) -> None:
    """Refuse what is not one simulation."""
    if not isinstance(run, xr.Dataset) or "mu_x" not in run:
        raise InvalidValue(
            "run",
            run,
            "trajectories, as mechcore.propagate returns them",
            description=f"an object of type {type(run).__name__}",
        )
    several = [str(name) for name in run.mu_x.dims if name != "t"]
    if several:
        choice = ", ".join(f"{name}=0" for name in several)
        raise InvalidValue(
            "run",
            run,
            f"one: run.isel({choice})",
            description=f"a stack of {run.mu_x[..., 0].size} simulations",
        )


def _without_padding(run: xr.Dataset) -> xr.Dataset:
    """A run of `Results.trajectories` with the taps of its own kernel alone."""
    taps = run.kernel_taps
    for axis in KERNEL_AXES:
        taps = taps.dropna(axis, how="all")
    return run.drop_dims(KERNEL_AXES).assign(kernel_taps=taps)


def _subplots(rows: int, columns: int, **settings: Any) -> tuple[Figure, Any]:
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, layout="constrained", squeeze=False, **settings)
