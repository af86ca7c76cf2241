"""Others read our netCDF: h5netcdf, ncdump, CDO, and the compliance checker of CF and ACDD."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from mechcore.experiment.config import load_experiment
from mechcore.results.results import netcdf_files
from tests.helpers.experiments import SMALL, compute
from tests.helpers.projects import PROJECT
from tests.helpers.studies import STUDY

CONFIG = SMALL | {
    "activations": ["relu"],
    "steps": 4,
    "engine": "reference",
    "filter_banks": [str(PROJECT / "resources/banks/digits.safetensors")],
    "slices_per_layer": 1,
    "networks": [{"model": str(PROJECT / "resources/networks/digits.onnx"), "images": ["disc"]}],
    "images_per_set": 1,
    "flipped_networks": 2,
    "training": STUDY | {"cuts": [3], "seeds": 1, "initialisations": ["he"]},
}
KINDS = ("trajectories", "films", "controls", "filters", "filter_runs", "networks", "training")
"""Of files, as they begin."""

# Nothing was observed on Earth, and the same results are the same bytes: docs/results.md.
EXPLAINED = (
    *("standard_name", "geospatial_", "time_coverage_", "Attr date_created", "creator_"),
    *("publisher_", "institution", "license", "id ", "naming_authority", "project ", "comment"),
    *("processing_level", "acknowledgment"),
)


def tool(name: str) -> str:
    """Return the path of a program, or skip the test."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give a file of each kind."""
    folder, experiment = tmp_path_factory.mktemp("kinds"), load_experiment(CONFIG)
    compute(folder, experiment)
    names = netcdf_files(experiment)
    return {kind: next(folder / name for name in names if name.startswith(kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_ncdump_reads_the_header(files: dict[str, Path], kind: str) -> None:
    words = [tool("ncdump"), "-h", str(files[kind])]
    header = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "mechcore_version" in header


@pytest.mark.parametrize("kind", KINDS)
def test_h5netcdf_reads_the_same(files: dict[str, Path], kind: str) -> None:
    with (
        xr.open_datatree(files[kind], engine="h5netcdf") as read,
        xr.open_datatree(files[kind], engine="netcdf4") as expected,
    ):
        xr.testing.assert_identical(read, expected)


# Runs of kernels are in groups alone, which it does not know.
@pytest.mark.parametrize("kind", sorted({*KINDS} - {"filter_runs"}))
def test_cdo_opens_files(files: dict[str, Path], kind: str) -> None:
    words = [tool("cdo"), "-s", "infon", str(files[kind])]
    ended = subprocess.run(words, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    # A line of headings, and at least one variable.
    assert len(ended.stdout.splitlines()) > 1


def test_the_compliance_checker_says_nothing_that_the_docs_do_not_explain(
    files: dict[str, Path], tmp_path: Path
) -> None:
    told = tmp_path / "told.json"
    words = [tool("compliance-checker"), "-t", "cf:1.11", "-t", "acdd", "-f", "json_new"]
    subprocess.run([*words, "-o", str(told), *map(str, files.values())], check=False)
    checked: dict[str, dict[str, Any]] = json.loads(told.read_text())
    assert len(checked) == len(files)
    for name, checks in checked.items():
        assert messages(checks["cf:1.11"]) == [], name
        others = [text for text in messages(checks["acdd"]) if not text.startswith(EXPLAINED)]
        assert others == [], name


def messages(outcome: dict[str, Any]) -> list[str]:
    """Return what a check says."""
    priorities = [key for key in outcome if key.endswith("_priorities")]
    return [text for key in priorities for part in outcome[key] for text in part["msgs"]]
