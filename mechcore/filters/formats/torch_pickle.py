"""What a pickle of torch holds: plain data and tensors, none of whose values are read yet.

No class is imported and no code of the file runs.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any, ClassVar

from mechcore.errors import MechcoreError, shown

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


class Inert:
    """Stands for plain data beside the weights, or for a module of TorchScript."""

    state: object = None
    buffers: frozenset[str] = frozenset()
    """Names of the tensors of a module of TorchScript that are not trained."""

    def __init__(self, *_: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Take an element and forget it."""


@dataclass(frozen=True)
class Storage:
    """Where a file keeps the values of tensors."""

    dtype: str
    key: str


@dataclass(frozen=True)
class Stored:
    """A tensor: some values of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str
    reason: str = ""
    kind: str | None = None
    """What the layer of a script does with it."""
    parameter: bool | None = None
    """Whether it is trained, or a buffer of its module; None where the file does not tell."""


def _rebuilt(storage: Storage, offset: int, shape: object, stride: object, *_: object) -> Stored:
    lengths, steps = (tuple(map(int, values)) for values in (shape, stride))  # type: ignore[call-overload]
    if len(lengths) != len(steps) or min((*lengths, *steps, int(offset)), default=0) < 0:
        message = f"a tensor declares the shape {shown(lengths)}, strides {shown(steps)}"
        raise ValueError(message)
    return Stored(storage, int(offset), lengths, steps, storage.dtype)


def _rebuilt_of_type(*arguments: Any) -> Stored:
    # What torch.save writes for types that have no storage of their own, as float8.
    stored, dtype = _rebuilt(*arguments[:4]), _text(arguments[6])
    return Stored(stored.storage, stored.offset, stored.shape, stored.stride, dtype)


def without_values(reason: str, *_: object) -> Stored:
    """Return a tensor that is skipped for a reason."""
    return Stored(Storage("", ""), 0, (), (), "", reason)


def _first(value: object, *_: object) -> object:
    return value


def _parameter(value: object, *_: object) -> object:
    return replace(value, parameter=True) if isinstance(value, Stored) else value


def _mapping(pairs: object = (), *_: object) -> dict[Any, Any]:
    # An OrderedDict may come with its pairs, a defaultdict comes with its class.
    return {_key(key): value for key, value in pairs} if isinstance(pairs, list) else {}


def _key(key: object) -> object:
    # The hash of tuples in tuples, a thousand bytes of which can stand for 2^100, takes forever.
    return key if isinstance(key, str | int | float | None) else shown(key)


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = f"{shown(value)} in place of a text"
        raise ValueError(message)
    return value


BUILDERS: dict[str, Any] = {
    "collections.OrderedDict": _mapping,
    "collections.defaultdict": _mapping,
    "torch._utils._rebuild_tensor": _rebuilt,
    "torch._utils._rebuild_tensor_v2": _rebuilt,
    "torch._utils._rebuild_tensor_v3": _rebuilt_of_type,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
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
    f"torch._utils._rebuild_{kind}": partial(without_values, reason)
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
class Unpickler(pickle._Unpickler):
    """Builds tensors and mappings; what stands for anything else is refused by its name."""

    def __init__(
        self, stream: IO[bytes], buffers: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        super().__init__(stream, encoding="utf-8")
        self.buffers = buffers or {}
        """Those of modules of TorchScript by their names."""
        self.storages: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name, which is never imported."""
        full = f"{module}.{name}".replace("__builtin__", "builtins")
        if full in BUILDERS:
            return BUILDERS[full]
        package = module.split(".")[0]
        if package == "__torch__":
            # A module of TorchScript, which is none of Python; of its class only names matter.
            return type(name, (Inert,), {"buffers": self.buffers.get(full, frozenset())})
        if full in INERT or package in INERT_PACKAGES:
            return Inert
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
        if isinstance(owner, Inert):
            kind = KINDS.get(type(owner).__name__)
            if kind and isinstance(state, dict) and isinstance(state.get("weight"), Stored):
                state["weight"] = replace(state["weight"], kind=kind)
            for name in owner.buffers:
                if isinstance(state, dict) and isinstance(state.get(name), Stored):
                    state[name] = replace(state[name], parameter=False)
            owner.state = state

    def load_setitems(self) -> None:
        """Fill a mapping."""
        items = self.pop_mark()  # type: ignore[attr-defined]
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][_key(key)] = value  # type: ignore[attr-defined]

    def load_setitem(self) -> None:
        """Add one entry to a mapping."""
        value, key = self.stack.pop(), self.stack.pop()  # type: ignore[attr-defined]
        self.stack[-1][_key(key)] = value  # type: ignore[attr-defined]

    # The others set attributes, even of what `find_class` returns; and torch writes no sets.
    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
    }
    for code in (pickle.DICT, pickle.EMPTY_SET, pickle.FROZENSET):
        del dispatch[code[0]]

    def persistent_load(self, identity: Any) -> Storage:
        """Return the storage of a tensor."""
        dtype, key = map(_text, identity[1:3])
        self.storages[key] = dtype
        return Storage(dtype, key)
