"""``python -m benchmarks.cluster``: what the default experiment takes on an emulated cluster.

A real SLURM with four nodes that are all this machine, as the tests use it; it needs root and
``apt-get install slurm-wlm munge``. Without the start of Python, simulations take little of the
time; all else is overhead.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from platformdirs import user_cache_dir

from tests.cluster.slurm import Cluster, slurm_cluster
from tests.helpers.projects import copy_project

SECONDS_TO_LOOK = (2, 5, 10, 40)
"""Before the first look at the jobs; 40 is the plugin's own choice, 10 the profile's."""

CELLS_PER_JOB = (3, 40)
"""Four jobs of three cells, or a job of all."""


def main() -> None:
    """Print the time of each run, and what of it is simulation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="*", default=SECONDS_TO_LOOK)
    parser.add_argument("--cells", type=int, nargs="*", default=CELLS_PER_JOB)
    asked = parser.parse_args()
    with slurm_cluster() as cluster:
        for seconds in asked.seconds:
            for cells in asked.cells:
                print(describe(cluster, seconds, cells), flush=True)


def describe(cluster: Cluster, seconds: float, cells: int) -> str:
    """Run the default experiment and return what it took, in a line.

    The first look at the jobs comes after so many seconds; a job has so many cells at most.
    """
    before = len(cluster.jobs())
    with tempfile.TemporaryDirectory() as name:
        folder = copy_project(Path(name))
        start = time.monotonic()
        words = [f"--slurm-init-seconds-before-status-checks={seconds:g}"]
        _run(cluster, folder, *words, "--group-components", f"cells-10s={cells}")
        wall, simulated = time.monotonic() - start, _simulated(folder)
    jobs = len(cluster.jobs()) - before
    return (
        f"first look after {seconds:4g} s, {cells:3d} cells a job: {jobs:3d} jobs, "
        f"{wall:5.0f} s, of which {simulated:.1f} s of simulation"
    )


def _run(cluster: Cluster, folder: Path, *words: str) -> None:
    profile = ("--profile", "profiles/slurm", "--quiet", "all")
    ended = subprocess.run(
        [sys.executable, "-m", "snakemake", *profile, *words],
        cwd=folder,
        # The engine is compiled before: it would be done by many jobs at once.
        env=cluster.environment | {"NUMBA_CACHE_DIR": user_cache_dir("mechcore")},
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise SystemExit(ended.stdout[-3000:] + ended.stderr[-3000:])


def _simulated(folder: Path) -> float:
    logs = folder / "logs" / "default"
    texts = [path.read_text() for path in (*logs.glob("simulate/*.log"), *logs.glob("films/*.log"))]
    return sum(float(seconds) for text in texts for seconds in re.findall(r"in ([\d.]+) s", text))


if __name__ == "__main__":
    main()
