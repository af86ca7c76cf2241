"""Configurations, and what a bad one ends in; most bad ones are in tests/faults/bad_configs.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import yaml

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import filter_run, planned_banks
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment, load_experiment, schema_text
from mechcore.experiment.grid import expand
from tests.helpers.projects import PROJECT

GOOD: dict[str, object] = {
    "experiment": "tiny",
    "kernels": ["dct"],
    "activations": ["relu"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc"],
    "betas": {"start": 0, "stop": 1, "count": 3},
    "steps": 8,
}

DIGITS = str(PROJECT / "resources" / "banks" / "digits.safetensors")


def test_a_good_configuration_becomes_a_grid_of_cells_that_survive_json() -> None:
    cells = expand(load_experiment(GOOD))
    assert list(cells) == ["dct-relu-k2", "dct-relu-k3"]
    assert cells["dct-relu-k2"].simulations == 6
    assert [Cell.from_json(cell.to_json()) for cell in cells.values()] == list(cells.values())
    # Ids show the boundary only where there is one.
    cells = expand(load_experiment(GOOD | {"boundary": "wrap", "domain": 31}))
    assert list(cells) == ["dct-relu-k2-wrap", "dct-relu-k3-wrap"]


BANKS = [{"weights": DIGITS, "untrained": DIGITS}]


def test_a_changed_file_is_a_changed_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("blob.npy", np.ones((3, 3)))
    first = expand(load_experiment(GOOD | {"patterns": ["blob.npy"]}))["dct-relu-k2"].to_json()
    np.save("blob.npy", np.ones((5, 5)))
    second = expand(load_experiment(GOOD | {"patterns": ["blob.npy"]}))["dct-relu-k2"].to_json()
    assert first != second
    with pytest.raises(MechcoreError, match="the same file as when the run was planned"):
        Cell.from_json(first)


def test_too_little_memory_is_no_mistake_of_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").touch()
    monkeypatch.setattr(yaml, "load", Mock(side_effect=MemoryError))
    with pytest.raises(MemoryError):
        load_experiment(tmp_path / "config.yaml")


def test_a_bank_has_the_name_of_its_file_and_a_second_one_before_training() -> None:
    banks = [*BANKS, {"weights": DIGITS, "name": "again"}]
    plan = planned_banks(load_experiment(GOOD | {"filter_banks": banks}))
    assert list(plan) == ["digits", "digits-untrained", "again"]
    assert [bank.trained for bank in plan.values()] == [True, False, True]
    assert plan["digits"].untrained == "digits-untrained"
    assert load_experiment(GOOD | {"filter_banks": None}).filter_banks == []


def test_weights_with_a_source_need_not_be_there(tmp_path: Path) -> None:
    source = {"package": "net==1", "member": "net.pt", "sha256": "0" * 64}
    bank = {
        "weights": str(tmp_path / "net.pt"),
        "source": source | {"licence": "MIT", "origin": "x"},
    }
    experiment = load_experiment(GOOD | {"filter_banks": [bank], "slices_per_layer": 0})
    planned = planned_banks(experiment)["net"]
    assert planned.source is not None
    assert planned.parts == []
    assert not planned.runs
    with pytest.raises(MechcoreError, match=r"filter_banks\[0\]\.source\.licence: missing"):
        load_experiment(GOOD | {"filter_banks": [bank | {"source": source | {"origin": "x"}}]})


def test_kernels_of_banks_run_with_the_settings_of_the_experiment() -> None:
    experiment = load_experiment(GOOD | {"filter_banks": [DIGITS], "steps": 7})
    bank = planned_banks(experiment)["digits"]
    assert list(bank.runs) == experiment.activations
    run = filter_run(experiment, bank, "relu")
    assert run.steps == 7
    assert run.activations == ["relu"]
    other = load_experiment(GOOD | {"filter_banks": [DIGITS], "steps": 7, "sizes": [5]})
    assert filter_run(other, planned_banks(other)["digits"], "relu") == run


def test_the_committed_schema_is_that_of_the_model_and_describes_every_key() -> None:
    # If this fails: make schema
    assert (PROJECT / "config" / "schema.json").read_text() == schema_text()
    properties = json.loads(schema_text())["properties"]
    assert set(properties) == set(Experiment.model_fields)
    assert all("description" in entry for entry in properties.values())


@pytest.mark.parametrize("name", ["paper", "smoke", "full", "zoo", "networks"])
def test_the_shipped_configurations_are_valid(name: str) -> None:
    experiment = load_experiment(PROJECT / "config" / f"{name}.yaml")
    assert experiment.experiment == name


def test_the_default_configuration_is_the_grid_of_the_paper() -> None:
    experiment = load_experiment(PROJECT / "config" / "paper.yaml")
    assert experiment.kernels == ["dct", "translation", "laplace"]
    assert experiment.activations == ["relu", "modulus", "identity"]
    labels = ["delta", "delta-row", "disc-radius19", "disc-radius19-row"]
    assert [pattern.label for pattern in experiment.patterns] == labels
    assert [round(beta**2, 12) for beta in experiment.betas[:3]] == [0, 0.01, 0.02]
    assert (len(experiment.betas), experiment.steps) == (101, 100)
    # Translation and Laplace kernels have odd sizes only.
    assert len(expand(experiment)) == 9 + 2 * 6


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        # YAML wants a point and a sign in powers of ten.
        ({"betas": ["1e-3"]}, "expected a number: write 1.0e-3"),
        ({"betas": ["2E2"]}, "expected a number: write 2.0e+2"),
        ({"betas": "0..1"}, "a list, or a range as {start: 0, stop: 1, count: 11}"),
        ({"sizes": 3}, "expected a list: write [3]"),
        ({"kernels": "dct"}, "expected a list: write [dct]"),
        (
            {"filter_banks": [DIGITS.replace("digits", "digts")]},
            "did you mean 'digits.safetensors'?",
        ),
    ],
)
def test_a_mistake_comes_with_what_to_write(settings: dict[str, object], hint: str) -> None:
    with pytest.raises(MechcoreError, match=re.escape(hint)):
        load_experiment(GOOD | settings)


def test_the_hint_for_a_power_of_ten_is_a_number_of_yaml() -> None:
    assert yaml.safe_load("[1.0e-3, 2.0e+2]") == [1e-3, 200.0]
