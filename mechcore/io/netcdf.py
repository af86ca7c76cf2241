"""The netCDF format: attributes, encoding, hashes. No other module opens a netCDF file."""

from __future__ import annotations

import hashlib
import json
import math
import os
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

INTEGERS = ("extinct_at", "diverged_at", "edge_at")
"""Variables that are stored as integers, -1 where there is no value."""

ROOT = "/"
"""Path of the root group; most files have no other."""

CONTENT_HASH = "content_sha256"
"""Attribute of the root: the hash of the content of the file."""

PROBE = 2**20
"""Bytes that are written to find out why the library could not write."""

MOST_VALUES_PER_BYTE = 2000
"""Deflate packs to no less than a thousandth."""

AGAIN = "delete it and run the workflow to regenerate it"

PROVENANCE = (
    *(CONTENT_HASH, "core_hash", "mechcore_version", "source"),
    *("config_sha256", "library_versions"),
)
"""Attributes that state how a file was made, not what it holds."""


def with_attributes(dataset: xr.Dataset, title: str) -> xr.Dataset:
    """Add the global attributes that every file of this project has."""
    return dataset.assign_attrs(
        Conventions="CF-1.11",
        title=title,
        source=f"mechcore {__version__}",
        references=REFERENCE,
        mechcore_version=__version__,
        format_version=FORMAT_VERSION,
    )


def describe(dataset: xr.Dataset, table: Mapping[str, tuple[str, str]]) -> xr.Dataset:
    """Give the variables that a table names their long names and units, in place."""
    for name in map(str, dataset.variables):
        if name in table:
            long_name, unit = table[name]
            dataset[name].attrs.update(long_name=long_name, units=unit)
    return dataset


def write_dataset(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a dataset as netCDF-4; the file is complete or absent."""
    write_groups({ROOT: dataset}, path)


def write_groups(
    groups: Mapping[str, xr.Dataset], path: str | Path, *, compress: bool = True
) -> None:
    """Write datasets as the groups of one netCDF-4 file, complete or absent."""
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
    """Write once more to raise the true reason: the library reports a full disk as an HDF error."""
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
    for name in set(INTEGERS) & set(map(str, dataset.variables)):
        encoding[name] = encoding.get(name, {}) | {"dtype": "int32", "_FillValue": -1}
    return encoding


def read_dataset(path: str | Path) -> xr.Dataset:
    """Read a netCDF file of this project into memory."""
    return read_groups(path)[ROOT]


def read_groups(path: str | Path) -> dict[str, xr.Dataset]:
    """Read all groups of a netCDF file of this project into memory."""
    groups = _checked(path, lambda: _loaded(path))
    try:
        intact = groups[ROOT].attrs.get(CONTENT_HASH) == _hash_of_groups(groups)
    except (TypeError, ValueError):
        # Damage can give an attribute a type that the project never writes.
        intact = False
    if not intact:
        raise MechcoreError(f"{path}: damaged: its content does not match its hash; {AGAIN}")
    return groups


def read_attributes(path: str | Path) -> dict[str, object]:
    """Read the global attributes alone, which is fast and does not notice damage of variables."""
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
    """Refuse damaged dimensions that would fill the memory."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        values = _declared_values(file)
    if values > MOST_VALUES_PER_BYTE * Path(path).stat().st_size:
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
        # The file may be intact.
        raise
    except Exception as error:
        # Damaged files make the libraries raise anything, even AttributeError.
        reason = " ".join(str(error).split())
        raise MechcoreError(f"{path}: not a readable netCDF file ({reason}); {AGAIN}") from error
    version = groups[ROOT].attrs.get("format_version")
    if version != FORMAT_VERSION:
        raise MechcoreError(
            f"{path}: format version {version}, this program reads {FORMAT_VERSION}"
        )
    return groups


def _hash_of_groups(groups: Mapping[str, xr.Dataset]) -> str:
    """Hash groups in the order of their names: libraries list them in any order."""
    hashes = {name: content_hash(groups[name]) for name in sorted(groups)}
    if len(hashes) == 1:
        return hashes[ROOT]
    return hashlib.sha256("".join(map("".join, hashes.items())).encode()).hexdigest()


def content_hash(dataset: xr.Dataset) -> str:
    """Return a hash of values, coordinates and settings, whatever library version wrote them."""
    digest = hashlib.sha256()
    for name in sorted(str(name) for name in dataset.variables):
        variable = dataset.variables[name]
        digest.update(f"{name}{variable.dims}{variable.shape}".encode())
        digest.update(_canonical_bytes(variable.values))
    attributes = {key: dataset.attrs[key] for key in sorted(set(dataset.attrs) - set(PROVENANCE))}
    digest.update(json.dumps(attributes, default=lambda number: number.item()).encode())
    return digest.hexdigest()


def _canonical_bytes(values: NDArray[np.generic]) -> bytes:
    if values.dtype.kind in "OUT":
        return "\0".join(map(str, values.ravel())).encode()
    if values.dtype.kind in "biu":
        values = values.astype(np.int64)
    # NaN and zero have several bit patterns, which are equal to a reader.
    numbers = np.where(np.isnan(values), np.nan, values + 0) if values.dtype.kind == "f" else values
    return np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder("<"))).tobytes()
