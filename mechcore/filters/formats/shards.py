"""Reads an index of weight files beside it: the shards of a large model."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mechcore.experiment.weight_files import parts_of
from mechcore.filters.formats import open_tensors as open_shard
from mechcore.filters.formats.tensors import Tensor, natural_order


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open all files that an index names."""
    tensors: list[Tensor] = []
    with ExitStack() as stack:
        for part in parts_of(path)[1:]:
            tensors += stack.enter_context(open_shard(part))
        yield sorted(tensors, key=lambda tensor: natural_order(tensor.name))
