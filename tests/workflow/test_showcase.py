"""``reports/full``, the committed results of config/full.yaml: a sample of it is computed again."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from mechcore.analysis.measures import metrics_table
from mechcore.analysis.mechanics import kernels_table, mechanics_table
from mechcore.analysis.regressions import COLUMNS, regress
from mechcore.analysis.tables import DIGITS
from mechcore.claims.criteria import CRITERIA
from mechcore.claims.kernels import (
    ABOVE_CHANCE,
    DOMINATED_LAYER,
    NOT_JUDGED,
    layer_verdicts,
)
from mechcore.claims.verdict import read_claims
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import analyse_bank
from mechcore.simulation.run import simulate
from tests.helpers.projects import PROJECT

SHOWCASE = PROJECT / "reports" / "full"
NOT_ASKED = ("published", "prediction", "cuts")
"""Sections of claims about published numbers, whole networks and trainings."""
JUDGED = [name for name, criterion in CRITERIA.items() if criterion.section not in NOT_ASKED]
EXPERIMENT = load_experiment(PROJECT / "config" / "full.yaml")


@pytest.fixture(scope="module")
def committed() -> pd.DataFrame:
    return pd.read_csv(SHOWCASE / "regressions.csv")


@pytest.mark.parametrize("name", ["dct-relu-k2", "binomial-gelu-k3"])
def test_cells_that_run_again_give_the_committed_fits(name: str, committed: pd.DataFrame) -> None:
    cell = expand(EXPERIMENT)[name]
    dataset = simulate(cell)
    fits = regress(metrics_table(dataset, cell.ends), kernels_table(dataset))
    rows = committed[committed.cell == name]
    keys = ["pattern", "response", "predictor", "domain", "n"]
    numbers = ["slope", "intercept", "worst_residual", "law_miss"]
    assert fits[keys].values.tolist() == rows[keys].values.tolist()
    # The last of the digits that are beside a report.
    np.testing.assert_allclose(fits[numbers], rows[numbers], rtol=10.0 ** (1 - DIGITS), atol=1e-9)


def test_figures_of_verdicts_follow_from_the_cells_that_they_name() -> None:
    claims = {claim.id: claim for claim in read_claims(SHOWCASE / "claims.json")}
    source = "trajectories/dct-relu-k2.nc"
    dataset = simulate(expand(EXPERIMENT)["dct-relu-k2"])
    metrics, mechanics = metrics_table(dataset), mechanics_table(dataset)
    odd = metrics[(metrics.beta == 1) & (metrics.angle == 0)].set_index("pattern")
    speeds = [figure for figure in claims["C3"].figures if figure.name.startswith("speed of")]
    assert len(speeds) == len(EXPERIMENT.patterns)
    for figure in speeds:
        assert figure.source == source
        pattern = figure.name.split()[2]
        assert figure.value == pytest.approx(odd.speed[pattern], rel=1e-9)  # the engines' agreement
    even = mechanics[mechanics.beta == 0]
    farthest = next(figure for figure in claims["N3"].figures if figure.unit == "px")
    assert farthest.value is not None
    assert even.drift.max() <= max(farthest.value, 1e-10)  # rounding over 64 layers


def test_what_passes_among_trained_layers_follows_from_the_committed_weights() -> None:
    claim = next(c for c in read_claims(SHOWCASE / "claims.json") if c.id == "C10")
    committed = {figure.name: figure.value for figure in claim.figures}
    for trained, name in (
        (True, "of the layers pass"),
        (False, "of the layers are above chance before training"),
    ):
        plans = [plan for plan in planned_banks(EXPERIMENT).values() if plan.trained == trained]
        layers = [analyse_bank(load_bank(plan.weights)).layers for plan in plans]
        verdicts = layer_verdicts(pd.concat(layers, ignore_index=True))
        judged = verdicts[verdicts != NOT_JUDGED]
        passing = judged.isin([DOMINATED_LAYER] if trained else [DOMINATED_LAYER, ABOVE_CHANCE])
        assert committed[name] == pytest.approx(100 * passing.mean())


def test_committed_verdicts_are_those_of_the_criteria() -> None:
    claims = read_claims(SHOWCASE / "claims.json")
    # Those of the published numbers belong to config/paper.yaml.
    assert [claim.id for claim in claims] == JUDGED
    for claim in claims:
        # A changed threshold or test needs a new run.
        assert claim.test == CRITERIA[claim.id].test
        assert claim.statement == CRITERIA[claim.id].statement


def test_all_cells_are_there(committed: pd.DataFrame) -> None:
    assert set(committed.cell) == set(expand(EXPERIMENT))
    assert set(COLUMNS) == set(committed.columns)


def test_showcase_is_small_and_whole() -> None:
    drawn = {path.stem for path in (SHOWCASE / "figures").glob("*.svg")}
    assert {"headline-dct", "isotropy-dct", "spectra"} <= drawn
    names = [f"figures/{stem}{suffix}" for stem in drawn for suffix in (".svg", ".csv")]
    names += ["README.md", "claims.json", "regressions.csv", "pooled.csv"]
    # What .gitignore lets in; a report that was made here has more beside it.
    assert sum((SHOWCASE / name).stat().st_size for name in names) < 8_000_000
    text = (SHOWCASE / "README.md").read_text(encoding="utf-8")
    assert all(f"{stem}.svg" in text for stem in drawn)
    assert all(f"| {name} | " in text for name in JUDGED)
    linked = set(re.findall(r"\]\((?!#|https:)([^)]*)\)", text))
    assert linked <= set(names)


def test_readme_states_what_the_certificate_says() -> None:
    page = (SHOWCASE / "README.md").read_text(encoding="utf-8").split("✓ Verified.")[1]
    compared = dict(re.findall(r"^- (.*): ([\d,]+)(?: of [\d,]+)? compared", page, re.MULTILINE))
    readme = " ".join((PROJECT / "README.md").read_text(encoding="utf-8").split())
    same = "The reference engine gives the same"
    records, controls = compared[f"{same} record at every layer"], compared[f"{same} controls"]
    tables = compared["The tables follow from the trajectories"]
    assert f" {records} and {controls} of them were compared " in readme
    assert f" {tables} numbers of the tables " in readme
