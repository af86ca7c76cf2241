"""Two engines behind one call: ``reference`` defines correct, ``compiled`` is fast."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import choose
from mechcore.records import Trajectories

ENGINES = {
    "compiled": "mechcore.engines.compiled",
    "reference": "mechcore.engines.reference",
}
"""Modules that hold a ``run(kernels, image, rule)``, imported only when asked for."""


@dataclass(frozen=True)
class LayerRule:
    """What every layer does, and what is recorded; the names are checked by the caller.

    Parameters
    ----------
    activation, normalise, boundary, density : str
        Keys of the tables of the same subject.
    steps : int
        Number of layers T.
    snapshot_layers : tuple of int
        Layers whose state is kept, in ascending order.
    snapshot_window : int
        Side of the square window of a snapshot in px.
    """

    activation: str = "relu"
    normalise: str = "l2"
    boundary: str = "free"
    density: str = "absolute"
    steps: int = 64
    snapshot_layers: tuple[int, ...] = ()
    snapshot_window: int = 129


def run(
    engine: str, kernels: NDArray[np.float64], image: NDArray[np.float64], rule: LayerRule
) -> Trajectories:
    """Run a batch of kernels of one shape on one pattern.

    Parameters
    ----------
    engine : {"compiled", "reference"}
        Key of `ENGINES`.
    kernels : (n, kh, kw) ndarray
        Kernels in the convolution convention.
    image : (h, w) ndarray
        State at layer 0; on a finite domain it fills the domain.
    rule : LayerRule
        What every layer does.

    Returns
    -------
    Trajectories
        The records, ends and snapshots.

    Raises
    ------
    InvalidValue
        If the engine is unknown.

    Examples
    --------
    >>> kernels = np.full((1, 2, 2), 0.5)
    >>> run("reference", kernels, np.ones((1, 1)), LayerRule(steps=4)).record.shape
    (1, 5, 9)
    """
    module = importlib.import_module(choose(ENGINES, "engine", engine))
    trajectories: Trajectories = module.run(kernels, image, rule)
    return trajectories


def window_offset(size: int, window: int) -> int:
    """Return where a centred window starts on an axis, in pixels of the state.

    Parameters
    ----------
    size : int
        Pixels of the state along the axis.
    window : int
        Pixels of the window.

    Returns
    -------
    int
        First pixel of the window, negative if the window is larger. Where the two cannot share
        their centre, the window sits half a pixel to the left of it.

    Examples
    --------
    >>> window_offset(5, 3), window_offset(4, 3), window_offset(1, 3)
    (1, 0, -1)
    """
    return (size - window) // 2
