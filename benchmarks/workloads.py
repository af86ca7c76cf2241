"""What is computed: batches of kernels, their patterns, and how much work they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mechcore.engines.trajectories import QUANTITIES
from mechcore.io.arrays import Array
from mechcore.model.kernels import kernel
from mechcore.model.patterns import pattern_image

LAYERS = 64
SIZES = (2, 3, 4, 5, 7, 11, 15)
QUICK_SIZES = (2, 3, 5)
BETAS = np.linspace(0.0, 1.0, 21)

MEASURED = [QUANTITIES.index(name) for name in ("mu_x", "mu_y", "sigma_x", "sigma_y")]
"""What every peer measures, as columns of the engine's record."""


@dataclass(frozen=True)
class Workload:
    """A batch of simulations, for any kernel size; ``angle`` in degrees."""

    name: str
    summary: str
    pattern: str
    family: str
    angle: float

    def kernels(self, size: int, betas: Sequence[float] | Array = BETAS) -> Array:
        """Return one kernel for each beta, (n, size, size)."""
        return np.array([kernel(self.family, size, float(beta), self.angle) for beta in betas])

    def image(self) -> Array:
        """Return the state at layer 0."""
        return pattern_image(self.pattern)


SEPARABLE = Workload(
    "separable", "point, DCT kernels along x: products of profiles", "delta", "dct", 0.0
)
GENERAL = Workload("general", "disc, DCT kernels at 30°: kernels of rank 2", "disc", "dct", 30.0)
FULL_RANK = Workload("full rank", "point, random kernels of full rank", "delta", "random", 0.0)

COMPARED = {workload.name: workload for workload in (SEPARABLE, GENERAL)}
"""The workloads of the comparison with peers."""


def multiply_adds(size: int, layers: int, count: int) -> int:
    """Return taps times pixels read, summed over the layers and simulations of a point.

    Examples
    --------
    >>> multiply_adds(2, 2, 1)
    20
    """
    sides = 1 + np.arange(layers, dtype=np.int64) * (size - 1)
    return int(count * size**2 * np.sum(sides**2))


def sizes_in(quick: bool) -> tuple[int, ...]:
    """Return the kernel sizes of a run."""
    return QUICK_SIZES if quick else SIZES
