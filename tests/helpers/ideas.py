"""A file of a user with own kernels, activations and patterns."""

from __future__ import annotations

IDEAS = '''
"""Ideas of a user."""

import numpy as np

from mechcore.model.activations import Activation
from mechcore.model.kernels import Family

STEEP = 2.0


def swish(x):
    return x / (1 + np.exp(-STEEP * x))


def smooth(k):
    r = np.arange(k) - (k - 1) / 2
    return np.exp(-abs(r) - abs(r[:, None]))


def slope(k):
    return smooth(k) * np.sign(np.arange(k) - (k - 1) / 2)


def ring(radius=6, width=2):
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    r = np.hypot(x, y)
    return 1.0 * ((r <= radius) & (r > radius - width))


KERNELS = {"tent": (smooth, slope)}
ACTIVATIONS = {
    "swish": swish,
    "prelu": lambda x: np.where(x < 0, 0.2 * x, x),
    "sine": Activation("sin(x)", np.sin),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
PATTERNS = {"ring": ring}
'''
