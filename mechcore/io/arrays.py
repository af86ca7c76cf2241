"""Arrays from users: their types are checked before anything is computed."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.io.reading import reason_not_to_open

Array = NDArray[np.float64]

SMALLEST, LARGEST = 1e-100, 1e100
"""Of the largest absolute value of an array from a file."""

PLAIN = (1, 0)
"""Version of ``.npy`` files of numbers; the headers of later ones may be gigabytes long."""


def real_array(values: object, key: str) -> Array:
    """Return an object as an array of float64."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        ragged = "a ragged list"
        raise InvalidValue(key, values, "an array of real numbers", description=ragged) from error
    if array.dtype.kind not in "fiub":
        raise InvalidValue(key, values, "real numbers", description=f"an array of {array.dtype}")
    # Numbers too large for float64 become infinite, which the callers refuse.
    with np.errstate(over="ignore"):
        return array.astype(np.float64)


def refuse_extremes(array: NDArray[np.floating], key: str) -> None:
    """Refuse an array whose squares, and their sums, leave the range of float64."""
    largest = float(np.abs(array).max(initial=0.0))
    if largest and not SMALLEST <= largest <= LARGEST:
        found = f"an array whose largest value is {largest:g}"
        allowed = f"{SMALLEST:g} to {LARGEST:g}: scale it"
        raise InvalidValue(key, array, allowed, description=found)


def load_array(path: Path, key: str, most: int) -> NDArray[np.generic]:
    """Read a ``.npy`` file, never running code from it."""
    reason = reason_not_to_open(path)
    if reason:
        raise _unreadable(path, key, reason)
    try:
        # Headers from Python 2 are read, with a warning.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_header(path, key, most)
            # Mapped first: a header that declares too much fails instead of filling memory.
            return np.array(npy.open_memmap(path, mode="r"))
    except (MechcoreError, MemoryError):
        raise
    except OSError as error:
        reason = error.strerror or "not a .npy file"
    # numpy parses headers as Python, so that damaged ones raise anything.
    except Exception as error:
        pickled = any(text in str(error) for text in ("Python objects", "Object arrays"))
        reason = "it holds Python objects" if pickled else "not a .npy file"
    raise _unreadable(path, key, reason)


def _check_header(path: Path, key: str, most: int) -> None:
    with path.open("rb") as stream:
        if npy.read_magic(stream) != PLAIN:
            raise _unreadable(path, key, "not a .npy file of numbers")
        try:
            shape, _, _ = npy.read_array_header_1_0(stream)
        except MemoryError:
            # Python's parser reports deep nesting like this; a header is short.
            raise _unreadable(path, key, "not a .npy file") from None
    if math.prod(shape) > most:
        raise InvalidValue(key, f"an array of shape {shape}", f"at most {most} values")


def _unreadable(path: Path, key: str, reason: str) -> MechcoreError:
    expected = ", expected a numeric .npy array" if path.suffix.lower() == ".npy" else ""
    return MechcoreError(f"{key}: cannot read {str(path)!r}: {reason}{expected}")
