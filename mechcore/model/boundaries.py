"""Boundaries of the domain: free space, or a finite domain and how states continue outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mechcore.errors import InvalidValue


@dataclass(frozen=True)
class Boundary:
    """How a state continues beyond its edge.

    Parameters
    ----------
    pad : dict
        Arguments of `numpy.pad` that extend the state: the definition.
    finite : bool
        Whether the domain keeps its size; otherwise it grows by k - 1 a layer.
    mirror_period : int
        Where pixel ``p`` outside ``0..n-1`` is read from: ``p`` modulo ``mirror_period * n``, and
        beyond ``n`` counted back from the far edge; a period of 0 reads zeros.
    """

    pad: dict[str, Any]
    finite: bool
    mirror_period: int

    @property
    def closed(self) -> bool:
        """Whether what leaves at one edge comes in at the other, so that positions are cyclic."""
        return self.mirror_period == 1


BOUNDARIES: dict[str, Boundary] = {
    "free": Boundary({"mode": "constant"}, finite=False, mirror_period=0),
    "zero": Boundary({"mode": "constant"}, finite=True, mirror_period=0),
    "wrap": Boundary({"mode": "wrap"}, finite=True, mirror_period=1),
    "reflect": Boundary({"mode": "symmetric"}, finite=True, mirror_period=2),
}
"""Boundaries by name.

``reflect`` puts the mirror on the outer edge of the last pixel (d c b a | a b c d | d c b a, as
``scipy.ndimage`` does), so a kernel of odd size with mirror symmetry along both axes conserves
the sum of a state. ``wrap`` closes the domain to a torus; centroids are then plain means over the
domain and jump when mass crosses its edge.
"""


DEFAULT_DOMAIN = 129
"""Side of a finite domain in px: what a 3x3 kernel can reach in 64 layers from one pixel."""


def domain_side(boundary: str, domain: int | None, largest: int = 0) -> int | None:
    """Return the side of the domain in px, None on free space; refuse one that the pattern exceeds.

    ``largest`` is the longest side of a pattern in px.
    """
    if not BOUNDARIES[boundary].finite:
        if domain is not None:
            raise InvalidValue(
                "domain",
                domain,
                "none, as free space has no edge: give boundary zero, wrap or reflect",
            )
        return None
    side = DEFAULT_DOMAIN if domain is None else domain
    if side < largest:
        raise InvalidValue("domain", side, f"at least the size of the pattern, {largest} px")
    return side


def crop_start(size: int, layer: int) -> int:
    """Return the index at which a finite domain starts in the full convolution, along an axis.

    For odd sizes this is the centre. An even kernel moves the grid by half a pixel; alternating the
    side keeps the walls of the domain in place instead of letting them drift with the layers, which
    count from 1.

    Examples
    --------
    >>> [crop_start(3, layer) for layer in (1, 2)], [crop_start(2, layer) for layer in (1, 2)]
    ([1, 1], [0, 1])
    """
    return (size - 1 + (layer + 1) % 2) // 2
