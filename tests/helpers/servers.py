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

POSTGRES_SETTINGS = (
    # No directory for a socket is writable for everybody; people have a URI with host and port.
    *("listen_addresses=127.0.0.1", "unix_socket_directories="),
    # Durability costs most of the time, and no test survives the machine's end.
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off"),
)


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
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(self.port):
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, self.log.read_text()
            time.sleep(0.05)

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


def answers(port: int) -> bool:
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
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--artifacts-destination", str(folder / "mlartifacts")]
    command += ["--backend-store-uri", backend or f"sqlite:///{folder / 'mlflow.db'}"]
    # Settings of the machine's MLflow must not reach a server of the tests.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # The runner of jobs, which no test needs, leaves a folder in /dev/shm behind.
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    if credentials is not None:
        command += ["--app-name", "basic-auth"]
        environment |= _authentication(folder, *credentials)
    server = Server(port, folder / "server.log", command, environment)
    try:
        server.restart()
        yield server
    finally:
        server.kill()


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


def _authentication(folder: Path, user: str, password: str) -> dict[str, str]:
    settings = folder / "basic_auth.ini"
    # By default its database would be in the working directory.
    database = f"database_uri = sqlite:///{folder / 'users.db'}"
    settings.write_text(f"[mlflow]\ndefault_permission = READ\n{database}\n")
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        # Not in the file, where a per cent sign would have a meaning.
        "MLFLOW_AUTH_ADMIN_USERNAME": user,
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(),
    }


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL of the test's own; without an installed one the test is skipped."""
    # Debian keeps versions side by side, outside of PATH.
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda path: float(path.parts[-3]), default=shutil.which("initdb"))
    if newest is None:
        pytest.skip("PostgreSQL is not installed")
    programs, port = Path(newest).resolve().parent, free_ports(1)[0]
    # It refuses to run as root.
    user = os.getuid() or pwd.getpwnam("postgres").pw_uid
    with tempfile.TemporaryDirectory(prefix="mechcore-postgres-") as name:
        folder, password = Path(name), secrets.token_hex(8)
        os.chown(folder, user, -1)
        (folder / "password").write_text(password)

        def run(program: str, *words: object) -> None:
            ended = subprocess.run(
                [programs / program, "--pgdata", folder / "data", *map(str, words)],
                # A folder that its user can enter, and none of the machine's PGDATA, PGPORT, ...
                cwd=folder,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                user=user,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
            assert ended.returncode == 0, f"{program}: {ended.stdout}{ended.stderr}"

        secret = ("--username", "mlflow", "--pwfile", folder / "password")
        run("initdb", *secret, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync")
        options = " ".join(f"-c {item}" for item in (*POSTGRES_SETTINGS, f"port={port}"))
        wait = ("--wait", "--timeout", SECONDS_TO_START, "--log", folder / "log")
        try:
            run("pg_ctl", *wait, "--options", options, "start")
            yield f"postgresql://mlflow:{password}@127.0.0.1:{port}/postgres"
        finally:
            # With the connections that are still open.
            run("pg_ctl", "--wait", "--mode", "fast", "stop")
