"""Trainings in MLflow: a run each below that of the study, to be compared in three clicks."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

import pytest
from mlflow import MlflowClient
from playwright.sync_api import expect

from tests.helpers import servers, trackers
from tests.helpers.browser import chromium
from tests.helpers.shared import made_once
from tests.helpers.studies import STUDY
from tests.helpers.trackers import Trackers
from tests.tracking.test_ui import PATIENCE, browses, started

CONFIG = trackers.CONFIG | {"training": STUDY}
TRAININGS = 3 * (2 + 3)


@pytest.fixture(scope="module")
def studied(
    tmp_path_factory: pytest.TempPathFactory, commands: Trackers, empty_store: Path
) -> Path:
    """A folder whose experiment has a study, and was tracked once."""

    def make(folder: Path) -> None:
        trackers.prepare(folder, CONFIG)
        shutil.copy(empty_store, folder)
        # Two cells, the sweep and the study besides.
        assert commands.tracked(folder).startswith(f"{TRAININGS + 4} logged, 0 unchanged")

    return made_once(tmp_path_factory, "studied", make)


def client_of(folder: Path) -> tuple[MlflowClient, str]:
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("tiny trainings")
    assert experiment is not None
    return client, str(experiment.experiment_id)


def test_every_training_is_a_run_below_its_study(studied: Path) -> None:
    client, experiment = client_of(studied)
    [study] = client.search_runs([experiment], "tags.`mechcore.kind` = 'study'")
    below = f"tags.`mlflow.parentRunId` = '{study.info.run_id}'"
    runs = {run.info.run_name: run for run in client.search_runs([experiment], below)}
    assert len(runs) == TRAININGS
    run = runs["plain-k3-relu-all-even-s2"]
    assert run.data.params["condition"] == "plain-k3-relu-all-even"
    for name in ("accuracy", "layer2_odd_energy_ratio", "dct_d01"):
        curve = client.get_metric_history(run.info.run_id, name)
        assert [point.step for point in curve] == [0, 1, 2]
    [weights] = (studied / "mlartifacts").rglob(f"{run.info.run_name}.safetensors")
    assert {path.suffix for path in weights.parent.iterdir()} == {".nc", ".safetensors", ".md"}
    kept = client.get_metric_history(study.info.run_id, "plain_3_relu_kept_after")
    assert [point.step for point in kept] == [1, 3, 9]


def test_a_new_study_adopts_the_trainings_that_are_there(
    studied: Path, tmp_path: Path, commands: Trackers
) -> None:
    folder = trackers.copied(studied, tmp_path / "mine")
    config = CONFIG | {"training": STUDY | {"seeds": 4}}
    trackers.prepare(folder, config)
    # The cells are not computed to the same second, but their content is the same.
    assert " 1 superseded" in commands.tracked(folder)
    client, experiment = client_of(folder)
    current = "tags.`mechcore.kind` = 'study' AND tags.`mechcore.superseded_by` IS NULL"
    [study] = client.search_runs([experiment], current)
    below = f"tags.`mlflow.parentRunId` = '{study.info.run_id}'"
    assert len(client.search_runs([experiment], below)) == 4 * (2 + 3)


@browses
def test_two_initialisations_are_compared_over_seeds_in_three_clicks(
    studied: Path, tmp_path: Path
) -> None:
    folder = trackers.copied(studied, tmp_path / "served")
    [port] = servers.free_ports(1)
    with started(folder, port, end=signal.SIGINT), chromium() as browser:
        log = (folder / "ui.log").read_text()
        [runs] = re.findall(r"  tiny trainings: (\S+)", log)
        [(user, password)] = re.findall(r"Sign in as (\S+) with the password (\S+)", log)
        page = browser.new_page(
            viewport={"width": 1600, "height": 1000},
            http_credentials={"username": user, "password": password},
        )
        page.set_default_timeout(PATIENCE)
        page.add_init_script(
            "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
        )
        page.goto(runs, wait_until="domcontentloaded")
        page.get_by_text("matching runs").wait_for()
        page.locator("label").filter(has=page.locator("input[value=CHART]")).click()
        page.get_by_role("button", name="Group by").click()
        page.get_by_role("menuitemcheckbox", name="condition").click()
        # A line for each condition, with its name in the legend.
        chart = page.get_by_test_id("experiment-view-compare-runs-card").filter(has_text="accuracy")
        for start in ("he", "even"):
            expect(chart).to_contain_text(f"plain-k3-relu-all-{start}", timeout=PATIENCE)
        lines = chart.locator(".js-plotly-plot .scatterlayer path.js-line")
        assert lines.count() >= 2
