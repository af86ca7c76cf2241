"""The workflow on a real SLURM: the same results as without, whatever happens on the way."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from platformdirs import user_cache_dir

from mechcore.io.netcdf import read_dataset
from tests.cluster.slurm import Cluster, Job, slurm_cluster
from tests.helpers.projects import PROJECT, copy_project
from tests.helpers.shared import made_once

PROFILES = PROJECT / "profiles"
SECONDS_TO_FINISH = 1200

# A look in a second, not in ten: the jobs of tests are short.
IMPATIENT = (
    "--slurm-init-seconds-before-status-checks=1",
    "--max-status-checks-per-second=1",
)

# Three cells that are one job by the profile: a fault can hit between two of them.
GRID = """
experiment: grid
kernels: [dct]
activations: [relu]
sizes: [2, 3, 4]
betas: {start: 0, stop: 1, count: 3}
steps: 16
"""
COLLECTED = "results/grid/metrics.csv"
CELLS = 3
SHARED = "rule_cells-"
"""How SLURM's comments on jobs that cells share begin."""

# Faults that the science cannot have by itself, with the resources that the profile gives.
FAULTS = """
rule hungry:
    output: "hungry.txt"
    shell: "PYTHON -c 'import time; held = bytearray(2**30); time.sleep(8)' && touch {output}"

rule slow:
    output: "slow.txt"
    resources: runtime=lambda wildcards, attempt: attempt
    # SLURM counts in minutes; the second attempt need not last as long as it may.
    shell: "[ {resources.runtime} -gt 1 ] || sleep 600; touch {output}"
""".replace("PYTHON", sys.executable)


@dataclass
class Run:
    """A Snakemake on the login node."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> int:
        try:
            return self.process.wait(SECONDS_TO_FINISH)
        except subprocess.TimeoutExpired:
            pytest.fail(f"Snakemake hangs: {self.said()[-3000:]}")
        finally:
            self.kill()

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def said(self) -> str:
        return self.log.read_text()


def own(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables with which a process takes the package of its folder, or the installed one.

    Machine code is the user's: a cluster that is gone in a minute need not make its own.
    """
    kept = {key: value for key, value in environment.items() if key != "PYTHONPATH"}
    return kept | {"NUMBA_CACHE_DIR": user_cache_dir("mechcore")}


runs: list[Run] = []


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    yield
    while runs:
        runs.pop().kill()


def start(cluster: Cluster, folder: Path, *words: str, personal: str = "default") -> Run:
    profiles = ("--profile", str(PROFILES / "slurm"))
    profiles += ("--workflow-profile", str(PROFILES / personal))
    log = folder / f"said-{secrets.token_hex(4)}.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *profiles, *IMPATIENT, *words],
            cwd=folder,
            env=own(cluster.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    runs.append(Run(process, log))
    return runs[-1]


def finish(cluster: Cluster, folder: Path, *words: str) -> str:
    run = start(cluster, folder, *words)
    assert run.wait() == 0, run.said()
    return run.said()


def here(folder: Path, *words: str) -> None:
    """Run Snakemake on this machine alone."""
    words = (sys.executable, "-m", "snakemake", "-c2", *words)
    ended = subprocess.run(words, cwd=folder, env=own(os.environ), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def jobs_of(cluster: Cluster, folder: Path, what: str) -> list[Job]:
    return [
        job for job in cluster.jobs() if job.folder == str(folder) and job.comment.startswith(what)
    ]


def states(cluster: Cluster, folder: Path, what: str) -> list[str]:
    return [job.state for job in jobs_of(cluster, folder, what)]


def contents(folder: Path, experiment: str) -> dict[str, str | bytes]:
    """Return what identifies each result: hashes of arrays, bytes of tables."""
    results = folder / "results" / experiment
    hashes = {
        str(path.relative_to(results)): str(read_dataset(path).attrs["content_sha256"])
        for kind in ("trajectories", "films", ".")
        for path in (results / kind).glob("*.nc")
    }
    tables = ("metrics.csv", "mechanics.csv", "kernels.csv", "claims.json")
    paths = [results / name for name in tables if (results / name).is_file()]
    return hashes | {path.name: path.read_bytes() for path in paths}


def files(folder: Path, experiment: str) -> set[str]:
    results = folder / "results" / experiment
    names = {str(path.relative_to(results)) for path in results.rglob("*") if path.is_file()}
    # MLflow's, which not all tests ask for.
    return names - {"tracking.json"}


def grid_project(place: Path) -> Path:
    folder = copy_project(place / "project")
    (folder / "grid.yaml").write_text(GRID)
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Four nodes, without accounting: the profile must not need it."""
    with slurm_cluster() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return grid_project(tmp_path)


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | bytes]:
    """What the grid gives on this machine, computed once for all processes of the tests."""

    def make(folder: Path) -> None:
        here(grid_project(folder), "--configfile", "grid.yaml", "--", COLLECTED)

    return contents(made_once(tmp_path_factory, "here", make) / "project", "grid")


def finished_cells(project: Path) -> dict[str, int]:
    """Return the inodes of the finished cells: a file that is made again gets another one."""
    folder = project / "results" / "grid"
    # Snakemake removes the first names of all cells of a job that failed.
    paths = [*folder.glob("finished/[!.]*.nc"), *folder.glob("trajectories/[!.]*.nc")]
    return {path.name: path.stat().st_ino for path in paths}


def begin(cluster: Cluster, project: Path, *words: str, target: str = COLLECTED) -> Run:
    return start(cluster, project, "--configfile", "grid.yaml", *words, "--", target)


def under_way(cluster: Cluster, project: Path, cells: int) -> tuple[Job, dict[str, int]]:
    cluster.wait_for(lambda: len(finished_cells(project)) >= cells)
    job, finished = jobs_of(cluster, project, SHARED)[-1], finished_cells(project)
    assert job.state == "RUNNING"
    assert len(finished) < CELLS
    return job, finished


def check(project: Path, expected: dict[str, str | bytes], *before: dict[str, int]) -> None:
    # A run may have gone further.
    assert expected.items() <= contents(project, "grid").items()
    now = finished_cells(project)
    assert len(now) == CELLS
    for finished in before:
        assert finished.items() <= now.items()
    assert not (project / "results" / "grid" / "finished").exists()
    assert not [path for path in (project / "results").rglob(".*") if path.is_file()]


def test_cells_are_tasks_of_an_array_where_a_site_wants_them_to_be(
    cluster: Cluster, project: Path, expected: dict[str, str | bytes]
) -> None:
    words = ("--configfile", "grid.yaml", "--", COLLECTED)
    run = start(cluster, project, *words, personal="slurm-arrays")
    assert run.wait() == 0, run.said()
    check(project, expected)
    tasks = [job.identifier.split("_") for job in jobs_of(cluster, project, "rule_simulate")]
    assert len({array for array, _ in tasks}) == 1
    assert sorted(task for _, task in tasks) == ["1", "2", "3"]


def test_with_accounting_a_controller_that_is_away_costs_no_finished_cell(
    project: Path, expected: dict[str, str | bytes]
) -> None:
    with slurm_cluster(accounting=True) as cluster:
        run = begin(cluster, project)
        _, finished = under_way(cluster, project, 1)
        cluster.stop_controller()
        # Over at least one look; then the plugin asks sacct, which needs the database alone. The
        # next cell of the job asks the controller for a step, in vain, and the job is tried again.
        time.sleep(30)
        cluster.start_controller()
        assert run.wait() == 0, run.said()
        check(project, expected, finished)
        assert states(cluster, project, SHARED)[-1] == "COMPLETED"


def test_a_job_that_is_cancelled_and_loses_its_node_twice_ends_well(
    cluster: Cluster, project: Path, expected: dict[str, str | bytes]
) -> None:
    run = begin(cluster, project)
    first, one = under_way(cluster, project, 1)
    cluster.run("scancel", first.identifier)
    cluster.wait_for(lambda: len(jobs_of(cluster, project, SHARED)) == 2)
    second, two = under_way(cluster, project, 2)
    cluster.set_state(second.node, "down")
    cluster.wait_for(lambda: jobs_of(cluster, project, SHARED)[-1].restarts == 1)
    cluster.wait_for(lambda: states(cluster, project, SHARED)[-1] == "RUNNING")
    third, three = under_way(cluster, project, 2)
    cluster.lose(third.node)
    try:
        assert run.wait() == 0, run.said()
    finally:
        cluster.revive(third.node)
        cluster.resume(second.node)
        cluster.resume(third.node)
    check(project, expected, one, two, three)
    # Snakemake tries a cancelled job again; that of a dead node SLURM itself queues again.
    cancelled, last = jobs_of(cluster, project, SHARED)
    assert (cancelled.state, cancelled.restarts) == ("CANCELLED", 0)
    assert (last.state, last.restarts) == ("COMPLETED", 2)
    assert len({second.node, third.node, last.node}) == 3
    assert "a job of 3 cells failed" in run.said()
    assert re.search(r"^srun: error: ", run.said(), re.MULTILINE)


def test_a_run_that_gives_up_and_one_that_is_lost_are_completed_by_the_next(
    cluster: Cluster, project: Path, expected: dict[str, str | bytes]
) -> None:
    gives_up = begin(cluster, project, "--retries=0")
    job, one = under_way(cluster, project, 1)
    cluster.run("scancel", job.identifier)
    assert gives_up.wait() == 1
    assert re.search(r"^[12] of 3 cells done, 0 failed$", gives_up.said(), re.MULTILINE)
    lost = begin(cluster, project)
    cluster.wait_for(lambda: states(cluster, project, SHARED) == ["CANCELLED", "RUNNING"])
    _, two = under_way(cluster, project, 1)
    lost.kill()
    (name,) = re.findall(r"SLURM run ID: (\S+)", lost.said())
    cluster.run("scancel", "--name", name)
    finish(cluster, project, "--configfile", "grid.yaml", "--unlock")
    finish(cluster, project, "--configfile", "grid.yaml", "--", COLLECTED)
    check(project, expected, one, two)
    assert states(cluster, project, SHARED) == ["CANCELLED", "CANCELLED", "COMPLETED"]


def test_a_job_outlives_the_login_node_and_the_draining_of_its_own(
    cluster: Cluster, project: Path, expected: dict[str, str | bytes]
) -> None:
    # To verify is a job that follows.
    words, target = ("--configfile", "grid.yaml"), "results/grid/certificate.json"
    run = begin(cluster, project, target=target)
    job, _ = under_way(cluster, project, 1)
    cluster.set_state(job.node, "drain")
    try:
        run.kill()
        refused = begin(cluster, project)
        assert refused.wait() == 1
        assert "--unlock" in refused.said()
        # Nobody told the job, which goes on to its good end.
        cluster.wait_for(lambda: states(cluster, project, SHARED) == ["COMPLETED"])
        finished = finished_cells(project)
        assert len(finished) == CELLS
        finish(cluster, project, *words, "--unlock")
        finish(cluster, project, *words, "--", target)
    finally:
        cluster.resume(job.node)
    check(project, expected, finished)
    assert states(cluster, project, SHARED) == ["COMPLETED"]
    (next_one,) = jobs_of(cluster, project, "rule_verify")
    assert next_one.node != job.node


def test_smoke_gives_on_a_cluster_what_it_gives_here(
    cluster: Cluster, project: Path, tmp_path: Path
) -> None:
    words = ("--configfile", "config/smoke.yaml")
    alone = tmp_path / "alone"
    shutil.copytree(project, alone)
    # All results, but neither the page nor MLflow.
    here(alone, *words, "--", "results/smoke/certificate.json", "results/smoke/sweep.json")
    finish(cluster, project, "--group-components", "cells-10s=2", *words)
    assert len(contents(alone, "smoke")) >= 8
    assert contents(project, "smoke") == contents(alone, "smoke")
    assert files(project, "smoke") == files(alone, "smoke")
    assert len(jobs_of(cluster, project, SHARED)) == 2
    assert (project / "reports" / "smoke" / "index.html").is_file()
    assert (project / "results" / "smoke" / "tracking.json").is_file()
    # Logs of jobs lie outside of the results, and those of good ones are gone.
    assert not list(project.glob("logs/slurm/**/*.log"))
    assert "Nothing to be done" in finish(cluster, project, *words, "--dry-run")


def test_a_job_over_its_memory_or_time_gets_more_of_it(cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "Snakefile").write_text(FAULTS)
    # The workflow's own handler is not there to report errors.
    said = finish(cluster, folder, "--quiet=host", "--", "hungry.txt", "slow.txt")
    assert states(cluster, folder, "rule_hungry") == ["FAILED", "COMPLETED"]
    assert [job.memory for job in jobs_of(cluster, folder, "rule_hungry")] == ["1000M", "2000M"]
    assert [job.limit for job in jobs_of(cluster, folder, "rule_hungry")] == ["30:00", "1:00:00"]
    assert states(cluster, folder, "rule_slow") == ["TIMEOUT", "COMPLETED"]
    assert [job.limit for job in jobs_of(cluster, folder, "rule_slow")] == ["1:00", "2:00"]
    assert "SLURM status is: 'TIMEOUT'" in said
    assert "memory limit" in "".join(path.read_text() for path in folder.glob("logs/**/*.log"))
