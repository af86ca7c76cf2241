"""Opens weight files: one module a format, imported when a file of it is first opened."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from mechcore.errors import MechcoreError, harmless, one_line, shown
from mechcore.experiment.weight_files import parts_of
from mechcore.experiment.weights import FORMATS, format_of
from mechcore.filters.formats.tensors import Tensor
from mechcore.io.reading import reason_not_to_open

LARGEST_EXPANSION = 100
"""How many times larger than its file its content may be. Trained weights shrink by 2 or so, a
network with 99 of 100 weights removed by 50; a file of a few bytes can claim anything."""

ALWAYS_PLAUSIBLE = 32 * 2**20
"""Bytes that are unpacked whatever the file's size: no machine runs out of memory by them, and a
pruned kernel of zeros shrinks without limit."""

LONGEST_REASON = 120
"""Characters of the first line of another project's error: some of them go on for a page."""


class WeightFileError(MechcoreError):
    """Why a weight file is not used: one line, whatever the file and its name hold."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(one_line(f"{path.name}: {reason}"))


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a weight file of any known format; any failure to read it is one line."""
    reason = reason_not_to_open(path)
    if reason:
        raise WeightFileError(path, f"cannot be read: {reason}")
    with one_line_errors(path):
        reader = _reader(format_of(path))
        with reader.open_tensors(path) as stored:
            tensors = [replace(tensor, name=harmless(tensor.name)) for tensor in stored]
            _require_distinct_names(path, tensors)
            yield tensors


def _reader(name: str) -> ModuleType:
    package = FORMATS[name].package
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if package is None or error.name != package:
            raise
        advice = f"pip install 'mechcore[{name}]'"
        raise MechcoreError(f"is of {name}, which needs the package {package}: {advice}") from error


def require_plausible_size(path: Path, what: str, size: int) -> None:
    """Refuse content that claims to be much larger than its file."""
    stored = sum(part.stat().st_size for part in parts_of(path))
    if size > max(ALWAYS_PLAUSIBLE, LARGEST_EXPANSION * stored):
        claim = f"{what} would take {size} bytes, more than {LARGEST_EXPANSION} times the file's"
        raise WeightFileError(path, f"{claim} {stored} bytes")


def _require_distinct_names(path: Path, tensors: list[Tensor]) -> None:
    counts = Counter(tensor.name for tensor in tensors)
    for name, count in counts.most_common(1):
        if count > 1:
            raise WeightFileError(path, f"holds {count} tensors with the name {shown(name)}")


@contextmanager
def one_line_errors(path: Path) -> Generator[None]:
    """Make one line of whatever a reader of another project raises."""
    try:
        yield
    except WeightFileError:
        raise
    except MechcoreError as error:
        raise WeightFileError(path, str(error)) from error
    # Readers of other projects do not document what they raise on damaged files: errors of their
    # own, but also those of indices, keys, attributes, assertions and memory.
    except Exception as error:
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
        first = text.strip().partition("\n")[0][:LONGEST_REASON]
        raise WeightFileError(path, f"cannot be read: {first}") from error
