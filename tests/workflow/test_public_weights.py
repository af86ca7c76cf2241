"""The workflow fetches weights that are not there, and analyses them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import yaml

from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import analyse_bank, read_analysis
from tests.helpers.experiments import SMALL
from tests.helpers.packages import publish
from tests.helpers.projects import PROJECT, copy_project, snakemake

DIGITS = PROJECT / "resources" / "banks" / "digits.safetensors"


def test_weights_are_fetched_and_analysed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = copy_project(tmp_path / "project")
    source = publish(DIGITS.read_bytes(), tmp_path / "wheels", monkeypatch)
    weights = "resources/public/net.safetensors"
    bank = {"weights": weights, "source": source}
    config = SMALL | {"slices_per_layer": 0, "filter_banks": [bank]}
    (project / "config" / "public.yaml").write_text(yaml.safe_dump(config))
    analysed = "results/small/filters/net.nc"
    until = partial(snakemake, project, "--until", "analyse_filters", config="config/public.yaml")
    ended = until()
    assert ended.returncode == 0, ended.stderr
    expected = analyse_bank(load_bank(DIGITS)).layers
    assert read_analysis(project / analysed).layers.name.tolist() == expected.name.tolist()
    # Without a network, one line says what to do.
    (project / weights).unlink()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    (project / analysed).unlink()
    assert until().returncode != 0
    (log,) = (project / "logs" / "fetch").rglob("*.log")
    assert "cannot be fetched" in log.read_text()
    assert "copy public_net/net.bin of that package to resources/public/net" in log.read_text()
