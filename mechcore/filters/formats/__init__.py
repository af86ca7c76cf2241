"""Formats of weight files by suffix. The reader of a format is imported when it is first used."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import MechcoreError, shown
from mechcore.experiment.weights import FORMATS, PACKAGES, suffix_of
from mechcore.filters.formats.tensors import Tensor
from mechcore.io.reading import reason_not_to_open

Opener = Callable[[Path], AbstractContextManager[list[Tensor]]]


LARGEST_EXPANSION = 100
"""How many times larger than its file a tensor may be. Trained weights shrink by 2 or so, a network
with 99 of 100 weights removed by 50; a file that holds next to nothing can claim anything."""

SMALL = 64 * 2**20
"""Bytes that are unpacked whatever the file's size: no machine runs out of memory by them, and a
pruned kernel of zeros shrinks without limit."""


LONGEST_REASON = 120
"""Characters of the first line of another project's error: some of them go on for a page."""


@contextmanager
def open_tensors(path: str | Path) -> Generator[list[Tensor]]:
    """Open a weight file of any known format."""
    path = Path(path)
    suffix = suffix_of(path)
    reason = reason_not_to_open(path)
    if reason:
        raise refused(path, f"cannot be read: {reason}")
    with ExitStack() as stack:
        with _told_in_one_line(path, suffix):
            tensors = stack.enter_context(_opened(path, FORMATS[suffix].reader))
            _require_distinct(path, tensors)
        yield [replace(tensor, read=_guarded(path, suffix, tensor)) for tensor in tensors]


def _opened(path: Path, reader: str) -> AbstractContextManager[list[Tensor]]:
    module = importlib.import_module(f"mechcore.filters.formats.{reader}")
    opened: AbstractContextManager[list[Tensor]] = module.open_tensors(path)
    return opened


def refused(path: Path, reason: str) -> MechcoreError:
    """Return the error that tells why a weight file is not used.

    Examples
    --------
    >>> str(refused(Path("a.npz"), "not an archive"))
    'a.npz: not an archive'
    """
    # Names of files and of what is in them may hold anything that ends a line or hides it.
    text = "".join(sign if sign.isprintable() else " " for sign in f"{path.name}: {reason}")
    return MechcoreError(" ".join(text.split()))


def require_plausible_size(path: Path, what: str, size: int) -> None:
    """Refuse what claims to be much larger than the file it comes from."""
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
