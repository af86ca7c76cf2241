"""What verdicts are held against: those that follow from the results."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from mechcore.claims.criteria import judge
from mechcore.claims.verdict import Claim, Figure, read_claims
from mechcore.errors import shown
from mechcore.experiment.paths import CLAIMS_FILE
from mechcore.results.results import Results
from mechcore.verification.certificate import Check, merged
from mechcore.verification.table_comparison import SAME_SUMS, largest_finite, values_apart

TOLD = ("kind", "statement", "test", "verdict", "section", "data", "meaning")
"""What is told of a claim besides its figures, and its range, which holds numbers."""

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def check_verdicts(again: Results) -> Check:
    """Judge an experiment again."""
    told = read_claims(again.folder / CLAIMS_FILE)
    found, expected = ({claim.id: claim for claim in claims} for claims in (told, judge(again)))
    twice = [name for name, count in Counter(claim.id for claim in told).items() if count > 1]
    listed = Check(
        name="claims",
        statement="Each claim is there once",
        compared=0,
        limit=SAME_SUMS,
        failures=[
            *(f"{name}: no such claim" for name in sorted(found.keys() ^ expected.keys())),
            *(f"{name}: there twice" for name in twice),
        ],
    )
    parts = [_check_claim(found[name], claim) for name, claim in expected.items() if name in found]
    statement = "Judging again gives the same verdicts and figures"
    return merged("verdicts", statement, [listed, *parts])


def says_the_same(text: str, expected: str) -> bool:
    """Return whether two texts are equal, with numbers that are no farther apart than in tables.

    Examples
    --------
    >>> says_the_same("8 of 8 lines (3.3e-16)", "8 of 8 lines (0)")
    True
    >>> says_the_same("8 of 8 lines (0.33)", "8 of 8 lines (0.34)")
    False
    """
    words = [NUMBER.sub("#", one) for one in (text, expected)]
    numbers = [pd.Series(NUMBER.findall(one), dtype=float) for one in (text, expected)]
    return words[0] == words[1] and bool((values_apart(*numbers) <= SAME_SUMS).all())


def _check_claim(found: Claim, expected: Claim) -> Check:
    """Compare what is told of a claim with what follows from the results."""
    labels = [[_label(figure) for figure in claim.figures] for claim in (found, expected)]
    # Of other figures no numbers belong together.
    same = labels[0] == labels[1]
    distance = values_apart(_values(found), _values(expected)) if same else np.array([])
    failures = _other_words(found, expected)
    if not same:
        failures += [f"figures is {shown(labels[0])}, expected {shown(labels[1])}"]
    failures += [
        f"{found.figures[one].name}: {found.figures[one].value}, expected "
        f"{expected.figures[one].value}"
        for one in np.flatnonzero(distance > SAME_SUMS)
    ]
    return Check(
        name="claim",
        statement=found.id,
        compared=1,
        largest=largest_finite(distance.tolist()),
        limit=SAME_SUMS,
        failures=[f"{found.id}: {line}" for line in failures],
    )


def _other_words(found: Claim, expected: Claim) -> list[str]:
    """What is told of a claim besides its figures, and does not follow from the results."""
    pairs = {name: (getattr(found, name), getattr(expected, name)) for name in (*TOLD, "range")}
    return [
        f"{name} is {shown(told)}, expected {shown(due)}"
        for name, (told, due) in pairs.items()
        if told != due and not (name == "range" and says_the_same(told, due))
    ]


def _label(figure: Figure) -> tuple[str, str, str | None]:
    """What a figure is. Where cells are equal, rounding decides which of their files is named."""
    source = figure.source
    return figure.name, figure.unit, source and PurePosixPath(source).parent.as_posix()


def _values(claim: Claim) -> pd.Series:
    return pd.Series([figure.value for figure in claim.figures], dtype=float)
