"""The table of regressions as text, with digits that the errors justify."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

NOTHING = "–"
SYMBOLS = {"odd_energy_ratio": "ρ", "beta": "β", "celerity": "γβ"}


@dataclass(frozen=True)
class FitRow:
    """One fit as text; ``first`` and ``rowspan`` say where the cell and pattern are written."""

    cell: str
    pattern: str
    predictor: str
    slope: str
    interval: str
    intercept: str
    r2: str
    aic: str
    n: str
    domain: str
    first: bool
    rowspan: int


@dataclass(frozen=True)
class FitGroup:
    """The fits of one kernel family."""

    name: str
    rows: list[FitRow]


def fit_groups(regressions: pd.DataFrame) -> list[FitGroup]:
    """Return the table of regressions as text, by kernel family.

    Parameters
    ----------
    regressions : pandas.DataFrame
        The table of regressions.

    Returns
    -------
    list of FitGroup
        In the order of the table.
    """
    families = regressions.cell.str.partition("-")[0]
    return [
        FitGroup(str(name), _rows(part)) for name, part in regressions.groupby(families, sort=False)
    ]


def with_error(value: float, error: float) -> str:
    """Return a value and its standard error, to two digits of the error.

    Parameters
    ----------
    value, error : float
        In the same unit.

    Returns
    -------
    str
        As ``0.585 ± 0.027``; a dash where there is no value.

    Examples
    --------
    >>> with_error(0.58516, 0.0271)
    '0.585 ± 0.027'
    """
    if not math.isfinite(value):
        return NOTHING
    places = decimal_places(error)
    return f"{_number(value, places)} ± {error:.{places}f}"


def decimal_places(error: float) -> int:
    """Return how many decimal places show two digits of an error, from 0 to 6.

    Parameters
    ----------
    error : float
        A standard error.

    Returns
    -------
    int
        Number of places; 6 where the error is only rounding.

    Examples
    --------
    >>> decimal_places(0.0271), decimal_places(31.0), decimal_places(0.0)
    (3, 0, 6)
    """
    if not math.isfinite(error) or error <= 0:
        return 6
    return min(max(1 - math.floor(math.log10(error)), 0), 6)


def _rows(part: pd.DataFrame) -> list[FitRow]:
    rows: list[FitRow] = []
    for (cell, pattern), fits in part.groupby(["cell", "pattern"], sort=False):
        for number, (_, fit) in enumerate(fits.iterrows()):
            rows.append(_row(str(cell), str(pattern), fit, number == 0, len(fits)))
    return rows


def _row(cell: str, pattern: str, fit: pd.Series, first: bool, rowspan: int) -> FitRow:
    places = decimal_places(float(fit.slope_se))
    interval = [_number(float(bound), places) for bound in (fit.ci_low, fit.ci_high)]
    return FitRow(
        cell,
        pattern,
        SYMBOLS.get(fit.predictor, str(fit.predictor)),
        with_error(float(fit.slope), float(fit.slope_se)),
        f"{interval[0]} … {interval[1]}" if np.isfinite(fit.ci_low) else NOTHING,
        _number(float(fit.intercept), places),
        _number(float(fit.r2), 3),
        _number(float(fit.aic), 1),
        str(int(fit.n)),
        # Pandas reads the word "none", for a fit without points, as a missing value.
        str(fit.domain).replace("beta", "β").replace("<=", "≤") if fit.n else NOTHING,
        first,
        rowspan,
    )


def _number(value: float, places: int) -> str:
    if not math.isfinite(value):
        return NOTHING
    # Adding zero turns -0.0, which rounding can leave, into 0.0.
    return f"{round(value, places) + 0.0:.{places}f}".replace("-", "−")
