"""The workflow and its commands on the experiment of `trackers`, and what they leave on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from tests.helpers import projects
from tests.helpers.trackers import CONFIG

CELLS = ("dct-relu-k2", "dct-modulus-k2")
COLLECT = (
    *("collect", "--experiment", "config.yaml", "--trajectories", "results/trajectories"),
    *("--output", "metrics.csv", "--mechanics", "mechanics.csv", "--kernels", "kernels.csv"),
)
REPORT = (
    *("report", "--experiment", "config.yaml", "--results", "results"),
    *("--output", "reports/index.html"),
)
METRICS = "results/tiny/metrics.csv"
"""What the workflow is asked for: cells and collecting. Reports are made by the command alone."""


def project(folder: Path, **changes: object) -> Path:
    projects.copy_project(folder)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(CONFIG | changes))
    return folder


def start(folder: Path) -> subprocess.Popen[str]:
    """Start the workflow as a user does; ``-m`` makes it use the folder's own package."""
    words = [sys.executable, "-m", "snakemake", "-c2", "--configfile", "tiny.yaml", "--", METRICS]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        words, cwd=folder, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def snakemake(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return projects.snakemake(folder, *words, "--", METRICS, config="tiny.yaml")


def complete(folder: Path) -> dict[str, bytes]:
    ended = snakemake(folder)
    assert ended.returncode == 0, ended.stderr
    return contents(folder / "results" / "tiny")


def drafts(folder: Path) -> list[Path]:
    """Files that are being written, anywhere; results have no other hidden ones."""
    return [path for path in folder.rglob(".*") if path.is_file()]


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder but drafts, which killed writers leave."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
