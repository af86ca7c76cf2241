"""What a cell costs, before it runs."""

from __future__ import annotations

import csv
import math
import re
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.factors import factors, products
from mechcore.engines.methods import direct_cost, low_rank_cost
from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import QUANTITIES
from mechcore.experiment.cell import Cell, PatternSettings, SnapshotSettings
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import domain_side
from mechcore.model.kernels import kernel
from mechcore.simulation.symmetry import copies_among

Work = NDArray[np.float64]

PARTS = ("cells", "lines", "layers", "multiply_adds", "curved_pixels")
"""What the time of a cell is made of: its file; layers of simulations that run as a line; layers of
the others, their multiply-adds, and pixels whose activation is not piecewise linear, such as tanh.
The start of a process is no part of it: short cells share one."""

SECONDS = (0.2, 1.9e-7, 1.2e-6, 2.1e-11, 9.1e-9)
"""For one of each on a core of a 2024 server, fitted by ``python -m benchmarks.cost`` to the jobs
of the committed configurations: 95 in 100 of 140 cells took 0.3 to 2.4 times the estimate. Lines
are too fast to be seen in a job: their time is from ``make bench``. That of the file is what the
cells of ``config/paper.yaml`` take."""

PROBE = 15
"""A larger kernel takes the same path as one of this size, or one less, of its family: factorising
thousands of large kernels would take longer than many a grid."""


@dataclass(frozen=True)
class Cost:
    """What a cell is expected to cost on one core."""

    seconds: float
    """Run time of the job."""
    megabytes: float
    """Size of its file before compression."""


def estimated_cost(cell: Cell) -> Cost:
    """Estimate what a cell costs."""
    images = len(cell.snapshots.layers) * cell.snapshots.window**2
    numbers = 8 * len(QUANTITIES) * (cell.steps + 1) + 4 * images
    seconds = float(work(cell) @ np.array(SECONDS))
    return Cost(seconds, cell.simulations * numbers / 1e6)


def work(cell: Cell) -> Work:
    """Return the work of a cell, by `PARTS`."""
    runs = [
        _run(cell, max(pattern.shape), path)
        for pattern in cell.patterns
        for path in _engine_paths(_probe(cell, pattern).to_json())
    ]
    return np.array([1.0, *np.sum(runs, axis=0)])


class EnginePath(NamedTuple):
    """How the engine runs a kernel."""

    line: bool
    """Whether kernel and pattern are products of a column and a row."""
    rank: int | None
    """Rank of the kernel; None if it is not known to be low."""


def _probe(cell: Cell, pattern: PatternSettings) -> Cell:
    """A cell whose kernels take the same paths, small enough to look at thousands of them."""
    size = cell.size if cell.size <= PROBE else PROBE - (PROBE - cell.size) % 2
    plain = {
        "size": size,
        "betas": [0.5],
        "activation": "relu",
        "patterns": [pattern],
        "steps": 3,
        "t_burn": None,
        "horizons": [],
        "snapshots": SnapshotSettings(),
    }
    return cell.model_copy(update=plain)


@cache
def _engine_paths(probe: str) -> tuple[EnginePath, ...]:
    """The path of the kernel at each angle whose simulations are no copies of another angle's."""
    cell = Cell.model_validate_json(probe)
    image = cell.patterns[0].image()
    kernels = np.array(
        [
            kernel(cell.kernel, cell.size, 0.5, angle, cell.mixing, seed=cell.seed)
            for angle in cell.angles
        ]
    )
    if cell.reuse_symmetric:
        kernels = kernels[copies_among(kernels, image, LayerRule(boundary=cell.boundary)).run]
    point = bool(products(image[np.newaxis])[0][0])
    ranks = (None if split is None else split[0].shape[1] for split in map(factors, kernels))
    lines = point & products(kernels)[0]
    return tuple(EnginePath(bool(line), rank) for line, rank in zip(lines, ranks, strict=True))


def _run(cell: Cell, widest: int, path: EnginePath) -> tuple[float, float, float, float]:
    """All betas at one angle: lines, layers, multiply-adds and curved pixels."""
    # Twice: each simulation runs again with its taps moved by one unit in the last place.
    runs = 2.0 * len(cell.betas)
    curved = ACTIVATIONS[cell.activation].negative_slope is None
    if path.line and not curved:
        return runs * cell.steps, 0.0, 0.0, 0.0
    size = cell.size
    low_rank = low_rank_cost(size, size, size if path.rank is None else path.rank)
    pixels = runs * float(np.sum(_pixels(cell, widest)))
    return 0.0, runs * cell.steps, pixels * min(direct_cost(size, size), low_rank), pixels * curved


def _pixels(cell: Cell, widest: int) -> NDArray[np.float64]:
    """Pixels that a state occupies after each layer."""
    layers = np.arange(1.0, cell.steps + 1.0)
    side = domain_side(cell.boundary, cell.domain)
    if side is not None:
        return np.full(cell.steps, float(side**2))
    reached = layers * (cell.size - 1.0)
    activation = ACTIVATIONS[cell.activation]
    if activation.keeps_zero and math.isfinite(activation.lipschitz):
        # Trimming keeps about ten standard deviations of the diffusing state on each side.
        reached = np.minimum(reached, 20 * np.sqrt(layers * (cell.size**2 - 1) / 12))
    return np.square(widest + reached)


def spent_since(start: float) -> str:
    """What a cell took since a reading of the clock, as `job_cost` reads it from its log."""
    kilobytes = getrusage(RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return f"{time.monotonic() - start:.3f} s, {kilobytes / 1024:.0f} MB"


def job_cost(logs: Path | None, cell: str) -> dict[str, float | None]:
    """Return what a cell took, and the most memory that its process had until then."""
    log = None if logs is None else logs / "simulate" / f"{cell}.log"
    text = log.read_text(errors="replace") if log and log.is_file() else ""
    spent = re.search(r" in ([\d.]+) s, (\d+) MB$", text, re.MULTILINE)
    seconds, megabytes = map(float, spent.groups()) if spent else (None, None)
    return {"wall_seconds": seconds, "memory_mb": megabytes}


def measured(benchmark: Path, column: str) -> float | None:
    """Return what a benchmark file of Snakemake says of a job; None if it was not measured."""
    rows = list(csv.DictReader(benchmark.read_text().splitlines(), delimiter="\t"))
    return _number(rows[-1].get(column)) if rows else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
