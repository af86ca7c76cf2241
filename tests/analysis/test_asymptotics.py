"""The speed after endless layers, and how often its interval covers what many layers show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechcore.analysis.asymptotics import asymptotic_speeds
from mechcore.analysis.displacement import displacement_along
from mechcore.experiment.cell import Cell
from mechcore.simulation.run import simulate

FEW, MANY = 32, 512
"""Layers of the estimate and of the check, 16 times as many."""


def late_speeds(cell: Cell) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Speeds over the second half of many layers."""
    moved = displacement_along(simulate(cell.model_copy(update={"steps": MANY}))).values
    speeds: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = (
        moved[..., MANY] - moved[..., MANY // 2]
    ) / (MANY - MANY // 2)
    return speeds


KERNELS = (("dct", 4), ("gaussian", 6), ("binomial", 7), ("cubic", 3))
"""Other sizes and patterns than those by which the interval was set."""


def covered(activation: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which intervals hold the late speed, and which simulations had not converged."""
    inside, moving = [], []
    for kernel, size in KERNELS:
        cell = Cell.model_validate(
            {
                "kernel": kernel,
                "size": size,
                "activation": activation,
                "patterns": ["delta", {"name": "square", "side": 5}],
                "betas": {"count": 21},
                "steps": FEW,
            }
        )
        estimate, late = asymptotic_speeds(simulate(cell)), late_speeds(cell)
        above = estimate.asymptotic_low.values <= late + 1e-9
        inside.append((above & (late - 1e-9 <= estimate.asymptotic_high.values)).ravel())
        moving.append(np.abs(estimate.asymptotic_speed.values - late).ravel() > 1e-6)
    return np.concatenate(inside), np.concatenate(moving)


def test_intervals_cover_the_speed_after_sixteen_times_as_many_layers() -> None:
    counts = {name: covered(name) for name in ("identity", "relu", "leaky_relu", "modulus")}
    assert np.mean([inside for inside, _ in counts.values()]) >= 0.95
    for activation, (inside, moves) in counts.items():
        assert moves.sum() > 20
        # Under the modulus an almost odd kernel splits a point into two halves, and which one wins
        # is late to see.
        assert inside[moves].mean() >= (0.85 if activation == "modulus" else 0.9)
