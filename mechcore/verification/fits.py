"""Fits where only tables are left, as beside a report: whole cells are simulated again."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mechcore.analysis.measures import metrics_table
from mechcore.analysis.regressions import regress
from mechcore.analysis.tables import DIGITS
from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.simulation.run import simulate
from mechcore.verification.certificate import Check, merged
from mechcore.verification.comparison import compared_table
from mechcore.verification.sampling import Sampling
from mechcore.verification.simulations import reference_cost

FITTED = ("slope", "intercept", "theil_sen", "r2", "n")
"""What is compared of lines through other runs of the same simulations: the errors of perfect
lines, and what follows from them, are rounding."""

MOST_WORK = 3e10
"""Multiply-adds of the reference engine for all simulations of a cell, which its fits need: half a
minute. Larger cells are left out."""


def check_fits(
    fits: pd.DataFrame, cells: Mapping[str, Cell], sampling: Sampling
) -> tuple[list[str], Check]:
    """Simulate whole cells again with the reference engine, and fit them."""
    small = [name for name, cell in cells.items() if _work(cell) <= MOST_WORK]
    if not small:
        raise MechcoreError("no results, and no cell that is small enough for the reference engine")
    sample = sampling.draw(small)
    parts = [_check_cell(fits, cells[name], sampling) for name in sample]
    small_enough = f"of cells that are small enough ({len(small)} of {len(cells)})"
    statement = f"The reference engine gives the same lines through speeds, {small_enough}"
    return sample, merged("fits", statement, parts)


def _work(cell: Cell) -> float:
    once = sum(float(reference_cost(cell, cell.size, pattern).sum()) for pattern in cell.patterns)
    return once * len(cell.angles) * len(cell.betas)


def _check_cell(fits: pd.DataFrame, cell: Cell, sampling: Sampling) -> Check:
    again = regress(metrics_table(simulate(cell.model_copy(update={"engine": "reference"}))))
    columns = ["pattern", "predictor", "domain", *FITTED]
    actual = fits.loc[fits.cell == cell.id, columns].reset_index(drop=True)
    # The last of the digits that are beside a report.
    check = compared_table(cell.id, actual, again[columns], limit=10.0 ** (1 - DIGITS))
    sampling.report(f"{cell.id}: {len(again)} fits, at most {check.largest or 0.0:.1e} apart")
    return check
