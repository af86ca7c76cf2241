"""The compiled engine: one pass a layer over the occupied support, in machine code.

Convolution, activation, norm and marginal sums are taken block by block while the block is in the
fastest cache. The state is kept as it comes out of the activation; dividing it by its norm is left
to the taps of the next layer. What lies outside the support is never visited;
`mechcore.engines.trimming` tells what may be left out of it. ``docs/engine.md`` tells which method
is used when, and what each was measured to cost.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mechcore.engines import LayerRule
from mechcore.engines.box import Array
from mechcore.engines.factors import factors
from mechcore.engines.law import law_of
from mechcore.engines.propagation import propagate_batch
from mechcore.engines.separable import run_lines, separated
from mechcore.records import Trajectories

METHODS = ("auto", "direct", "low_rank")
"""``direct`` takes each tap of each pixel, ``low_rank`` passes along rows and columns; ``auto`` is
the cheaper one, or runs of lines where a state is a product of two."""


def run(
    kernels: Array, image: Array, rule: LayerRule, *, method: str = "auto", trims: bool = True
) -> Trajectories:
    """Run a batch of kernels on one pattern; see `mechcore.engines.run`.

    ``method`` is one of `METHODS`, ``trims`` whether the support may be trimmed: both are for
    benchmarks and tests.
    """
    outcome = _room(len(kernels), rule)
    split = separated(kernels, image, rule) if method == "auto" else None
    waiting = np.ones(len(kernels), dtype=bool)
    if split is not None:
        indices, lines = run_lines(split, rule, trims)
        outcome.put(indices, lines)
        waiting[indices] = False
    if waiting.any():
        outcome.put(waiting, _run_images(kernels[waiting], image, rule, method, trims))
    return outcome


def _room(count: int, rule: LayerRule) -> Trajectories:
    layers, window = len(rule.snapshot_layers), rule.snapshot_window
    return Trajectories.undefined(count, rule.steps, layers, window)


def _run_images(
    kernels: Array, image: Array, rule: LayerRule, method: str, trims: bool
) -> Trajectories:
    """Run kernels pixel by pixel, those of one rank together."""
    outcome = _room(len(kernels), rule)
    layers = np.array(rule.snapshot_layers, dtype=np.int64)
    image, law = np.array(image, dtype=np.float64, order="C"), law_of(rule)
    splits = [_factors(kernel, method) for kernel in kernels]
    ranks = np.array([columns.shape[1] for columns, _ in splits])
    for rank in np.unique(ranks):
        members = np.flatnonzero(ranks == rank)
        batch = _room(members.size, rule)
        ends = np.stack([batch.extinct_at, batch.diverged_at], axis=1)
        columns, rows = (np.array([splits[i][axis] for i in members]) for axis in (0, 1))
        taps = np.array(kernels[members], dtype=np.float64, order="C")
        outputs = batch.record, batch.snapshots, ends
        propagate_batch(taps, columns, rows, image, law, layers, *outputs, trims)
        outcome.put(members, replace(batch, extinct_at=ends[:, 0], diverged_at=ends[:, 1]))
    return outcome


def _factors(kernel: Array, method: str) -> tuple[Array, Array]:
    """Columns and rows of a kernel, none of them if it is to be used as it is."""
    height, width = kernel.shape
    most = min(height, width) if method == "low_rank" else _largest_rank(height, width)
    if method == "direct" or most < 1 or not kernel.any():
        return np.empty((height, 0)), np.empty((0, width))
    return factors(kernel, most) or (np.empty((height, 0)), np.empty((0, width)))


def _largest_rank(height: int, width: int) -> int:
    """The rank up to which passes along rows and columns are cheaper than single taps.

    In multiply-adds of the direct method: one along a line costs 1.15, and a band 16 for each pixel
    (``benchmarks/``, see ``docs/engine.md``).
    """
    return int((height * width - 16) / (1.15 * (height + width)))
