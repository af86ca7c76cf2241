"""What a trajectory file contains: variables, units and attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.trajectories import ILL_CONDITIONED, QUANTITIES, Trajectories
from mechcore.io.arrays import Array
from mechcore.io.hashes import settings_sha256
from mechcore.io.netcdf import CELL, KERNEL_AXES, Contents, Variable, description, file_attributes
from mechcore.io.provenance import provenance
from mechcore.model.decomposition import betas_of
from mechcore.model.geometry import centred_coordinates

if TYPE_CHECKING:
    from mechcore.engines.rule import LayerRule
    from mechcore.experiment.cell import Cell

LABEL_DIGITS = 8
"""Digits of the hash in the label of a cell."""

ATTRIBUTES: dict[str, tuple[str, str]] = {
    "t": ("layer", "1"),
    "pattern": ("test pattern at layer 0", "1"),
    "angle": (
        "direction of the first moment of the odd part, from +x (right) to +y (down)",
        "degree",
    ),
    "beta": ("mixing ratio of the odd and the even part, as it was asked for", "1"),
    "measured_beta": (
        "root of the odd share of the kernel's energy, p / E, measured on the kernel",
        "1",
    ),
    "cell": ("cell of the grid: kernel, activation, size, and a hash of all its settings", "1"),
    "kernel": ("family of the kernel, or its number in a stack", "1"),
    "activation": ("activation", "1"),
    "size": ("size k of the kernel, px", "1"),
    "boundary": ("boundary of the domain", "1"),
    "normalise": ("norm that each layer keeps", "1"),
    "density": ("mass density", "1"),
    "engine": ("engine that computed it", "1"),
    "steps": ("number of layers", "1"),
    "seed": ("seed of random kernels", "1"),
    "mass": ("sum of the mass density after normalisation", "1"),
    "mu_x": ("centroid, to the right, px", "1"),
    "mu_y": ("centroid, downwards, px", "1"),
    "sigma_x": ("standard deviation along x, px", "1"),
    "sigma_y": ("standard deviation along y, px", "1"),
    "cov_xy": ("covariance of x and y, px^2", "1"),
    "gain": ("norm before normalisation", "1"),
    "excess_kurtosis_x": ("excess kurtosis of the marginal along x, 0 for a Gaussian", "1"),
    "excess_kurtosis_y": ("excess kurtosis of the marginal along y, 0 for a Gaussian", "1"),
    "peak": ("largest size of the state before normalisation", "1"),
    "extinct_at": ("layer at which the state became all zero", "1"),
    "diverged_at": ("layer at which the state left the range of floating-point numbers", "1"),
    "edge_at": ("first layer at which something may have crossed the edge of the domain", "1"),
    "region": ("what is measured: the image, or its central row", "1"),
    "odd_energy_ratio": ("odd share of the kernel's energy, rho = p^2 / E^2", "1"),
    "beta_star": ("largest beta without a negative tap", "1"),
    "rounding_sensitivity": (
        "largest relative change of the record when taps change by one unit in the last place",
        "1",
    ),
    "centroid_sensitivity": (
        "largest change of the centroid when taps change by one unit in the last place, px",
        "1",
    ),
    "ill_conditioned": (f"whether rounding_sensitivity exceeds {ILL_CONDITIONED}", "1"),
    "kernel_taps": ("kernel, in the convolution convention", "1"),
    "kernel_x": ("coordinate of the taps, to the right, px", "1"),
    "kernel_y": ("coordinate of the taps, downwards, px", "1"),
    "snapshot": ("state in a window", "1"),
    "snapshot_t": ("layer of the snapshot", "1"),
    "snapshot_x": ("coordinate of the first column of the window, px", "1"),
    "snapshot_y": ("coordinate of the first row of the window, px", "1"),
}
"""Long name and unit of every variable and coordinate of trajectories."""


SUMMARY = (
    "Mass, centroid and width of test patterns after every layer of a convolution and an activation"
)


def trajectories_contents(
    outcome: Trajectories,
    *,
    sensitivity: Array,
    kernels: Array,
    beta_stars: Array,
    rule: LayerRule,
    coordinates: Mapping[str, NDArray[np.generic]],
    window_starts: Array,
    edge_at: Array,
    regions: NDArray[np.generic],
    attributes: Mapping[str, object],
    labels: Mapping[str, object] | None = None,
    betas: Array | None = None,
) -> Contents:
    """Assemble simulations on a grid of coordinates in the project's format, see `ATTRIBUTES`.

    The coordinates are the leading dimensions of all arrays in their order; ``pattern`` is the
    first if there are several. Kernels and their beta* are the same for all patterns;
    ``sensitivity``, (..., 2), is that of the record and that of the centroid (px);
    ``window_starts``, (..., m, 2), ``edge_at`` and ``regions`` belong to the patterns alone.
    ``attributes`` are global; ``labels`` are scalar coordinates; ``betas`` are measured ones.
    """
    lead = tuple(coordinates)
    kernel_lead = tuple(name for name in lead if name != "pattern")
    pattern_lead = tuple(name for name in lead if name == "pattern")
    variables: dict[str, tuple[tuple[str, ...], NDArray[np.generic]]] = {
        name: ((*lead, "t"), outcome.record[..., index]) for index, name in enumerate(QUANTITIES)
    }
    variables |= {
        "extinct_at": (lead, outcome.extinct_at),
        "diverged_at": (lead, outcome.diverged_at),
        "edge_at": (pattern_lead, edge_at),
        "rounding_sensitivity": (lead, sensitivity[..., 0]),
        "centroid_sensitivity": (lead, sensitivity[..., 1]),
        "ill_conditioned": (lead, np.asarray(sensitivity[..., 0] > ILL_CONDITIONED)),
        "odd_energy_ratio": (kernel_lead, np.round(betas_of(kernels) ** 2, 12)),
        "beta_star": (kernel_lead, beta_stars),
        "kernel_taps": ((*kernel_lead, *KERNEL_AXES), kernels),
    }
    axes: dict[str, tuple[tuple[str, ...], NDArray[np.generic]]] = {
        **{name: ((name,), values) for name, values in coordinates.items()},
        "region": (pattern_lead, regions),
        "t": (("t",), np.arange(rule.steps + 1)),
        **{
            name: ((name,), centred_coordinates(size))
            for name, size in zip(KERNEL_AXES, kernels.shape[-2:], strict=True)
        },
        **{name: ((), np.array(value)) for name, value in (labels or {}).items()},
    }
    if betas is not None:
        axes["measured_beta"] = (("beta",), betas)
    if rule.snapshot_layers:
        window = (*pattern_lead, "snapshot_t")
        variables |= {
            "snapshot": ((*lead, "snapshot_t", "y", "x"), outcome.snapshots.astype(np.float32)),
            "snapshot_x": (window, window_starts[..., 0]),
            "snapshot_y": (window, window_starts[..., 1]),
        }
        axes["snapshot_t"] = (("snapshot_t",), np.array(rule.snapshot_layers))
    return Contents(
        {
            name: Variable(dims, np.asarray(values), description(name, ATTRIBUTES))
            for name, (dims, values) in {**variables, **axes}.items()
        },
        [*axes],
        file_attributes("Trajectories of convolution kernels", SUMMARY) | dict(attributes),
    )


def cell_attributes(cell: Cell) -> dict[str, object]:
    """Return the global attributes that identify a cell."""
    return {
        **identity(cell.id, cell.to_mapping()),
        "title": f"Trajectories of {cell.id}",
        "kernel": cell.kernel,
        "size": cell.size,
    }


def cell_labels(cell: Cell) -> dict[str, str | int]:
    """Return the scalar coordinates that say which cell a file holds.

    Cells of several experiments have equal ids. Where `xarray` joins files it keeps one of those
    with equal labels, so a label covers all settings.
    """
    names = ("kernel", "activation", "size")
    label = f"{cell.id}-{settings_sha256(cell.to_mapping())[:LABEL_DIGITS]}"
    return {CELL: label} | {name: getattr(cell, name) for name in names} | cell.axes


def identity(name: str, parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters and the provenance as global attributes."""
    return {
        "cell_id": name,
        "cell": json.dumps(parameters, separators=(",", ":")),
        **provenance("simulation", parameters),
    }
