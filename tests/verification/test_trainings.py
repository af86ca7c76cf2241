"""Tables of a study are checked against the trajectories that they are made from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from mechcore.experiment.config import load_experiment
from mechcore.results.results import Results
from mechcore.results.sweep import describe_sweep, write_sweep
from mechcore.verification.certificate import Certificate
from mechcore.verification.experiment import Extent, verify
from tests.helpers.experiments import SMALL, run
from tests.helpers.studies import STUDY

CONFIG = SMALL | {"betas": [0.0, 0.5, 1.0], "activations": ["relu"], "training": STUDY}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    run(folder, CONFIG)
    return folder


def verified(folder: Path) -> Certificate:
    return verify(load_experiment(CONFIG), folder, Extent(cells=1, simulations=1))


def test_a_sound_study_is_verified(study: Path) -> None:
    certificate = verified(study)
    assert certificate.holds, certificate
    [tables] = [check for check in certificate.checks if check.name == "tables"]
    # At least each number of each training.
    assert tables.compared > 15 * 25


@pytest.mark.parametrize(
    ("name", "column"), [("training", "score"), ("training_tests", "estimate")]
)
def test_a_number_that_does_not_follow_is_found(
    study: Path, tmp_path: Path, name: str, column: str
) -> None:
    folder = shutil.copytree(study, tmp_path / "study")
    table = pd.read_csv(folder / f"{name}.csv")
    table.loc[0, column] += 0.01
    table.to_csv(folder / f"{name}.csv", index=False)
    # As somebody would who also wrote the hashes anew.
    write_sweep(describe_sweep(Results.load(load_experiment(CONFIG), folder), None), folder)
    certificate = verified(folder)
    assert not certificate.holds
    failures = [line for check in certificate.checks for line in check.failures]
    assert any(f"{name}.csv: 1 of" in line for line in failures)


def test_a_missing_training_is_named(study: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(study, tmp_path / "study")
    (folder / "training" / "plain-k3-relu-all-he-s0.nc").unlink()
    assert "plain-k3-relu-all-he-s0.nc: missing" in verified(folder).checks[0].failures[0]
