"""How judgements state in words where a claim holds."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

PREDICTOR_SYMBOLS = {"odd_energy_ratio": "ρ", "beta": "β", "celerity": "γβ"}

RECTIFIERS = {"relu": "ReLU", "modulus": "the modulus"}
"""How sentences write the activations of the paper."""

MOST_NAMES = 6
"""Layers that are named where a claim fails in them; networks have hundreds."""


def where_it_holds(rows: pd.DataFrame, holds: pd.Series, by: tuple[str, str]) -> str:
    """Return in words for which groups of rows a test holds in all of them."""
    return extent(holds.groupby([rows[name] for name in by], sort=False).all())


def extent(groups: pd.Series) -> str:
    """Return in words for which groups a test holds and for which it does not.

    >>> index = pd.MultiIndex.from_tuples([("relu", 2), ("relu", 3), ("tanh", 2)],
    ...                                   names=["activation", "size"])
    >>> extent(pd.Series([True, True, False], index))
    'for relu; not for tanh (k = 2)'
    """
    if groups.index.get_level_values(0).nunique() == 1 < len(groups):
        # What all share needs no words.
        holds, fails = (_inner(part) for part in (groups[groups], groups[~groups]))
    else:
        holds, fails = _listed(groups[groups], groups), _listed(groups[~groups], groups)
    if not fails:
        return f"everywhere it was tested: {holds}"
    return f"for {holds}; not for {fails}" if holds else f"nowhere: {fails}"


def horizon_text(layers: float) -> str:
    """Return a number of layers as texts name it.

    >>> horizon_text(10), horizon_text(math.inf)
    ('T = 10', 'T → ∞')
    """
    return f"T = {layers:g}" if math.isfinite(layers) else "T → ∞"


def listed_names(names: list[str]) -> str:
    """Return the first few of many names."""
    rest = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{rest}"


def _inner(chosen: pd.Series) -> str:
    level = str(chosen.index.names[1])
    return _values(level, list(chosen.index.get_level_values(1))) if len(chosen) else ""


def _listed(chosen: pd.Series, groups: pd.Series) -> str:
    """Values of the first level of the index; those with equal second levels share a bracket."""
    level = str(groups.index.names[1])
    every = groups.index.get_level_values(1).nunique()
    together: dict[str, list[str]] = {}
    for first, part in chosen.groupby(level=0, sort=False):
        values = list(part.index.get_level_values(1))
        words = "all" if every == len(values) > 1 else _values(level, values)
        together.setdefault(words, []).append(str(first))
    if set(together) == {"all"}:
        return ", ".join(together["all"])
    return ", ".join(f"{', '.join(names)} ({words})" for words, names in together.items())


def _values(level: str, values: list[object]) -> str:
    sign = {"size": "k = ", "angle": "angle ", "β²": "β² = "}.get(level, "")
    numbers = [value for value in values if isinstance(value, (int, np.integer))]
    # For a run of sizes its ends are enough.
    if len(numbers) > 2 and numbers == list(range(int(numbers[0]), int(numbers[-1]) + 1)):
        return f"{sign}{numbers[0]} to {numbers[-1]}"
    return sign + ", ".join(
        f"{value:g}" if isinstance(value, float) else str(value) for value in values
    )
