"""Tables and verdicts that do not follow from the results are found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mechcore.analysis.tables import write_table
from mechcore.claims.criteria import CRITERIA
from mechcore.experiment.config import load_experiment
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import describe_sweep, read_sweep, sweep_identifier, write_sweep
from mechcore.verification.tables import check_tables, check_verdicts
from tests.helpers.experiments import SMALL

GRID = {"activations": ["modulus"], "sizes": [2, 3], "patterns": ["delta", "disc"], "steps": 12}
CONFIG = SMALL | GRID


@pytest.fixture(scope="module")
def truth(simulated: Path) -> Results:
    return Results.load(load_experiment(CONFIG), simulated)


def table_failures(results: Path, truth: Results) -> list[str]:
    loaded, sweep = Results.load(truth.experiment, results), read_sweep(results)
    return check_tables(loaded, truth, sweep, sweep_identifier(loaded)).failures


def test_true_tables_and_verdicts_hold(results: Path, truth: Results) -> None:
    assert table_failures(results, truth) == []
    check = check_verdicts(truth)
    assert check.holds
    assert check.largest == 0


Change = Callable[[pd.DataFrame], pd.DataFrame]


def rewritten(name: str, change: Change) -> Callable[[Path], None]:
    def forge(results: Path) -> None:
        write_table(change(pd.read_csv(results / name)), results / name)

    return forge


def summarised(change: Change) -> Callable[[Path], None]:
    def forge(results: Path) -> None:
        sweep = read_sweep(results)
        write_sweep(replace(sweep, cells=change(sweep.cells)), results)

    return forge


def scaled(column: str, row: int) -> Change:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[row, column] = table.loc[row, column] * 1.01 + 1e-5
        return table

    return change


def other_sweep(results: Path) -> None:
    sweep = read_sweep(results)
    loaded = Results.load(load_experiment(CONFIG | {"slices_per_layer": 3}), results)
    write_sweep(replace(describe_sweep(loaded, None), cells=sweep.cells), results)


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        *((rewritten(f"{name}.csv", lambda table: table[1:]), f"{name}.csv: ") for name in TABLES),
        (rewritten("regressions.csv", scaled("slope", 3)), "regressions.csv: 1 of"),
        (summarised(scaled("delta_speed_max", 1)), "cells.csv: 1 of 2 values of delta"),
        (summarised(lambda table: table.drop(columns="light_speed")), "other columns"),
        (summarised(lambda table: table[1:]), "cells.csv"),
        (other_sweep, "sweep.json: sweep "),
    ],
)
def test_forged_tables_are_found(
    results: Path, truth: Results, forge: Callable[[Path], None], message: str
) -> None:
    forge(results)
    assert message in "\n".join(table_failures(results, truth))


Claims = list[dict[str, Any]]


def verdict_failures(results: Path, truth: Results, change: Callable[[Claims], object]) -> str:
    path = results / "claims.json"
    claims = json.loads(path.read_text(encoding="utf-8"))
    change(claims)
    path.write_text(json.dumps(claims), encoding="utf-8")
    return "\n".join(check_verdicts(replace(truth, folder=results)).failures)


def figures(claims: Claims) -> list[dict[str, Any]]:
    """Return the figures of the first claim that has several, none of them zero."""
    return next(claim["figures"] for claim in claims if len(claim["figures"]) > 2)


# The experiment asks for neither published numbers nor whole networks nor trainings.
NOT_ASKED = ("published", "prediction", "cuts")
KNOWN = sum(criterion.section not in NOT_ASKED for criterion in CRITERIA.values())
TEXTS = {"statement": "C1", "test": "C2", "section": "C3", "meaning": "N4"}


def rewrite(claims: Claims) -> None:
    for name, claim in TEXTS.items():
        next(item for item in claims if item["id"] == claim)[name] = "x"
    claims[3]["data"], claims[5]["range"] = ["x"], "everywhere"
    other = claims[4]["verdict"] == "reproduced"
    claims[4]["verdict"] = "reproduced in part" if other else "reproduced"


def test_every_text_of_a_claim_is_compared(results: Path, truth: Results) -> None:
    failures = verdict_failures(results, truth, rewrite)
    for name, claim in (TEXTS | {"data": "C4", "verdict": "C5", "range": "C6"}).items():
        assert f"values of {name} differ, the first in row {claim}: " in failures


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda claims: figures(claims).pop(), "rows, expected"),
        (lambda claims: figures(claims)[0].update(name="speed"), "row ('C1', 'speed', "),
        (lambda claims: figures(claims)[0].update(unit="km"), "'km', "),
        (lambda claims: figures(claims)[0].update(source="a/b.nc"), "'a'), expected"),
        (lambda claims: claims.append(claims[0]), f"{KNOWN + 1} rows, expected {KNOWN}"),
        (lambda claims: claims.pop(0), f"{KNOWN - 1} rows, expected {KNOWN}"),
        (
            lambda claims: figures(claims)[1].update(value=figures(claims)[1]["value"] + 1e-3),
            "values of value differ, the first in row ('C1', ",
        ),
    ],
)
def test_every_figure_of_a_claim_is_compared(
    results: Path, truth: Results, change: Callable[[Claims], object], message: str
) -> None:
    assert message in verdict_failures(results, truth, change)


def test_a_range_is_compared_where_its_figures_are_the_same(results: Path, truth: Results) -> None:
    def round_off(claims: Claims) -> None:
        # As another machine would: figures move in their last digits, and the range quotes them.
        first = figures(claims)[1]
        first["value"] *= 1 + 1e-14
        next(claim for claim in claims if first in claim["figures"])["range"] += " (1e-14)"

    assert verdict_failures(results, truth, round_off) == ""
