"""The netCDF format: names, units and attributes. No other module opens a netCDF file."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.errors import MechcoreError
from mechcore.io.atomic import replace_file
from mechcore.version import __version__

if TYPE_CHECKING:
    import netCDF4


FORMAT_VERSION = 1
"""Raised when a reader of the old format would misread the new one."""

REFERENCE = (
    "L. Frija-Altarac and M. Toews, The Mechanics of CNN Filtering with Rectification,"
    " arXiv:2512.24338"
)


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


def with_attributes(dataset: xr.Dataset, title: str) -> xr.Dataset:
    """Add what every file of this project says of itself to the global attributes."""
    return dataset.assign_attrs(
        Conventions="CF-1.11",
        title=title,
        source=f"mechcore {__version__}",
        references=REFERENCE,
        mechcore_version=__version__,
        format_version=FORMAT_VERSION,
    )


def write_dataset(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a dataset as netCDF-4, whole or not at all."""
    write_groups({ROOT: dataset}, path)


def write_groups(
    groups: Mapping[str, xr.Dataset], path: str | Path, *, compress: bool = True
) -> None:
    """Write datasets as the groups of one netCDF-4 file, whole or not at all."""
    root = groups[ROOT].assign_attrs({CONTENT_HASH: _hash_of_groups(groups)})

    def write(draft: Path) -> None:
        for name, group in {**groups, ROOT: root}.items():
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
    """Read a netCDF file of this project into memory."""
    return read_groups(path)[ROOT]


def read_groups(path: str | Path) -> dict[str, xr.Dataset]:
    """Read all groups of a netCDF file of this project into memory."""
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
    """Refuse a file that cannot be written before anything is computed for it."""
    target = Path(path)
    if target.is_dir():
        raise MechcoreError(f"{path}: cannot be written: it is a folder")
    parents = [folder for folder in target.absolute().parents if folder.exists()]
    if not parents[0].is_dir() or not os.access(parents[0], os.W_OK):
        raise MechcoreError(f"{path}: cannot be written in {parents[0]}")


def link_or_copy(path: Path, target: Path) -> None:
    """Give a file that is replaced, never changed, a second name."""
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


def describe(dataset: xr.Dataset, table: Mapping[str, tuple[str, str]]) -> xr.Dataset:
    """Give the variables that a table names their long names and units, in place."""
    for name in map(str, dataset.variables):
        if name in table:
            long_name, unit = table[name]
            dataset[name].attrs.update(long_name=long_name, units=unit)
    return dataset
