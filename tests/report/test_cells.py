"""What the page knows of each cell."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mechcore.experiment.config import load_experiment
from mechcore.io.json_models import write_settings
from mechcore.report.cells import cell_data, one_simulation, states_of
from mechcore.results.receipt import Receipt
from tests.helpers.reports import SMALL, Report


def test_the_command_names_every_setting_that_is_not_the_default() -> None:
    changed = {"boundary": "wrap", "domain": 33, "seed": 7, "normalise": "peak", "t_burn": 4}
    patterns = [{"name": "gaussian", "sigma": 2.0}, "disc"]
    plan = load_experiment(SMALL | changed | {"patterns": patterns})
    pairs = dict(pairwise(one_simulation(plan).replace("\\\n", " ").split()))
    for name, value in (changed | {"engine": "reference", "pattern": "disc"}).items():
        assert pairs[f"--{name.replace('_', '-')}"] == str(value)
    assert "--density" not in pairs


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("sqlite:////somewhere/mlflow.db", "http://127.0.0.1:5000"),
        ("http://tracking:8080/", "http://tracking:8080"),
    ],
)
def test_a_cell_leads_to_its_run_once_it_was_tracked(
    small: Report, tmp_path: Path, uri: str, server: str
) -> None:
    results = replace(small.results, folder=tmp_path)
    cells: Any = cell_data(results, states_of(results, None))["cells"]
    assert {cell["run"] for cell in cells.values()} == {""}
    ids: dict[str, Any] = {"experiments": {"small": "7"}, "runs": {"dct-relu-k3": "abc"}}
    counts = dict.fromkeys(("logged", "unchanged", "superseded", "failed"), 0)
    receipt = Receipt(uri=uri, sweep="0" * 12, **ids, **counts)
    write_settings(receipt, tmp_path / "tracking.json")
    cells = cell_data(results, states_of(results, None))["cells"]
    assert (
        cells["dct-relu-k3"]["run"]
        == f"{server}/#/experiments/7/runs/abc?workflowType=machine_learning"
    )
    assert cells["dct-relu-k2"]["run"] == ""
