"""What every layer does, and what is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from mechcore.model.boundaries import BOUNDARIES, crop_start

LARGEST_WINDOW = 4096
"""Longest side of the window of a snapshot (px): one takes 134 MB."""


@dataclass(frozen=True)
class LayerRule:
    """What every layer does, and what is recorded; the caller checks the names.

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
    region : str
        Key of `mechcore.engines.trajectories.REGIONS`: what is measured.
    """

    activation: str = "relu"
    normalise: str = "l2"
    boundary: str = "free"
    density: str = "absolute"
    steps: int = 64
    snapshot_layers: tuple[int, ...] = ()
    snapshot_window: int = 129
    region: str = "image"


def window_offset(size: int, window: int) -> int:
    """Return the first pixel of a centred window, half a pixel left where parities differ."""
    return (size - window) // 2


def central_coordinate(side: int, size: int, rule: LayerRule, layer: int) -> float:
    """Return the coordinate of the middle pixel of an axis, the later one of two.

    ``side`` is that of the pattern or of the finite domain, ``size`` that of the kernel.
    """
    if BOUNDARIES[rule.boundary].finite:
        # After odd layers the grid of an even kernel is half a pixel aside, see `crop_start`.
        shift = crop_start(size, layer) - (size - 1) / 2 if layer % 2 else 0.0
        return side // 2 - (side - 1) / 2 + shift
    side += layer * (size - 1)
    return side // 2 - (side - 1) / 2
