"""The netCDF format: names, units and attributes. No other module opens a netCDF file."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.decomposition import decompose
from mechcore.drafts import replace_file
from mechcore.errors import MechcoreError
from mechcore.made_by import made_by
from mechcore.records import ILL_CONDITIONED, QUANTITIES, Trajectories
from mechcore.version import __version__

if TYPE_CHECKING:
    import netCDF4

    from mechcore.cells import Cell
    from mechcore.engines import LayerRule

FORMAT_VERSION = 1
"""Raised when a reader of the old format would misread the new one."""

REFERENCE = (
    "L. Frija-Altarac and M. Toews, The Mechanics of CNN Filtering with Rectification,"
    " arXiv:2512.24338"
)

ATTRIBUTES: dict[str, tuple[str, str]] = {
    "t": ("layer", "1"),
    "pattern": ("test pattern at layer 0", "1"),
    "angle": (
        "direction of the first moment of the odd part, from +x (right) to +y (down)",
        "degree",
    ),
    "beta": ("root of the odd share of the kernel's energy, p / E, measured on the kernel", "1"),
    "mixing_ratio": ("mixing ratio that was asked for", "1"),
    "kernel": ("number of the kernel in the stack", "1"),
    "mass": ("sum of the mass density after normalisation", "1"),
    "mu_x": ("centroid, to the right", "pixel"),
    "mu_y": ("centroid, downwards", "pixel"),
    "sigma_x": ("standard deviation along x", "pixel"),
    "sigma_y": ("standard deviation along y", "pixel"),
    "cov_xy": ("covariance of x and y", "pixel2"),
    "gain": ("norm before normalisation", "1"),
    "excess_kurtosis_x": ("excess kurtosis of the marginal along x, 0 for a Gaussian", "1"),
    "excess_kurtosis_y": ("excess kurtosis of the marginal along y, 0 for a Gaussian", "1"),
    "extinct_at": ("layer at which the state became all zero", "1"),
    "diverged_at": ("layer at which the state left the range of floating-point numbers", "1"),
    "edge_at": ("first layer at which something may have crossed the edge of the domain", "1"),
    "odd_energy_ratio": ("odd share of the kernel's energy, rho = p^2 / E^2", "1"),
    "beta_star": ("largest beta without a negative tap", "1"),
    "rounding_sensitivity": (
        "largest relative change of the record when taps change by one unit in the last place",
        "1",
    ),
    "ill_conditioned": (f"whether rounding_sensitivity exceeds {ILL_CONDITIONED}", "1"),
    "kernel_taps": ("kernel, in the convolution convention", "1"),
    "snapshot": ("state in a window", "1"),
    "snapshot_t": ("layer of the snapshot", "1"),
    "snapshot_x": ("coordinate of the first column of the window", "pixel"),
    "snapshot_y": ("coordinate of the first row of the window", "pixel"),
}
"""Long name and unit of every variable and coordinate of trajectories."""

OF_BANKS: dict[str, tuple[str, str]] = {
    "activation": ("activation", "1"),
    "layer": ("row of the layer in the group `layers`", "1"),
    "out": ("output of the layer, one filter each", "1"),
    "in": ("input of the filter", "1"),
    "plane": ("plane of a three-dimensional kernel", "1"),
    "v": ("sign changes of the DCT-II basis, downwards", "1"),
    "u": ("sign changes of the DCT-II basis, to the right", "1"),
    "energy": ("squared norm of the kernel, E^2", "1"),
    "odd_share": ("odd share of the kernel's energy, p^2 / E^2", "1"),
    "isotropic_share": ("share of what the symmetries of the square leave as it is", "1"),
    "anisotropic_share": ("share of the rest of the even part", "1"),
    "low_frequency_share": ("share of DC and of the two gradients", "1"),
    "dct_energy": ("energy of each DCT-II coefficient", "1"),
    "momentum_x": ("first moment of the kernel, to the right", "pixel"),
    "momentum_y": ("first moment of the kernel, downwards", "pixel"),
    "momentum_angle": ("direction of the first moment, from +x (right) to +y (down)", "degree"),
    "total": ("sum of the taps", "1"),
    "velocity_x": ("first moment over the sum, to the right", "pixel layer-1"),
    "velocity_y": ("first moment over the sum, downwards", "pixel layer-1"),
    "no_negative_tap": ("whether the exact theory holds under ReLU", "1"),
    "rank": ("number of singular values above rounding", "1"),
    "taps": ("kernel, in the convolution convention", "1"),
    "name": ("name in the weight file", "1"),
    "shape": ("shape in the weight file", "1"),
    "reason": ("why it is no spatial convolution", "1"),
    "height": ("height of the kernels", "pixel"),
    "width": ("width of the kernels", "pixel"),
    "filters": ("number of outputs", "1"),
    "slices": ("number of two-dimensional kernels", "1"),
    "zero_slices": ("number of kernels that are zero", "1"),
    "effective_slices": ("number of kernels of equal energy that would weigh as much", "1"),
    "dc_share": ("share of DC", "1"),
    "alignment": ("length of the mean momentum over the mean length", "1"),
    "low_frequencies": ("number of coefficients that are DC or a gradient", "1"),
    "leading": ("how many of these are among as many largest coefficients", "1"),
    "null_low_frequency_limit": ("what kernels by chance exceed once in a thousand", "1"),
}
"""The same of the kernels of trained networks."""

DERIVATIONS = {"*_mean": ", mean of kernels", "null_*": ", kernels by chance"}
"""What the names of summaries add to that of a share."""

DERIVED = re.compile(r"_mean$|^null_(?!low_frequency_limit)")

WHOLE_NUMBERS = ("extinct_at", "diverged_at", "edge_at")
"""Variables that are stored as integers, -1 where there is no value."""


ROOT = "/"
"""Path of the root group of a file, which most files have alone."""

CONTENT_HASH = "content_sha256"
"""Attribute of the root: the hash of all that a file holds."""

PROBE = 2**20
"""Bytes that do not fit either where the library could not write."""

MOST_VALUES = 2000
"""Values of a file for each of its bytes: deflate takes more than a thousandth of what it packs."""

PROVENANCE = (
    *(CONTENT_HASH, "core_hash", "mechcore_version", "source"),
    *("config_sha256", "library_versions"),
)
"""Attributes that tell how a file was made, not what it holds."""


def trajectories_dataset(
    outcome: Trajectories,
    sensitivity: NDArray[np.float64],
    kernels: NDArray[np.float64],
    beta_stars: NDArray[np.float64],
    rule: LayerRule,
    coordinates: Mapping[str, NDArray[np.generic]],
    window_starts: NDArray[np.float64],
    edge_at: NDArray[np.float64],
) -> xr.Dataset:
    """Assemble the outcome of simulations in the project's format.

    Parameters
    ----------
    outcome : Trajectories
        Arrays with one leading axis for each coordinate.
    sensitivity : ndarray
        Rounding sensitivity of each simulation.
    kernels : (..., kh, kw) ndarray
        The kernels; their leading axes are the coordinates without ``pattern``.
    beta_stars : ndarray
        beta* of each kernel.
    rule : LayerRule
        What every layer did.
    coordinates : mapping of str to ndarray
        The leading dimensions, in order.
    window_starts : (m, 2) or (patterns, m, 2) ndarray
        Coordinates (x, y) where the windows of the snapshots start.
    edge_at : () or (patterns,) ndarray
        First layer at which something may have crossed the edge of the domain, NaN if none.

    Returns
    -------
    xarray.Dataset
        With CF attributes.
    """
    lead = tuple(coordinates)
    kernel_lead = tuple(name for name in lead if name != "pattern")
    shape = kernels.shape[:-2]
    ratios = [decompose(one).odd_energy_ratio for one in kernels.reshape(-1, *kernels.shape[-2:])]
    variables: dict[str, tuple[tuple[str, ...], object]] = {
        name: ((*lead, "t"), outcome.record[..., index]) for index, name in enumerate(QUANTITIES)
    }
    variables |= {
        "extinct_at": (lead, outcome.extinct_at),
        "diverged_at": (lead, outcome.diverged_at),
        "edge_at": (tuple(name for name in lead if name == "pattern"), edge_at),
        "rounding_sensitivity": (lead, sensitivity),
        "ill_conditioned": (lead, np.asarray(sensitivity > ILL_CONDITIONED)),
        "odd_energy_ratio": (kernel_lead, np.round(ratios, 12).reshape(shape)),
        "beta_star": (kernel_lead, beta_stars),
        "kernel_taps": ((*kernel_lead, "kernel_y", "kernel_x"), kernels),
    }
    axes: dict[str, object] = {**coordinates, "t": np.arange(rule.steps + 1)}
    if rule.snapshot_layers:
        place = (*(name for name in lead if name == "pattern"), "snapshot_t")
        variables |= {
            "snapshot": ((*lead, "snapshot_t", "y", "x"), outcome.snapshots.astype(np.float32)),
            "snapshot_x": (place, window_starts[..., 0]),
            "snapshot_y": (place, window_starts[..., 1]),
        }
        axes["snapshot_t"] = np.array(rule.snapshot_layers)
    return with_attributes(xr.Dataset(variables, axes), "Trajectories of convolution kernels")


def with_cell(dataset: xr.Dataset, cell: Cell) -> xr.Dataset:
    """Add what identifies a cell to the global attributes.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories of the cell.
    cell : Cell
        The cell.

    Returns
    -------
    xarray.Dataset
        The same data with the attributes ``title``, ``cell_id``, ``cell`` (JSON), ``core_hash``,
        ``config_sha256``, ``library_versions``, ``kernel`` and ``size``.
    """
    _describe_variables(dataset)
    found = with_parameters(dataset, cell.id, cell.to_mapping())
    title = f"Trajectories of {cell.id}"
    return found.assign_attrs(title=title, kernel=cell.kernel, size=cell.size)


def with_parameters(dataset: xr.Dataset, name: str, parameters: Mapping[str, object]) -> xr.Dataset:
    """Add what was asked for, and the code that did it, to the global attributes.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories.
    name : str
        Becomes the attribute ``cell_id``.
    parameters : mapping
        Becomes the attribute ``cell``, one line of JSON, and ``config_sha256``, its hash.

    Returns
    -------
    xarray.Dataset
        The same data with these attributes, ``core_hash`` and ``library_versions``.
    """
    return dataset.assign_attrs(
        cell_id=name,
        cell=json.dumps(parameters, separators=(",", ":")),
        **made_by("mechcore.simulation", parameters),
    )


def with_attributes(dataset: xr.Dataset, title: str) -> xr.Dataset:
    """Add what every file of this project says of itself to the global attributes.

    Parameters
    ----------
    dataset : xarray.Dataset
        The content.
    title : str
        What it is.

    Returns
    -------
    xarray.Dataset
        The same data, with units and CF attributes.
    """
    _describe_variables(dataset)
    return dataset.assign_attrs(
        Conventions="CF-1.11",
        title=title,
        source=f"mechcore {__version__}",
        references=REFERENCE,
        mechcore_version=__version__,
        format_version=FORMAT_VERSION,
    )


def is_result_of(cell: Cell, path: str | Path) -> bool:
    """Return whether a file holds the undamaged trajectories of a cell, made by this code.

    Parameters
    ----------
    cell : Cell
        What is planned.
    path : str or Path
        The file, which need not exist.

    Returns
    -------
    bool
        False as well for a file of another cell, of other code, or whose content does not have the
        hash that it tells.
    """
    try:
        found = read_dataset(path)
    except MechcoreError:
        return False
    planned = with_cell(xr.Dataset(), cell).attrs
    told = {name: found.attrs.get(name) for name in ("cell_id", "cell", "core_hash")}
    return told == {name: planned[name] for name in told}


def write_dataset(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a dataset as netCDF-4, whole or not at all.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories.
    path : str or Path
        The file; an existing one is replaced.

    Raises
    ------
    MechcoreError
        If the folder cannot be written.
    """
    write_groups({ROOT: dataset}, path)


def write_groups(
    groups: Mapping[str, xr.Dataset], path: str | Path, *, compress: bool = True
) -> None:
    """Write datasets as the groups of one netCDF-4 file, whole or not at all.

    Parameters
    ----------
    groups : mapping of str to xarray.Dataset
        By path inside the file; the root, ``/``, has the attributes of the file.
    path : str or Path
        The file; an existing one is replaced.
    compress : bool, optional
        Whether arrays are made smaller without loss, which takes most of the time of writing.

    Raises
    ------
    MechcoreError
        If the folder cannot be written.
    """
    root = groups[ROOT].assign_attrs({CONTENT_HASH: _hash_of_groups(groups)})

    def write(draft: Path) -> None:
        for name, group in {**groups, ROOT: root}.items():
            _describe_variables(group)
            mode: Literal["w", "a"] = "w" if name == ROOT else "a"
            encoding = _encoding(group, compress)
            with _reason_of_failure(draft):
                group.to_netcdf(draft, mode, group=name, engine="netcdf4", encoding=encoding)

    replace_file(path, write)


@contextmanager
def _reason_of_failure(draft: Path) -> Iterator[None]:
    """Find out why a file could not be written: to the library a full disk is an HDF error."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        with draft.open("ab") as file:
            file.write(bytes(PROBE))
            os.fsync(file)
        raise OSError(str(error)) from error


def _encoding(dataset: xr.Dataset, compress: bool) -> dict[str, dict[str, object]]:
    encoding: dict[str, dict[str, object]] = {
        str(name): {"zlib": compress, "complevel": 4, "shuffle": True}
        for name, variable in dataset.data_vars.items()
        if variable.ndim and variable.dtype.kind in "fiu"
    }
    # CF allows no missing values in coordinates.
    encoding |= {str(name): {"_FillValue": None} for name in dataset.coords}
    for name in set(WHOLE_NUMBERS) & set(map(str, dataset.variables)):
        encoding[name] = encoding.get(name, {}) | {"dtype": "int32", "_FillValue": -1}
    return encoding


def read_dataset(path: str | Path) -> xr.Dataset:
    """Read a netCDF file of this project into memory.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    xarray.Dataset
        Its content, with the file closed.

    Raises
    ------
    MechcoreError
        If the file is missing, of another format version, or damaged: its content does not have
        the hash that it tells.
    """
    return read_groups(path)[ROOT]


def read_groups(path: str | Path) -> dict[str, xr.Dataset]:
    """Read all groups of a netCDF file of this project into memory.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to xarray.Dataset
        By path inside the file; the root is ``/``.

    Raises
    ------
    MechcoreError
        As `read_dataset` does.
    """
    groups = _checked(path, lambda: _loaded(path))
    try:
        whole = groups[ROOT].attrs.get(CONTENT_HASH) == _hash_of_groups(groups)
    except (TypeError, ValueError):
        # Damage can give an attribute a type that the project never writes.
        whole = False
    if not whole:
        raise MechcoreError(f"{path}: damaged: its content does not have the hash that it tells")
    return groups


def read_attributes(path: str | Path) -> dict[str, object]:
    """Read the attributes of a netCDF file of this project, in a moment: no variable is read.

    So damage of the variables is not seen.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str to object
        Global attributes.

    Raises
    ------
    MechcoreError
        If the file is missing, damaged, or of another format version.
    """
    import netCDF4

    def load() -> dict[str, xr.Dataset]:
        with netCDF4.Dataset(path) as file:
            return {ROOT: xr.Dataset(attrs={name: file.getncattr(name) for name in file.ncattrs()})}

    return {str(name): value for name, value in _checked(path, load)[ROOT].attrs.items()}


def _loaded(path: str | Path) -> dict[str, xr.Dataset]:
    _check_size(path)
    groups = xr.open_groups(path, engine="netcdf4")
    try:
        return {name.removeprefix(ROOT) or ROOT: group.load() for name, group in groups.items()}
    finally:
        for group in groups.values():
            group.close()


def _check_size(path: str | Path) -> None:
    """Refuse damage that would fill the memory: dimensions of which the file cannot hold values."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        values = _declared_values(file)
    if values > MOST_VALUES * Path(path).stat().st_size:
        raise ValueError(f"it declares {values} values, more than it can hold")


def _declared_values(group: netCDF4.Dataset) -> int:
    own = sum(math.prod(variable.shape) for variable in group.variables.values())
    return own + sum(map(_declared_values, group.groups.values()))


def _checked(path: str | Path, load: Callable[[], dict[str, xr.Dataset]]) -> dict[str, xr.Dataset]:
    try:
        groups = load()
    except FileNotFoundError as error:
        raise MechcoreError(f"{path}: missing, expected a netCDF file") from error
    except MemoryError:
        # Of this machine: it says nothing of the file.
        raise
    except Exception as error:
        # Of damage the libraries raise anything, AttributeError as well.
        told = " ".join(str(error).split())
        raise MechcoreError(f"{path}: not a readable netCDF file ({told})") from error
    found = groups[ROOT].attrs.get("format_version")
    if found != FORMAT_VERSION:
        raise MechcoreError(f"{path}: format version {found}, this program reads {FORMAT_VERSION}")
    return groups


def _hash_of_groups(groups: Mapping[str, xr.Dataset]) -> str:
    """The hash that a file tells: of its groups by name, in whatever order a library lists them."""
    hashes = {name: content_hash(groups[name]) for name in sorted(groups)}
    if len(hashes) == 1:
        return hashes[ROOT]
    return hashlib.sha256("".join(map("".join, hashes.items())).encode()).hexdigest()


def content_hash(dataset: xr.Dataset) -> str:
    """Return a hash of values, coordinates and settings, whatever library or version wrote them.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> data = xr.Dataset({"a": ("t", np.arange(3.0))})
    >>> content_hash(data) == content_hash(data.copy(deep=True))
    True
    """
    digest = hashlib.sha256()
    for name in sorted(str(name) for name in dataset.variables):
        variable = dataset.variables[name]
        digest.update(f"{name}{variable.dims}{variable.shape}".encode())
        digest.update(_canonical_bytes(variable.values))
    attributes = {key: dataset.attrs[key] for key in sorted(set(dataset.attrs) - set(PROVENANCE))}
    digest.update(json.dumps(attributes, default=lambda number: number.item()).encode())
    return digest.hexdigest()


def check_output(path: str | Path) -> None:
    """Refuse a file that cannot be written before anything is computed for it.

    Parameters
    ----------
    path : str or Path
        The file to make or replace.

    Raises
    ------
    MechcoreError
        If it is a folder, or lies in something that is none.
    """
    target = Path(path)
    if target.is_dir():
        raise MechcoreError(f"{path}: cannot be written: it is a folder")
    parents = [folder for folder in target.absolute().parents if folder.exists()]
    if not parents[0].is_dir() or not os.access(parents[0], os.W_OK):
        raise MechcoreError(f"{path}: cannot be written in {parents[0]}")


def link_or_copy(path: Path, target: Path) -> None:
    """Give a file that is replaced, never changed, a second name.

    Parameters
    ----------
    path : Path
        The file.
    target : Path
        The name, which nothing has. Where a disk has no such thing it is a copy.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    try:
        target.hardlink_to(path)
    except OSError:
        shutil.copy2(path, target)


def _canonical_bytes(values: NDArray[np.generic]) -> bytes:
    if values.dtype.kind in "OUT":
        return "\0".join(map(str, values.ravel())).encode()
    if values.dtype.kind in "biu":
        values = values.astype(np.int64)
    # One NaN, one zero: both have several bit patterns that compare equal to a reader.
    numbers = np.where(np.isnan(values), np.nan, values + 0) if values.dtype.kind == "f" else values
    return np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder("<"))).tobytes()


def _describe_variables(dataset: xr.Dataset) -> None:
    described = ATTRIBUTES | OF_BANKS
    for name in dataset.variables:
        kind = DERIVED.sub("", str(name))
        if kind in described:
            long_name, unit = described[kind]
            long_name += DERIVATIONS.get(str(name).replace(kind, "*"), "")
            dataset[name].attrs.update(long_name=long_name, units=unit)
