"""What weights that were never trained would show: the distribution of shares by chance.

A kernel of n independent normal weights has no preferred direction among its n taps, so a part that
spans d of them holds a share of its energy that follows the Beta(d/2, (n - d)/2) distribution,
whatever its energy is. Of kernels together, each counts by its energy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

CHANCE = 0.001
"""How often a layer of untrained weights exceeds its one-sided limit."""


class BetaLaw(NamedTuple):
    """A Beta(a, b) distribution, as `scipy.stats` has it, which takes half a second to load."""

    a: float
    b: float

    def pdf(self, x: float) -> float:
        """Return the probability density."""
        # A part of scipy is loaded when it is first used: readers of tables do not wait for it.
        known = scipy.special
        logarithm = known.xlogy(self.a - 1, x) + known.xlog1py(self.b - 1, -x)
        return float(np.exp(logarithm - known.betaln(self.a, self.b)))

    def cdf(self, x: float) -> float:
        """Return the probability of a smaller value."""
        return float(scipy.special.betainc(self.a, self.b, x))

    def isf(self, probability: float) -> float:
        """Return the value that is exceeded with a probability."""
        return float(scipy.special.betainccinv(self.a, self.b, probability))


def subspace_dimensions(height: int, width: int) -> dict[str, int]:
    """Return the dimension of the subspace that each share of the energy spans, by name."""
    odd = height * width // 2
    mirrored = ((height + 1) // 2, (width + 1) // 2)
    isotropic = (
        mirrored[0] * (mirrored[0] + 1) // 2 if height == width else mirrored[0] * mirrored[1]
    )
    return {
        "odd_energy_ratio": odd,
        "isotropic_share": isotropic,
        "asymmetric_share": height * width - isotropic,
        "anisotropic_share": height * width - odd - isotropic,
        "low_frequency_share": 1 + (height > 1) + (width > 1),
        "dc_share": 1,
    }


def null_share(share: str, height: int, width: int) -> float:
    """Return the mean of a share under untrained weights, d/n."""
    return subspace_dimensions(height, width)[share] / (height * width)


def null_law(share: str, height: int, width: int, effective: float = 1.0) -> BetaLaw:
    """Return the distribution of a share of the energy under untrained weights.

    Exact for one kernel; of many, the Beta distribution with the mean and the variance of their
    mean weighted by energy. ``effective`` is (sum E^2)^2 / sum E^4 of the kernels together: their
    number if all have the same energy E^2, less if a few hold most of it. A part that spans all
    taps, or none, has no distribution.
    """
    mean = null_share(share, height, width)
    strength = (height * width / 2 + 1) * effective - 1
    return BetaLaw(mean * strength, (1 - mean) * strength)


def null_limit(share: str, height: int, width: int, effective: float = 1.0) -> float:
    """Return the limit that a share of untrained weights exceeds once in a thousand times.

    It is 1 for a part that spans all taps.

    Examples
    --------
    >>> round(null_limit("low_frequency_share", 3, 3, 512), 3), null_limit("dc_share", 1, 1)
    (0.361, 1.0)
    """
    if null_share(share, height, width) == 1.0:
        return 1.0
    return null_law(share, height, width, effective).isf(CHANCE)
