"""Reads ``.keras``, ``.weights.h5`` and ``.h5``: weights of Keras in HDF5."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import h5py
import numpy as np
from numpy.typing import NDArray

from mechcore.errors import shown
from mechcore.filters.formats import refused, require_plausible_size
from mechcore.filters.formats.tensors import FLOATS, Tensor, natural_order, no_values

WEIGHTS = "model.weights.h5"
CONFIGURATION = "config.json"
"""Members of a ``.keras`` archive."""

CLASSES = {
    f"{prefix}conv{rank}d{suffix}": kind
    for rank in (1, 2, 3)
    for prefix, suffix, kind in (
        ("", "", "convolution"),
        ("", "transpose", "transposed"),
        ("depthwise", "", "depthwise"),
        ("separable", "", "depthwise"),
    )
}
"""What layers do with their first variable, by class in lower case."""

FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}
"""Compressions that come with h5py: for any other, HDF5 would load a library that it finds."""

UNNAMED = "/"
"""Stands for layers without a name, because no layer can have it."""

LAST = 10**9
"""Place of layers that the configuration does not name."""


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a file of Keras."""
    source, configuration = _unpacked(path) if path.name.lower().endswith(".keras") else (path, "")
    with h5py.File(source, "r") as stored:
        classes = _classes(configuration or stored.attrs.get("model_config", "{}"))
        places = {name: place for place, name in enumerate(classes)}
        datasets = sorted(_datasets(stored), key=partial(_place, places))
        yield [_tensor(path, dataset, classes) for dataset in datasets]


def _unpacked(path: Path) -> tuple[IO[bytes], str]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if WEIGHTS not in names:
            raise refused(path, f"holds no {WEIGHTS}")
        weights = io.BytesIO(_member(path, archive, WEIGHTS))
        configured = CONFIGURATION in names
        return weights, _member(path, archive, CONFIGURATION).decode() if configured else "{}"


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    require_plausible_size(path, name, archive.getinfo(name).file_size)
    return archive.read(name)


def _classes(configuration: str | bytes) -> dict[str, str]:
    classes: dict[str, str] = {}
    waiting = [json.loads(configuration)]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict) and isinstance(entry.get("config"), dict):
            name = str(entry["config"].get("name") or UNNAMED)
            classes.setdefault(name, _simple(str(entry.get("class_name", ""))))
        children = list(entry.values()) if isinstance(entry, dict) else entry
        if isinstance(children, list):
            waiting += children[::-1]
    return classes


def _simple(name: str) -> str:
    # Conv2DTranspose, conv2d_transpose and conv2d_transpose_12 are the same class.
    return re.sub(r"_\d+$", "", name).replace("_", "").lower()


def _datasets(stored: h5py.File) -> list[h5py.Dataset]:
    found: list[h5py.Dataset] = []

    # Visits what is in the file itself; links to other files are not followed.
    def visit(_: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(item)

    stored.visititems(visit)
    return found


def _parts(dataset: h5py.Dataset) -> list[str]:
    return str(dataset.name).strip("/").split("/")


def _labels(dataset: h5py.Dataset) -> tuple[str, str]:
    """Return what the layer of a variable is called in its path, and by its user."""
    owners = [part for part in _parts(dataset)[:-1] if part != "vars"]
    path = owners[-1] if owners else ""
    return path, str(dataset.parent.attrs.get("name", path))


def _place(places: dict[str, int], dataset: h5py.Dataset) -> tuple[int, list[tuple[int, str]]]:
    place = places.get(_labels(dataset)[1], LAST)
    return place, natural_order(str(dataset.name))


def _kind(dataset: h5py.Dataset, classes: dict[str, str]) -> str | None:
    variable = _parts(dataset)[-1].removesuffix(":0")
    if variable == "depthwise_kernel":
        return "depthwise"
    path, label = _labels(dataset)
    told, by_path = classes.get(label, ""), _simple(path)
    # Keras 3 names the path after the class, and its user's names may repeat in nested models;
    # before, the path was the user's name.
    first = [by_path, told] if "vars" in _parts(dataset) else [told, by_path]
    return next((CLASSES[name] for name in (*first, _simple(label)) if name in CLASSES), None)


def _tensor(path: Path, dataset: h5py.Dataset, classes: dict[str, str]) -> Tensor:
    name = str(dataset.name).strip("/")
    if dataset.shape is None or _parts(dataset)[0].startswith("optimizer"):
        reason = "a state of the optimiser" if dataset.shape else "empty"
        return Tensor(name, dataset.shape or (), "unknown", no_values, reason=reason)
    marked = str(dataset.attrs.get("dtype", "")) == "bfloat16"
    dtype = "bfloat16" if marked else dataset.dtype.name
    read = partial(_values, path, dataset, dtype)
    return Tensor(name, dataset.shape, dtype, read, "keras", _kind(dataset, classes))


def _values(path: Path, dataset: h5py.Dataset, dtype: str) -> NDArray[np.generic]:
    what = shown(str(dataset.name))
    _require_own_values(path, what, dataset)
    size, held = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    compressed = dataset.id.get_create_plist().get_nfilters() > 0
    if held == 0 or (held < size and not compressed):
        raise refused(path, f"{what} declares {size} bytes of values but holds {held}")
    require_plausible_size(path, what, size)
    values: NDArray[np.generic] = dataset[()]
    return values.view(FLOATS[dtype]) if values.dtype.kind == "V" else values


def _require_own_values(path: Path, what: str, dataset: h5py.Dataset) -> None:
    if dataset.is_virtual or dataset.external:
        raise refused(path, f"{what} is in another file, which is not opened")
    creation = dataset.id.get_create_plist()
    codes = {creation.get_filter(place)[0] for place in range(creation.get_nfilters())}
    if codes - FILTERS:
        raise refused(path, f"{what} is compressed in a way that h5py does not know")
