"""The workflow in the hands of others: as a module, from elsewhere, and with a copied file."""

from __future__ import annotations

import re
import shutil
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
"""

DEPLOYED = """
from snakemake.utils import min_version

min_version("6.10.0")

configfile: "config/config.yaml"

module mechcore:
    snakefile: github("owner/mechcore", path="workflow/Snakefile", branch="main")
    config: config

use rule * from mechcore
"""
"""What snakedeploy 0.17.1 writes; it copies `config` and `profiles` beside it."""


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
@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_a_module_keeps_all_that_it_makes_below_its_prefix(
    study: Path, snakefile: str, prefix: str
) -> None:
    line = f"prefix: {prefix!r}" if prefix else ""
    text = MODULE.format(snakefile=str(PROJECT / snakefile), prefix=line)
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


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workflow as a repository of GitHub, which Git finds in a folder of this machine."""
    folder = tmp_path / "github" / "owner" / "mechcore"
    for name in ("workflow", "config", "profiles", ".test"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns(*FOLDERS))
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{(tmp_path / 'github').as_uri()}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def test_what_snakedeploy_makes_runs(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deployed"
    (folder / "workflow").mkdir(parents=True)
    (folder / "workflow" / "Snakefile").write_text(DEPLOYED)
    shutil.copytree(repository / "profiles", folder / "profiles")
    shutil.copytree(repository / "config", folder / "config")
    code, told = plan(folder)
    assert code == 0, told
    assert "4 cells, 0 done before, 4 to run" in told
    shutil.copy(repository / ".test" / "config" / "config.yaml", folder / "config")
    command = [sys.executable, "-m", "snakemake", "-c2", "--", "results/test/claims.json"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "1 of 1 cells done" in ended.stderr
    assert (folder / "results" / "test" / "claims.json").is_file()


def test_the_catalog_finds_what_it_asks_for(tmp_path: Path) -> None:
    catalog = yaml.safe_load((PROJECT / ".snakemake-workflow-catalog.yml").read_text())
    assert catalog["usage"]["report"] is True
    assert (PROJECT / "config" / "README.md").is_file()
    shutil.copytree(PROJECT / ".test" / "config", tmp_path / "config")
    code, told = plan(PROJECT, "--directory", str(tmp_path))
    assert code == 0, told
    assert "1 cells, 0 done before, 1 to run" in told


def test_every_rule_says_what_it_does() -> None:
    files = [path for path in (PROJECT / "workflow").rglob("*") if path.suffix in ("", ".smk")]
    text = "".join(path.read_text() for path in files if path.is_file())
    rules = re.findall(r"^rule (\w+):\n( *)(.*)", text, re.MULTILINE)
    assert len(rules) > 10
    assert [name for name, _, first in rules if not re.fullmatch(r'"""[A-Z].*\."""', first)] == []


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
