"""`mechcore ui` as a person starts it: pages that open, one clear line, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml
from mlflow import MlflowClient

from mechcore.tracking.views import VIEW_TAG
from tests.helpers import experiments, servers
from tests.helpers.browser import CHROMIUM, chromium

CONFIG: dict[str, object] = {
    "experiment": "tiny",
    "kernels": ["dct"],
    "activations": ["relu", "modulus"],
    "sizes": [2],
    "patterns": ["delta"],
    "betas": {"start": 0, "stop": 1, "count": 3},
    "steps": 4,
    "snapshots": {"layers": [0, 4], "window": 9},
    "track": {"per_simulation": True},
}
COMMAND = [sys.executable, "-u", "-m", "mechcore"]
END = "Ctrl-C ends the server."


def environment(store: str | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    # Seconds of patience with a server that is not there.
    patience = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    return kept | patience | ({"MLFLOW_TRACKING_URI": store} if store else {})


def run(folder: Path, *words: str, store: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, env=environment(store), capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of cells and simulations."""
    folder = tmp_path_factory.mktemp("ui")
    experiments.run(folder / "results", CONFIG)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    ended = run(folder, "track", "--experiment", "config.yaml", "--results", "results")
    assert ended.returncode == 0, ended.stderr
    return folder


@contextmanager
def started(folder: Path, port: int, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command until it has said all; its process and what it said."""
    ui = subprocess.Popen(
        [*COMMAND, "ui", "--port", str(port), *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert ui.stdout is not None
    try:
        told = []
        while END not in told:
            line = ui.stdout.readline()
            assert line, ui.communicate()
            told.append(line.strip())
        yield ui, "\n".join(told)
    finally:
        ui.terminate()
        ui.communicate(timeout=30)


def addresses(told: str) -> dict[str, str]:
    """The pages by their names."""
    return dict(re.findall(r"^ *(\S.*?)  +(http\S+)$", told, re.MULTILINE))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def folders_in_memory() -> set[Path]:
    """What MLflow's runner of jobs would leave; other tests have semaphores beside them."""
    return {path for path in Path("/dev/shm").glob("*") if path.is_dir()}


def end(ui: subprocess.Popen[str], port: int, number: signal.Signals) -> None:
    """End the command by a signal; nothing of it is left."""
    children = psutil.Process(ui.pid).children(recursive=True)
    assert children
    ui.send_signal(number)
    output, complaints = ui.communicate(timeout=30)
    assert (ui.returncode, complaints) == (0, "Starting MLflow's server: some seconds\n")
    assert output.strip() == "The server has ended."
    assert not psutil.wait_procs(children, timeout=5)[1]
    assert not listens(port)


def listening(ui: subprocess.Popen[str]) -> set[str]:
    """Return the addresses that the command's processes listen on."""
    children = psutil.Process(ui.pid).children(recursive=True)
    sockets = [one for child in children for one in child.net_connections("inet")]
    return {one.laddr.ip for one in sockets if one.status == "LISTEN"}


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_pages_open_with_what_they_promise_until_ctrl_c(tracked: Path) -> None:
    port, shared = servers.free_port(), folders_in_memory()
    with started(tracked, port) as (ui, told):
        assert set(addresses(told)) == {
            *("Cells", "Activations at size 2", "Sizes under relu", "Sweeps"),
            *("Speed over β, delta, relu", "All runs"),
        }
        # No other machine reaches it, unless it is asked for.
        assert listening(ui) == {"127.0.0.1"}
        with chromium() as browser:
            page = browser.new_page()
            page.goto(addresses(told)["Sweeps"], wait_until="domcontentloaded")
            page.get_by_role("link", name="dct-relu-k2", exact=True).wait_for(timeout=60_000)
            for column in ("activation", "steps", "mechcore.sweep", "delta/speed_max"):
                page.get_by_role("columnheader", name=column).first.wait_for()
            assert page.get_by_test_id("saved-views-trigger").inner_text() == "Sweeps"
        end(ui, port, signal.SIGINT)
    assert folders_in_memory() <= shared


def test_a_server_that_runs_already_is_pointed_at(tracked: Path) -> None:
    store = MlflowClient(f"sqlite:///{tracked / 'mlflow.db'}")
    with servers.mlflow_server(tracked) as server:
        ended = run(tracked, "ui", store=server.address)
        assert ended.returncode == 0, ended.stderr
        assert END not in ended.stdout
        assert addresses(ended.stdout)["Cells"].startswith(server.address)
        tags = store.get_experiment_by_name("tiny").tags
        assert len([name for name in tags if name.startswith(VIEW_TAG)]) == 4
        assert server.address in run(tracked, "ui", store=f"{server.address}/").stdout


def test_a_port_in_use_is_one_line(tracked: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run(tracked, "ui", "--port", port)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert (
        ended.stderr == f"mechcore: port {port} of 127.0.0.1: Address already in use; try --port\n"
    )


@pytest.mark.parametrize(
    ("store", "complaint"),
    [
        (None, "no such file; mechcore track writes one, as does make"),
        ("./mlruns", "expected sqlite:///FILE, http://SERVER or the URI of a database"),
        ("http://127.0.0.1:9", "Connection refused"),
    ],
)
def test_a_missing_store_is_one_line(tmp_path: Path, store: str | None, complaint: str) -> None:
    ended = run(tmp_path, "ui", store=store)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert complaint in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_host_of_another_machine_is_one_line(tracked: Path) -> None:
    ended = run(tracked, "ui", "--host", "192.0.2.1")
    assert ended.returncode == 2
    assert "mechcore: port 5000 of 192.0.2.1: Cannot assign requested address" in ended.stderr


def test_an_empty_store_and_an_open_door_are_told_until_the_terminal_closes(
    tmp_path: Path,
) -> None:
    MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}").search_experiments()
    port = servers.free_port()
    with started(tmp_path, port, "--host", "0.0.0.0") as (ui, told):
        assert "http://127.0.0.1:" in told
        assert "Nothing is tracked yet" in told
        assert "Warning: 0.0.0.0 asks for no password" in told
        assert listening(ui) == {"0.0.0.0"}
        end(ui, port, signal.SIGHUP)
