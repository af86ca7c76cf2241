"""The workflow measures whole networks, judges C11 by them, and shows and tracks them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from tests.helpers.experiments import SMALL
from tests.helpers.projects import copy_project, snakemake

CONFIG = SMALL | {
    "networks": [{"model": "resources/networks/digits.onnx", "images": ["digits", "disc"]}],
    "images_per_set": 3,
    "flipped_networks": 2,
}
LAYERS = ["conv1", "conv2", "conv3"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("networks"))
    (folder / "config" / "networks.yaml").write_text(yaml.safe_dump(CONFIG))
    ended = snakemake(folder, config="config/networks.yaml")
    assert ended.returncode == 0, ended.stderr
    return folder


def test_the_claim_is_judged_on_real_images(finished: Path) -> None:
    claims = json.loads((finished / "results" / "small" / "claims.json").read_text())
    (claim,) = (claim for claim in claims if claim["id"] == "C11")
    assert claim["verdict"] != "not yet measured"
    for words in ("R², displacement by first layers", "slope, displacement up to full layers"):
        assert any(figure["name"] == words for figure in claim["figures"])


def test_the_table_has_a_row_for_each_layer_and_set(finished: Path) -> None:
    text = (finished / "results" / "small" / "networks.csv").read_text()
    rows = [line.split(",")[:4] for line in text.splitlines()[1:]]
    assert [(row[0], row[1]) for row in rows] == [
        ("digits", images) for images in ("digits", "disc") for _ in LAYERS
    ]


def test_the_report_has_its_sections(finished: Path) -> None:
    page = (finished / "reports" / "small" / "index.html").read_text(encoding="utf-8")
    for section in ("prediction", "displacement", "fields", "depth"):
        assert f'id="{section}"' in page
    assert (finished / "reports" / "small" / "networks.csv").is_file()
    assert "✓ Verified." in page


def test_mlflow_has_a_run_with_a_step_for_each_layer(finished: Path) -> None:
    client = MlflowClient(f"sqlite:///{finished / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.`mechcore.kind` = 'network'")
    for name in ("digits_step_r2", "disc_displacement"):
        history = client.get_metric_history(run.info.run_id, name)
        assert [metric.step for metric in history] == list(range(len(LAYERS)))


def test_a_second_run_does_nothing(finished: Path) -> None:
    ended = snakemake(finished, config="config/networks.yaml")
    assert ended.returncode == 0, ended.stderr
    assert "Nothing to be done" in ended.stdout + ended.stderr
