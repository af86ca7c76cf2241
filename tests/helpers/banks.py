"""A small bank of random kernels of several shapes."""

from __future__ import annotations

import numpy as np

from mechcore.filters.bank import Bank
from mechcore.filters.layers import Layer, Skipped


def small_bank() -> Bank:
    random = np.random.default_rng(7)
    layers = (
        Layer("first", random.standard_normal((4, 2, 1, 3, 3)).astype(np.float32)),
        Layer("volume", random.standard_normal((3, 2, 2, 3, 3)).astype(np.float32)),
        Layer("line", np.abs(random.standard_normal((5, 1, 1, 1, 4)))),
    )
    layers[0].kernels[1] = 0
    return Bank("small.npz", "0" * 64, layers, (Skipped("bias", (4,), "vector"),))
