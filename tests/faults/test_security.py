"""Names and values from outside never become a command, nor code.

Further, the linter forbids pickle, eval, shells and unsafe loaders (rules S of ruff); escaping in
the report is tested in tests/report, the address of `mechcore ui` in tests/tracking.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import yaml

from mechcore.io.netcdf import read_dataset
from tests.faults.bad_configs import GOOD
from tests.helpers.projects import PROJECT, copy_project, snakemake

HOSTILE = 'it\'s $(touch pwned) `touch pwned`; touch pwned & "$HOME" <b onclick=alert(1)> *é'
"""What a file may be called on Linux."""

WEIGHTS = {"net": f"{HOSTILE}.npz", "option": "-rf.npz"}
KINDS = ("filters", "filter_runs")


def test_every_value_in_a_command_of_the_workflow_is_quoted() -> None:
    sources = [path.read_text() for path in (PROJECT / "workflow").rglob("*.smk")]
    commands = re.findall(r'(?:shell:|shell\()\s*r"""(.*?)"""', "\n".join(sources), re.DOTALL)
    assert len(commands) == len(re.findall(r"\bshell\b", "\n".join(sources)))
    values = {value for command in commands for value in re.findall(r"\{[^}]*\}", command)}
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
    made = ("trajectories/dct-relu-k2", *(f"{kind}/{name}" for kind in KINDS for name in WEIGHTS))
    targets = [f"results/tiny/{name}.nc" for name in made]
    ended = snakemake(folder, "--", *targets, config="hostile.yaml")
    assert ended.returncode == 0, ended.stderr
    result = read_dataset(folder / targets[0])
    assert result.pattern.values.tolist() == [f"{HOSTILE}.npy"]
    assert not list(tmp_path.rglob("pwned"))
