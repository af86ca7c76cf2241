"""The workflow trains, cuts and trains on, and goes on after a kill; a new seed trains alone."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from mechcore.io.netcdf import read_dataset
from tests.helpers.experiments import SMALL
from tests.helpers.projects import copy_project, snakemake
from tests.helpers.studies import STUDY

pytest.importorskip("torch")
pytest.importorskip("sklearn")

OWN = {"initialisations": ["he"], "cuts": [3], "seeds": 1, "epochs": 1, "epochs_after_cut": 1}


def test_a_study_is_trained_and_collected(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    images = np.random.default_rng(0).random((60, 6, 6))
    np.savez(project / "own.npz", images=images, labels=np.arange(60) % 3)
    training = STUDY | OWN | {"data": "own.npz"}
    path = project / "config" / "study.yaml"
    path.write_text(yaml.safe_dump(SMALL | {"training": training}))
    until = partial(snakemake, project, "--until", "collect_training", config="config/study.yaml")
    ended = until()
    assert ended.returncode == 0, ended.stderr
    results = project / "results" / "small"
    study = read_dataset(results / "training.nc")
    assert dict(study.sizes) == {"run": 2, "epoch": 2, "layer": 2, "v": 3, "u": 3}
    assert study.low_frequency_share.sel(run="plain-k3-relu-all-cut-3-s0").min() == pytest.approx(1)
    assert not (results / "training_states").exists()
    # Only what is new is trained; without PyTorch one line says what is missing.
    path.write_text(yaml.safe_dump(SMALL | {"training": training | {"seeds": 2}}))
    (project / "torch").mkdir()
    (project / "torch" / "__init__.py").write_text("raise ModuleNotFoundError(name='torch')")
    ended = until("--keep-going")
    assert ended.returncode != 0
    logs = project / "logs" / "small" / "training"
    assert {log.stem: "needs PyTorch" in log.read_text() for log in logs.glob("*-s?.log")} == {
        "plain-k3-relu-all-he-s0": False,
        "plain-k3-relu-all-cut-3-s0": False,
        "plain-k3-relu-all-he-s1": True,
    }
    shutil.rmtree(project / "torch")
