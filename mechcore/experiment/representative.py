"""Values that represent the rest where not all can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from mechcore.experiment.config import Experiment

Choice = TypeVar("Choice")

PAPER_FAMILY = "dct"
PAPER_ACTIVATIONS = ("relu", "modulus")
PAPER_SIZES = (2, 3)
"""Kernels (even part DC, odd part the gradient) and rectifiers that the paper shows."""


def spread(values: list[Choice], most: int) -> list[Choice]:
    """Return at most so many values, evenly spaced, with the first and the last.

    Examples
    --------
    >>> spread([0, 1, 2, 3, 4], 3)
    [0, 2, 4]
    """
    indices = np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int)
    return [values[index] for index in indices]


def preferred(values: list[Choice], *wishes: Choice) -> Choice:
    """Return the first wish among the values, else the first value."""
    return next((wish for wish in wishes if wish in values), values[0])


def shown_sizes(sizes: list[int], most: int) -> list[int]:
    """Return a few kernel sizes: the paper's 2 and 3, and others up to the largest.

    Examples
    --------
    >>> shown_sizes([2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 4)
    [2, 3, 8, 11]
    """
    if len(sizes) <= most:
        return sorted(sizes)
    known = [size for size in PAPER_SIZES if size in sizes]
    others = sorted(set(sizes) - set(known))
    # One more than needed: the smallest of the others is next to the paper's, and dropped.
    few = spread(others, most - len(known) + bool(known))
    return known + few[bool(known) :]


def representative_family(experiment: Experiment) -> str:
    """Return the kernel family that represents all: the paper's if the experiment has it."""
    return preferred(experiment.kernels, PAPER_FAMILY)


def filmed_activations(activations: Sequence[str]) -> list[str]:
    """Return which of the activations are filmed: two, ReLU and the modulus before others."""
    known = [name for name in PAPER_ACTIVATIONS if name in activations]
    others = [name for name in activations if name not in known]
    return [*known, *others][: len(PAPER_ACTIVATIONS)]
