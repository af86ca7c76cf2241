"""Arrays that come from outside: checked in type before anything is computed with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import InvalidValue, MechcoreError


def real_array(values: object, key: str) -> NDArray[np.float64]:
    """Return an object as an array of float64.

    Parameters
    ----------
    values : array_like
        Real numbers, of any shape.
    key : str
        Name of the argument, for the error message.

    Returns
    -------
    ndarray
        A copy as float64.

    Raises
    ------
    InvalidValue
        If it is ragged, or holds anything else than real numbers.

    Examples
    --------
    >>> real_array([1, 2], "kernel")
    array([1., 2.])
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InvalidValue(key, "a ragged list", "an array of real numbers") from error
    if array.dtype.kind not in "fiub":
        raise InvalidValue(key, f"an array of {array.dtype}", "real numbers")
    # What is too large for float64 becomes infinite, which the callers refuse.
    with np.errstate(over="ignore"):
        return array.astype(np.float64)


def load_array(path: Path, key: str) -> NDArray[np.generic]:
    """Read a ``.npy`` file, never running code from it.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        Name of the argument, for the error message.

    Returns
    -------
    ndarray
        Its array.

    Raises
    ------
    MechcoreError
        If the file is missing, is not a ``.npy`` file or holds pickled objects.
    """
    try:
        # Mapped first: a header that declares a huge shape then fails instead of filling memory.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except OSError as error:
        reason = error.strerror or "not a .npy file"
    except (ValueError, EOFError, SyntaxError, TypeError, OverflowError) as error:
        pickled = any(text in str(error) for text in ("Python objects", "Object arrays"))
        reason = "it holds Python objects" if pickled else "not a .npy file"
    raise MechcoreError(
        f"{key}: cannot read {str(path)!r}: {reason}, expected a numeric .npy array"
    )
