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
    trimmed: both are for benchmarks and tests. What machine code does not cover runs in the
    reference engine: kernels that take turns, a signed density, and the standard deviation as a
    norm.
    """
    turns = reference.in_turns(kernels)
    signed = rule.density == "signed" or NORMALISATIONS[rule.normalise].norm == "std"
    if turns.shape[1] > 1 or signed:
        return reference.run(kernels, image, rule)
    kernels = turns[:, 0]
    split = separated(kernels, image, rule) if method == "auto" else None
    if split is None:
        return _run_images(kernels, image, rule, method, trims)
    indices, lines = run_lines(split, rule, trims)
    if len(indices) == len(kernels):
        return lines
    others = np.setdiff1d(np.arange(len(kernels)), indices)
    images = _run_images(kernels[others], image, rule, method, trims)
    return concatenate([lines, images]).select(np.argsort(np.concatenate([indices, others])))


def _run_images(
    kernels: Array, image: Array, rule: LayerRule, method: str, trims: bool
) -> Trajectories:
    """Run kernels pixel by pixel, those of one rank together."""
    image = np.array(image, dtype=np.float64, order="C")
    kernels = np.array(kernels, dtype=np.float64, order="C")
    splits = [_factors(kernel, method) for kernel in kernels]
    ranks = np.array([columns.shape[1] for columns, _ in splits])
    order = np.argsort(ranks, kind="stable")
    outcomes = []
    for members in np.split(order, np.flatnonzero(np.diff(ranks[order])) + 1):
        columns, rows = (np.array([splits[i][axis] for i in members]) for axis in (0, 1))
        batch = Taps(kernels[members], columns, rows)
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
