"""Many kernels as one: of a filter, of a layer, of a bank; weighted by energy, and plain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

SHARES = (
    "odd_energy_ratio",
    "isotropic_share",
    "asymmetric_share",
    "anisotropic_share",
    "low_frequency_share",
    "dc_share",
)
"""What is summarised: by its own name weighted by energy, with ``_mean`` every kernel alike."""

MEDIANS = ("low_frequency_share", "odd_energy_ratio", "asymmetric_share")
"""Those of which a layer and a bank also have the median of kernels, with ``_median``."""

KERNEL_COLUMNS = ("energy", *SHARES, "no_negative_tap", "momentum_x", "momentum_y")


def kernel_table(slices: xr.Dataset) -> pd.DataFrame:
    """Return what summaries of kernels need: a row a kernel, columns `KERNEL_COLUMNS`."""
    energy = slices.energy.values
    dc = slices.dct_energy.values[:, 0, 0]
    dc_share = np.divide(dc, energy, out=np.zeros_like(energy), where=energy > 0)
    columns = {
        name: dc_share if name == "dc_share" else slices[name].values for name in KERNEL_COLUMNS
    }
    return pd.DataFrame(columns, copy=False)


def summarise(kernels: pd.DataFrame, groups: NDArray[np.integer], count: int) -> pd.DataFrame:
    """Summarise a table of kernels by group, numbered from 0; some may have no member.

    A row a group: ``slices``, how many of them are zero, and ``effective_slices``, the number of
    kernels of equal energy that would weigh as much (see `mechcore.filters.null`); ``energy``; of
    each of `SHARES` the share weighted by energy and, with ``_mean``, the plain mean over kernels
    that are not zero; ``no_negative_tap``, the share of kernels without a negative tap;
    ``alignment``, the length of the mean momentum over the mean length, 1 if all kernels point the
    same way.
    """
    energy = kernels.energy.to_numpy()
    alive = energy > 0
    all_alive = bool(alive.all())

    def total(values: Any) -> NDArray[np.float64]:
        kept = values if all_alive else np.where(alive, values, 0.0)
        return np.bincount(groups, kept, count).astype(np.float64, copy=False)

    number, energies = _or_nan(total(alive)), _or_nan(total(energy))
    x, y = kernels.momentum_x.to_numpy(), kernels.momentum_y.to_numpy()
    columns = {
        "slices": np.bincount(groups, minlength=count),
        "zero_slices": np.bincount(groups, ~alive, count).astype(int),
        "effective_slices": effective_numbers(energy, groups, count),
        "energy": total(energy),
    }
    for name in SHARES:
        columns[name] = total(kernels[name] * energy) / energies
        columns[f"{name}_mean"] = total(kernels[name]) / number
    columns["no_negative_tap"] = total(kernels.no_negative_tap) / number
    columns["alignment"] = np.hypot(total(x), total(y)) / _or_nan(total(np.hypot(x, y)))
    return pd.DataFrame(columns, copy=False)


def medians(kernels: pd.DataFrame, groups: NDArray[np.integer], count: int) -> pd.DataFrame:
    """Return the medians of `MEDIANS` over kernels that are not zero, a row a group."""
    table = kernels[[*MEDIANS]].groupby(groups).median().reindex(range(count))
    return table.add_suffix("_median")


def _or_nan(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums as divisors: NaN where there is nothing to divide by."""
    return np.where(sums > 0, sums, np.nan)


def effective_numbers(
    energy: NDArray[np.float64], groups: NDArray[np.integer], count: int
) -> NDArray[np.float64]:
    """Return ``sum(E^2)^2 / sum(E^4)`` of each group of kernels.

    It is n for n equal energies, 1 if one kernel holds all, and 0 for none.
    """
    largest = np.zeros(count)
    np.maximum.at(largest, groups, energy)
    # Relative to the largest: squares of energies may leave the range of numbers.
    relative = energy / np.where(largest > 0, largest, 1.0)[groups]
    sums, squares = (np.bincount(groups, values, count) for values in (relative, relative**2))
    return sums**2 / np.where(squares > 0, squares, 1.0)
