"""Names and values from outside never become a command, nor code.

Further, the linter forbids pickle, eval, shells and unsafe loaders (rules S of ruff); escaping in
the report is tested in tests/report, the address of `mechcore ui` in tests/tracking.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from mechcore.errors import MechcoreError
from mechcore.io.netcdf import read_dataset
from mechcore.io.portable_names import check_folder
from mechcore.tracking.uri import check_writable
from tests.faults.bad_configs import GOOD
from tests.helpers import trackers
from tests.helpers.projects import PROJECT, copy_project, snakemake
from tests.helpers.trackers import Trackers

HOSTILE = 'it\'s $(touch pwned) `touch pwned`; touch pwned & "$HOME" <b onclick=alert(1)> *é'
"""What a file may be called on Linux."""

WEIGHTS = {"net": f"{HOSTILE}.npz", "option": "-rf.npz"}
FILES = ("filters/{}", "filter_runs/{}-relu")


VALUE = r"(?<!\{)\{(?!\{)[^}]*\}"
"""In braces; double ones are the shell's own."""


def test_every_value_in_a_command_of_the_workflow_is_quoted() -> None:
    sources = [path.read_text() for path in (PROJECT / "workflow").rglob("*.smk")]
    starts = r"(?:shell:|shell\(|UNLESS_READY =)\s*(?:UNLESS_READY \+ )?"
    commands = re.findall(starts + r'r"""(.*?)"""', "\n".join(sources), re.DOTALL)
    assert len(commands) == 1 + len(re.findall(r"\bshell\b", "\n".join(sources)))
    values = {value for command in commands for value in re.findall(VALUE, command)}
    assert len(values) > 10
    assert all(value.endswith(":q}") for value in values)


def test_the_workflow_runs_no_code_of_a_configuration() -> None:
    sources = [path.read_text() for path in (PROJECT / "workflow").rglob("*.smk")]
    assert not re.findall(r"^\s*run:|\b(?:eval|exec|compile|pickle)\b", "\n".join(sources), re.M)


def test_names_of_files_reach_no_shell(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    np.save(folder / f"{HOSTILE}.npy", np.ones((3, 3)))
    kernels = np.random.default_rng(0).random((1, 1, 3, 3), dtype=np.float32)
    np.savez(folder / f"{HOSTILE}.npz", **{"conv.weight": kernels})
    shutil.copy(folder / f"{HOSTILE}.npz", folder / "-rf.npz")
    banks = [{"weights": file, "name": name} for name, file in WEIGHTS.items()]
    config = GOOD | {"patterns": [f"{HOSTILE}.npy"], "filter_banks": banks, "steps": 3}
    (folder / "hostile.yaml").write_text(yaml.safe_dump(config))
    made = ("trajectories/dct-relu-k2", *(file.format(name) for file in FILES for name in WEIGHTS))
    targets = [f"results/tiny/{name}.nc" for name in made]
    ended = snakemake(folder, "--", *targets, config="hostile.yaml")
    assert ended.returncode == 0, ended.stderr
    result = read_dataset(folder / targets[0])
    assert result.pattern.values.tolist() == [f"{HOSTILE}.npy"]
    assert not list(tmp_path.rglob("pwned"))


CODE = (
    "`touch pwned`",
    "$(touch pwned)",
    "$(shell touch pwned)",
    '";touch pwned;"',
    "';touch pwned;'",
)

SHOWS_ITS_WORDS = "#!/bin/sh\nprintf '[%s]' \"$@\"\n"


def make(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder whose environment has programs that only show their words."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "snakemake"):
        (programs / name).write_text(SHOWS_ITS_WORDS)
        (programs / name).chmod(0o755)
    for name in ("requirements.lock", "pyproject.toml", ".venv/.ready"):
        (folder / name).touch()
    shutil.copy(PROJECT / "Makefile", folder)
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("code", CODE)
@pytest.mark.parametrize("where", ["command line", "environment"])
def test_make_runs_no_code_of_its_settings(tmp_path: Path, code: str, where: str) -> None:
    given = {"CONFIG": code, "CORES": code}
    words = [f"{name}={value}" for name, value in given.items()]
    folder = tmp_path / "with a space;&()"
    ended = make(folder, "run", *words) if where == "command line" else make(folder, "run", **given)
    assert ended.returncode == 0, ended.stderr
    assert f"[--cores][{code}][--configfile][{code}]" in ended.stdout
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("sign", [*"\"$'`:?%#{}<>\\\n", "$(touch pwned)", "`touch pwned`"])
def test_a_folder_in_which_nothing_can_work_is_refused_before_anything_runs(
    tmp_path: Path, sign: str
) -> None:
    folder = tmp_path / f"a{sign}b"
    ended = make(folder, "run")
    if sign != "\n":
        assert ended.returncode == 2
        assert ended.stdout == ""
        assert "the name of this folder or of one above holds" in ended.stderr
    with pytest.raises(MechcoreError, match="which cannot work: rename it"):
        check_folder(folder)
    with pytest.raises(MechcoreError, match="which cannot work: rename it"):
        check_writable(f"sqlite:///{folder}/mlflow.db")
    assert not list(tmp_path.rglob("pwned"))


def test_all_other_names_of_folders_work(commands: Trackers, tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "a b;c&d(e)[f]*g!h=i,j|k~é@^+-")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(trackers.CONFIG))
    targets = ["results/tiny/trajectories/dct-relu-k2.nc", "results/tiny/controls.nc"]
    ended = snakemake(folder, "--", *targets, config="tiny.yaml")
    assert ended.returncode == 0, ended.stderr
    trackers.prepare(folder, trackers.CONFIG)
    (folder / "report.html").touch()
    assert commands.tracked(folder).startswith("3 logged")
    assert (folder / "mlflow.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
