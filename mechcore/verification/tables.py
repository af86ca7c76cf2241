"""Tables and verdicts: they must follow from the trajectories, and from each other."""

from __future__ import annotations

from io import StringIO
from itertools import compress
from pathlib import Path, PurePosixPath

import pandas as pd

from mechcore.analysis.tables import table_text
from mechcore.claims.criteria import judge
from mechcore.claims.reproduction import reproduce
from mechcore.claims.verdict import Claim, read_claims
from mechcore.experiment import paths
from mechcore.io.reading import regular_text
from mechcore.results.cells_table import cells_table
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import Sweep
from mechcore.verification.certificate import Check, failed, merged
from mechcore.verification.comparison import compared_table
from mechcore.verification.sampling import Sampling

TEXTS = ["kind", "statement", "test", "verdict", "section", "data", "meaning"]
"""Texts of a claim. Its range quotes figures in a few digits: compared where these are equal."""


def check_tables(results: Results, again: Results, sweep: Sweep, identifier: str) -> Check:
    """Compare tables with those that follow from the trajectories, and the sweep with them.

    ``identifier`` is that of the results, see `mechcore.results.sweep.sweep_identifier`.
    """
    parts = [
        compared_table(f"{name}.csv", getattr(results, name), getattr(again, name))
        for name in TABLES
    ]
    if again.banks:
        parts.append(_check_layers(again, paths.CENSUS_FILE, again.census))
    if again.networks:
        parts.append(_check_layers(again, paths.NETWORKS_FILE, again.network_layers))
    if again.trainings:
        study = {
            paths.TRAINING_FILE: again.training,
            paths.TRAINING_TESTS_FILE: again.training_tests,
        }
        for name, table in study.items():
            text = StringIO(regular_text(again.folder / name))
            written = pd.read_csv(text, dtype={"restriction": str})
            parts.append(compared_table(name, written, table))
    if sweep.identifier != identifier:
        line = f"{paths.SWEEP_FILE}: sweep {sweep.identifier}, expected {identifier}"
        parts.append(failed("table", paths.SWEEP_FILE, line))
    if all(part.holds for part in parts):
        parts.append(compared_table(paths.CELLS_FILE, sweep.cells, cells_table(results)))
    return merged("tables", "The tables follow from the trajectories", parts)


def _check_layers(again: Results, name: str, layers: pd.DataFrame) -> Check:
    """Compare a table of layers with the netCDF files whose numbers it copies."""
    same = regular_text(again.folder / name) == table_text(layers)
    return Check(
        name="table",
        statement=name,
        compared=len(layers),
        failures=[] if same else [f"{name}: not what the files of its networks say"],
    )


def check_verdicts(again: Results) -> Check:
    """Judge again, and compare everything that ``claims.json`` says."""
    actual, expected = read_claims(again.folder / paths.CLAIMS_FILE), judge(again)
    parts = [
        compared_table(paths.CLAIMS_FILE, _figures(actual), _figures(expected)),
        compared_table(paths.CLAIMS_FILE, _texts(actual, TEXTS), _texts(expected, TEXTS)),
    ]
    if not parts[0].failures:
        same = [_values(a) == _values(b) for a, b in zip(actual, expected, strict=True)]
        first, second = (
            _texts(list(compress(claims, same)), ["range"]) for claims in (actual, expected)
        )
        parts.append(compared_table(paths.CLAIMS_FILE, first, second))
    statement = "Judging again gives the same verdicts and figures"
    verdicts = merged("verdicts", statement, parts)
    return verdicts.model_copy(update={"compared": len(expected), "planned": None})


def check_reproduction(results: Results, folder: Path, figures: Sampling) -> Check:
    """Compute the numbers of some published figures again; the folder holds what is published."""
    table, parts = results.reproduction, []
    for figure in figures.draw(list(table.figure.unique())):
        written = table[table.figure == figure].reset_index(drop=True)
        rows = compared_table(figure, written, reproduce(folder, figure))
        parts.append(rows.model_copy(update={"compared": len(written), "excused": 0}))
    statement = "Published figures come out as the table says"
    return merged("reproduction", statement, parts, len(table))


def _figures(claims: list[Claim]) -> pd.DataFrame:
    """The figures of claims. Where cells are equal, rounding decides which one is the source."""
    rows = [
        (claim.id, figure.name, figure.unit, str(PurePosixPath(figure.source or "").parent))
        for claim in claims
        for figure in claim.figures
    ]
    values = [value for claim in claims for value in _values(claim)]
    index = pd.MultiIndex.from_tuples(rows, names=["claim", "figure", "unit", "folder"])
    return pd.DataFrame({"value": pd.Series(values, index, dtype=float)})


def _values(claim: Claim) -> list[float | None]:
    return [figure.value for figure in claim.figures]


def _texts(claims: list[Claim], names: list[str]) -> pd.DataFrame:
    rows = [[str(getattr(claim, name)) for name in names] for claim in claims]
    return pd.DataFrame(rows, pd.Index([claim.id for claim in claims], name="claim"), names)
