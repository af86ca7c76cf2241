"""What the tests of the core share: both engines, their bound, and the kernels to try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mechcore.engines import reference, run
from mechcore.engines.compiled.trimming import CERTIFIED
from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import (
    AGREEMENT,
    DENSITIES,
    QUANTITIES,
    REGIONS,
    Trajectories,
    moment_rounding,
    record_distance,
)
from mechcore.io.arrays import Array
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.kernels import FAMILIES, kernel
from mechcore.model.normalisations import NORMALISATIONS
from mechcore.model.patterns import pattern_image

POSITIVE_FAMILIES = ("dct", "gaussian", "binomial")
"""Families whose even part has no negative tap."""

EXACT_ACTIVATIONS = ("identity", "relu", "modulus", "leaky_relu")
"""Activations that are the identity on x >= 0."""

SIZES = range(2, 12)

KERNELS = [(name, k) for name, entry in FAMILIES.items() for k in SIZES if entry.has_size(k)]
"""All families and the sizes that they have."""

ON_FREE_SPACE = [name for name, entry in NORMALISATIONS.items() if not entry.needs_domain]

PARITIES = [(name, k) for name, k in KERNELS if FAMILIES[name].by_parity]
"""Those whose parts are even and odd."""

UNIT_ROUNDOFF = 2.0**-53


FAINT = 1e-280
"""Of a region. The compiled engine sets values below 1e-290 to zero, so that of sums of them it
knows no digit; more than 1e4 pixels are in no test."""

CHAOS = 1e-3
"""A run that one rounding moves by more than this has no digits left to compare."""


def of(trajectories: Trajectories, name: str) -> Array:
    """Return one quantity of a run, ``(n, T + 1)``."""
    return trajectories.record[..., QUANTITIES.index(name)]


def run_one(
    taps: Array, image: Array | None = None, engine: str = "compiled", **rule: object
) -> Trajectories:
    image = np.ones((1, 1)) if image is None else image
    return run(engine, taps[np.newaxis], image, LayerRule(**rule))


def ulp_neighbours(taps: Array, count: int = 4) -> Iterator[Array]:
    draws = np.random.default_rng(7)
    for _ in range(count):
        towards = np.where(draws.random(taps.shape) < 0.5, -np.inf, np.inf)
        yield np.where(taps == 0, 0.0, np.nextafter(taps, towards))


def deviations(first: Trajectories, second: Trajectories, rule: LayerRule) -> Array:
    """Return how far two runs of one kernel have come apart up to each layer."""
    apart = record_distance(first.record[0, :, np.newaxis], second.record[0, :, np.newaxis])
    mass = float(np.nanmax(np.maximum(of(first, "mass"), of(first, "gain"))))
    for layer, a, b in zip(
        rule.snapshot_layers, first.snapshots[0], second.snapshots[0], strict=True
    ):
        apart[layer] = max(apart[layer], _image_deviation(a, b, mass))
    return np.maximum.accumulate(apart)


def _image_deviation(first: Array, second: Array, mass: float) -> float:
    """Return the largest deviation relative to the peak, beyond what trimming may take."""
    if not np.array_equal(np.isnan(first), np.isnan(second)):
        return np.inf
    first, second = np.nan_to_num(first), np.nan_to_num(second)
    beyond = float(np.max(np.abs(first - second))) - CERTIFIED * mass
    return max(beyond, 0.0) / float(np.max(np.abs(first)) or 1.0)


@contextmanager
def jitter(seed: int) -> Iterator[None]:
    """Move every pixel that the reference engine computes by up to one rounding of its terms."""
    draws, exact = np.random.default_rng(seed), reference.convolve

    def convolve(state: Array, taps: Array) -> Array:
        result, terms = exact(state, taps), exact(np.abs(state), np.abs(taps))
        return result + UNIT_ROUNDOFF * draws.uniform(-1, 1, result.shape) * terms

    with mock.patch.object(reference, "convolve", convolve):
        yield


def rounding_deviations(taps: Array, image: Array, rule: LayerRule, slow: Trajectories) -> Array:
    """Return how far rounding moves a run up to each layer.

    The largest movement by kernels that are one unit in the last place away, and by jitter: a run
    that amplifies what is random in space and time may hardly notice a change of its kernel.
    """
    moved = [
        deviations(slow, run("reference", neighbour[np.newaxis], image, rule), rule)
        for neighbour in ulp_neighbours(taps)
    ]
    for seed in range(4):
        with jitter(seed):
            moved.append(deviations(slow, run("reference", taps[np.newaxis], image, rule), rule))
    return np.max(moved, axis=0)


def assert_engines_agree(taps: Array, image: Array, rule: LayerRule) -> None:
    slow = run("reference", taps[np.newaxis], image, rule)
    fast = run("compiled", taps[np.newaxis], image, rule)
    assert_equal_but_for_rounding(fast, slow, taps, image, rule)


def assert_equal_but_for_rounding(
    actual: Trajectories, expected: Trajectories, taps: Array, image: Array, rule: LayerRule
) -> None:
    """Check two runs that would be the same in exact arithmetic.

    The bound is the 1e-10 that is promised, or what rounding explains: a sum of n products is
    rounded n times and the state once more by its norm, in each of two runs. Where rounding alone
    moves a run by more than `CHAOS`, its digits are gone and the comparison ends, as it does where
    the mass of a region falls below `FAINT`.
    """
    apart = deviations(expected, actual, rule)
    bound = np.maximum(AGREEMENT, moment_rounding(expected.record[0]))
    mass = np.abs(of(expected, "mass")[0])
    # A mass that underflows to zero still has moments in one of the engines.
    faint = (mass < FAINT) & np.isfinite(of(expected, "mu_x")[0])
    bound[np.logical_or.accumulate(faint)] = np.inf
    # Eight more runs, which are needed only where that does not hold by itself.
    if np.any(apart > bound):
        exact = run("reference", taps[np.newaxis], image, rule)
        moved = rounding_deviations(taps, image, rule, exact)
        bound = np.maximum(bound, 2 * (np.count_nonzero(taps) + 1) * moved)
        bound[moved > CHAOS] = np.inf
    worst = int(np.argmax(apart > bound))
    assert np.all(apart <= bound), (
        f"layer {worst}: {apart[worst]:.1e} apart, rounding explains {bound[worst]:.1e}"
    )
    if bound[-1] < np.inf:
        np.testing.assert_array_equal(actual.extinct_at, expected.extinct_at)
        np.testing.assert_array_equal(actual.diverged_at, expected.diverged_at)


def rules(most_steps: int = 24) -> st.SearchStrategy[LayerRule]:
    return st.builds(
        LayerRule,
        activation=st.sampled_from(list(ACTIVATIONS)),
        normalise=st.sampled_from(list(NORMALISATIONS)),
        boundary=st.sampled_from(list(BOUNDARIES)),
        density=st.sampled_from(list(DENSITIES)),
        region=st.sampled_from(list(REGIONS)),
        steps=st.integers(1, most_steps),
        snapshot_window=st.integers(1, 40),
    ).flatmap(_with_snapshots)


def _with_snapshots(rule: LayerRule) -> st.SearchStrategy[LayerRule]:
    layers = st.sets(st.integers(0, rule.steps), max_size=3)
    return layers.map(lambda some: replace(rule, snapshot_layers=tuple(sorted(some))))


def arrays_of(lowest: float, highest: float, longest: int) -> st.SearchStrategy[Array]:
    """Two-dimensional arrays of random shape, with round numbers and zeros among the taps."""
    number = st.one_of(
        st.floats(lowest, highest, allow_subnormal=False).map(lambda x: round(x, 6)),
        st.sampled_from([x for x in (-1.0, -0.5, 0.0, 0.25, 1.0) if x >= lowest]),
    )
    shapes = array_shapes(min_dims=2, max_dims=2, max_side=longest)
    return arrays(np.float64, shapes, elements=number).filter(np.any)


def family_kernels() -> st.SearchStrategy[Array]:
    return st.builds(
        lambda pair, *rest, **more: kernel(*pair, *rest, **more),
        st.sampled_from([pair for pair in KERNELS if pair[1] <= 7]),
        st.floats(0, 1),
        st.floats(-360, 360),
        st.sampled_from(["unit", "linear"]),
        seed=st.integers(0, 99),
    )


def seeded_kernels(*, signed: bool) -> st.SearchStrategy[Array]:
    def draw(shape: tuple[int, int], seed: int) -> Array:
        taps = np.random.default_rng(seed).standard_normal(shape)
        return taps if signed else np.abs(taps)

    side = st.integers(1, 7)
    return st.builds(draw, st.tuples(side, side), st.integers(0, 2**32 - 1))


def any_kernels() -> st.SearchStrategy[Array]:
    return st.one_of(
        seeded_kernels(signed=True),
        seeded_kernels(signed=False),
        family_kernels(),
        arrays_of(-2, 2, 5),
        arrays_of(0, 2, 5),
    )


def any_images() -> st.SearchStrategy[Array]:
    return st.one_of(
        st.just(np.ones((1, 1))),
        st.floats(0.5, 6).map(lambda radius: pattern_image("disc", radius=radius)),
        st.integers(0, 99).map(lambda seed: pattern_image("random", side=6, seed=seed)),
        arrays_of(0, 5, 6),
    )
