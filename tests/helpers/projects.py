"""Copies of the project, as the workflow needs it, and Snakemake in them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def copy_project(folder: Path) -> Path:
    for name in ("workflow", "config", "resources", "profiles", "mechcore"):
        # Compiled modules spare seconds; what another process writes of it may be gone.
        kept = shutil.ignore_patterns("*.pyc.*", "public")
        shutil.copytree(PROJECT / name, folder / name, ignore=kept)
    shutil.copy(PROJECT / "Snakefile", folder)
    return folder


def snakemake(
    folder: Path, *words: str, cores: int = 2, config: str = "config/smoke.yaml"
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a folder; ``-m`` makes it and its jobs use the folder's own package."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", f"-c{cores}", "--configfile", config, *words],
        cwd=folder,
        capture_output=True,
        text=True,
    )
