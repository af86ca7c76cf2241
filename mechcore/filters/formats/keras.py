"""Reads weights of Keras in HDF5: alone, of whole models, or inside of a ``.keras`` archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import h5py
import numpy as np
from numpy.typing import NDArray

from mechcore.errors import MechcoreError, shown
from mechcore.filters.formats import WeightFileError, require_plausible_size
from mechcore.filters.formats.keras_model import (
    KINDS,
    Classes,
    LayerClass,
    class_key,
    classes_of,
    is_fixed,
    layer_of,
)
from mechcore.filters.formats.tensors import FLOATS, Tensor, natural_order, unread

WEIGHTS = "model.weights.h5"
CONFIGURATION = "config.json"

MOST_ITEMS = 20_000
"""Groups and arrays: each takes 20 kB while the file is open, and networks have some thousand."""

LONGEST_NAME = 1000
"""Characters of a path: HDF5 goes through all groups of it for each array."""

FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}
"""Compressions that come with h5py: for any other, HDF5 would load a library that it finds."""


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a file of Keras."""
    source, configuration = _unpacked(path) if zipfile.is_zipfile(path) else (path, "")
    with h5py.File(source, "r") as stored:
        classes = classes_of(configuration or stored.attrs.get("model_config", "{}"))
        classes = classes or _named_layers(stored)
        places = {name: place for place, name in enumerate(classes)}
        datasets = sorted(_datasets(stored), key=partial(_order, places))
        yield [_tensor(path, dataset, classes) for dataset in datasets]


def _unpacked(path: Path) -> tuple[IO[bytes], str]:
    with zipfile.ZipFile(path) as archive:
        weights = io.BytesIO(_member(path, archive, WEIGHTS))
        configured = CONFIGURATION in archive.namelist()
        return weights, _member(path, archive, CONFIGURATION).decode() if configured else "{}"


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    require_plausible_size(path, name, archive.getinfo(name).file_size)
    return archive.read(name)


def _named_layers(stored: h5py.File) -> Classes:
    """The same of weights that were saved without their model, by the names of layers."""
    owner = stored.get("model_weights", stored)
    names = np.asarray(owner.attrs.get("layer_names", []), dtype=str).tolist()
    return {name: LayerClass(class_key(name)) for name in names}


def _datasets(stored: h5py.File) -> list[h5py.Dataset]:
    items: list[object] = []

    def take(name: str, item: object) -> bool | None:
        items.append(item)
        if len(name) > LONGEST_NAME:
            raise MechcoreError(f"holds a name of more than {LONGEST_NAME} characters")
        return len(items) > MOST_ITEMS or None

    # Visits what is in the file itself; links to other files are not followed.
    if stored.visititems(take):
        raise MechcoreError(f"holds more than {MOST_ITEMS} groups and arrays")
    return [item for item in items if isinstance(item, h5py.Dataset)]


def _order(
    layers: dict[str, int], dataset: h5py.Dataset
) -> tuple[list[int], list[tuple[int, str]]]:
    """Sorts as the model does; what its configuration does not name comes last."""
    places = [layers[name] for name in _owners(dataset) if name in layers]
    return places or [len(layers)], natural_order(str(dataset.name))


def _owners(dataset: h5py.Dataset) -> list[str]:
    """The names of what holds a variable, from the outside in: its model and its layer.

    Keras 3 has the name that the user gave beside the path.
    """
    path = [part for part in str(dataset.name).split("/")[:-1] if part != "vars"]
    given = dataset.parent.attrs.get("name")
    return path if given is None else [str(given)]


def _kind(dataset: h5py.Dataset, classes: Classes) -> str | None:
    *owners, variable = str(dataset.name).split("/")
    if variable.removesuffix(":0") == "depthwise_kernel":
        return "depthwise"
    names = _owners(dataset)
    by_configuration = [classes[name].key for name in names if name in classes]
    by_path = [class_key(name) for name in [*owners[::-1], *names[::-1]]]
    # Keras 3 names the path after the class, and its user's names may repeat in nested models;
    # before, the path was the user's name, often twice and then with a number.
    first = [*by_path, *by_configuration] if "vars" in owners else [*by_configuration, *by_path]
    return next((KINDS[key] for key in first if key in KINDS), None)


def _tensor(path: Path, dataset: h5py.Dataset, classes: Classes) -> Tensor:
    name = str(dataset.name).strip("/")
    if dataset.shape is None:
        return unread(name, "empty")
    if name.startswith("optimizer"):
        return unread(name, "a state of the optimiser", dataset.shape)
    marked = str(dataset.attrs.get("dtype", "")) == "bfloat16"
    dtype = "bfloat16" if marked else dataset.dtype.name
    read = partial(_values, path, dataset, dtype)
    layer = layer_of(_owners(dataset), classes)
    return Tensor(
        name,
        dataset.shape,
        dtype,
        read,
        layout="keras",
        kind=_kind(dataset, classes),
        dilations=layer.steps("dilation_rate", dataset.ndim - 2),
        strides=layer.steps("strides", dataset.ndim - 2),
        fixed=is_fixed(_owners(dataset), classes),
    )


def _values(path: Path, dataset: h5py.Dataset, dtype: str) -> NDArray[np.generic]:
    what = shown(str(dataset.name))
    created = dataset.id.get_create_plist()
    filters = {created.get_filter(place)[0] for place in range(created.get_nfilters())}
    if dataset.is_virtual or dataset.external:
        raise WeightFileError(path, f"{what} is in another file, which is not opened")
    if filters - FILTERS:
        raise WeightFileError(path, f"{what} is compressed in a way that h5py does not know")
    # HDF5 makes up values that were never written.
    size, held = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if held == 0 or (held < size and not filters):
        raise WeightFileError(path, f"{what} declares {size} bytes of values but holds {held}")
    values: NDArray[np.generic] = dataset[()]
    return values.view(FLOATS[dtype]) if values.dtype.kind == "V" else values
