"""The compiled engine beside its peers and itself: the same work, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from benchmarks.peers import PEERS, TOLERANCES, Batch, Peer
from benchmarks.ratio import Ratio
from benchmarks.timing import best_of, best_when_warm, cores, in_child, pinned_child
from benchmarks.workloads import COMPARED, LAYERS, MEASURED, sizes_in
from mechcore.engines.compiled.run import run
from mechcore.engines.rule import LayerRule
from mechcore.io.arrays import Array

LONGER = 4
"""Times as many layers, with the same kernels."""

Case = tuple[str, int]
"""Workload and kernel size."""


class Yardstick(NamedTuple):
    """The fastest peers of a kind are one: by precision, and by who wrote the convolution."""

    name: str
    dtype: str
    by_hand: bool


YARDSTICKS = (
    Yardstick("library, float64", "float64", False),
    Yardstick("by hand, float64", "float64", True),
    Yardstick("by hand, float32", "float32", True),
)


class Timing(NamedTuple):
    """Seconds of a peer for a batch."""

    peer: Peer
    dtype: str
    case: Case
    seconds: float


def compare(quick: bool) -> Iterator[Ratio]:
    """Time the engine, all peers, and the engine again; check every peer's result."""
    before, expected = in_child(_time_engine, quick)
    timings = [timing for peer in PEERS for timing in _time_peer(peer, expected)]
    after, _ = in_child(_time_engine, quick)
    seconds = {case: min(before[case], after[case]) for case in before}
    for case in seconds:
        for yardstick in YARDSTICKS:
            yield from _fastest(yardstick, case, seconds[case], timings)


def _fastest(
    yardstick: Yardstick, case: Case, seconds: float, timings: list[Timing]
) -> Iterator[Ratio]:
    rivals = [
        timing
        for timing in timings
        if timing.case == case
        and (timing.dtype, timing.peer.by_hand) == (yardstick.dtype, yardstick.by_hand)
    ]
    # Peers whose package is missing, or that are too slow at a size, are not there.
    if rivals:
        best = min(rivals, key=lambda timing: timing.seconds)
        name = f"{case[0]}, k = {case[1]}, {yardstick.name}"
        yield Ratio(name, seconds, best.peer.name, best.seconds)


def _time_engine(quick: bool) -> tuple[dict[Case, float], dict[Case, Array]]:
    """Return seconds, and the results at the last layer that the peers must reach."""
    seconds, expected, rule = {}, {}, LayerRule(steps=LAYERS)
    for name, workload in COMPARED.items():
        for size in sizes_in(quick):
            kernels, image = workload.kernels(size), workload.image()
            best, result = best_when_warm(partial(run, kernels, image, rule))
            seconds[name, size] = best
            expected[name, size] = result.record[:, -1, MEASURED]
    return seconds, expected


def _time_peer(peer: Peer, expected: dict[Case, Array]) -> Iterator[Timing]:
    if peer.missing:
        print(f"  {peer.name}: not run, the package {peer.package} is not installed")
        return
    cases = [case for case in expected if case[1] in peer.sizes]
    for dtype in peer.dtypes:
        with pinned_child(cores()[-1], peer.environment) as pool:
            for case in cases:
                task = pool.submit(_run_peer, PEERS.index(peer), dtype, case)
                seconds, result = task.result()
                what = f"{peer.name}, {dtype}, {case[0]}, k = {case[1]}"
                _check(what, dtype, result, expected[case])
                print(f"  {what}: {seconds:.4g} s", flush=True)
                yield Timing(peer, dtype, case, seconds)


def _run_peer(index: int, dtype: str, case: Case) -> tuple[float, Array]:
    """Seconds and last layer of a peer; what it prepares or compiles first is not timed."""
    workload, size = COMPARED[case[0]], case[1]
    run_peer = PEERS[index].prepare(Batch(workload.kernels(size), workload.image(), dtype))
    seconds, record = best_of(run_peer)
    return seconds, record[:, -1].astype(np.float64)


def _check(what: str, dtype: str, result: Array, expected: Array) -> None:
    worst = float(np.max(np.abs(result - expected)))
    # A NaN must fail, too.
    if not worst <= TOLERANCES[dtype]:
        raise RuntimeError(f"{what}: differs from the engine by {worst:.2g} px at the last layer")


def measure_longer_runs() -> Iterator[Ratio]:
    """Compare the engine with itself on fewer layers: untrimmed, time grows as their cube."""
    for name in COMPARED:
        short, long = in_child(_time_longer_run, name)
        yield Ratio(f"{name}, k = 3, {LONGER * LAYERS} layers", long, f"{LAYERS} layers", short)


def _time_longer_run(name: str) -> list[float]:
    kernels, image = COMPARED[name].kernels(3), COMPARED[name].image()
    rules = [LayerRule(steps=steps) for steps in (LAYERS, LONGER * LAYERS)]
    return [best_when_warm(partial(run, kernels, image, rule))[0] for rule in rules]
