"""Trained kernels under the engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.experiment.banks import FilterRun
from mechcore.filters.bank import Bank
from mechcore.filters.bank_file import PLACE, origin_of, slices_by_shape
from mechcore.filters.variables import described
from mechcore.io.netcdf import ROOT, with_attributes
from mechcore.io.provenance import provenance
from mechcore.simulation.run import propagate

OF_KERNELS = ("kernel_taps", "odd_energy_ratio", "beta_star")
"""Variables that are the same under every activation and on every pattern."""


def simulate_bank(bank: Bank, settings: FilterRun) -> dict[str, xr.Dataset]:
    """Send patterns through layers of the kernels of a bank that hold the most energy."""
    root = with_attributes(xr.Dataset(), f"Trajectories of kernels of {bank.name}")
    groups = {
        ROOT: root.assign_attrs(
            origin_of(bank),
            settings=settings.to_json(),
            **provenance("filters", settings.to_mapping()),
        )
    }
    chosen = strongest_by_shape(slices_by_shape(bank), settings)
    runs = {name: runs_of_shape(slices, settings) for name, slices in chosen.items()}
    return groups | {name: described(run) for name, run in runs.items()}


def strongest_by_shape(
    shapes: Mapping[str, xr.Dataset], settings: FilterRun
) -> dict[str, xr.Dataset]:
    """Return the kernels of a bank that run.

    Examples
    --------
    >>> slices = xr.Dataset({"energy": ("slice", [1.0, 3.0])}, {"layer": ("slice", [0, 0])})
    >>> settings = FilterRun(activations=["relu"], slices_per_layer=1)
    >>> strongest_by_shape({"k3x3": slices}, settings)["k3x3"].energy.values.tolist()
    [3.0]
    """
    chosen = {
        name: slices.isel(slice=strongest(slices, settings.slices_per_layer))
        for name, slices in shapes.items()
    }
    return {name: slices for name, slices in chosen.items() if slices.sizes["slice"]}


def strongest(slices: xr.Dataset, most: int) -> NDArray[np.intp]:
    """Return which kernels of each layer hold the most energy.

    Examples
    --------
    >>> slices = xr.Dataset({"energy": ("slice", [1.0, 3.0, 0.0, 2.0])},
    ...                     {"layer": ("slice", [0, 0, 1, 0])})
    >>> strongest(slices, 2).tolist()
    [1, 3]
    """
    energy, layer = slices.energy.values, slices.layer.values
    order = np.lexsort((-energy, layer))
    first = np.searchsorted(layer[order], layer[order], side="left")
    chosen = order[(np.arange(len(order)) - first < most) & (energy[order] > 0)]
    return np.sort(chosen)


def runs_of_shape(slices: xr.Dataset, settings: FilterRun) -> xr.Dataset:
    """Run kernels of one shape under all activations, on all patterns."""
    runs = [
        [
            run_kernels(slices, activation, number, settings)
            for number in range(len(settings.patterns))
        ]
        for activation in settings.activations
    ]
    first = runs[0][0]
    variables = {
        str(name): (
            (*_lead(name), *first[name].dims),
            first[name].values
            if name in OF_KERNELS
            else np.array([[run[name].values for run in row] for row in runs]),
        )
        for name in first.data_vars
    }
    axes = {
        "activation": np.array(settings.activations, dtype=object),
        "pattern": np.array([pattern.label for pattern in settings.patterns], dtype=object),
        "t": first.t.values,
    }
    joined = xr.Dataset(variables, axes).rename(kernel="slice")
    joined.attrs = {name: first.attrs[name] for name in ("t_burn", "boundary", "density")}
    return joined.assign_coords({name: ("slice", slices[name].values) for name in PLACE})


def _lead(name: object) -> tuple[str, ...]:
    return () if name in OF_KERNELS else ("activation", "pattern")


def run_kernels(
    slices: xr.Dataset, activation: str, number: int, settings: FilterRun
) -> xr.Dataset:
    """Run kernels of one shape under one activation, on one pattern.

    Examples
    --------
    >>> slices = xr.Dataset({"taps": (("slice", "y", "x"), np.ones((2, 3, 3)))})
    >>> settings = FilterRun(activations=["relu"], slices_per_layer=2, steps=4)
    >>> run_kernels(slices, "relu", 0, settings).sizes["kernel"]
    2
    """
    return propagate(
        slices.taps.values,
        activation,
        settings.patterns[number].image(),
        settings.steps,
        normalise=settings.normalise,
        boundary=settings.boundary,
        domain=settings.domain,
        density=settings.density,
        t_burn=settings.t_burn,
        engine=settings.engine,
    )
