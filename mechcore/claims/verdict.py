"""Verdicts, what they are made of, and ``claims.json``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mechcore.errors import MechcoreError, shown
from mechcore.io.atomic import replace_file

if TYPE_CHECKING:
    from mechcore.results.results import Results

REPRODUCED = "reproduced"
IN_PART = "reproduced in part"
NOT_REPRODUCED = "not reproduced"
NOT_YET_MEASURED = "not yet measured"
AT_REST = "at rest"
MOVED = "moved"

VERDICTS = {
    "claim": (REPRODUCED, IN_PART, NOT_REPRODUCED, NOT_YET_MEASURED),
    "control": (AT_REST, MOVED, NOT_YET_MEASURED),
}
"""The verdicts that each kind of claim can get."""


SYMBOLS = {"odd_energy_ratio": "ρ", "beta": "β", "celerity": "γβ"}
"""How texts write the predictors of speed."""


@dataclass(frozen=True)
class Figure:
    """A measured number."""

    name: str
    """What it is."""
    value: float | None
    """The number; None where there is none."""
    unit: str
    """Its unit, ``1`` if it has none."""
    source: str | None = None
    """The file that it comes from, below the folder of results."""


@dataclass(frozen=True)
class Judgement:
    """The outcome of a test."""

    verdict: str
    """One of the constants of this module."""
    figures: list[Figure]
    """What was measured."""
    range: str
    """Where the claim holds, and where it does not."""


@dataclass(frozen=True)
class Criterion:
    """A claim or a control, and how it is judged."""

    statement: str
    """What the paper says, or what a control must do."""
    test: str
    """The test in words, with its thresholds."""
    section: str
    """The section of the report that shows it."""
    data: tuple[str, ...]
    """Files of results that the test reads."""
    needs: str
    """What must be on the grid."""
    judge: Callable[[Results], Judgement | None]
    """`Results` to `Judgement`; None where the grid holds nothing to judge by."""
    meaning: str = ""
    """What it says if a control moves."""


@dataclass(frozen=True)
class Claim:
    """A claim or a control with its verdict: one object of ``claims.json``."""

    id: str
    """C1 to C10 for claims, N1 and on for negative controls."""
    kind: str
    """Which of the two."""
    statement: str
    figures: list[Figure]
    """What was measured."""
    test: str
    verdict: str
    """A constant of this module."""
    range: str
    """What is said; how it was tested, with thresholds; where it holds and where not."""
    section: str
    """Section of the report that shows it."""
    data: list[str]
    """Files of results that the test read."""
    meaning: str = ""
    """What it says if a control moves."""


def write_claims(claims: list[Claim], path: Path) -> None:
    """Write ``claims.json``."""
    text = json.dumps(
        [asdict(claim) for claim in claims], indent=2, ensure_ascii=False, allow_nan=False
    )
    replace_file(path, lambda draft: draft.write_text(text + "\n", encoding="utf-8"))


def read_claims(path: Path) -> list[Claim]:
    """Read ``claims.json``."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        _expect(isinstance(found, list) and found, found, "a list of claims")
        return [_claim(one) for one in found]
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise MechcoreError(f"{path}: not a file of claims ({error})") from error


def _claim(found: dict[str, object]) -> Claim:
    claim = Claim(**found)  # type: ignore[arg-type]
    for name, value in found.items():
        kind = list if name in ("figures", "data") else str
        _expect(isinstance(value, kind), value, "a list" if kind is list else "text", name)
    allowed = VERDICTS.get(claim.kind, ())
    _expect(allowed, claim.kind, " or ".join(VERDICTS), "kind")
    _expect(claim.verdict in allowed, claim.verdict, " or ".join(allowed), "verdict")
    for name in claim.data:
        _expect(isinstance(name, str), name, "names of files", "data")
    figures = [_figure(figure) for figure in claim.figures]  # type: ignore[arg-type]
    return replace(claim, figures=figures)


def _figure(found: dict[str, object]) -> Figure:
    figure = Figure(**found)  # type: ignore[arg-type]
    for name in ("name", "unit"):
        _expect(isinstance(found[name], str), found[name], "text", name)
    source, value = figure.source, figure.value
    _expect(source is None or isinstance(source, str), source, "text or null", "source")
    # To Python, true is a number.
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    _expect(value is None or known, value, "a number or null", f"value of {figure.name}")
    return figure


def _expect(holds: object, value: object, expected: str, name: str = "content") -> None:
    if not holds:
        raise ValueError(f"{name} is {shown(value)}, expected {expected}")


def verdict(holds: pd.Series, *, partly: bool | None = None) -> str:
    """Return the verdict on a claim.

    Examples
    --------
    >>> verdict(pd.Series([True, False]))
    'reproduced in part'
    """
    if len(holds) and holds.all():
        return REPRODUCED
    some = bool(holds.any()) if partly is None else partly
    return IN_PART if some else NOT_REPRODUCED


def groups(rows: pd.DataFrame, holds: pd.Series, by: tuple[str, str]) -> pd.Series:
    """Return whether a test holds in the whole of each group."""
    whole: pd.Series = holds.groupby([rows[name] for name in by], sort=False).all()
    return whole


def extent(whole: pd.Series) -> str:
    """Return in words where a test holds and where it does not.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([("relu", 2), ("relu", 3), ("tanh", 2)],
    ...                                   names=["activation", "size"])
    >>> extent(pd.Series([True, True, False], index))
    'holds for relu; not for tanh (k = 2)'
    """
    holds, fails = _listed(whole[whole], whole), _listed(whole[~whole], whole)
    if not fails:
        return f"holds wherever it was measured: {holds}"
    return f"holds for {holds}; not for {fails}" if holds else f"holds nowhere: {fails}"


def largest(
    rows: pd.DataFrame, column: str, name: str, unit: str, source: str | None = None
) -> Figure:
    """Return the largest value of a column, from a file or from the cell that it is in."""
    known = rows[np.isfinite(rows[column])]
    if known.empty:
        return Figure(name, None, unit)
    row = known.loc[known[column].idxmax()]
    return Figure(name, float(row[column]), unit, source or trajectories_of(row))


def trajectories_of(row: pd.Series) -> str:
    """Return the file of the trajectories that a row of a table comes from."""
    return f"trajectories/{row['cell']}.nc"


def _listed(whole: pd.Series, everywhere: pd.Series) -> str:
    """The values of the first column, together where those of the second are the same."""
    second = everywhere.index.names[1]
    every = list(dict.fromkeys(everywhere.index.get_level_values(1)))
    together: dict[str, list[str]] = {}
    for first, part in whole.groupby(level=0, sort=False):
        values = list(part.index.get_level_values(1))
        told = "all" if len(every) == len(values) > 1 else _values(str(second), values)
        together.setdefault(told, []).append(str(first))
    if set(together) == {"all"}:
        return ", ".join(together["all"])
    return ", ".join(f"{', '.join(names)} ({told})" for told, names in together.items())


def _values(name: str, values: list[object]) -> str:
    sign = {"size": "k = ", "angle": "angle "}.get(name, "")
    numbers = [value for value in values if isinstance(value, (int, np.integer))]
    # A run of sizes is told by its ends.
    if len(numbers) > 2 and numbers == list(range(int(numbers[0]), int(numbers[-1]) + 1)):
        return f"{sign}{numbers[0]} to {numbers[-1]}"
    return sign + ", ".join(
        f"{value:g}" if isinstance(value, float) else str(value) for value in values
    )
