"""C12 in worlds in which it is true, true in part, false, and not to be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.claims.criteria import judge
from mechcore.claims.verdict import (
    IN_PART,
    NOT_REPRODUCED,
    NOT_YET_MEASURED,
    REPRODUCED,
    Claim,
)
from mechcore.results.results import Results
from tests.helpers.experiments import SMALL, run
from tests.helpers.studies import STUDY

CONFIG = SMALL | {"betas": [0.0, 0.5, 1.0], "training": STUDY}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("study")
    return Results.load(run(folder, CONFIG), folder)


def study(results: Results, kept: dict[int, float], spread: float = 0.0) -> pd.DataFrame:
    """A study in which networks that were cut keep these shares of their accuracy."""
    table = results.training.copy()
    share = table.components.map(kept) + spread * (table.seed - 1) * (table.components < 9)
    accuracy = table.chance + (0.9 - table.chance) * share
    return table.assign(score=np.where(table.fine_tuned, accuracy, table.score))


def claim_of(results: Results, *tables: pd.DataFrame) -> Claim:
    changed = replace(results)
    changed.__dict__["training"] = pd.concat(tables, ignore_index=True)
    return next(claim for claim in judge(changed) if claim.id == "C12")


@pytest.mark.parametrize(
    ("kept", "spread", "verdict", "words"),
    [
        ({1: 0.4, 3: 0.94, 9: 1.0}, 0.0, REPRODUCED, "three suffice and one does not: plain"),
        ({1: 0.95, 3: 0.97, 9: 1.0}, 0.0, IN_PART, "nothing follows about gradients: plain"),
        ({1: 0.4, 3: 0.8, 9: 1.0}, 0.0, NOT_REPRODUCED, "three do not surely suffice: plain"),
        # A mean above the threshold whose interval is not.
        ({1: 0.4, 3: 0.94, 9: 1.0}, 0.05, NOT_REPRODUCED, "three do not surely suffice: plain"),
        ({3: 0.94, 9: 1.0}, 0.0, NOT_YET_MEASURED, "needs classifiers"),
        ({1: 0.4, 9: 1.0}, 0.0, NOT_YET_MEASURED, "needs classifiers"),
    ],
)
def test_components_are_judged_by_what_networks_keep(
    results: Results, kept: dict[int, float], spread: float, verdict: str, words: str
) -> None:
    table = study(results, kept, spread)
    known = ~table.fine_tuned | table.components.isin(kept)
    claim = claim_of(results, table[known])
    assert claim.verdict == verdict
    assert words in claim.range


def test_one_architecture_of_two_is_a_part(results: Results) -> None:
    good = study(results, {1: 0.4, 3: 0.94, 9: 1.0})
    bad = study(results, {1: 0.4, 3: 0.5, 9: 1.0}).assign(architecture="residual")
    claim = claim_of(results, good, bad)
    assert claim.verdict == IN_PART
    # The weakest comes first.
    assert claim.figures[0].value == pytest.approx(50.0)


@pytest.mark.parametrize("change", [{"measure": "psnr"}, {"seed": 0}])
def test_denoisers_and_single_seeds_decide_nothing(
    results: Results, change: dict[str, object]
) -> None:
    table = study(results, {1: 0.4, 3: 0.94, 9: 1.0})
    few = table[table.seed == 0] if "seed" in change else table.assign(**change)
    assert claim_of(results, few).verdict == NOT_YET_MEASURED


def test_without_a_study_nobody_asks(tmp_path: Path) -> None:
    config = {key: value for key, value in CONFIG.items() if key != "training"}
    results = Results.load(run(tmp_path, config), tmp_path)
    assert "C12" not in {claim.id for claim in judge(results)}
