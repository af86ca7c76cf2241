"""Reads what torch saved, without torch: state dicts, checkpoints, parameters of TorchScript.

The pickle inside builds plain data alone. No class is imported and no code of the file runs.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo, is_zipfile

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import MechcoreError, shown
from mechcore.filters.formats import WeightFileError, require_plausible_size
from mechcore.filters.formats.tensors import FLOATS, Tensor, unread

STATE_KEYS = ("state_dict", "model_state_dict", "model")
"""Where checkpoints keep the weights; names of tensors leave out the first that is present."""

OPTIMISER_KEYS = {"state", "param_groups"}
"""Keys of the state of an optimiser, which holds averages in the shapes of the weights."""

LONGEST_NAME = 10_000
"""Characters of a tensor's name: mappings nested without end would fill memory with names."""

DTYPES = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "QInt8": "int8",
    "QUInt8": "uint8",
    "QInt32": "int32",
    "Untyped": "uint8",
}
"""Types of values by the name of their storage."""


class _Inert:
    """Stands for plain data beside the weights, or for a module of TorchScript."""

    state: object = None

    def __init__(self, *_: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Take an element and forget it."""


@dataclass(frozen=True)
class _Storage:
    """Where a file keeps the values of tensors."""

    dtype: str
    key: str


@dataclass(frozen=True)
class _Stored:
    """A tensor: some values of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str
    reason: str = ""
    kind: str | None = None
    """What the layer of a script does with it."""


Places = Mapping[str, tuple[int, int]]
"""Position in the file and bytes of each storage."""


def _rebuilt(storage: _Storage, offset: int, shape: object, stride: object, *_: object) -> _Stored:
    lengths, steps = (tuple(map(int, values)) for values in (shape, stride))  # type: ignore[call-overload]
    if len(lengths) != len(steps) or min((*lengths, *steps, int(offset)), default=0) < 0:
        message = f"a tensor declares the shape {shown(lengths)}, strides {shown(steps)}"
        raise ValueError(message)
    return _Stored(storage, int(offset), lengths, steps, storage.dtype)


def _rebuilt_of_type(*arguments: Any) -> _Stored:
    # What torch.save writes for types that have no storage of their own, as float8.
    stored, dtype = _rebuilt(*arguments[:4]), str(arguments[6])
    return _Stored(stored.storage, stored.offset, stored.shape, stored.stride, dtype)


def _without_values(reason: str, *_: object) -> _Stored:
    return _Stored(_Storage("", ""), 0, (), (), "", reason)


def _first(value: object, *_: object) -> object:
    return value


def _mapping(pairs: object = (), *_: object) -> dict[Any, Any]:
    # An OrderedDict may come with its pairs, a defaultdict comes with its class.
    return dict(pairs) if isinstance(pairs, list) else {}


BUILDERS: dict[str, Any] = {
    "collections.OrderedDict": _mapping,
    "collections.defaultdict": _mapping,
    "torch._utils._rebuild_tensor": _rebuilt,
    "torch._utils._rebuild_tensor_v2": _rebuilt,
    "torch._utils._rebuild_tensor_v3": _rebuilt_of_type,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._tensor._rebuild_from_type_v2": lambda build, _, arguments, __: build(*arguments),
}
"""What the names in a file stand for, where they matter."""

WITHOUT_VALUES = {
    "sparse_tensor": "sparse values",
    "sparse_csr_tensor": "sparse values",
    "qtensor": "quantised values",
    "nested_tensor": "a nested tensor",
    "meta_tensor_no_storage": "a tensor without values",
}
"""Why tensors of other kinds are skipped."""

BUILDERS |= {
    f"torch._utils._rebuild_{kind}": partial(_without_values, reason)
    for kind, reason in WITHOUT_VALUES.items()
}

INERT = {
    *("torch.Size", "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter"),
    *("torch.serialization._get_layout", "_codecs.encode", "argparse.Namespace"),
    *("numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar"),
    *("numpy._core.multiarray.scalar", "numpy.core.multiarray._reconstruct"),
    *("numpy._core.multiarray._reconstruct", "pathlib.PosixPath", "pathlib.WindowsPath"),
    *("datetime.datetime", "datetime.timedelta"),
    *(f"builtins.{name}" for name in ("set", "dict", "list", "int", "float", "str", "bool")),
}
"""Plain data beside the weights, which are not built."""

INERT_PACKAGES = {"lightning", "pytorch_lightning", "omegaconf", "typing", "yacs"}
"""Packages of settings of training."""

KINDS = {f"Conv{axes}d": "convolution" for axes in (1, 2, 3)}
KINDS |= {f"ConvTranspose{axes}d": "transposed" for axes in (1, 2, 3)}
"""What modules do with their weight, by class."""


# The unpickler in C claims memory for any place that a file names in its memo.
class _Unpickler(pickle._Unpickler):
    """Builds tensors and mappings; what stands for anything else is refused by its name."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, encoding="utf-8")
        self.storages: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}".replace("__builtin__", "builtins")
        if full in BUILDERS:
            return BUILDERS[full]
        package = module.split(".")[0]
        if package == "__torch__":
            # A module of TorchScript, which is none of Python; of its class only the name matters.
            return type(name, (_Inert,), {})
        if full in INERT or package in INERT_PACKAGES:
            return _Inert
        if module == "torch.jit._pickle":
            return _first
        if module in ("torch", "torch.storage"):
            # A storage, a type, or an option such as torch.per_tensor_affine.
            return DTYPES.get(name.removesuffix("Storage"), name)
        code = f"holds {shown(full)}, an object that only its own code could load"
        advice = "load it where it was made and save its weights"
        raise MechcoreError(f"{code}: {advice} with torch.save(model.state_dict(), path)")

    def load_build(self) -> None:
        """Give an object its state, of which other kinds have none that matters."""
        state = self.stack.pop()  # type: ignore[attr-defined]
        owner = self.stack[-1]  # type: ignore[attr-defined]
        if isinstance(owner, _Inert):
            kind = KINDS.get(type(owner).__name__)
            if kind and isinstance(state, dict) and isinstance(state.get("weight"), _Stored):
                state["weight"] = replace(state["weight"], kind=kind)
            owner.state = state

    # Elsewhere it would set attributes, also those of what `find_class` returns.
    dispatch = pickle._Unpickler.dispatch | {pickle.BUILD[0]: load_build}  # type: ignore[assignment]

    def persistent_load(self, identity: Any) -> _Storage:
        _, dtype, key = identity[:3]
        self.storages[str(key)] = str(dtype)
        return _Storage(str(dtype), str(key))


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a file of torch."""
    loaded, places = _from_archive(path) if is_zipfile(path) else _from_stream(path)
    state = loaded.state if isinstance(loaded, _Inert) else loaded
    if not isinstance(state, Mapping):
        type_name = type(loaded).__name__.strip("_").lower()
        raise WeightFileError(path, f"holds an object of type {type_name}, not a state dict")
    prefix = next((f"{key}." for key in STATE_KEYS if isinstance(state.get(key), Mapping)), "")
    yield [
        _tensor(path, places, name.removeprefix(prefix), stored)
        for name, stored in _flattened(state)
    ]


def _from_archive(path: Path) -> tuple[object, Places]:
    with ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        data = next(name for name in members if name.endswith("data.pkl"))
        folder = data.removesuffix("data.pkl")
        order = members.get(f"{folder}byteorder")
        if order and archive.read(order) != b"little":
            raise WeightFileError(path, "was saved on a big-endian machine")
        require_plausible_size(path, data, members[data].file_size)
        unpickler = _Unpickler(io.BytesIO(archive.read(data)))
    loaded = unpickler.load()
    with path.open("rb") as stream:
        return loaded, {
            key: _place(path, stream, members[f"{folder}data/{key}"]) for key in unpickler.storages
        }


def _place(path: Path, stream: IO[bytes], member: ZipInfo) -> tuple[int, int]:
    # torch never compresses values, so they are read from where they are.
    if member.compress_type != ZIP_STORED:
        raise WeightFileError(path, "is compressed, which torch.save never does")
    stream.seek(member.header_offset + 26)
    lengths = np.frombuffer(stream.read(4), "<u2")
    return member.header_offset + 30 + int(lengths.sum()), member.file_size


def _from_stream(path: Path) -> tuple[object, Places]:
    """Read what torch saved before 1.6: five pickles, then each storage behind its length."""
    with path.open("rb") as stream:
        for _ in range(2):
            _Unpickler(stream).load()
        if not _Unpickler(stream).load()["little_endian"]:
            raise WeightFileError(path, "was saved on a big-endian machine")
        unpickler = _Unpickler(stream)
        loaded, places = unpickler.load(), {}
        for key in _Unpickler(stream).load():
            item = np.dtype(unpickler.storages[str(key)]).itemsize
            size = int.from_bytes(stream.read(8), "little") * item
            places[str(key)] = stream.tell(), size
            stream.seek(size, io.SEEK_CUR)
    return loaded, places


def _flattened(state: Mapping[object, object]) -> Iterator[tuple[str, _Stored]]:
    # A mapping may contain itself, or another one a million times.
    seen: set[int] = set()
    waiting: list[tuple[str, object, str]] = [("", state, "")]
    while waiting:
        name, value, reason = waiting.pop()
        value = value.state if isinstance(value, _Inert) else value
        if isinstance(value, _Stored):
            yield name, value if not reason else _without_values(reason)
        elif isinstance(value, Mapping) and id(value) not in seen:
            seen.add(id(value))
            inner = "a state of the optimiser" if set(value) >= OPTIMISER_KEYS else reason
            entries = list(value.items())[::-1]
            waiting += [(_joined(name, key), child, inner) for key, child in entries]


def _joined(prefix: str, key: object) -> str:
    name = f"{prefix}.{key}" if prefix else str(key)
    if len(name) > LONGEST_NAME:
        message = f"a name longer than {LONGEST_NAME} characters"
        raise ValueError(message)
    return name


def _tensor(path: Path, places: Places, name: str, stored: _Stored) -> Tensor:
    if stored.reason:
        return unread(name, stored.reason)
    read = partial(_values, path, places, name, stored)
    return Tensor(name, stored.shape, stored.dtype, read, "torch", stored.kind)


def _values(path: Path, places: Places, name: str, stored: _Stored) -> NDArray[np.generic]:
    dtype = np.dtype(FLOATS[stored.dtype])
    start, held = places[stored.storage.key]
    held = min(held, path.stat().st_size - start)
    last = stored.offset + sum(
        (length - 1) * step for length, step in zip(stored.shape, stored.stride, strict=True)
    )
    needed = max(math.prod(stored.shape), last + 1) * dtype.itemsize
    if needed > held:
        claim = f"{shown(name)} declares {needed} bytes of values but holds {held}"
        raise WeightFileError(path, claim)
    # Strides are for types that numpy has of its own: views of bits.
    bits = np.dtype(f"u{dtype.itemsize}")
    values = np.memmap(path, bits, "r", start, (held // bits.itemsize,))[stored.offset :]
    steps = [step * bits.itemsize for step in stored.stride]
    return np.lib.stride_tricks.as_strided(values, stored.shape, steps).view(dtype)
