"""The workflow on a real SLURM: the same results as without, and faults that it survives."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from slurm import Cluster, Job, slurm_cluster

from mechcore.storage import read_dataset

PROJECT = Path(__file__).parents[2]
PROFILES = PROJECT / "profiles"
SECONDS_TO_FINISH = 600

# A look in a second, not in ten: the jobs of tests are short. Errors are told by Snakemake itself,
# as the rules that fail here are without the workflow's own handler.
IMPATIENT = (
    "--slurm-init-seconds-before-status-checks=1",
    "--max-status-checks-per-second=1",
    "--quiet=host",
)

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

rule part:
    output: "{name}.txt"
    shell: "echo start >>{wildcards.name}.starts; sleep 12; touch {output}"
""".replace("PYTHON", sys.executable)


@dataclass
class Run:
    """A Snakemake on the login node.

    Parameters
    ----------
    process : Popen
        Of a session of its own.
    log : Path
        What it says.
    """

    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> int:
        """Wait for its end and return the exit code; one that hangs fails the test."""
        try:
            return self.process.wait(SECONDS_TO_FINISH)
        except subprocess.TimeoutExpired:
            pytest.fail(f"Snakemake hangs: {self.said()[-3000:]}")
        finally:
            self.kill()

    def kill(self) -> None:
        """End it and its local jobs at once, as when the login node goes down."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def said(self) -> str:
        """Return what it has said until now."""
        return self.log.read_text()


def start(cluster: Cluster, folder: Path, *words: str) -> Run:
    """Start Snakemake with the project's profiles."""
    # The package of the folder, else the installed one; PYTHONPATH would be that of another.
    environment = {key: one for key, one in cluster.environment.items() if key != "PYTHONPATH"}
    profiles = ("--profile", str(PROFILES / "slurm"))
    profiles += ("--workflow-profile", str(PROFILES / "default"))
    log = folder / f"said-{secrets.token_hex(4)}.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *profiles, *IMPATIENT, *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Run(process, log)


def finish(cluster: Cluster, folder: Path, *words: str) -> str:
    """Run Snakemake to its good end and return what it said."""
    run = start(cluster, folder, *words)
    assert run.wait() == 0, run.said()
    return run.said()


def jobs_of(cluster: Cluster, what: str) -> list[Job]:
    """Return the jobs of a rule, with or without the values of its wildcards."""
    return [job for job in cluster.jobs() if job.comment.startswith(f"rule_{what}")]


def states(cluster: Cluster, what: str) -> list[str]:
    """Return how the jobs of a rule ended, the first attempt first."""
    return [job.state for job in jobs_of(cluster, what)]


def begun(cluster: Cluster, folder: Path, name: str) -> Job:
    """Wait until the command of a part runs, and return its job."""
    cluster.wait_for((folder / f"{name}.starts").exists)
    return jobs_of(cluster, f"part_wildcards_{name}")[-1]


def starts(folder: Path, name: str) -> int:
    """Return how often the command of a part began."""
    return (folder / f"{name}.starts").read_text().count("start")


def run_id(said: str) -> str:
    """Return the name of all jobs of a run."""
    found = re.search(r"SLURM run ID: (\S+)", said)
    assert found, said
    return found[1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Four nodes, without accounting: the profile must not need it."""
    with slurm_cluster() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the rules that fail."""
    (tmp_path / "Snakefile").write_text(FAULTS)
    return tmp_path


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the smoke experiment ran on this machine."""
    folder = tmp_path_factory.mktemp("local") / "project"
    for name in ("workflow", "config", "profiles", "mechcore"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "Snakefile", folder)
    words = [sys.executable, "-m", "snakemake", "-c2", "--configfile", "config/smoke.yaml"]
    environment = {key: one for key, one in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return folder


def contents(folder: Path) -> dict[str, str | bytes]:
    """Return what identifies each result: hashes of arrays, bytes of tables."""
    results = folder / "results" / "smoke"
    hashes = {
        str(path.relative_to(results)): str(read_dataset(path).attrs["content_sha256"])
        for kind in ("trajectories", "films", ".")
        for path in (results / kind).glob("*.nc")
    }
    return hashes | {path.name: path.read_bytes() for path in results.glob("metrics.csv")}


def test_a_cluster_gives_the_results_of_one_machine(
    cluster: Cluster, local: Path, tmp_path: Path
) -> None:
    remote = tmp_path / "project"
    made = ("results", "logs", "reports", ".snakemake", "mlflow.db", "mlartifacts")
    shutil.copytree(local, remote, ignore=shutil.ignore_patterns(*made))
    finish(cluster, remote, "--configfile", "config/smoke.yaml")
    expected = contents(local)
    assert len(expected) >= 8
    assert contents(remote) == expected
    assert states(cluster, "collect") == ["COMPLETED"]
    # Logs of jobs lie outside of the results, and those of good ones are gone.
    assert not list(remote.glob("logs/slurm/**/*.log"))
    assert "Nothing to be done" in finish(cluster, remote, "--configfile", "config/smoke.yaml")


def test_a_job_over_its_memory_or_time_gets_more_of_it(cluster: Cluster, folder: Path) -> None:
    said = finish(cluster, folder, "hungry.txt", "slow.txt")
    assert states(cluster, "hungry") == ["FAILED", "COMPLETED"]
    assert [job.memory for job in jobs_of(cluster, "hungry")] == ["1000M", "2000M"]
    assert [job.limit for job in jobs_of(cluster, "hungry")] == ["30:00", "1:00:00"]
    assert states(cluster, "slow") == ["TIMEOUT", "COMPLETED"]
    assert [job.limit for job in jobs_of(cluster, "slow")] == ["1:00", "2:00"]
    assert "SLURM status is: 'TIMEOUT'" in said
    assert "memory limit" in "".join(path.read_text() for path in folder.glob("logs/**/*.log"))


def test_a_cancelled_job_is_tried_again(cluster: Cluster, folder: Path) -> None:
    run = start(cluster, folder, "cancelled.txt")
    cluster.cancel(begun(cluster, folder, "cancelled").identifier)
    assert run.wait() == 0, run.said()
    assert states(cluster, "part_wildcards_cancelled") == ["CANCELLED", "COMPLETED"]


def test_a_run_that_gives_up_says_why_and_the_next_one_completes(
    cluster: Cluster, folder: Path
) -> None:
    run = start(cluster, folder, "--retries=0", "hopeless.txt")
    cluster.cancel(begun(cluster, folder, "hopeless").identifier)
    assert run.wait() == 1
    assert "SLURM status is: 'CANCELLED'" in run.said()
    finish(cluster, folder, "hopeless.txt")
    assert states(cluster, "part_wildcards_hopeless") == ["CANCELLED", "COMPLETED"]


def test_a_drained_node_ends_its_job_and_gets_no_other(cluster: Cluster, folder: Path) -> None:
    run = start(cluster, folder, "drained.txt")
    node = begun(cluster, folder, "drained").node
    cluster.drain(node)
    try:
        assert run.wait() == 0, run.said()
        assert states(cluster, "part_wildcards_drained") == ["COMPLETED"]
        finish(cluster, folder, "elsewhere.txt")
        assert jobs_of(cluster, "part_wildcards_elsewhere")[0].node != node
    finally:
        cluster.resume(node)


@pytest.mark.parametrize("fault", ["set_down", "lose"])
def test_the_job_of_a_dead_node_runs_on_another(cluster: Cluster, folder: Path, fault: str) -> None:
    run = start(cluster, folder, f"{fault}.txt")
    node = begun(cluster, folder, fault).node
    getattr(cluster, fault)(node)
    try:
        assert run.wait() == 0, run.said()
        (job,) = jobs_of(cluster, f"part_wildcards_{fault}")
        assert (job.state, job.restarts, starts(folder, fault)) == ("COMPLETED", 1, 2)
        assert job.node != node
    finally:
        if fault == "lose":
            cluster.revive(node)
        cluster.resume(node)


def test_with_accounting_a_controller_that_is_away_costs_nothing(folder: Path) -> None:
    with slurm_cluster(accounting=True) as cluster:
        run = start(cluster, folder, "patient.txt")
        begun(cluster, folder, "patient")
        cluster.stop_controller()
        # Over at least one look; then the plugin asks sacct, which needs the database alone.
        time.sleep(40)
        cluster.start_controller()
        assert run.wait() == 0, run.said()
        assert states(cluster, "part_wildcards_patient") == ["COMPLETED"]
        assert starts(folder, "patient") == 1


def test_after_the_end_of_the_login_node_its_jobs_are_cancelled_by_hand(
    cluster: Cluster, folder: Path
) -> None:
    run = start(cluster, folder, "orphan.txt")
    begun(cluster, folder, "orphan")
    run.kill()
    refused = start(cluster, folder, "orphan.txt")
    assert refused.wait() == 1
    assert "--unlock" in refused.said()
    # Nobody told the job.
    assert states(cluster, "part_wildcards_orphan") == ["RUNNING"]
    cluster.run("scancel", "--name", run_id(run.log.read_text()))
    finish(cluster, folder, "--unlock", "orphan.txt")
    finish(cluster, folder, "orphan.txt")
    assert states(cluster, "part_wildcards_orphan") == ["CANCELLED", "COMPLETED"]
