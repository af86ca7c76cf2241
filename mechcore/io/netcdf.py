"""The netCDF format: attributes, encoding, hashes. No other module opens a netCDF file."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import MechcoreError
from mechcore.io.atomic import replace_file
from mechcore.io.reading import regular_file
from mechcore.version import __version__

if TYPE_CHECKING:
    import netCDF4
    import xarray as xr


FORMAT_VERSION = 3
"""Raised when a reader of the old format would misread the new one."""

REFERENCE = (
    "L. Frija-Altarac and M. Toews, The Mechanics of CNN Filtering with Rectification,"
    " arXiv:2512.24338"
)

INTEGERS = ("extinct_at", "diverged_at", "edge_at")
"""Variables that are stored as integers, -1 where there is no value."""

TEXT_KINDS = "OUT"
"""Kinds of arrays of text: which one a file gives depends on the version of a library."""

ROOT = "/"
"""Path of the root group; most files have no other."""

CELL = "cell"
"""A scalar coordinate of this name is stored as a leading dimension of length one, with the other
scalar coordinates along it: `xarray.open_mfdataset` joins files along dimensions."""

KERNELS = "kernels"
KERNEL_AXES = ("kernel_y", "kernel_x")
"""The group for variables along the taps of the kernel of a cell, and their dimensions: xarray
joins groups of the same sizes, and kernels of several sizes have other ones."""

CONTENT_HASH = "content_sha256"
"""Attribute of the root: the hash of the content of the file."""

HISTORY = "history"
"""Attribute of the root: what wrote the file."""

PROBE = 2**20
"""Bytes that are written to find out why the library could not write."""

MOST_VALUES_PER_BYTE = 2000
"""Deflate packs to no less than a thousandth."""

AGAIN = "delete it and run the workflow to regenerate it"

PROVENANCE = (
    *(CONTENT_HASH, HISTORY, "core_hash", "mechcore_version", "source"),
    *("config_sha256", "library_versions", "code_commit", "code_dirty", "code_diff"),
)
"""Attributes that state how a file was made, not what it holds."""


class Variable(NamedTuple):
    """An array, the names of its dimensions, and its attributes."""

    dims: tuple[str, ...]
    values: NDArray[np.generic]
    attributes: dict[str, object]


@dataclass
class Contents:
    """What a file or a group holds: a dataset without the second that importing xarray takes."""

    variables: dict[str, Variable]
    coordinates: Collection[str]
    """Those of the variables that say where the values of the others are."""
    attributes: dict[str, object]

    def dataset(self) -> xr.Dataset:
        """Return it as a dataset."""
        import xarray as xr

        places = {name: self.variables[name] for name in self.coordinates}
        data = {name: known for name, known in self.variables.items() if name not in places}
        return xr.Dataset(data, places, self.attributes)

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Contents:
        """Return what a dataset holds."""
        variables = {
            str(name): Variable(tuple(map(str, known.dims)), known.values, dict(known.attrs))
            for name, known in dataset.variables.items()
        }
        attributes = {str(name): value for name, value in dataset.attrs.items()}
        return cls(variables, {*map(str, dataset.coords)}, attributes)


def file_attributes(title: str, summary: str) -> dict[str, object]:
    """Return the global attributes that every file of this project has."""
    return {
        "Conventions": "CF-1.11, ACDD-1.3",
        "title": title,
        "summary": summary,
        "keywords": "convolution, kernels, rectification",
        "source": f"mechcore {__version__}",
        "references": REFERENCE,
        "mechcore_version": __version__,
        "format_version": FORMAT_VERSION,
    }


def description(name: str, table: Mapping[str, tuple[str, str]]) -> dict[str, object]:
    """Return the long name and the unit of a variable, if a table has them."""
    return dict(zip(("long_name", "units"), table.get(name, ()), strict=False))


def describe(dataset: xr.Dataset, table: Mapping[str, tuple[str, str]]) -> xr.Dataset:
    """Give the variables that a table names their long names and units, in place."""
    for name in dataset.variables:
        dataset[name].attrs.update(description(str(name), table))
    return dataset


def write_dataset(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a dataset as netCDF-4; the file is complete or absent."""
    write_groups({ROOT: dataset}, path)


def write_groups(
    groups: Mapping[str, xr.Dataset], path: str | Path, *, compress: bool = True
) -> None:
    """Write datasets as the groups of one netCDF-4 file, complete or absent."""
    contents = {name: Contents.of(group) for name, group in groups.items()}
    write_contents(contents, path, compress=compress)


def write_contents(
    groups: Mapping[str, Contents], path: str | Path, *, compress: bool = True
) -> None:
    """Write the groups of one netCDF-4 file, complete or absent."""
    import netCDF4

    def write(draft: Path) -> None:
        with _reason_of_failure(draft), netCDF4.Dataset(draft, "w") as file:
            for name, group in _as_stored(groups).items():
                _write_group(file if name == ROOT else file.createGroup(name), group, compress)
            # Without the time: the same results are the same bytes.
            file.setncattr(HISTORY, f"written by mechcore {__version__}")
            file.setncattr(CONTENT_HASH, _hash_of_groups(groups))

    replace_file(path, write)


def _as_stored(groups: Mapping[str, Contents]) -> dict[str, Contents]:
    """Groups as they are stored: a cell as `CELL` and `KERNELS` say."""
    root = groups.get(ROOT, Contents({}, (), {}))
    if CELL not in root.variables:
        return dict(groups)
    parts: dict[str, dict[str, Variable]] = {ROOT: {}, KERNELS: {}}
    for name, (dims, values, attributes) in root.variables.items():
        place = KERNELS if {*dims} & {*KERNEL_AXES} else ROOT
        if dims != (name,):
            dims, values = (CELL, *dims), values[np.newaxis]
        parts[place][name] = Variable(dims, values, attributes)
    stored = {
        place: Contents(part, part.keys() & {*root.coordinates}, {})
        for place, part in parts.items()
    }
    stored[ROOT].attributes.update(root.attributes)
    return {**groups, **stored}


def _in_memory(groups: dict[str, Contents]) -> dict[str, Contents]:
    """The reverse of `_as_stored`."""
    root = groups[ROOT]
    if CELL not in root.variables:
        return groups
    beside = groups.pop(KERNELS, Contents({}, (), {}))
    variables = {
        name: Variable(dims[1:], values[0], attributes) if dims[:1] == (CELL,) else known
        for name, known in (root.variables | beside.variables).items()
        for dims, values, attributes in [known]
    }
    coordinates = {*root.coordinates, *beside.coordinates}
    return groups | {ROOT: Contents(variables, coordinates, root.attributes)}


def _write_group(file: netCDF4.Dataset, group: Contents, compress: bool) -> None:
    file.setncatts({name: _stored(value) for name, value in group.attributes.items()})
    for name, variable in group.variables.items():
        data = name not in group.coordinates
        values, fill, kept = _encoded(name, variable, data=data)
        text = values.dtype.kind == "S"
        dims = (*variable.dims, f"{name}_length") if text else variable.dims
        for dimension, size in zip(dims, values.shape, strict=True):
            if _size(file, dimension) != size:
                file.createDimension(dimension, size)
        packed = compress and data and bool(values.ndim) and variable.values.dtype.kind in "fiu"
        stored: netCDF4.Variable[Any] = file.createVariable(
            name,
            values.dtype.str,
            dims,
            compression="zlib" if packed else None,
            # The default, 4, takes a third longer for 3 % less of a cell.
            complevel=1,
            fill_value=fill,
        )
        # As bytes: an attribute says how to read them.
        stored.set_auto_chartostring(False)
        stored.setncatts(kept | _places(name, group))
        if data:
            stored.coverage_content_type = "modelResult"
        stored[...] = values


def _size(file: netCDF4.Dataset, dimension: str) -> int | None:
    """The size of a dimension of a group or of the nearest one above it that has it."""
    if dimension in file.dimensions:
        return len(file.dimensions[dimension])
    return None if file.parent is None else _size(file.parent, dimension)


def _encoded(
    name: str, variable: Variable, *, data: bool
) -> tuple[NDArray[np.generic], Any, dict[str, object]]:
    """Values as they are stored, what stands for none, and attributes."""
    values, attributes = variable.values, variable.attributes
    if name in INTEGERS:
        return np.where(np.isnan(values), -1, values).astype(np.int32), np.int32(-1), attributes
    if values.dtype.kind == "b":
        return values.astype(np.int8), None, attributes | {"dtype": "bool"}
    if values.dtype.kind in TEXT_KINDS:
        return _characters(values), None, attributes | {"_Encoding": "utf-8"}
    # CF allows no missing values in coordinates.
    fill = values.dtype.type(np.nan) if values.dtype.kind == "f" and data else None
    return values, fill, attributes


def _characters(texts: NDArray[np.generic]) -> NDArray[np.generic]:
    """Texts as CF has them, bytes along one more dimension: not every tool reads strings."""
    encoded = np.char.encode(texts.astype(str), "utf-8")
    longest = max(encoded.dtype.itemsize, 1)
    return encoded.astype(f"S{longest}").reshape(*texts.shape, 1).view("S1")


def _places(name: str, group: Contents) -> dict[str, object]:
    """Coordinates beside those of its dimensions, which CF wants a variable to name."""
    dims = {*group.variables[name].dims}
    beside = (other for other in group.coordinates if group.variables[other].dims != (other,))
    known = sorted(other for other in beside if {*group.variables[other].dims} <= dims)
    return {"coordinates": " ".join(known)} if known and name not in group.coordinates else {}


def _stored(value: object) -> object:
    """Whole numbers as the format has them."""
    return np.int64(value) if isinstance(value, int) else value


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


def read_dataset(path: str | Path) -> xr.Dataset:
    """Read a netCDF file of this project into memory."""
    return read_groups(path)[ROOT]


def read_groups(path: str | Path) -> dict[str, xr.Dataset]:
    """Read all groups of a netCDF file of this project into memory."""
    groups = _checked(path, lambda: _loaded(path))
    try:
        intact = groups[ROOT].attributes.get(CONTENT_HASH) == _hash_of_groups(groups)
    except (TypeError, ValueError):
        # Damage can give an attribute a type that the project never writes.
        intact = False
    if not intact:
        raise MechcoreError(f"{path}: damaged: its content does not match its hash; {AGAIN}")
    return {name: group.dataset() for name, group in groups.items()}


def open_cell(path: str | Path, chunks: Mapping[str, int] | None) -> xr.Dataset:
    """Open the file of a cell as one dataset that is read when it is used, in chunks of dask.

    The hash, for which it would have to be read, is not compared.
    """
    import xarray as xr

    read_attributes(path)
    root, kernels = (
        xr.open_dataset(path, group=group, engine="netcdf4", chunks=chunks)
        for group in (ROOT, KERNELS)
    )
    joined = root.assign({str(name): known for name, known in kernels.items()})
    return joined.assign_coords(kernels.coords)


def read_attributes(path: str | Path) -> dict[str, object]:
    """Read the global attributes alone, which is fast and does not notice damage of variables."""
    import netCDF4

    def load() -> dict[str, Contents]:
        with netCDF4.Dataset(path) as file:
            return {ROOT: Contents({}, (), _attributes(file))}

    return _checked(path, load)[ROOT].attributes


def _loaded(path: str | Path) -> dict[str, Contents]:
    import netCDF4

    with netCDF4.Dataset(path) as file:
        _check_size(file, path)
        file.set_auto_maskandscale(False)
        return _in_memory(
            {part.path.removeprefix(ROOT) or ROOT: _read_group(part) for part in _parts(file)}
        )


def _parts(file: netCDF4.Dataset) -> Iterator[netCDF4.Dataset]:
    """A file and the groups in it."""
    yield file
    for group in file.groups.values():
        yield from _parts(group)


def _read_group(file: netCDF4.Dataset) -> Contents:
    variables = {name: _decoded(variable) for name, variable in file.variables.items()}
    coordinates = {name for name, known in variables.items() if known.dims == (name,)}
    for known in variables.values():
        coordinates |= {*str(known.attributes.pop("coordinates", "")).split()}
    return Contents(variables, coordinates, _attributes(file))


def _decoded(variable: netCDF4.Variable[Any]) -> Variable:
    """The reverse of `_encoded`."""
    values, attributes = np.asarray(variable[...]), _attributes(variable)
    fill = attributes.pop("_FillValue", None)
    if fill is not None and values.dtype.kind in "iu":
        values = np.where(values == fill, np.nan, values)
    if attributes.pop("dtype", "") == "bool":
        values = values.astype(bool)
    dims = variable.dimensions
    if attributes.pop("_Encoding", None):
        dims, values = dims[:-1], values.astype(str)
    return Variable(dims, values, attributes)


def _attributes(file: netCDF4.Dataset | netCDF4.Variable[Any]) -> dict[str, object]:
    return {name: file.getncattr(name) for name in file.ncattrs()}


def _check_size(file: netCDF4.Dataset, path: str | Path) -> None:
    """Refuse damaged dimensions that would fill the memory."""
    variables = (variable for part in _parts(file) for variable in part.variables.values())
    values = sum(math.prod(variable.shape) for variable in variables)
    if values > MOST_VALUES_PER_BYTE * Path(path).stat().st_size:
        raise ValueError(f"it declares {values} values, more than it can hold")


def _checked(path: str | Path, load: Callable[[], dict[str, Contents]]) -> dict[str, Contents]:
    try:
        regular_file(Path(path)).close()
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
    version = groups[ROOT].attributes.get("format_version")
    if version != FORMAT_VERSION:
        raise MechcoreError(
            f"{path}: format version {version}, this program reads {FORMAT_VERSION}; {AGAIN}"
        )
    return groups


def _hash_of_groups(groups: Mapping[str, Contents]) -> str:
    """Hash groups in the order of their names: libraries list them in any order."""
    hashes = {name: _content_hash(groups[name]) for name in sorted(groups)}
    if len(hashes) == 1:
        return hashes[ROOT]
    return hashlib.sha256("".join(map("".join, hashes.items())).encode()).hexdigest()


def content_hash(dataset: xr.Dataset) -> str:
    """Return a hash of values, coordinates and settings, whatever library version wrote them."""
    return _content_hash(Contents.of(dataset))


def _content_hash(contents: Contents) -> str:
    digest = hashlib.sha256()
    for name in sorted(contents.variables):
        dims, values, _ = contents.variables[name]
        digest.update(f"{name}{dims}{values.shape}".encode())
        digest.update(_canonical_bytes(values))
    kept = sorted(set(contents.attributes) - set(PROVENANCE))
    attributes = {key: contents.attributes[key] for key in kept}
    digest.update(json.dumps(attributes, default=lambda number: number.item()).encode())
    return digest.hexdigest()


def _canonical_bytes(values: NDArray[np.generic]) -> bytes:
    if values.dtype.kind in TEXT_KINDS:
        return "\0".join(map(str, values.ravel())).encode()
    if values.dtype.kind in "biu":
        values = values.astype(np.int64)
    # NaN and zero have several bit patterns, which are equal to a reader.
    numbers = np.where(np.isnan(values), np.nan, values + 0) if values.dtype.kind == "f" else values
    return np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder("<"))).tobytes()
