"""What weights that were never trained would show: the exact law for independent normal deviates.

A kernel of n independent normal weights has no preferred direction among its n taps, so a part that
spans d of them holds a share of the energy that follows the Beta(d/2, (n - d)/2) distribution. Of N
kernels together the share follows Beta(N d/2, N (n - d)/2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scipy.stats.distributions import rv_frozen

CHANCE = 0.001
"""A layer of untrained weights passes a one-sided limit once in a thousand times."""


def dimensions(height: int, width: int) -> dict[str, int]:
    """Return how many of the taps of a kernel each part spans.

    Parameters
    ----------
    height, width : int
        Shape of the kernel, px.

    Returns
    -------
    dict of str to int
        By the name of the share.

    Examples
    --------
    >>> dimensions(3, 3)
    {'odd_share': 4, 'isotropic_share': 3, 'anisotropic_share': 2, 'low_frequency_share': 3}
    """
    odd = height * width // 2
    mirrored = ((height + 1) // 2, (width + 1) // 2)
    same = mirrored[0] * (mirrored[0] + 1) // 2 if height == width else mirrored[0] * mirrored[1]
    return {
        "odd_share": odd,
        "isotropic_share": same,
        "anisotropic_share": height * width - odd - same,
        "low_frequency_share": 1 + (height > 1) + (width > 1),
    }


def null_law(share: str, height: int, width: int, slices: int = 1) -> rv_frozen:
    """Return the distribution of a share of the energy under untrained weights.

    Parameters
    ----------
    share : str
        A key of `dimensions`.
    height, width : int
        Shape of the kernels, px.
    slices : int, optional
        How many kernels hold the energy together.

    Returns
    -------
    scipy.stats frozen distribution
        With mean d/n. A part that spans all taps, or none, has no distribution.

    Examples
    --------
    >>> float(null_law("low_frequency_share", 3, 3).mean().round(4))
    0.3333
    """
    # Takes a second, which readers of tables need not wait.
    from scipy import stats

    taps, part = height * width, dimensions(height, width)[share]
    return stats.beta(slices * part / 2, slices * (taps - part) / 2)
