"""Formats of weight files by suffix. The reader of a format is imported when it is first used."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechcore.arrays import reason_not_to_open
from mechcore.errors import InvalidValue, MechcoreError, did_you_mean, shown
from mechcore.filters.tensors import Tensor

Opener = Callable[[Path], AbstractContextManager[list[Tensor]]]

PACKAGES = {"torch": "torch", "onnx": "onnx", "keras": "h5py"}
"""The package behind each extra of this distribution."""

LARGEST_EXPANSION = 100
"""How many times larger than its file a tensor may be. Trained weights shrink by 2 or so, a network
with 99 of 100 weights removed by 50; a file that holds next to nothing can claim anything."""

SMALL = 64 * 2**20
"""Bytes that are unpacked whatever the file's size: no machine runs out of memory by them, and a
pruned kernel of zeros shrinks without limit."""


LONGEST_REASON = 120
"""Characters of the first line of another project's error: some of them go on for a page."""


@dataclass(frozen=True)
class Format:
    """A format of weight files.

    Parameters
    ----------
    summary : str
        One line for people.
    extra : str or None
        Key of `PACKAGES`; None if what the package always depends on reads it.
    open : callable
        Path in, context manager out that yields the tensors.
    """

    summary: str
    extra: str | None
    open: Opener


def _lazily(module: str) -> Opener:
    def opened(path: Path) -> AbstractContextManager[list[Tensor]]:
        home = importlib.import_module(f"mechcore.filters.{module}")
        manager: AbstractContextManager[list[Tensor]] = home.open_tensors(path)
        return manager

    return opened


_HDF5 = _lazily("keras_format")
_TORCH = _lazily("torch_format")

FORMATS: dict[str, Format] = {
    ".safetensors": Format("tensors by name, any framework", None, _lazily("safetensors_format")),
    ".npz": Format("arrays of numpy by name", None, _lazily("npz_format")),
    ".onnx": Format("a graph, which tells its convolutions", "onnx", _lazily("onnx_format")),
    ".pt": Format("a state dict or checkpoint of torch", "torch", _TORCH),
    ".pth": Format("a state dict or checkpoint of torch", "torch", _TORCH),
    ".weights.h5": Format("weights of Keras", "keras", _HDF5),
    ".h5": Format("weights or a whole model of Keras", "keras", _HDF5),
    ".keras": Format("a whole model of Keras", "keras", _HDF5),
}
"""Formats by the end of the file's name; the first that fits counts."""

LAYOUTS = {
    "auto": "by the format, else by the shape and name of each tensor",
    "torch": "(out, in, ...)",
    "keras": "(..., in, out)",
}
"""Orders of axes that a user may ask for."""


@contextmanager
def open_tensors(path: str | Path) -> Generator[list[Tensor]]:
    """Open a weight file of any known format.

    Parameters
    ----------
    path : str or Path
        The file; its suffix is a key of `FORMATS`.

    Yields
    ------
    list of Tensor
        In the order of the file; they can be read until the context ends.

    Raises
    ------
    InvalidValue
        If the suffix is unknown.
    MechcoreError
        If the file is missing, damaged or of another kind, or a package that reads it is missing;
        also what a tensor's ``read`` raises.
    """
    path = Path(path)
    suffix = suffix_of(path)
    reason = reason_not_to_open(path)
    if reason:
        raise refused(path, f"cannot be read: {reason}")
    with ExitStack() as stack:
        with _told_in_one_line(path, suffix):
            tensors = stack.enter_context(FORMATS[suffix].open(path))
            _require_distinct(path, tensors)
        yield [replace(tensor, read=_guarded(path, suffix, tensor)) for tensor in tensors]


def suffix_of(path: Path, key: str = "weights") -> str:
    """Return the key of `FORMATS` that a file's name ends with.

    Parameters
    ----------
    path : Path
        The file, which need not exist.
    key : str, optional
        Name of the argument, for the error message.

    Returns
    -------
    str
        The suffix.

    Raises
    ------
    InvalidValue
        If there is none; the message lists the suffixes and suggests the closest.

    Examples
    --------
    >>> suffix_of(Path("VGG16.Weights.H5"))
    '.weights.h5'
    """
    for suffix in FORMATS:
        if path.name.lower().endswith(suffix):
            return suffix
    if path.is_dir():
        raise MechcoreError(f"{key}: {shown(str(path))} is a folder, expected a file")
    suggestion = did_you_mean(path.suffix.lower(), FORMATS)
    if path.suffix.lower() == ".npy":
        suggestion = "; numpy.savez('net.npz', conv=array) makes one of an array"
    allowed = f"a file that ends in {', '.join(FORMATS)}{suggestion}"
    raise InvalidValue(key, path.name, allowed)


def check_weights(path: Path, key: str = "weights") -> None:
    """Refuse a path that cannot be a weight file, before anything runs.

    Parameters
    ----------
    path : Path
        The file.
    key : str, optional
        Name of the argument, for the error message.

    Raises
    ------
    InvalidValue
        If the suffix is unknown, or no such file exists.
    """
    suffix_of(path, key)
    if not path.is_file():
        raise InvalidValue(key, str(path), "a file that exists")


def bank_name(path: Path) -> str:
    """Return what a bank is called if its user does not say it.

    Parameters
    ----------
    path : Path
        A weight file.

    Returns
    -------
    str
        The file's name without folder and suffix.

    Raises
    ------
    InvalidValue
        If the suffix is unknown.

    Examples
    --------
    >>> bank_name(Path("models/vgg16.weights.h5"))
    'vgg16'
    """
    return path.name[: -len(suffix_of(path))]


def refused(path: Path, reason: str) -> MechcoreError:
    """Return the error that tells why a weight file is not used.

    Parameters
    ----------
    path : Path
        The file.
    reason : str
        Any text.

    Returns
    -------
    MechcoreError
        ``name: reason`` in one line.

    Examples
    --------
    >>> str(refused(Path("a.npz"), "not an archive"))
    'a.npz: not an archive'
    """
    # Names of files and of what is in them may hold anything that ends a line or hides it.
    text = "".join(sign if sign.isprintable() else " " for sign in f"{path.name}: {reason}")
    return MechcoreError(" ".join(text.split()))


def require_plausible_size(path: Path, what: str, size: int) -> None:
    """Refuse what claims to be much larger than the file it comes from.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        For the error message.
    size : int
        Bytes that would be in memory.

    Raises
    ------
    MechcoreError
        If the size is beyond `SMALL` and `LARGEST_EXPANSION`.
    """
    stored = path.stat().st_size
    if size > max(SMALL, LARGEST_EXPANSION * stored):
        raise refused(
            path,
            f"{what} would take {size} bytes, more than {LARGEST_EXPANSION} times the file's"
            f" {stored} bytes",
        )


def _require_distinct(path: Path, tensors: list[Tensor]) -> None:
    counts = Counter(tensor.name for tensor in tensors)
    for name, count in counts.most_common(1):
        if count > 1:
            raise refused(path, f"holds {count} tensors with the name {shown(name)}")


def _guarded(path: Path, suffix: str, tensor: Tensor) -> Callable[[], NDArray[np.generic]]:
    def read() -> NDArray[np.generic]:
        with _told_in_one_line(path, suffix):
            values = tensor.read()
            if values.shape != tensor.shape:
                held = f"declares {tensor.shape} but holds {values.shape}"
                raise refused(path, f"{shown(tensor.name)} {held}")
            return values

    return read


@contextmanager
def _told_in_one_line(path: Path, suffix: str) -> Generator[None]:
    try:
        yield
    except MechcoreError:
        raise
    except ModuleNotFoundError as error:
        extra = FORMATS[suffix].extra
        if extra is None or error.name != PACKAGES[extra]:
            raise
        needed = f"needs the package {PACKAGES[extra]}: pip install 'mechcore[{extra}]'"
        raise refused(path, f"reading {suffix} {needed}") from error
    # What the readers of other projects raise on damaged files is not written down anywhere: errors
    # of their own, but also those of indices, keys, attributes, assertions and memory.
    except Exception as error:
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
        first = text.strip().partition("\n")[0][:LONGEST_REASON]
        raise refused(path, f"cannot be read as {suffix}: {first}") from error
