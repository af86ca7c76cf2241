"""Many kernels as one: of a filter, of a layer, of a bank; weighted by energy, and plain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

SHARES = (
    "odd_energy_ratio",
    "isotropic_share",
    "anisotropic_share",
    "low_frequency_share",
    "dc_share",
)
"""What is summarised: by its own name weighted by energy, with ``_mean`` every kernel alike."""

COUNTS = ("slices", "zero_slices", "effective_slices")


def totals(slices: xr.Dataset, groups: NDArray[np.integer], count: int) -> pd.DataFrame:
    """Add up what the members of each group hold.

    Parameters
    ----------
    slices : xarray.Dataset
        Of `mechcore.filters.analysis.analyse`.
    groups : (n,) ndarray of int
        Group of each slice, from 0.
    count : int
        Number of groups; some may have no member.

    Returns
    -------
    pandas.DataFrame
        A row a group.
    """
    energy = slices.energy.values
    alive = energy > 0

    def total(values: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.bincount(groups, np.where(alive, values, 0.0), count).astype(np.float64)

    dc = slices.dct_energy.values[:, 0, 0]
    shares = {name: slices[name].values for name in SHARES if name in slices}
    shares["dc_share"] = np.divide(dc, energy, out=np.zeros_like(energy), where=alive)
    columns = {
        "slices": np.bincount(groups, minlength=count),
        "zero_slices": np.bincount(groups, ~alive, count).astype(int),
        "energy": total(energy),
        "effective_slices": _effective(energy, groups, count),
        "no_negative_tap": total(slices.no_negative_tap.values),
        "momentum_x": total(slices.momentum_x.values),
        "momentum_y": total(slices.momentum_y.values),
        "momentum": total(np.hypot(slices.momentum_x.values, slices.momentum_y.values)),
    }
    for name, share in shares.items():
        columns[f"{name}_energy"] = total(share * energy)
        columns[f"{name}_sum"] = total(share)
    return pd.DataFrame(columns)


def _effective(
    energy: NDArray[np.float64], groups: NDArray[np.integer], count: int
) -> NDArray[np.float64]:
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups, minlength=count))
    members = np.split(energy[order], ends[:-1])
    return np.array([effective_number(one) for one in members])


def effective_number(energy: NDArray[np.float64]) -> float:
    """Return how many kernels of equal energy would weigh as much as some of different energies.

    Parameters
    ----------
    energy : (n,) ndarray
        Energies.

    Returns
    -------
    float
        ``sum(E^2)^2 / sum(E^4)``: n if all are the same, 1 if one holds everything, 0 for none.

    Examples
    --------
    >>> effective_number(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    if not energy.any():
        return 0.0
    # Relative to the largest: squares of energies may leave the range of numbers.
    relative = energy / energy.max()
    return float(relative.sum() ** 2 / np.square(relative).sum())


def summary(added: pd.DataFrame) -> pd.DataFrame:
    """Turn totals into shares.

    Parameters
    ----------
    added : pandas.DataFrame
        Of `totals`.

    Returns
    -------
    pandas.DataFrame
        A row a group: ``slices``, how many of them are zero, and ``effective_slices``, the number
        of kernels of equal energy that would weigh as much (see `mechcore.filters.null`);
        ``energy``; of each of `SHARES` the share weighted by energy and, with ``_mean``, the plain
        mean over kernels that are not zero;
        ``no_negative_tap``, the share of kernels without a negative tap; ``alignment``, the length
        of the mean momentum over the mean length, 1 if all kernels point the same way.

    Examples
    --------
    >>> from mechcore.filters.analysis import analyse
    >>> kernels = analyse([[[1.0, 1.0]], [[-2.0, 2.0]]])
    >>> rows = summary(totals(kernels, np.zeros(2, dtype=int), 1))
    >>> rows[["odd_energy_ratio", "odd_energy_ratio_mean"]].round(3).values.tolist()
    [[0.8, 0.5]]
    """
    alive = (added.slices - added.zero_slices).replace(0, np.nan)
    energy = added.energy.replace(0.0, np.nan)
    length = added.momentum.replace(0.0, np.nan)
    columns = {name: added[name] for name in (*COUNTS, "energy")}
    for name in SHARES:
        columns[name] = added[f"{name}_energy"] / energy
        columns[f"{name}_mean"] = added[f"{name}_sum"] / alive
    columns["no_negative_tap"] = added.no_negative_tap / alive
    columns["alignment"] = np.hypot(added.momentum_x, added.momentum_y) / length
    return pd.DataFrame(columns)


def together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put totals together whose groups have members in one of them only.

    Parameters
    ----------
    parts : sequence of pandas.DataFrame
        Of `totals`, with the same number of rows; those without members are zero.

    Returns
    -------
    pandas.DataFrame
        Their sum, row by row.
    """
    added = parts[0]
    for part in parts[1:]:
        added = added + part
    return added
