"""Judge of networks whose kernels were cut to few DCT components and fine-tuned (C12)."""

from __future__ import annotations

import math

import pandas as pd

from mechcore.analysis.intervals import Interval
from mechcore.claims.judgement import Judgement, percentage, verdict, with_interval
from mechcore.claims.thresholds import ENOUGH
from mechcore.claims.verdict import Figure
from mechcore.experiment.paths import TRAINING_FILE
from mechcore.results.results import Results
from mechcore.results.training_tests import mean_interval, relative_scores
from mechcore.results.trainings import PLACE

ONE, THREE = 1, 3
"""DC, and DC with the two gradients."""


def few_components(results: Results) -> Judgement | None:
    """C12: networks with three components are as good once they are fine-tuned."""
    relative = relative_scores(results.training)
    groups = {
        f"{name}, k = {size}, {activation}": rows
        for (name, size, activation), rows in relative.groupby(list(PLACE), sort=False)
    }
    judged = {name: _kept(rows) for name, rows in groups.items()}
    # The weakest first, as it decides.
    known = dict(
        sorted(
            (item for item in judged.items() if _is_known(item[1])),
            key=lambda item: item[1][THREE].low,
        )
    )
    if not known:
        return None
    enough = pd.Series({name: kept[THREE].low >= ENOUGH for name, kept in known.items()})
    needed = pd.Series({name: kept[ONE].high < ENOUGH for name, kept in known.items()})
    figures = [figure for name, kept in known.items() for figure in _figures(name, kept)]
    figures += [figure for name in known for figure in _before(name, groups[name])]
    decided = verdict(enough & needed, partly=bool(enough.any()))
    return Judgement(decided, figures, _where(enough, needed))


def _kept(rows: pd.DataFrame) -> dict[int, Interval]:
    """What one and three components keep of the accuracy, after fine-tuning."""
    return {n: mean_interval(rows.after[rows.components == n].to_numpy()) for n in (THREE, ONE)}


def _is_known(kept: dict[int, Interval]) -> bool:
    return all(math.isfinite(interval.low) for interval in kept.values())


def _figures(name: str, kept: dict[int, Interval]) -> list[Figure]:
    figures = []
    for number, interval in kept.items():
        text = f"kept by {number} component{'s' * (number > 1)} after fine-tuning ({name})"
        figures += with_interval(text, interval, "%", TRAINING_FILE)
    return figures


def _before(name: str, rows: pd.DataFrame) -> list[Figure]:
    share = rows.before[rows.components == THREE].mean()
    return [percentage(f"kept by 3 components before fine-tuning ({name})", share, TRAINING_FILE)]


def _where(enough: pd.Series, needed: pd.Series) -> str:
    cases = {
        "three suffice and one does not": enough & needed,
        "one may be enough as well, so nothing follows about gradients": enough & ~needed,
        "three do not surely suffice": ~enough,
    }
    parts = [
        f"{text}: {' and '.join(which[which].index)}"
        for text, which in cases.items()
        if which.any()
    ]
    return "; ".join(parts)
