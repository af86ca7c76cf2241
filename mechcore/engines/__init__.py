"""Two engines behind one call: ``reference`` defines correct, ``compiled`` is fast."""

from __future__ import annotations

import importlib

from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import Trajectories
from mechcore.errors import choose
from mechcore.io.arrays import Array

ENGINES = {
    "compiled": "mechcore.engines.compiled.run",
    "reference": "mechcore.engines.reference",
}
"""Modules with a function ``run(kernels, image, rule)``, imported when first used."""


def run(engine: str, kernels: Array, image: Array, rule: LayerRule) -> Trajectories:
    """Run a batch of kernels, (n, kh, kw), of one shape on one pattern.

    The pattern, (h, w), is the state at layer 0; on a finite domain it fills the domain. Kernels of
    shape (n, p, kh, kw) take turns: the first of p acts in layers 1, p + 1, 2 p + 1, ...

    Examples
    --------
    >>> import numpy as np
    >>> kernels = np.full((1, 2, 2), 0.5)
    >>> run("reference", kernels, np.ones((1, 1)), LayerRule(steps=4)).record.shape
    (1, 5, 10)
    """
    module = importlib.import_module(choose(ENGINES, "engine", engine))
    trajectories: Trajectories = module.run(kernels, image, rule)
    return trajectories
