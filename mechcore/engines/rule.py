"""What every layer does, and what is recorded."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    activation: str = "relu"
    normalise: str = "l2"
    boundary: str = "free"
    density: str = "absolute"
    steps: int = 64
    snapshot_layers: tuple[int, ...] = ()
    snapshot_window: int = 129


def window_offset(size: int, window: int) -> int:
    """Return the first pixel of a centred window, half a pixel left where parities differ."""
    return (size - window) // 2
