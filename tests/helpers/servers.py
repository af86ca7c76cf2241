"""MLflow's tracking server and a PostgreSQL for it, private to a test; both leave no process."""

from __future__ import annotations

import fcntl
import http.client
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

# A busy machine may take half a minute to import MLflow, and a new store has a hundred migrations.
SECONDS_TO_START = 300

# Durability costs most of the time, and no test survives the machine's end.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# No directory for a socket is writable for everybody; a URI with host and port is what people have.
PRIVATE = ("listen_addresses=127.0.0.1", "unix_socket_directories=")


@dataclass
class Server:
    """A tracking server of MLflow that a test may kill and start again."""

    port: int
    log: Path
    command: Sequence[str]
    environment: dict[str, str]
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What a client takes as its tracking URI."""
        return f"http://127.0.0.1:{self.port}"

    def restart(self) -> None:
        """Start it, on the same port and store, and wait until it answers; kill it before."""
        self.kill()
        with self.log.open("ab") as output:
            # Held by whoever inherits the file, so free when the last of them is gone.
            fcntl.flock(output, fcntl.LOCK_EX)
            # A session of its own: the workers end with it.
            self._process = subprocess.Popen(
                self.command,
                cwd=self.log.parent,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_for_health()

    def kill(self) -> None:
        """End it and its workers at once, in the middle of whatever they do."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        with self.log.open() as output:
            fcntl.flock(output, fcntl.LOCK_EX)

    def _wait_for_health(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(self.port):
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, self.log.read_text()
            time.sleep(0.05)


def answers(port: int) -> bool:
    """Return whether a server of MLflow on this machine answers."""
    # Not urllib: a proxy of the machine must not be asked for this one.
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False


@contextmanager
def mlflow_server(
    folder: Path, backend: str | None = None, credentials: tuple[str, str] | None = None
) -> Iterator[Server]:
    """Run MLflow's server, with its artifacts in a folder, as `make ui` starts it."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--artifacts-destination", str(folder / "mlartifacts")]
    command += ["--backend-store-uri", backend or f"sqlite:///{folder / 'mlflow.db'}"]
    environment = _environment()
    if credentials is not None:
        command += ["--app-name", "basic-auth"]
        environment |= _authentication(folder, *credentials)
    server = Server(port, folder / "server.log", command, environment)
    try:
        server.restart()
        yield server
    finally:
        server.kill()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return ports in a row of 127.0.0.1 that nobody listens on."""
    while True:
        # Below the ports of outgoing connections: while a killed server is away, one of those
        # could take its port, and a client that tries again could even be connected to itself.
        # Not `random`, which hypothesis seeds alike in all processes of pytest-xdist.
        first = 20_000 + secrets.randbelow(12_000 - count)
        ports = list(range(first, first + count))
        with ExitStack() as stack, suppress(OSError):
            for port in ports:
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return ports


def _environment() -> dict[str, str]:
    # Settings of the machine's MLflow must not reach a server of the tests.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    # The runner of jobs, which no test needs, leaves a folder in /dev/shm behind.
    return kept | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _authentication(folder: Path, user: str, password: str) -> dict[str, str]:
    settings = folder / "basic_auth.ini"
    settings.write_text(
        "[mlflow]\n"
        "default_permission = READ\n"
        # By default it would lie in the working directory.
        f"database_uri = sqlite:///{folder / 'users.db'}\n"
    )
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        # Not in the file, where a per cent sign would have a meaning.
        "MLFLOW_AUTH_ADMIN_USERNAME": user,
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(),
    }


@dataclass(frozen=True)
class _Cluster:
    """A cluster of PostgreSQL's: its programs, its folder and the user that owns it."""

    programs: Path
    folder: Path
    user: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, program: str, *words: str) -> None:
        """Run a program; its complaints are those of the test."""
        ended = subprocess.run(
            [self.programs / program, "--pgdata", self.data, *words],
            # One that its user can enter, and nothing of the machine's own PGDATA, PGPORT, ...
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            user=self.user,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, f"{program}: {ended.stdout}{ended.stderr}{self._log()}"

    def make(self, user: str, password: str) -> None:
        """Write an empty cluster in which a user may do everything."""
        secret = self.folder / "password"
        secret.write_text(password)
        words = ["--username", user, "--pwfile", str(secret), "--auth", "scram-sha-256"]
        self.run("initdb", *words, "--encoding", "UTF8", "--no-locale", "--no-sync")

    def start(self, port: int) -> None:
        """Start it and wait until it takes connections."""
        settings = " ".join(f"-c {one}" for one in (*FAST, *PRIVATE, f"port={port}"))
        words = ["--wait", "--timeout", str(SECONDS_TO_START), "--log", str(self.folder / "log")]
        self.run("pg_ctl", *words, "--options", settings, "start")

    def stop(self) -> None:
        """End it, with the connections that are still open."""
        # Written by its first process, and removed by it in the end.
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "--wait", "--mode", "fast", "stop")

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of the test's own; without an installed one the test is skipped."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    password, port = secrets.token_hex(8), free_port()
    with _owned_folder() as (place, user):
        cluster = _Cluster(programs, place, user)
        try:
            cluster.make("mlflow", password)
            cluster.start(port)
            yield f"postgresql://mlflow:{password}@127.0.0.1:{port}/postgres"
        finally:
            cluster.stop()
            if (place / "log").exists():
                shutil.copyfile(place / "log", folder / "postgres.log")


def _postgres_programs() -> Path | None:
    # Debian keeps versions side by side, outside of PATH.
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: float(path.parts[-3]), default=shutil.which("initdb"))
    return None if newest is None else Path(newest).resolve().parent


@contextmanager
def _owned_folder() -> Iterator[tuple[Path, int]]:
    """Make a folder for a user that may run PostgreSQL, and remove it in the end."""
    user = os.getuid() or pwd.getpwnam("postgres").pw_uid
    with tempfile.TemporaryDirectory(prefix="mechcore-postgres-") as name:
        os.chown(name, user, -1)
        yield Path(name), user
