"""The workflow in the hands of others: as a module, from elsewhere, and with a copied file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mechcore.experiment.started_from import STARTED_FROM, note_started_from
from tests.helpers.experiments import SMALL
from tests.helpers.projects import PROJECT

FOLDERS = {"results", "reports", "logs"}

BANK = PROJECT / "resources" / "banks" / "digits.safetensors"

MODULE = """
configfile: "study.yaml"

module mechanics:
    snakefile: {snakefile!r}
    config: config
    {prefix}

use rule * from mechanics as mech_*

rule everything:
    default_target: True
    input: rules.mech_all.input
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "digits.safetensors").symlink_to(BANK)
    config = SMALL | {"filter_banks": ["nets/digits.safetensors"]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def plan(folder: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "snakemake", "-n", "-p", "-c1", *words]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize("prefix", ["", "part"], ids=["plain", "prefix"])
def test_a_module_keeps_all_that_it_makes_below_its_prefix(study: Path, prefix: str) -> None:
    line = f"prefix: {prefix!r}" if prefix else ""
    text = MODULE.format(snakefile=str(PROJECT / "Snakefile"), prefix=line)
    (study / "Snakefile").write_text(text)
    code, told = plan(study)
    assert code == 0, told
    assert "2 cells, 0 done before, 2 to run" in told
    made = re.findall(r"[\w./-]*\b(?:results|reports|logs)/small[\w./-]*", told)
    assert {path.partition("/")[0] for path in made} == ({prefix} if prefix else FOLDERS)
    # A file of the user stays where it is.
    assert set(re.findall(r"\S*digits\.safetensors", told)) >= {"nets/digits.safetensors"}
    assert "part/nets" not in told


def test_the_workflow_runs_in_any_folder(study: Path) -> None:
    files = ["--snakefile", str(PROJECT / "Snakefile"), "--configfile", str(study / "study.yaml")]
    code, told = plan(study.parent, "--directory", str(study), *files)
    assert code == 0, told
    assert "2 cells, 0 done before, 2 to run" in told


def test_a_copied_configuration_does_not_replace_the_results_of_the_first(study: Path) -> None:
    config, copied, results = study / "study.yaml", study / "copy.yaml", study / "results" / "small"
    copied.write_text(config.read_text().replace("steps: 8", "steps: 9"))
    note_started_from(config, results)
    words = ("--snakefile", str(PROJECT / "Snakefile"), "--configfile")
    assert plan(study, *words, "study.yaml")[0] == 0
    code, told = plan(study, *words, "copy.yaml")
    assert code == 2
    assert "copy.yaml: experiment: 'small' is that of study.yaml, whose results it would" in told
    # A file that was renamed is still the same.
    config.unlink()
    assert plan(study, *words, "copy.yaml")[0] == 0
    assert (results / STARTED_FROM).read_text() == "../../study.yaml\n"
