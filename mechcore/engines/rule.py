"""What every layer does, and what is recorded of it."""

from __future__ import annotations

from dataclasses import dataclass


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
