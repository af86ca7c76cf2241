"""The kernels of a trained network as they are in its weight file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mechcore.errors import choose, shown
from mechcore.experiment.weight_files import weights_sha256
from mechcore.experiment.weights import LAYOUTS, WHOLE, Reading
from mechcore.filters.choice import chosen
from mechcore.filters.formats import WeightFileError, open_tensors, require_plausible_size
from mechcore.filters.formats.tensors import Tensor
from mechcore.filters.layers import Layer, Skipped, reason_to_skip, recognise

LARGEST_BANK = 8 * 2**30
"""Bytes of all kernels: the convolutions of the largest published networks take 6 GiB or so, and
what is more does not fit beside its results on most machines."""

MOST_LAYERS = 10_000
"""Layers of a network; the deepest that are published have a tenth of that."""

MOST_REASONS = 5


@dataclass(frozen=True, eq=False)
class Bank:
    """The spatial convolutions of a weight file."""

    name: str
    sha256: str
    """SHA-256 of the file."""
    layers: tuple[Layer, ...]
    """In the order of the file."""
    skipped: tuple[Skipped, ...]
    reading: Reading = WHOLE

    @property
    def origin(self) -> dict[str, object]:
        """Attributes of a file of results: the weights that it was made from."""
        return {"weights": self.name, "weights_sha256": self.sha256, **self.reading.attributes}


def load_bank(
    path: str | Path,
    layout: str = "auto",
    select: Iterable[str] = (),
    exclude: Iterable[str] = (),
    fold_batchnorm: bool = False,
) -> Bank:
    """Read the spatial convolutions of a weight file, in the convolution convention.

    The format is told by the content. ``layout`` is the order of the axes (`LAYOUTS`) where neither
    a graph nor a class of Keras states it. ``select`` and ``exclude`` name tensors as those of
    files: ``*`` stands for any text. With ``fold_batchnorm`` the outputs of a convolution are
    multiplied by the factors of the batch normalisation that follows it.

    Examples
    --------
    >>> bank = load_bank("resources/banks/digits.safetensors")
    >>> bank.layers[0].name, bank.layers[0].kernels.shape
    ('conv1.weight', (16, 1, 1, 5, 5))
    """
    choose(LAYOUTS, "layout", layout)
    reading = Reading(
        layout=layout, select=[*select], exclude=[*exclude], fold_batchnorm=fold_batchnorm
    )
    path = Path(path)
    with open_tensors(path) as stored:
        tensors = chosen(stored, reading)
        _require_memory(path, [tensor for tensor in tensors if not reason_to_skip(tensor, layout)])
        entries = [recognise(tensor, layout) for tensor in tensors]
    layers = tuple(entry for entry in entries if isinstance(entry, Layer))
    skipped = tuple(entry for entry in entries if isinstance(entry, Skipped))
    if not layers:
        raise WeightFileError(path, f"has no spatial convolution: {_tally(skipped)}")
    # Where all are fixed, the file was saved for use, and does not tell.
    if all(layer.fixed for layer in layers):
        layers = tuple(replace(layer, fixed=False) for layer in layers)
    return Bank(path.name, weights_sha256(path), layers, skipped, reading)


def _require_memory(path: Path, tensors: list[Tensor]) -> None:
    if len(tensors) > MOST_LAYERS:
        raise WeightFileError(path, f"has {len(tensors)} layers, more than {MOST_LAYERS}")
    size = sum(math.prod(item.shape) * (8 if item.dtype == "float64" else 4) for item in tensors)
    if size > LARGEST_BANK:
        raise WeightFileError(
            path, f"its kernels would take {size} bytes, more than {LARGEST_BANK}"
        )
    require_plausible_size(path, "its kernels", size)


def _tally(skipped: tuple[Skipped, ...]) -> str:
    counts = Counter(entry.reason for entry in skipped).most_common(MOST_REASONS)
    examples = {entry.reason: shown(entry.name) for entry in reversed(skipped)}
    reasons = [f"{count} x {reason} (as {examples[reason]})" for reason, count in counts]
    return ", ".join(reasons) or "it is empty"
