"""MLflow's pages: a server on a store, and the addresses of what a person compares."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlencode

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.tracking.store import (
    ARTIFACTS,
    DESCRIBED_TAG,
    QUIET,
    check_there,
    connect,
    explained,
    sqlite_file,
)
from mechcore.tracking.views import VIEW_TAG, saved_views

if TYPE_CHECKING:
    from mlflow.entities import Experiment

SECONDS_TO_START, SECONDS_TO_END = 120, 10

LAST_LINES = 5
"""Lines of the server's log that are shown if it ends by itself."""

SETTINGS = {
    **QUIET,
    # The runner of jobs is for language models, and leaves folders in /dev/shm behind.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends the server: Ctrl-C, a service manager, a terminal that is closed."""


@dataclass(frozen=True)
class Page:
    """A page of MLflow."""

    experiment: str
    """Name of the experiment that it is about."""
    name: str
    """What it shows."""
    path: str
    """Its address after that of the server."""


def is_private(host: str) -> bool:
    """Tell whether only this machine reaches a host.

    Examples
    --------
    >>> is_private("127.0.0.1"), is_private("localhost"), is_private("0.0.0.0")
    (True, True, False)
    """
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def pages(uri: str) -> list[Page]:
    """Return what a store has to show."""
    check_there(uri)
    with explained(uri):
        experiments = connect(uri).search_experiments()
    ours = [one for one in experiments if DESCRIBED_TAG in one.tags]
    ours.sort(key=lambda one: int(one.experiment_id))
    return [page for one in ours for page in _pages(one)]


@contextmanager
def served(uri: str, host: str, port: int) -> Iterator[Server]:
    """Run MLflow's server on a store; SIGINT, SIGTERM and SIGHUP end it with its workers."""
    check_there(uri)
    _check_port(host, port)
    with _interruptible(), tempfile.TemporaryFile() as log:
        # A session of its own: Ctrl-C reaches this process alone, which ends all of them.
        process = subprocess.Popen(
            _command(uri, host, port),
            env=SETTINGS | os.environ | _store(uri),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Server(process, log, host, port)
        finally:
            _end(process)


@dataclass(frozen=True)
class Server:
    """A server of MLflow that this process has started."""

    process: subprocess.Popen[bytes]
    """Its first process."""
    log: IO[bytes]
    """What it wrote."""
    host: str
    """Name or IP address that it listens on."""
    port: int
    """Its port."""

    @property
    def address(self) -> str:
        """What a browser on this machine opens."""
        return f"http://{_within_url(_reachable(self.host))}:{self.port}"

    def wait_for_health(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._is_healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise MechcoreError(self._complaint())
            time.sleep(0.1)

    def wait(self) -> None:
        """Wait for its end, which is a mistake: a person ends it by interrupting this process."""
        self.process.wait()
        raise MechcoreError(self._complaint())

    def _is_healthy(self) -> bool:
        # Not urllib: a proxy of the machine must not be asked for this one.
        there = http.client.HTTPConnection(_reachable(self.host), self.port, timeout=5)
        with closing(there) as connection, suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        return False

    def _complaint(self) -> str:
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(["MLflow's server has ended; its log says", *lines])


def _pages(experiment: Experiment) -> list[Page]:
    """The views of an experiment, and the list of all that it holds."""
    name, number = experiment.name, experiment.experiment_id
    found = [
        Page(name, str(view["name"]), _path(number, tag.removeprefix(VIEW_TAG), view.get("drawn")))
        for tag, view in saved_views(experiment.tags).items()
    ]
    return [*found, Page(name, "All runs", _path(number))]


def _path(experiment_id: str, key: str | None = None, drawn: object = False) -> str:
    # Without it the page is one for language models.
    query = {"workflowType": "machine_learning"}
    if key is not None:
        query["viewStateShareKey"] = key
    if drawn:
        query["compareRunsMode"] = "CHART"
    return f"/#/experiments/{experiment_id}/runs?{urlencode(query)}"


def _check_port(host: str, port: int) -> None:
    try:
        kind, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InvalidValue("host", host, "a name or an IP address of this machine") from error
    with socket.socket(kind, socket.SOCK_STREAM) as probe:
        # What was closed a minute ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise MechcoreError(f"port {port} of {host}: {error.strerror}; try --port") from error


def _command(uri: str, host: str, port: int) -> list[str]:
    file = sqlite_file(uri)
    artifacts = (file.parent if file else Path.cwd()) / ARTIFACTS
    words = ["server", "--host", host, "--port", str(port), "--workers", "1"]
    words += ["--artifacts-destination", str(artifacts), "--uvicorn-opts", "--log-level=warning"]
    return [sys.executable, "-m", "mlflow", *words]


def _store(uri: str) -> dict[str, str]:
    # Not an argument: those can be read by all users of a machine, with the password.
    return {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_REGISTRY_STORE_URI": uri}


def _reachable(host: str) -> str:
    """An address of a server that listens on all of them."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - if asked for


def _within_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let each of `ENDS` raise KeyboardInterrupt, also if this process began in the background."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its workers, at the latest after a while by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
            return
