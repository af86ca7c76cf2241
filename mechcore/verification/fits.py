"""What fits are held against where only tables are left: whole cells, simulated again."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mechcore.analysis import regressions
from mechcore.analysis.measures import metrics_table
from mechcore.analysis.tables import DIGITS
from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.simulation.run import simulate
from mechcore.verification.certificate import Check, merged
from mechcore.verification.deviations import reference_cost
from mechcore.verification.sampling import Sampling
from mechcore.verification.table_comparison import compared_table

FITTED = ("slope", "intercept", "theil_sen", "r2", "n")
"""What is compared of lines through other runs of the same simulations: the errors of perfect
lines, and what follows from them, are rounding."""

MOST_WORK = 3e10
"""Multiply-adds of the reference engine for a whole cell, half a minute. Fits need all simulations
of a cell: larger ones are left out."""


def check_fits(
    fits: pd.DataFrame, cells: Mapping[str, Cell], sampling: Sampling
) -> tuple[list[str], Check]:
    """Simulate whole cells again with the reference engine, and fit them."""
    small = {name: cell for name, cell in cells.items() if work(cell) <= MOST_WORK}
    if not small:
        raise MechcoreError(
            "no results, and no cell that the reference engine could run as a whole"
        )
    sample = sampling.of(list(small))
    parts = [_check_cell(fits, small[name], sampling) for name in sample]
    statement = (
        "The reference engine gives the same lines through speeds, of cells that are small enough "
        f"({len(small)} of {len(cells)})"
    )
    return sample, merged("fits", statement, parts)


def work(cell: Cell) -> float:
    """Return what a whole cell costs the reference engine.

    Examples
    --------
    >>> work(Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=64)) < 1e8
    True
    """
    once = sum(float(reference_cost(cell, pattern).sum()) for pattern in cell.patterns)
    return once * len(cell.angles) * len(cell.betas)


def _check_cell(fits: pd.DataFrame, cell: Cell, sampling: Sampling) -> Check:
    """Fit one cell again, from runs of the reference engine."""
    reference = cell.model_copy(update={"engine": "reference"})
    again = regressions.regress(metrics_table(simulate(reference)))
    keys = ["pattern", "predictor", "domain"]
    found = fits[fits.cell == cell.id]
    # The last of the digits that are beside a report.
    limit = 10.0 ** (1 - DIGITS)
    check = compared_table(found, again, cell.id, columns=[*keys, *FITTED], limit=limit)
    sampling.tell(f"{cell.id}: {len(again)} fits, at most {check.largest or 0.0:.1e} apart")
    return check
