"""The compiled engine beside its peers: the same work, one after the other, on one core."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.peers import PEERS, TOLERANCES, Batch, Peer
from benchmarks.timing import best_of, best_when_warm, cores, in_child, pinned_child
from benchmarks.workloads import COMPARED, LAYERS, MEASURED, SIZES, sizes_in
from mechcore.engines.compiled.run import run
from mechcore.engines.rule import LayerRule
from mechcore.io.arrays import Array

ENGINE = "mechcore compiled"

LONGEST = 20.0
"""Seconds: a peer that is expected to take longer is left out from this size on."""

STEEPEST = 5.0
"""Power of the kernel size that the time is taken to grow with before there are two times."""

Key = tuple[str, int]
"""Workload and kernel size."""


@dataclass(frozen=True)
class Timing:
    """Seconds of a method for one batch."""

    workload: str
    method: str
    dtype: str
    size: int
    seconds: float
    by_hand: bool = False


@dataclass(frozen=True)
class Comparison:
    """The times of the engine, which comes first, and of its peers.

    ``drifts`` are relative differences of the engine's times before and after the peers; ``notes``
    say what is missing, and why.
    """

    timings: tuple[Timing, ...]
    drifts: tuple[float, ...]
    notes: tuple[str, ...]


def compare(quick: bool, budget: float) -> Comparison:
    """Time the engine, all peers, and the engine again; check every peer's result.

    ``budget`` is the time in seconds for each method, workload and size.
    """
    sizes = sizes_in(SIZES, quick)
    before, expected = in_child(_time_engine, sizes, budget)
    outcomes = [_peer_times(peer, expected, quick, budget) for peer in PEERS]
    after, _ = in_child(_time_engine, sizes, budget)
    best = {key: min(before[key], after[key]) for key in before}
    engine = [Timing(name, ENGINE, "float64", size, best[name, size]) for name, size in best]
    drifts = tuple(abs(after[key] - before[key]) / best[key] for key in best)
    timings = (*engine, *(timing for peer_timings, _ in outcomes for timing in peer_timings))
    notes = dict.fromkeys(note for _, peer_notes in outcomes for note in peer_notes)
    return Comparison(timings, drifts, tuple(notes))


def _time_engine(sizes: Sequence[int], budget: float) -> tuple[dict[Key, float], dict[Key, Array]]:
    """Return seconds, and the results at the last layer that the peers must reach."""
    seconds, expected, rule = {}, {}, LayerRule(steps=LAYERS)
    for name, workload in COMPARED.items():
        for size in sizes:
            kernels, image = workload.kernels(size), workload.image()
            best, result = best_when_warm(partial(run, kernels, image, rule), budget)
            seconds[name, size] = best
            expected[name, size] = result.record[:, -1, MEASURED]
    return seconds, expected


def _peer_times(
    peer: Peer, expected: dict[Key, Array], quick: bool, budget: float
) -> tuple[list[Timing], list[str]]:
    if peer.missing:
        return [], [f"{peer.name}: not run, the package {peer.package} is not installed."]
    timings, notes = [], []
    for dtype in peer.dtypes:
        for workload in COMPARED:
            with pinned_child(cores()[-1], peer.environment) as pool:
                series, note = _series(pool, peer, dtype, workload, expected, quick, budget)
            timings += series
            notes += note
    return timings, notes


def _series(
    pool: ProcessPoolExecutor,
    peer: Peer,
    dtype: str,
    workload: str,
    expected: dict[Key, Array],
    quick: bool,
    budget: float,
) -> tuple[list[Timing], list[str]]:
    """Times of growing sizes, until one is expected to take too long."""
    timings: list[Timing] = []
    for size in sizes_in(peer.sizes, quick):
        if _expected_seconds(timings, size) > LONGEST:
            what = f"{peer.name}, {dtype}, {workload}"
            return timings, [f"{what}: not run from k = {size}, expected > {LONGEST:.0f} s."]
        task = pool.submit(_time_peer, PEERS.index(peer), dtype, workload, size, budget)
        seconds, result = task.result()
        _check(
            f"{peer.name}, {dtype}, {workload}, k = {size}", dtype, result, expected[workload, size]
        )
        timings.append(Timing(workload, peer.name, dtype, size, seconds, peer.by_hand))
        print(f"  {peer.name}, {dtype}, {workload}, k = {size}: {seconds:.4g} s", flush=True)
    return timings, []


def _expected_seconds(timings: Sequence[Timing], size: int) -> float:
    """The power law through the last two times."""
    if not timings:
        return 0.0
    power = STEEPEST
    if len(timings) > 1:
        first, last = timings[-2:]
        power = np.log(last.seconds / first.seconds) / np.log(last.size / first.size)
    return float(timings[-1].seconds * (size / timings[-1].size) ** power)


def _time_peer(
    index: int, dtype: str, workload: str, size: int, budget: float
) -> tuple[float, Array]:
    """Seconds and last layer of a peer; what it prepares or compiles first is not timed."""
    chosen = COMPARED[workload]
    run_peer = PEERS[index].prepare(Batch(chosen.kernels(size), chosen.image(), dtype))
    seconds, record = best_of(run_peer, budget)
    return seconds, record[:, -1].astype(np.float64)


def _check(what: str, dtype: str, result: Array, expected: Array) -> None:
    worst = float(np.max(np.abs(result - expected)))
    # A NaN must fail, too.
    if not worst <= TOLERANCES[dtype]:
        raise RuntimeError(f"{what}: differs from the engine by {worst:.2g} px at the last layer")
