"""MLflow's own server on a store."""

from __future__ import annotations

import os
import socket
import sys
from typing import NoReturn

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.report.cells import AS_RUNS
from mechcore.tracking.server import PASSWORD
from mechcore.tracking.store import (
    DEFAULTS,
    artifacts_folder,
    one_line_errors,
    reach_database,
    stored_experiments,
)
from mechcore.tracking.uri import check_exists, sqlite_file
from mechcore.tracking.views import VIEW, VIEW_TAG

DEFAULT_EXPERIMENT = "Default"
"""MLflow's own, which every store has and nothing is tracked into."""

SETTINGS = {
    **DEFAULTS,
    # The runner of jobs is for language models, and leaves folders in /dev/shm behind.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    # What MLflow imports is deprecated.
    "PYTHONWARNINGS": "ignore",
}


def check_store(uri: str) -> None:
    """Refuse a store that is not there."""
    check_exists(uri)
    if sqlite_file(uri) is None:
        with one_line_errors(uri):
            reach_database(uri)


def experiment_pages(uri: str) -> dict[str, str]:
    """Return the addresses on a server, after its name, of the runs of each experiment."""
    pages = {}
    for found in stored_experiments(uri):
        runs = f"/#/experiments/{found.experiment_id}/runs"
        if found.name != DEFAULT_EXPERIMENT:
            pages[found.name] = f"{runs}{AS_RUNS}"
        if VIEW_TAG in found.tags:
            pages[f"{found.name}, parallel coordinates"] = f"{runs}{VIEW}"
    return pages


def bindable_address(host: str, port: int) -> str:
    """Return the IP address of a host; its port must be free."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InvalidValue("host", host, "a name or an IP address of this machine") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # A port that was closed a minute ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise MechcoreError(f"port {port} of {host}: {error.strerror}; try --port") from error
    return str(address[0])


def become_server(uri: str, host: str, port: int, password: str) -> NoReturn:
    """Replace this process by MLflow's server, which ends by itself on Ctrl-C or SIGTERM."""
    words = [sys.executable, "-m", "uvicorn", "--factory", "mechcore.tracking.server:app"]
    words += ["--host", host, "--port", str(port), "--log-level", "info", "--no-access-log"]
    # Not arguments: those can be read by all users of a machine, with the passwords.
    private = {
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_ARTIFACTS_DESTINATION": str(artifacts_folder(uri)),
        PASSWORD: password,
    }
    os.execve(sys.executable, words, SETTINGS | os.environ | private)  # noqa: S606 - no shell
