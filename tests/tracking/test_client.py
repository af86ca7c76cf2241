"""What a person does with MLflow in Python, without a server."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mechcore.tracking.runs import MOST_METRICS
from mechcore.tracking.store import experiment_ids
from tests.helpers import stores
from tests.helpers.pages import snippets

FILES = {"cell.json", "preview.png", "dct-relu-k2.nc"}


def files_of(client: MlflowClient, folder: Path) -> set[str]:
    [run] = [run for run in stores.runs_of(client, "tiny") if run.info.run_name == "dct-relu-k2"]
    assert run.info.artifact_uri.startswith(f"{(folder / 'mlartifacts').as_uri()}/")
    assert Path(client.download_artifacts(run.info.run_id, "cell.json")).is_file()
    return {file.path for file in client.list_artifacts(run.info.run_id)}


def test_artifacts_are_listed_without_a_server(tracked: Path) -> None:
    with stores.opened(tracked) as client:
        assert files_of(client, tracked) == FILES


@pytest.mark.parametrize("earlier", [False, True])
def test_artifacts_are_found_where_a_store_was_moved_to(mine: Path, earlier: bool) -> None:
    uri = f"sqlite:///{mine / 'mlflow.db'}"
    if earlier:
        change = "UPDATE runs SET artifact_uri = 'mlflow-artifacts:' || substr(artifact_uri, instr("
        with closing(sqlite3.connect(mine / "mlflow.db")) as database, database:
            database.execute(f"{change}artifact_uri, '/mlartifacts/') + 12)")
    experiment_ids(uri)
    assert files_of(MlflowClient(uri), mine) == FILES


def test_runs_have_few_metrics_whose_names_need_no_quotes(tracked: Path) -> None:
    for run in stores.in_folder(tracked)["tiny"]["runs"]:
        assert 0 < len(run["metrics"]) <= MOST_METRICS
        assert all(re.fullmatch("[A-Za-z0-9_]+", name) for name in run["metrics"])


def test_the_recipes_of_the_guide_run(mine: Path) -> None:
    recipes = snippets("docs/compare.md")
    assert len(recipes) == 4
    code = "\n".join(recipes).replace('"paper"', '"tiny"')
    shown = f"{code}\nprint(len(cells), len(fast), len(speeds), sorted(names))"
    experiment_ids(f"sqlite:///{mine / 'mlflow.db'}")
    output = subprocess.check_output([sys.executable, "-c", shown], cwd=mine, text=True)
    # Both cells reach 0.4 px/layer, one of them is of ReLU, and a curve has five betas.
    assert output.splitlines()[-1] == f"2 1 5 {sorted(FILES)}"
