"""What else a researcher would use, each tool as its experts would use it.

Common to all: no state is divided by its norm, as ReLU lets a factor pass: the taps of the next
layer are divided instead, k^2 numbers for a whole state. The domain grows with the state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import LAYERS, SIZES
from mechcore.io.arrays import Array

SMALL, LARGE = SIZES[:4], SIZES[4:]

STAGES = 8
"""Scans that share the layers under JAX by hand, each on a domain of its own, as a loop cannot grow
its state: one scan takes 2.3 times as long, 16 are no faster and take twice as long to compile."""

RANK_TOLERANCE = 1e-12
"""Singular values below this share of the largest one are rounding errors."""

TOLERANCES = {"float64": 1e-6, "float32": 1e-3}
"""What a centroid or width at the last layer may be off, in px. ReLU does not amplify a rounding
error here, not even at beta = 1, so no kernel has to be left out. What remains in float64 is the
noise of FFTs, 1e-17 of the peak but over the whole domain: a width of 0 comes out as 1e-7 px, the
root of a variance of 1e-14 px^2; without FFTs 2e-13 px were seen. In float32 it is the rounding of
centroids of 1e2 px: 1e-4 px were seen."""

Run = Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class Batch:
    """The input of a peer: kernels, pattern, and the precision to compute in."""

    kernels: Array
    image: Array
    dtype: str
    layers: int = LAYERS

    @property
    def size(self) -> int:
        """Side of the kernels."""
        return int(self.kernels.shape[-1])

    def singles(self) -> list[Batch]:
        """Batches of one kernel each."""
        return [replace(self, kernels=kernel[np.newaxis]) for kernel in self.kernels]

    def states(self) -> NDArray[Any]:
        """The pattern, once for each kernel."""
        return np.repeat(self.image[np.newaxis], len(self.kernels), axis=0).astype(self.dtype)

    def taps(self) -> NDArray[Any]:
        """The kernels in the precision of the batch."""
        return self.kernels.astype(self.dtype)

    def factors(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Column and row profiles (n, rank, k) whose products add up to the kernels."""
        # In float64 also for float32, whose rounding errors would count as ranks.
        left, values, right = np.linalg.svd(self.kernels)
        rank = int(np.max(np.sum(values > RANK_TOLERANCE * values[:, :1], axis=1)))
        columns = (left * values[:, np.newaxis, :]).transpose(0, 2, 1)[:, :rank]
        return _cleaned(columns).astype(self.dtype), _cleaned(right[:, :rank]).astype(self.dtype)


def _cleaned(profiles: Array) -> Array:
    """Profiles without rounding errors of zeros, whose powers would be subnormal, thus slow."""
    largest = np.max(np.abs(profiles), axis=-1, keepdims=True)
    return np.where(np.abs(profiles) > RANK_TOLERANCE * largest, profiles, 0.0)


@dataclass(frozen=True)
class Peer:
    """A way to run a batch, and the sizes and precisions that are worth a run.

    ``prepare(batch)`` returns a function that is timed; it returns centroid and width (n, T + 1,
    4). The package reads ``environment`` when it is imported. ``by_hand`` marks convolutions that
    their user wrote for this problem.
    """

    name: str
    package: str
    prepare: Callable[[Batch], Run]
    sizes: tuple[int, ...] = SIZES
    dtypes: tuple[str, ...] = ("float64",)
    environment: Mapping[str, str] = field(default_factory=dict)
    by_hand: bool = False

    @property
    def missing(self) -> bool:
        """Whether its package is not installed."""
        return find_spec(self.package) is None


def moments(library: Any, states: Any, side: Any) -> Any:
    """Return mu_x, mu_y, sigma_x, sigma_y (n, 4) of states without negative values, as after ReLU.

    ``library`` is numpy, torch or jax.numpy; beyond the occupied ``side`` states are zero.
    """
    rows, columns = states.sum(2), states.sum(1)
    mass = rows.sum(1)
    place = library.arange(states.shape[1], dtype=states.dtype) - (side - 1) / 2
    mu_x, mu_y = columns @ place / mass, rows @ place / mass
    # About the centroid: the difference of raw moments would lose half of the digits.
    variance_x = (columns * (place - mu_x[:, None]) ** 2).sum(1) / mass
    variance_y = (rows * (place - mu_y[:, None]) ** 2).sum(1) / mass
    return library.stack([mu_x, mu_y, library.sqrt(variance_x), library.sqrt(variance_y)], -1)


# --- numpy, scipy: a function convolves, the rest is numpy ---

Convolve = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


def _simulate(batch: Batch, convolve: Convolve) -> NDArray[Any]:
    """All layers of a batch, whose full convolution is left to a function."""
    states, kernels = batch.states(), batch.taps()
    taps = kernels
    record = [moments(np, states, states.shape[1])]
    for _ in range(batch.layers):
        states = convolve(states, taps)
        np.maximum(states, 0.0, out=states)
        norms = np.sqrt(np.einsum("nij,nij->n", states, states))
        taps = kernels / norms[:, np.newaxis, np.newaxis]
        record.append(moments(np, states, states.shape[1]))
    return np.stack(record, 1)


def _one_by_one(batch: Batch, run: Callable[[Batch], NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([run(single) for single in batch.singles()])


def _prepare_ndimage(batch: Batch) -> Run:
    ndimage: Any = import_module("scipy.ndimage")

    def convolve(states: NDArray[Any], taps: NDArray[Any]) -> NDArray[Any]:
        grow = taps.shape[-1] - 1
        padded = np.pad(states[0], (0, grow))
        # The origin makes the kernel look only back, to what is not yet padding.
        origin = -(taps.shape[-1] // 2)
        result: NDArray[Any] = ndimage.convolve(padded, taps[0], mode="constant", origin=origin)
        return result[np.newaxis]

    return lambda: _one_by_one(batch, partial(_simulate, convolve=convolve))


def _prepare_oaconvolve(batch: Batch) -> Run:
    signal: Any = import_module("scipy.signal")
    convolve = partial(signal.oaconvolve, axes=(1, 2))
    return lambda: _simulate(batch, convolve)


# --- PyTorch ---


def _prepare_conv2d(batch: Batch) -> Run:
    # All kernels as groups of one image are up to five times as fast as kernel by kernel.
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    # Far tails leave the range of numbers, where a processor is a hundred times slower.
    torch.set_flush_denormal(True)
    flipped = torch.from_numpy(batch.taps()[:, np.newaxis, ::-1, ::-1].copy())
    options = {"groups": len(batch.kernels), "padding": batch.size - 1}

    def run() -> NDArray[Any]:
        states, divided = torch.from_numpy(batch.states()), flipped
        record = [moments(torch, states, states.shape[1])]
        for _ in range(batch.layers):
            states = torch.nn.functional.conv2d(states[np.newaxis], divided, **options)[0].relu_()
            norms = torch.linalg.vector_norm(states.flatten(1), dim=1)
            divided = flipped / norms.reshape(-1, 1, 1, 1)
            record.append(moments(torch, states, states.shape[1]))
        return np.asarray(torch.stack(record, 1))

    return torch.inference_mode()(run)  # type: ignore[no-any-return]


# --- JAX ---

XLA_FLAGS = "--xla_cpu_multi_thread_eigen=false"
WIDE_VECTORS = " --xla_cpu_prefer_vector_width=512"
"""Makes shift-and-add up to 1.5 times as fast, and the low rank form slightly slower."""


def _prepare_jax(batch: Batch, low_rank: bool, stages: int) -> Run:
    # XLA fuses the shifted copies of a layer into one loop. Its own convolution, with the kernels
    # as groups, is three to seven times slower in float32 and about a hundred times in float64;
    # kernel after kernel by `lax.map` is no faster at any size.
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", batch.dtype == "float64")
    factors = batch.factors() if low_rank else (batch.taps(),)
    convolve = partial(_sum_of_products if low_rank else _sum_of_shifted, jax.numpy)
    simulate = partial(_simulate_jax, jax, batch.layers, stages, convolve=convolve)
    arrays = tuple(jax.numpy.asarray(part) for part in (batch.states(), *factors))
    compiled = jax.jit(simulate).lower(*arrays).compile()
    return lambda: np.asarray(compiled(*arrays))


def _prepare_jax_scan(batch: Batch) -> Run:
    return _prepare_jax(batch, low_rank=False, stages=1)


def _prepare_jax_shifts(batch: Batch) -> Run:
    return _prepare_jax(batch, low_rank=False, stages=STAGES)


def _prepare_jax_products(batch: Batch) -> Run:
    return _prepare_jax(batch, low_rank=True, stages=STAGES)


def _simulate_jax(
    jax: Any,
    layers: int,
    stages: int,
    states: Any,
    first: Any,
    *others: Any,
    convolve: Callable[..., Any],
) -> Any:
    numpy, size, side = jax.numpy, first.shape[-1], states.shape[1]

    def layer(carry: tuple[Any, Any], number: Any) -> tuple[tuple[Any, Any], Any]:
        states, divided = carry
        states = numpy.maximum(convolve(states, divided, *others), 0.0)
        norms = numpy.sqrt((states * states).sum((1, 2)))
        record = moments(numpy, states, side + number * (size - 1))
        return (states, first / norms.reshape(-1, *[1] * (first.ndim - 1))), record

    carry, records = (states, first), [moments(numpy, states, side)[np.newaxis]]
    for numbers in np.array_split(np.arange(1, layers + 1, dtype=states.dtype), stages):
        grow = side + int(numbers[-1]) * (size - 1) - carry[0].shape[1]
        wider = numpy.pad(carry[0], ((0, 0), (0, grow), (0, grow)))
        carry, record = jax.lax.scan(layer, (wider, carry[1]), numpy.asarray(numbers))
        records.append(record)
    return numpy.concatenate(records).transpose(1, 0, 2)


def _sum_of_shifted(numpy: Any, states: Any, taps: Any) -> Any:
    size, side = taps.shape[-1], states.shape[1]
    grow = size - 1
    padded = numpy.pad(states, ((0, 0), (grow, 0), (grow, 0)))
    return sum(
        taps[:, i, j, None, None]
        * padded[:, grow - i : grow - i + side, grow - j : grow - j + side]
        for i in range(size)
        for j in range(size)
    )


def _sum_of_products(numpy: Any, states: Any, columns: Any, rows: Any) -> Any:
    size, side = columns.shape[-1], states.shape[1]
    grow, result = size - 1, numpy.zeros_like(states)
    across = numpy.pad(states, ((0, 0), (0, 0), (grow, 0)))
    starts = [(i, grow - i) for i in range(size)]
    for rank in range(columns.shape[1]):
        wide = sum(rows[:, rank, i, None, None] * across[:, :, s : s + side] for i, s in starts)
        down = numpy.pad(wide, ((0, 0), (grow, 0), (0, 0)))
        result += sum(columns[:, rank, i, None, None] * down[:, s : s + side] for i, s in starts)
    return result


BOTH = ("float64", "float32")
NARROW, WIDE = {"XLA_FLAGS": XLA_FLAGS}, {"XLA_FLAGS": XLA_FLAGS + WIDE_VECTORS}

PEERS = (
    Peer("scipy.ndimage.convolve", "scipy", _prepare_ndimage, SMALL),
    Peer("scipy.signal.oaconvolve", "scipy", _prepare_oaconvolve, LARGE),
    Peer("PyTorch conv2d", "torch", _prepare_conv2d, SMALL),
    Peer("JAX jit and scan", "jax", _prepare_jax_scan, SIZES[:6], environment=WIDE),
    Peer("JAX, 8 scans", "jax", _prepare_jax_shifts, SIZES[:5], BOTH, WIDE, True),
    Peer("JAX, 8 scans, low rank", "jax", _prepare_jax_products, LARGE, BOTH, NARROW, True),
)
"""The peers: first what libraries offer, then what a specialist would write with the fastest of
them. A form is left out at sizes where another one is faster, or where it takes many seconds."""
