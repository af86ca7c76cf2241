"""Reads ``.pt`` and ``.pth``: state dicts and checkpoints of torch, never the code in them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, is_zipfile

import numpy as np
import torch
from numpy.typing import NDArray

from mechcore.errors import shown
from mechcore.filters.formats import WeightFileError
from mechcore.filters.formats.tensors import Tensor, unread

STATE_KEYS = ("state_dict", "model_state_dict", "model")
"""Where checkpoints keep the weights; the first that is present counts."""

OPTIMISER = "optimizer"
"""In the name of an entry of a checkpoint that holds averages in the shapes of the weights."""

LONGEST_NAME = 10_000
"""Characters of a tensor's name: mappings nested without end would fill memory with names."""

HOLDS_CODE = (
    "holds code or Python objects, which are never run: load it where it was made and save its"
    " weights with torch.save(model.state_dict(), path)"
)


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a ``.pt`` or ``.pth`` file."""
    state = _weights_of(_loaded(path))
    if not isinstance(state, Mapping):
        type_name = type(state).__name__
        raise WeightFileError(path, f"holds an object of type {type_name}, not a state dict")
    yield [_tensor(path, name, value) for name, value in _flattened(state)]


def _loaded(path: Path) -> object:
    archived = is_zipfile(path)
    if archived:
        _require_plain_archive(path)
    try:
        # A pickle of another protocol is refused below; the warning before it would say it twice.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, weights_only=True, map_location="cpu", mmap=archived)
    except pickle.UnpicklingError as error:
        raise WeightFileError(path, HOLDS_CODE) from error


def _require_plain_archive(path: Path) -> None:
    with ZipFile(path) as archive:
        members = archive.infolist()
    # torch never compresses; what is compressed would grow while it is loaded.
    if any(member.compress_type != ZIP_STORED for member in members):
        raise WeightFileError(path, "is compressed, which torch.save never does")
    if any(member.filename.endswith("/constants.pkl") for member in members):
        raise WeightFileError(path, HOLDS_CODE)


def _weights_of(loaded: object) -> object:
    if not isinstance(loaded, Mapping):
        return loaded
    for key in STATE_KEYS:
        if isinstance(loaded.get(key), Mapping):
            return loaded[key]
    return {key: value for key, value in loaded.items() if OPTIMISER not in str(key).lower()}


def _flattened(state: Mapping[object, object]) -> Iterator[tuple[str, torch.Tensor]]:
    # A mapping may contain itself, or another one a million times.
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [("", state)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, Mapping) and id(value) not in seen:
            seen.add(id(value))
            entries = list(value.items())[::-1]
            waiting += [(_joined(name, key), child) for key, child in entries]


def _joined(prefix: str, key: object) -> str:
    name = f"{prefix}.{key}" if prefix else str(key)
    if len(name) > LONGEST_NAME:
        message = f"a name longer than {LONGEST_NAME} characters"
        raise ValueError(message)
    return name


def _tensor(path: Path, name: str, value: torch.Tensor) -> Tensor:
    reasons = {
        "sparse values": value.layout != torch.strided,
        "quantised values": value.is_quantized,
        "a nested tensor": value.is_nested,
        "a tensor without values": value.device.type != "cpu",
    }
    for reason, holds in reasons.items():
        if holds:
            return unread(name, reason)
    dtype = str(value.dtype).removeprefix("torch.")
    return Tensor(name, tuple(value.shape), dtype, partial(_values, path, name, value), "torch")


def _values(path: Path, name: str, value: torch.Tensor) -> NDArray[np.generic]:
    needed, held = value.numel() * value.element_size(), value.untyped_storage().nbytes()
    if needed > held:
        claim = f"{shown(name)} declares {needed} bytes of values but holds {held}"
        raise WeightFileError(path, claim)
    # numpy has neither bfloat16 nor float8; float32 holds their values exactly.
    wide = value if value.dtype == torch.float64 else value.to(torch.float32)
    array: NDArray[np.generic] = wide.detach().resolve_neg().numpy()
    return array
