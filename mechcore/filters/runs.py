"""Trained kernels under the engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.experiment.banks import FilterRun
from mechcore.filters.bank import Bank
from mechcore.filters.bank_file import SLICE_COORDINATES, slices_by_shape
from mechcore.filters.variables import BANK_VARIABLES
from mechcore.io.netcdf import ROOT, describe, file_attributes
from mechcore.io.provenance import provenance
from mechcore.simulation.dataset import SUMMARY
from mechcore.simulation.run import propagate

SHARED = ("kernel_taps", "odd_energy_ratio", "beta_star")
"""Variables that are the same under every activation and on every pattern."""

ATTRIBUTES = ("t_burn", "boundary", "density", "schedule")
"""Settings that measurements read."""


def simulate_bank(bank: Bank, settings: FilterRun) -> dict[str, xr.Dataset]:
    """Send patterns through layers of the kernels of a bank that hold the most energy.

    Returns the groups of a file: attributes under `ROOT`, trajectories by the shape of the kernels,
    with the dimensions ``activation, pattern, slice, t``.
    """
    title = f"Trajectories of kernels of {bank.name}"
    root = xr.Dataset(attrs=file_attributes(title, SUMMARY))
    made_from = provenance("filters", settings.to_mapping())
    groups = {ROOT: root.assign_attrs(bank.origin, settings=settings.to_json(), **made_from)}
    for name, slices in strongest_kernels(slices_by_shape(bank), settings).items():
        groups[name] = describe(_simulate_shape(slices, settings), BANK_VARIABLES)
    return groups


def strongest_kernels(
    shapes: Mapping[str, xr.Dataset], settings: FilterRun
) -> dict[str, xr.Dataset]:
    """Return the kernels of a bank that run, by shape."""
    chosen = {
        name: slices.isel(slice=strongest(slices, settings.slices_per_layer))
        for name, slices in shapes.items()
    }
    return {name: slices for name, slices in chosen.items() if slices.sizes["slice"]}


def strongest(slices: xr.Dataset, most: int) -> NDArray[np.intp]:
    """Return the positions of the kernels of each layer that hold the most energy."""
    energy, layer = slices.energy.values, slices.layer.values
    order = np.lexsort((-energy, layer))
    first = np.searchsorted(layer[order], layer[order], side="left")
    chosen = order[(np.arange(len(order)) - first < most) & (energy[order] > 0)]
    return np.sort(chosen)


def _simulate_shape(slices: xr.Dataset, settings: FilterRun) -> xr.Dataset:
    """Run kernels of one shape under all activations, on all patterns."""
    runs = [
        [run_kernels(slices, activation, number, settings) for activation in settings.activations]
        for number in range(len(settings.patterns))
    ]
    shared, attributes = runs[0][0][[*SHARED]], runs[0][0].attrs
    varying = [[run.drop_vars([*SHARED, "region"]) for run in row] for row in runs]
    # The last of the new dimensions becomes the first.
    joined = xr.combine_nested(varying, ["pattern", "activation"]).merge(shared)
    joined.attrs = {name: attributes[name] for name in ATTRIBUTES}
    labels = [pattern.label for pattern in settings.patterns]
    return (
        joined.drop_vars("kernel")
        .rename(kernel="slice")
        .assign_coords(
            {
                "activation": np.array(settings.activations, dtype=object),
                "pattern": np.array(labels, dtype=object),
                "region": ("pattern", np.array(settings.regions, dtype=object)),
                **{name: ("slice", slices[name].values) for name in SLICE_COORDINATES},
            }
        )
    )


def run_kernels(
    slices: xr.Dataset, activation: str, number: int, settings: FilterRun
) -> xr.Dataset:
    """Run kernels of one shape under one activation, on one pattern."""
    return propagate(
        slices.taps.values,
        activation,
        settings.patterns[number].image(),
        settings.steps,
        normalise=settings.normalise,
        boundary=settings.boundary,
        domain=settings.domain,
        density=settings.density,
        region=settings.regions[number],
        placement=settings.placement,
        t_burn=settings.t_burn,
        engine=settings.engine,
    )
