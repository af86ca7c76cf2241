"""`mechcore track` in processes that cost little: forks of one that has imported everything."""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.helpers import experiments
from tests.helpers.projects import PROJECT

WRITERS = (
    *("create_experiment", "restore_experiment", "set_experiment_tag", "create_run", "log_batch"),
    *("log_inputs", "log_artifacts", "set_terminated", "set_tag", "delete_run"),
)
"""Methods of MlflowClient by which tracking changes a store."""

TRACK = (
    *("track", "--experiment", "config.yaml", "--results", "results"),
    *("--report", "report.html", "--output", "r.json"),
)
"""The report is optional: where there is none, the run of the sweep goes without."""

IMPORTED = (
    *("mlflow.store.tracking.rest_store", "mlflow.store.tracking.sqlalchemy_store"),
    *("mlflow.store.artifact.artifact_repository_registry", "mlflow.tracking"),
    *("mechcore.analysis.pooled", "mechcore.cli.track"),
    *("mechcore.report.figures.trajectories", "mechcore.report.page", "mechcore.simulation.run"),
    *("mechcore.tracking.track", "pandas.io.parquet", "pyarrow.parquet"),
)
"""What a command would import: its forks find it done."""

SNAPSHOTS = {"layers": [0, 8], "window": 17}
CONFIG = experiments.SMALL | {"experiment": "tiny", "snapshots": SNAPSHOTS}
DIGITS = {
    "weights": str(PROJECT / "resources" / "banks" / "digits.safetensors"),
    "untrained": str(PROJECT / "resources" / "banks" / "digits-untrained.safetensors"),
}
WITH_BANKS = CONFIG | {"filter_banks": [DIGITS], "slices_per_layer": 2}
CHANGED = CONFIG | {"steps": 9}
"""What supersedes all runs of `CONFIG`."""

# Tracking takes a second; that a server is down may take a minute to be sure of.
SECONDS_TO_ANSWER = 120


@dataclass(frozen=True)
class Stop:
    """A moment: before or after the n-th call (from 1) that changes the store."""

    call: int
    when: str = "before"
    signal: int = signal.SIGKILL
    """SIGSTOP lets the process wait until `Trackers.run` continues it."""


@dataclass(frozen=True)
class Ended:
    code: int
    """Exit code, or minus the signal that ended it."""
    stdout: str
    stderr: str
    calls: list[str]
    """Names of the calls by which it changed the store."""


class Trackers:
    """Runs commands of mechcore in forks of a process that has imported MLflow."""

    def __init__(self, parent: subprocess.Popen[str], scratch: Path) -> None:
        self._parent, self._scratch = parent, scratch
        self._count = 0

    def run(
        self,
        folder: Path,
        *words: str,
        environment: Mapping[str, str] | None = None,
        stop: Stop | None = None,
        meanwhile: Callable[[], None] | None = None,
        seconds: float | None = None,
    ) -> Ended:
        """Run one command in a folder; `meanwhile` is called where a SIGSTOP stops it.

        After `seconds` it is killed.
        """
        order = {
            "folder": str(folder),
            "words": words,
            "environment": dict(environment or {}),
            "stop": stop and (stop.call, stop.when, stop.signal),
            "seconds": seconds,
        }
        return self._ended(order, 1, meanwhile)[0]

    def track(self, folder: Path, *words: str, **options: Any) -> Ended:
        return self.run(folder, *TRACK, *words, **options)

    def tracked(self, folder: Path, *words: str) -> str:
        """Track the experiment of `prepare`, which must succeed; return what was printed."""
        ended = self.track(folder, *words)
        assert ended.code == 0, ended.stderr
        return ended.stdout

    def race(self, folder: Path, count: int) -> list[Ended]:
        """Track in several processes, which start at the same moment."""
        return self._ended({"folder": str(folder), "words": TRACK, "environment": {}}, count)

    def _ended(
        self, order: dict[str, Any], count: int, meanwhile: Callable[[], None] | None = None
    ) -> list[Ended]:
        self._count += 1
        outputs = [self._scratch / f"{self._count}-{number}" for number in range(count)]
        answer = self._ask(order | {"outputs": list(map(str, outputs))})
        while answer == "stopped":
            assert meanwhile is not None
            meanwhile()
            answer = self._ask("continue")
        return [_ended(*end) for end in zip(json.loads(answer), outputs, strict=True)]

    def _ask(self, order: object) -> str:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        assert select.select([self._parent.stdout], [], [], SECONDS_TO_ANSWER)[0], "it hangs"
        return self._parent.stdout.readline().strip()


def prepare(folder: Path, config: Mapping[str, object]) -> Path:
    """Make a folder in which an experiment is finished, in place of the one that was there."""
    folder.mkdir(exist_ok=True)
    shutil.rmtree(folder / "results", ignore_errors=True)
    experiments.run(folder / "results", dict(config))
    (folder / "config.yaml").write_text(yaml.safe_dump(dict(config)))
    return folder


def copied(folder: Path, target: Path) -> Path:
    """Copy a folder with its times, which are those of runs."""
    shutil.copytree(folder, target, dirs_exist_ok=True)
    return target


@contextmanager
def trackers(scratch: Path) -> Iterator[Trackers]:
    """Start the process that the commands are forks of; it needs seconds for its imports."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    parent = subprocess.Popen(
        [sys.executable, "-u", __file__],
        env=kept | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        try:
            yield Trackers(parent, scratch)
        finally:
            # Its forks end with it.
            parent.kill()


def survivors(session: int) -> list[psutil.Process]:
    """Return the processes of a session that are still there after a while."""
    members = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            same = os.getsid(process.pid) == session
            if same and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
    return psutil.wait_procs(members, timeout=60)[1]


def _ended(code: int, output: Path) -> Ended:
    texts = {kind: output.with_suffix(f".{kind}") for kind in ("out", "err", "calls")}
    contents = {kind: path.read_text() if path.exists() else "" for kind, path in texts.items()}
    return Ended(code, contents["out"], contents["err"], contents["calls"].split())


def _serve() -> None:
    """The parent: an order a line, an answer a line."""
    for line in sys.stdin:
        order = json.loads(line)
        gate, opener = os.pipe()
        children = []
        for output in order["outputs"]:
            child = os.fork()
            if child == 0:
                os.close(opener)
                _run_forked(order, Path(output), gate)
            children.append(child)
        # All at once: whoever waits for the gate to close goes on.
        os.close(gate)
        os.close(opener)
        if order.get("seconds") is not None:
            time.sleep(order["seconds"])
            os.kill(children[0], signal.SIGKILL)
        print(json.dumps([_wait(child) for child in children]), flush=True)


def _wait(child: int) -> int:
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        print("stopped", flush=True)
        sys.stdin.readline()
        os.kill(child, signal.SIGCONT)


def _run_forked(order: dict[str, Any], output: Path, gate: int) -> None:
    """The child: the command as a process of its own would run it."""
    # PR_SET_PDEATHSIG: it ends with its parent.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    paths = (Path(os.devnull), output.with_suffix(".out"), output.with_suffix(".err"))
    for number, path in enumerate(paths):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    _watch_calls(order.get("stop"), output.with_suffix(".calls"))
    os.read(gate, 1)
    os._exit(_main(order["words"]))


def _main(words: list[str]) -> int:
    from mechcore.cli import main

    code: object = 1
    try:
        main(words)
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 1


def _watch_calls(stop: object, record: Path) -> None:
    """Note each call that changes the store, and stop at one of them."""
    from mlflow import MlflowClient

    called: list[str] = []

    def reach(when: str) -> None:
        if isinstance(stop, list) and stop[:2] == [len(called), when]:
            os.kill(os.getpid(), stop[2])

    def watched(name: str, method: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **options: object) -> object:
            called.append(name)
            record.write_text(" ".join(called))
            reach("before")
            result = method(*words, **options)
            reach("after")
            return result

        return call

    for name in WRITERS:
        setattr(MlflowClient, name, watched(name, getattr(MlflowClient, name)))


if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    # Forks then never look for garbage in what was imported.
    gc.freeze()
    _serve()
