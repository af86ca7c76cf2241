"""The compiled engine: one pass a layer over the occupied support, in machine code.

Convolution, activation, norm and marginal sums are taken block by block while the block is in the
fastest cache. The state is kept as it comes out of the activation; dividing it by its norm is left
to the taps of the next layer. What lies outside the support is never visited;
`mechcore.engines.compiled.trimming` says what may be left out of it. ``docs/engine.md`` says which
method is used when, and what each was measured to cost.
"""

from __future__ import annotations

import numpy as np

from mechcore.engines import reference
from mechcore.engines.compiled.convolution import Taps
from mechcore.engines.compiled.propagation import propagate_images
from mechcore.engines.compiled.separable import run_lines, separated
from mechcore.engines.factors import factors
from mechcore.engines.methods import largest_rank
from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import Trajectories, concatenate
from mechcore.io.arrays import Array
from mechcore.model.normalisations import NORMALISATIONS


def run(
    kernels: Array, image: Array, rule: LayerRule, *, method: str = "auto", trims: bool = True
) -> Trajectories:
    """Run a batch of kernels on one pattern; see `mechcore.engines.run`.

    ``method`` is one of `mechcore.engines.methods.METHODS`, ``trims`` whether the support may be
    trimmed: both are for benchmarks and tests. What machine code does not cover, the standard
    deviation as a norm, runs in the reference engine.
    """
    if NORMALISATIONS[rule.normalise].norm == "std":
        return reference.run(kernels, image, rule)
    turns = reference.in_turns(kernels)
    alone = method == "auto" and turns.shape[1] == 1
    split = separated(turns[:, 0], image, rule) if alone else None
    if split is None:
        return _run_images(turns, image, rule, method, trims)
    indices, lines = run_lines(split, rule, trims)
    if len(indices) == len(turns):
        return lines
    others = np.setdiff1d(np.arange(len(turns)), indices)
    images = _run_images(turns[others], image, rule, method, trims)
    return concatenate([lines, images]).select(np.argsort(np.concatenate([indices, others])))


def _run_images(
    turns: Array, image: Array, rule: LayerRule, method: str, trims: bool
) -> Trajectories:
    """Run kernels pixel by pixel, those of one rank together; those in turns as they are."""
    image = np.array(image, dtype=np.float64, order="C")
    turns = np.array(turns, dtype=np.float64, order="C")
    method = method if turns.shape[1] == 1 else "direct"
    splits = [[_factors(kernel, method) for kernel in kernels] for kernels in turns]
    ranks = np.array([columns.shape[1] for (columns, _), *_ in splits])
    order = np.argsort(ranks, kind="stable")
    outcomes = []
    for members in np.split(order, np.flatnonzero(np.diff(ranks[order])) + 1):
        columns, rows = (
            np.array([[parts[axis] for parts in splits[i]] for i in members]) for axis in (0, 1)
        )
        batch = Taps(turns[members], columns, rows)
        outcomes.append(propagate_images(batch, image, rule, trims=trims))
    return concatenate(outcomes).select(np.argsort(order))


def _factors(kernel: Array, method: str) -> tuple[Array, Array]:
    """Return columns and rows of a kernel, none if it is used as it is."""
    height, width = kernel.shape
    most = min(height, width) if method == "low_rank" else largest_rank(height, width)
    none = np.empty((height, 0)), np.empty((0, width))
    if method == "direct" or most < 1 or not kernel.any():
        return none
    return factors(kernel, most) or none
