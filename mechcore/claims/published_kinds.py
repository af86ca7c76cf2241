"""How each kind of published number is computed here: a table of functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.experiment.cell import Cell
from mechcore.experiment.published import POINTS_FILE, SHARES_FILE, Protocol
from mechcore.filters.asymmetry import covariance_axes, type_shares
from mechcore.filters.null import null_law, null_share
from mechcore.io.arrays import Array
from mechcore.io.json_models import validated
from mechcore.model.dct_groups import dct_bases, dct_groups
from mechcore.model.decomposition import isotropic_part, parities
from mechcore.model.geometry import PLACEMENTS, light_speed, unit_vector
from mechcore.simulation.run import simulate

TYPES = {
    "fraction_sym": "symmetric",
    "fraction_anti": "antisymmetric",
    "fraction_mixed": "mixed",
}
"""Quantities that count kernels of a type."""

DCT_ORDER = [component for group in dct_groups(3).values() for component in group]
"""Components (v, u) in the order of the authors' bars."""

Numbers = list[float] | Array


@dataclass(frozen=True)
class Asked:
    """Published numbers that were made in one way."""

    rows: pd.DataFrame
    siblings: pd.DataFrame
    """All numbers that were made in this way; the rows are among them."""
    protocol: Protocol
    folder: Path

    def simulated(self, **axes: object) -> xr.Dataset:
        """The run of the protocol with the mixing ratios or angles of its numbers."""
        return simulate(self._cell(**axes), neighbours=False).isel(pattern=0)

    def widest(self) -> int:
        """The side of a window that holds the last state, px."""
        cell = self._cell(betas=[0.0])
        side = max(cell.patterns[0].shape) + cell.steps * (cell.size - 1)
        return side + 1 - side % 2

    def _cell(self, **axes: object) -> Cell:
        return validated(Cell, {**(self.protocol.cell or {}), **axes}, self.protocol.figures[0])


def _snapshots(asked: Asked) -> list[float]:
    """Centroids, widths and brightest pixels at some layers."""
    rows = asked.rows
    ratios = rows.beta2.fillna(0.0)
    order = sorted(set(ratios))
    layers = sorted(set(rows.t[rows.quantity == "argmax_x"].astype(int)))
    snapshots = {"layers": layers, "window": asked.widest()}
    run = asked.simulated(odd_energy_ratios=order, snapshots=snapshots).isel(angle=0)
    corner = PLACEMENTS[run.attrs["placement"]][0] if run.attrs["size"] % 2 == 0 else 0.0

    def value(quantity: str, ratio: float, layer: int) -> float:
        state = run.isel(beta=order.index(ratio))
        if quantity != "argmax_x":
            return float(state[quantity].sel(t=layer))
        snapshot = state.sel(snapshot_t=layer)
        # The row that is measured: the central one, or the lower of two.
        row = snapshot.snapshot.values[math.ceil(-float(snapshot.snapshot_y))]
        return float(snapshot.snapshot_x + row.argmax()) + corner * (layer % 2)

    return [value(*item) for item in zip(rows.quantity, ratios, rows.t.astype(int), strict=True)]


def _squared_speeds(asked: Asked) -> Array:
    """Squares of the end-point speed over the largest one, against beta^2; theory is y = x."""
    rows = asked.rows
    ours = rows.x.to_numpy(float).copy()
    for name in set(rows.quantity) - {"theory"}:
        curve = (rows.quantity == name).to_numpy()
        size, ratios = int(name.removeprefix("k=")), [float(x) for x in rows.x[curve].round(6)]
        run = asked.simulated(odd_energy_ratios=ratios, size=size).isel(angle=0)
        steps = run.sizes["t"] - 1
        moved = (run.mu_x.isel(t=-1) - run.mu_x.isel(t=0)).values
        ours[curve] = (moved / steps / light_speed(size, 0.0)) ** 2
    return ours


def _orientations(asked: Asked) -> list[float]:
    """Norms of a pattern after one and two layers, whose second kernel turns."""
    rows = asked.rows
    # Half a turn and its opposite are the same angle.
    degrees = (np.degrees(rows.x).round(6) + 180.0) % 360.0 - 180.0
    angles = sorted(set(degrees.dropna())) or [0.0]
    run = asked.simulated(angles=angles).isel(beta=0)
    gain = run.gain.values
    ratio = dict(zip(angles, gain[:, 2], strict=True))
    fixed = {"norm_I0": gain[0, 0], "norm_I1": gain[0, 0] * gain[0, 1]}

    def value(quantity: str, angle: float) -> float:
        if quantity in fixed:
            return float(fixed[quantity])
        return float(ratio[angle] * (fixed["norm_I1"] if quantity == "printed norm I2" else 1.0))

    return [value(*item) for item in zip(rows.quantity, degrees, strict=True)]


def _asymmetry_density(asked: Asked) -> Array:
    """The distribution of the asymmetric share of the energy of n x n normal deviates."""
    rows = asked.rows
    sizes = rows.figure.str.extract(r"N=(\d+)")[0].astype(int)
    laws = {n: null_law("asymmetric_share", n, n) for n in set(sizes)}
    return np.array([laws[n].pdf(x) for n, x in zip(sizes, rows.x, strict=True)])


def _asymmetry_mean(asked: Asked) -> list[float]:
    rows = asked.rows
    sizes = rows["size"].str.extract(r"(\d+)x")[0].astype(int)
    return [null_share("asymmetric_share", n, n) for n in sizes]


@cache
def _random_kernels() -> tuple[Array, Array]:
    """Asymmetric shares and energies of as many filters and channels as the authors drew."""
    filters, channels = 512, 512
    kernels = np.random.default_rng(0).uniform(-1.0, 1.0, (filters, channels, 3, 3))
    energies = np.sum(kernels**2, axis=(-2, -1))
    symmetric = np.sum(isotropic_part(parities(kernels)[0]) ** 2, axis=(-2, -1))
    return 1.0 - symmetric / energies, energies


def _random_kernel_types(asked: Asked) -> list[float]:
    types = type_shares(_random_kernels()[0].ravel())
    return [types[TYPES[quantity]] for quantity in asked.rows.quantity]


def _strongest_kernel_types(asked: Asked) -> list[float]:
    """Types of the tenth of the channels of a random filter with most energy; NaN for layers."""
    shares, energies = _random_kernels()
    strongest = np.argsort(energies, axis=1)[:, -(energies.shape[1] // 10) :]
    types = type_shares(np.take_along_axis(shares, strongest, axis=1).ravel())
    keys = zip(asked.rows.quantity.map(TYPES), asked.rows.pattern, strict=True)
    return [types[name] if "random" in pattern else np.nan for name, pattern in keys]


def _printed_kernel_types(asked: Asked) -> list[float]:
    """Types of the kernels of ResNet-50 whose asymmetric shares are printed, layer by layer."""
    rows = asked.rows
    printed = pd.read_csv(asked.folder / SHARES_FILE)
    layers = printed.groupby("conv3x3_layer_index").beta2
    types = {layer: type_shares(values.to_numpy()) for layer, values in layers}
    keys = zip(rows.t.astype(int), rows.quantity.map(TYPES), strict=True)
    return [types[layer][name] for layer, name in keys]


def _printed_covariances(asked: Asked) -> list[float]:
    """Covariances of the antisymmetric parts of a filter's channels whose coordinates are printed.

    Filters are known by their rank; those without coordinates are NaN.
    """
    rows = asked.rows
    printed = pd.read_csv(asked.folder / POINTS_FILE)
    groups = printed.groupby(["conv_layer_index_incl_7x7", "filter_rank"])
    points = printed.x.to_numpy(), printed.y.to_numpy()
    table = covariance_axes(*points, groups.ngroup().to_numpy(), groups.ngroups)
    axes = dict(zip(groups.groups, table.to_dict("records"), strict=True))
    filters = asked.siblings.groupby("t").pattern
    ranks = filters.transform(lambda names: pd.factorize(names)[0])[rows.index]

    names = {"cov_eig_min": "covariance_minor", "cov_eig_max": "covariance_major"}

    def value(quantity: str, key: tuple[int, int], published: float) -> float:
        if key not in axes:
            return np.nan
        if quantity in names:
            return float(axes[key][names[quantity]])
        component = unit_vector(axes[key]["covariance_angle"])["xy".index(quantity[-1])]
        # An axis has no sense.
        return float(np.copysign(component, published))

    keys = zip(rows.t.astype(int), ranks.astype(int), strict=True)
    return [value(*item) for item in zip(rows.quantity, keys, rows.published, strict=True)]


def _random_energies(asked: Asked) -> Array:
    """Each DCT component of kernels without preference holds a ninth of the energy."""
    rows, pattern = asked.rows, asked.rows.pattern.fillna("")
    pair = pattern.str.contains("+", regex=False)
    places = {f"{v}{u}": place for place, (v, u) in enumerate(DCT_ORDER)}
    last = pattern.str.extract(r"D(\d\d)$")[0].map(places).fillna(rows.x).mask(pair, 2)
    summed = (rows.quantity == "cumulative") | pair
    shares: Array = np.where(summed, last + 1, 1) / len(DCT_ORDER)
    return shares


def _random_split_energies(asked: Asked) -> Array:
    """The same of the symmetric and the antisymmetric part; NaN for trained layers."""
    rows = asked.rows
    bases = np.array([dct_bases(3)[component] for component in DCT_ORDER])
    kept = np.sum(isotropic_part(parities(bases)[0]) * bases, axis=(-2, -1))
    parts = {"Random/sym": kept, "Random/anti": 1.0 - kept}
    values = [
        parts[name][int(x)] / len(DCT_ORDER) if name in parts else np.nan
        for name, x in zip(rows.quantity, rows.x, strict=True)
    ]
    return np.array(values)


KINDS: dict[str, Callable[[Asked], Numbers]] = {
    "snapshots": _snapshots,
    "squared_speeds": _squared_speeds,
    "orientations": _orientations,
    "asymmetry_density": _asymmetry_density,
    "asymmetry_mean": _asymmetry_mean,
    "random_kernel_types": _random_kernel_types,
    "strongest_kernel_types": _strongest_kernel_types,
    "printed_kernel_types": _printed_kernel_types,
    "printed_covariances": _printed_covariances,
    "random_energies": _random_energies,
    "random_split_energies": _random_split_energies,
}
"""How the numbers of a protocol are read off. A new kind is one entry."""
