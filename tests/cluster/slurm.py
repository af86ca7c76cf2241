"""A real SLURM of a test's own: munge, a controller and nodes that are all this machine.

Everything lies in one temporary folder and listens on free ports of 127.0.0.1, so that neither
``/etc`` nor a SLURM of this machine is touched, and two tests at once do not meet.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.helpers.servers import free_ports

SECONDS_TO_WAIT = 600
SECONDS_TO_END = 10
NODES = ("n1", "n2", "n3", "n4")

COLUMNS = (
    *("ArrayJobID", "ArrayTaskID", "RestartCnt"),
    *("State", "NodeList", "Comment", "MinMemory", "TimeLimit", "WorkDir"),
)

# Debian keeps daemons outside of a user's PATH.
PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
ACCOUNTING = ("slurmdbd", "sacct", "sacctmgr", "mariadbd", "mariadb-install-db")
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

SETTINGS = """
ClusterName=ci
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
SchedulerParameters=batch_sched_delay=0,sched_interval=5
SlurmdParameters=config_overrides
ReturnToService=1
MpiDefault=none
# Nobody waits half a minute for a job that does not heed SIGTERM, or minutes for a lost node; a
# job of such a node is begun again when its credential has expired (above).
KillWait=2
SlurmdTimeout=10
MinJobAge=3600
# Memory limits hold without the kernel's cgroups, which no container gives to its root.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
{accounting}
NodeName={nodes} NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports} \
CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

ACCOUNTED = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
# Not a password: commands take munge's socket from here, not from AuthInfo.
AccountingStoragePass={folder}/munge.socket
"""

DATABASE = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={store_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm
"""


@dataclass(frozen=True)
class Job:
    identifier: str
    """As scancel takes it: ``17`` or ``17_2``; ``17_[2-4]`` while tasks wait."""
    state: str
    node: str
    comment: str
    """The rule and the wildcards, of jobs from Snakemake."""
    restarts: int
    """How often SLURM itself queued it again."""
    memory: str
    limit: str
    folder: str


@dataclass
class Cluster:
    folder: Path
    environment: dict[str, str]
    accounting: bool
    """Whether `sacct` works."""

    def run(self, *words: str) -> str:
        return _run(words, self.environment)

    def jobs(self) -> list[Job]:
        form = ",".join(f"{name}:|" for name in COLUMNS)
        lines = self.run("squeue", "--noheader", "--states=all", "--sort=i", "--Format", form)
        return [_job(line) for line in lines.splitlines()]

    def set_state(self, node: str, state: str) -> None:
        """Drain a node: its jobs end and it gets no others; or declare it down, which ends them."""
        self.run("scontrol", "update", f"nodename={node}", f"state={state}", "reason=test")

    def resume(self, node: str) -> None:
        """Give a drained or dead node to jobs again."""
        # A node that is up may have come back by itself; then this command is an error.
        state = self.run("sinfo", "--noheader", f"--nodes={node}", "--format=%T")
        if "dr" in state or "down" in state:
            self.set_state(node, "resume")

    def lose(self, node: str) -> None:
        """End a node and all of its processes at once, as a power cut does."""
        _kill(self.folder / f"slurmd-{node}.pid", signal.SIGKILL)
        self._end_steps(node)

    def revive(self, node: str) -> None:
        (self.folder / f"spool-{node}").mkdir(exist_ok=True)
        self.run("slurmd", "-N", node)

    def stop_controller(self) -> None:
        """End the controller; jobs go on, and commands fail until it is back."""
        _kill(self.folder / "slurmctld.pid", signal.SIGTERM)

    def start_controller(self) -> None:
        self.run("slurmctld")
        self.wait_for(lambda: "UP" in self.run("scontrol", "ping"))

    def start(self) -> None:
        self.start_controller()
        for node in NODES:
            self.revive(node)
        idle = ("sinfo", "--noheader", "--states=idle", "--format=%D")
        self.wait_for(lambda: self.run(*idle).strip() == str(len(NODES)))

    def stop(self) -> None:
        self.stop_controller()
        for node in NODES:
            self.lose(node)

    def logs(self) -> str:
        paths = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in paths)

    def _end_steps(self, node: str) -> None:
        # Processes of a job can outlive their slurmstepd, which outlives its slurmd.
        log = str(self.folder / f"slurmd-{node}.log")
        mark = {"SLURM_CONF": self.environment["SLURM_CONF"], "SLURMD_NODENAME": node}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                is_step = process.name() == "slurmstepd" and any(
                    file.path == log for file in process.open_files()
                )
                if is_step or mark.items() <= process.environ().items():
                    process.kill()

    def wait_for(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS_TO_WAIT
        while True:
            # A command fails while its daemon is not up.
            with suppress(AssertionError):
                if done():
                    return
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.1)


def _skip_without_slurm(accounting: bool) -> None:
    if os.getuid():
        pytest.skip("SLURM's nodes start jobs as other users: only root can run them")
    names = PROGRAMS + (ACCOUNTING if accounting else ())
    absent = [name for name in names if not shutil.which(name, path=PATH)]
    if absent:
        packages = "slurm-wlm munge" + (" slurmdbd mariadb-server" if accounting else "")
        pytest.skip(f"no {', '.join(absent)}: apt-get install {packages}")


@contextmanager
def slurm_cluster(*, accounting: bool = False) -> Iterator[Cluster]:
    """Run a SLURM with four idle nodes; where that is impossible the test is skipped."""
    _skip_without_slurm(accounting)
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="mechcore-slurm-"))
        cluster = Cluster(Path(name), _environment(Path(name)), accounting)
        stack.enter_context(_munge(cluster))
        database_port = _write_settings(cluster)
        stack.enter_context(_database(cluster, database_port))
        stack.callback(cluster.stop)
        cluster.start()
        yield cluster


def _environment(folder: Path) -> dict[str, str]:
    # A job of another SLURM, or settings for its commands, must not reach this one.
    foreign = ("SLURM", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_", "SINFO_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    settings = str(folder / "slurm.conf")
    return kept | {"PATH": f"{_srun_of(folder)}{os.pathsep}{PATH}", "SLURM_CONF": settings}


def _srun_of(folder: Path) -> Path:
    """Make a folder for the head of PATH: its srun is the real one, with this cluster's settings.

    Inside of a job Snakemake's plugin starts srun without SLURM_CONF, which would then look for
    the settings of the machine.
    """
    script = folder / "bin" / "srun"
    script.parent.mkdir()
    words = f"SLURM_CONF={folder / 'slurm.conf'} exec {_program('srun')}"
    script.write_text(f'#!/bin/sh\n{words} "$@"\n')
    script.chmod(0o755)
    return script.parent


def _write_settings(cluster: Cluster) -> int:
    """Write what all daemons read; return the port of the accounting daemon."""
    database, controller, *ports = free_ports(2 + len(NODES))
    (cluster.folder / "state").mkdir()
    text = SETTINGS.format(
        folder=cluster.folder,
        controller_port=controller,
        nodes=f"n[1-{len(NODES)}]",
        ports=f"[{ports[0]}-{ports[-1]}]",
        accounting=ACCOUNTED.format(folder=cluster.folder, port=database)
        if cluster.accounting
        else "",
    )
    (cluster.folder / "slurm.conf").write_text(text)
    return database


@contextmanager
def _munge(cluster: Cluster) -> Iterator[None]:
    folder = cluster.folder
    # munged refuses a socket that other users could not reach.
    folder.chmod(0o755)
    places = [f"--{name}-file={folder / f'munge.{name}'}" for name in ("pid", "log", "seed")]
    key = folder / "munge.key"
    cluster.run("mungekey", "--create", f"--keyfile={key}")
    cluster.run("munged", f"--key-file={key}", f"--socket={folder / 'munge.socket'}", *places)
    try:
        yield
    finally:
        _kill(folder / "munge.pid", signal.SIGTERM)


@contextmanager
def _database(cluster: Cluster, port: int) -> Iterator[None]:
    if not cluster.accounting:
        yield
        return
    (store_port,) = free_ports(1)
    _write_database_settings(cluster.folder, port, store_port)
    store = _start_mariadb(cluster, store_port)
    try:
        cluster.wait_for((cluster.folder / "mariadb.socket").exists)
        cluster.run("slurmdbd")
        cluster.wait_for(lambda: bool(cluster.run("sacctmgr", "-i", "add", "cluster", "ci")))
        yield
    finally:
        _kill(cluster.folder / "slurmdbd.pid", signal.SIGTERM)
        # Nobody reads its tables again.
        store.kill()
        store.wait()


def _write_database_settings(folder: Path, port: int, store_port: int) -> None:
    password = secrets.token_hex(8)
    settings = folder / "slurmdbd.conf"
    # Its daemon refuses one that others can read.
    settings.touch(0o600)
    settings.write_text(
        DATABASE.format(folder=folder, port=port, store_port=store_port, password=password)
    )
    (folder / "setup.sql").write_text(
        "CREATE DATABASE slurm;\n"
        f"GRANT ALL ON slurm.* TO slurm@'127.0.0.1' IDENTIFIED BY '{password}';\n"
    )


def _start_mariadb(cluster: Cluster, port: int) -> subprocess.Popen[bytes]:
    folder = cluster.folder
    common = ("--no-defaults", f"--datadir={folder / 'mariadb'}", "--user=root")
    cluster.run("mariadb-install-db", *common, "--skip-test-db")
    words = [f"--socket={folder / 'mariadb.socket'}", f"--pid-file={folder / 'mariadb.pid'}"]
    words += [f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
    words += [f"--init-file={folder / 'setup.sql'}", "--innodb-flush-log-at-trx-commit=0"]
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "start_new_session": True}
    with (folder / "mariadb.log").open("ab") as log:
        return subprocess.Popen([_program("mariadbd"), *common, *words], stdout=log, **quiet)


def _program(name: str) -> str:
    return shutil.which(name, path=PATH) or name


def _run(words: Sequence[str], environment: dict[str, str]) -> str:
    # In files, not pipes: a daemon would hold a pipe open for as long as it lives.
    with tempfile.TemporaryFile("w+") as output:
        ended = subprocess.run(
            [_program(words[0]), *words[1:]],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        output.seek(0)
        said = output.read()
    assert ended.returncode == 0, f"{' '.join(words)}: {said}"
    return said


def _job(line: str) -> Job:
    array, task, restarts, state, node, comment, memory, limit, folder, _ = line.split("|")
    tasks = task if task.isdigit() else f"[{task}]"
    identifier = array if task == "N/A" else f"{array}_{tasks}"
    return Job(identifier, state, node, comment, int(restarts), memory, limit, folder)


def _kill(pid_file: Path, number: signal.Signals) -> None:
    """End the daemon that wrote a file, and wait until it is gone."""
    with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
        process = psutil.Process(int(pid_file.read_text()))
        process.send_signal(number)
        deadline = time.monotonic() + SECONDS_TO_END
        # Until whoever adopted it takes note of its end it is a zombie.
        while process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.01)
    pid_file.unlink(missing_ok=True)
