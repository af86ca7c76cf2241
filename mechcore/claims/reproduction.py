"""Published numbers of the paper beside ours."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.errors import MechcoreError, choose, one_line
from mechcore.experiment.cell import Cell
from mechcore.experiment.published import (
    CURVES_FILE,
    NUMBERS_FILE,
    POINTS_FILE,
    REPRODUCTION_COLUMNS,
    SHARES_FILE,
    Protocol,
    read_protocols,
)
from mechcore.filters.asymmetry import covariance_axes, type_shares
from mechcore.filters.null import null_law, null_share
from mechcore.io.arrays import Array
from mechcore.io.json_models import validated
from mechcore.model.decomposition import isotropic_part, parities
from mechcore.model.geometry import PLACEMENTS, light_speed, unit_vector
from mechcore.model.kernels import dct_basis
from mechcore.simulation.run import simulate

NUMBERS_COLUMNS = (
    *("figure_file", "quantity", "value", "decimals", "kernel", "size", "beta2", "t", "pattern"),
)
CURVES_COLUMNS = ("figure_file", "curve", "x", "y")

OPTIONS = ("--figure", "--quantity", "--at")
"""Options of the command that computes one number again."""

CURVE_PRECISION = 1e-6
"""Of points that are drawn in a vector graphic."""

WHICH_PIXEL = 0.25
"""px. Half of the distance to the next pixel would let an even kernel's half pixel pass."""

SINGLE_PRECISION = 2.0**-23
"""The authors compute and print numbers of 24 bits."""

TYPES = {
    "fraction_sym": "symmetric",
    "fraction_anti": "antisymmetric",
    "fraction_mixed": "mixed",
}
"""Quantities that count kernels of a type."""

DCT_ORDER = ("00", "01", "10", "11", "02", "20", "12", "21", "22")
"""Components (row, column) in the order of the authors' bars."""


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


def reproduce(folder: Path, figure: str = "", quantity: str = "", at: str = "") -> pd.DataFrame:
    """Compute the published numbers of a folder that need neither weights nor ImageNet.

    Parameters
    ----------
    folder : Path
        Numbers, curves and protocols.
    figure, quantity, at : str, optional
        Names of figures and quantities, and what identifies a number, or their beginnings; all by
        default.

    Returns
    -------
    pandas.DataFrame
        One row a number, columns `mechcore.experiment.published.REPRODUCTION_COLUMNS`.
    """
    protocols, published = read_protocols(folder), published_numbers(folder)
    asked = published
    for column, text in (("figure", figure), ("quantity", quantity), ("at", at)):
        asked = _named(asked, column, text)
    tables = []
    for protocol in protocols:
        siblings = published[published.figure.str.startswith(tuple(protocol.figures))]
        rows = siblings[siblings.index.isin(asked.index)]
        if len(rows):
            read_off = choose(KINDS, "kind", protocol.kind)
            ours = _computed(read_off, Asked(rows, siblings, protocol, folder))
            rows = rows.assign(title=protocol.title, kind=protocol.kind, ours=ours)
            tables.append(_compared(rows, protocol))
    columns = list(REPRODUCTION_COLUMNS)
    table = pd.concat(tables) if tables else pd.DataFrame(columns=columns)
    table["command"] = [
        _command(row) for row in zip(table.figure, table.quantity, table["at"], strict=True)
    ]
    return table[columns].reset_index(drop=True)


def _computed(
    read_off: Callable[[Asked], list[float] | Array], asked: Asked
) -> list[float] | Array:
    try:
        return read_off(asked)
    except (KeyError, ValueError, IndexError) as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        title = asked.protocol.title
        message = f"{asked.folder}: {title}: a number cannot be computed ({reason})"
        raise MechcoreError(message) from error


def _columns(path: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """A table with some columns, or a refusal."""
    table = pd.read_csv(path)
    missing = [name for name in names if name not in table]
    if missing:
        raise MechcoreError(f"{path}: no column {', '.join(missing)}")
    return table


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each title of a reproduction: how many numbers there are, and agree.

    ``beyond`` are those that agree within the tolerance of the note, but not to the precision of
    print, and ``worst`` is the largest difference as a share of what is allowed.
    """
    rows = table.assign(
        beyond=table.within & (table.note != ""),
        worst=table.difference.abs() / table.tolerance,
    )
    return rows.groupby("title", sort=False, as_index=False).agg(
        numbers=("within", "size"),
        agree=("within", "sum"),
        beyond=("beyond", "sum"),
        worst=("worst", "max"),
        note=("note", "max"),
    )


def _named(table: pd.DataFrame, column: str, text: str) -> pd.DataFrame:
    """The rows of a name, or else of those that begin so; all begin with nothing."""
    exact = table[table[column] == text]
    return exact if text and len(exact) else table[table[column].str.startswith(text)]


def _command(row: tuple[str, str, str]) -> str:
    words = [word for pair in zip(OPTIONS, row, strict=True) for word in pair]
    return f"mechcore reproduce {shlex.join(words)}"


def published_numbers(folder: Path) -> pd.DataFrame:
    """Return numbers and points of curves with the precision to which they are known."""
    numbers = _columns(folder / NUMBERS_FILE, NUMBERS_COLUMNS).rename(
        columns={"figure_file": "figure", "value": "published"}
    )
    precision = np.maximum(
        0.5 * 10.0**-numbers.decimals, SINGLE_PRECISION * numbers.published.abs()
    )
    # A pixel is the right one or another.
    precision = np.where(numbers.quantity == "argmax_x", WHICH_PIXEL, precision)
    names = {"beta2": "beta^2 = ", "t": "t = ", "pattern": ""}
    columns = [
        numbers[name].map(
            lambda v, p=p: f"{p}{v:g}" if isinstance(v, float) else f"{p}{v}", na_action="ignore"
        )
        for name, p in names.items()
    ]
    rows = zip(*columns, strict=True)
    at = [", ".join(part for part in row if isinstance(part, str)) for row in rows]
    curves = _columns(folder / CURVES_FILE, CURVES_COLUMNS).rename(
        columns={"figure_file": "figure", "curve": "quantity", "y": "published"}
    )
    drawn = CURVE_PRECISION * np.maximum(1.0, curves.published.abs())
    return pd.concat(
        [
            numbers.assign(tolerance=precision, at=at, x=numbers.t),
            curves.assign(tolerance=drawn, at=curves.x.map("x = {:.6g}".format)),
        ],
        ignore_index=True,
    )


def _compared(rows: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Rows with a number of ours, how far it is off, and whether that is within the precision."""
    rows = rows[rows.ours.notna()]
    tolerance = rows.tolerance
    if protocol.tolerance is not None:
        scale = rows.published.abs() if protocol.relative else 1.0
        tolerance = tolerance.clip(lower=protocol.tolerance * scale)
    difference = rows.ours - rows.published
    # Halves of the last digit, in binary numbers.
    within = difference.abs() <= tolerance * (1 + 1e-6)
    note = np.where(difference.abs() > rows.tolerance, protocol.reason, "")
    return rows.assign(difference=difference, tolerance=tolerance, within=within, note=note)


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


def _components(rows: pd.DataFrame) -> NDArray[np.integer]:
    """Positions in `DCT_ORDER` of the last component that each row counts."""
    named = rows.pattern.fillna("").str.extract(r"D(\d\d)$")[0]
    positions = named.map({name: i for i, name in enumerate(DCT_ORDER)})
    return positions.where(positions.notna(), rows.x).to_numpy(int)


def _random_energies(asked: Asked) -> Array:
    """Each DCT component of kernels without preference holds a ninth of the energy."""
    rows = asked.rows
    summed = (rows.quantity == "cumulative") | rows.pattern.fillna("").str.contains(
        "+", regex=False
    )
    counts = np.where(rows.pattern.fillna("").str.contains("+", regex=False), 2, _components(rows))
    shares: Array = np.where(summed, counts + 1, 1) / len(DCT_ORDER)
    return shares


def _random_split_energies(asked: Asked) -> Array:
    """The same of the symmetric and the antisymmetric part; NaN for trained layers."""
    rows = asked.rows
    bases = [np.outer(dct_basis(3, int(name[0])), dct_basis(3, int(name[1]))) for name in DCT_ORDER]
    kept = np.array([np.sum(isotropic_part(parities(basis)[0]) * basis) for basis in bases])
    parts = {"Random/sym": kept, "Random/anti": 1.0 - kept}
    values = [
        parts[name][int(x)] / len(DCT_ORDER) if name in parts else np.nan
        for name, x in zip(rows.quantity, rows.x, strict=True)
    ]
    return np.array(values)


KINDS: dict[str, Callable[[Asked], list[float] | Array]] = {
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
