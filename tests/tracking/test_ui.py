"""`mechcore ui`: MLflow's own pages on what was tracked, and nothing left behind."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers import servers, stores, trackers
from tests.helpers.browser import CHROMIUM, chromium

COMMAND = [sys.executable, "-m", "mechcore", "ui"]

# A busy machine takes its time for the first page.
PATIENCE = 60_000

browses = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def environment(store: str | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return kept | ({"MLFLOW_TRACKING_URI": store} if store else {})


def run(folder: Path, *words: str, store: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, env=environment(store), capture_output=True, text=True
    )


@contextmanager
def started(
    folder: Path, port: int, *words: str, end: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command, with its output in a file; a signal ends it, and nothing listens then."""
    with (folder / "ui.log").open("w") as log:
        ui = subprocess.Popen(
            [*COMMAND, "--port", str(port), *words],
            cwd=folder,
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while not servers.answers(port):
            assert ui.poll() is None, (folder / "ui.log").read_text()
            time.sleep(0.1)
        yield ui
        ui.send_signal(end)
        code = ui.wait(30)
        assert code == 0 or end != signal.SIGINT
        assert not servers.answers(port)
    finally:
        ui.terminate()
        ui.wait(30)


def listening(ui: subprocess.Popen[bytes]) -> set[str]:
    sockets = psutil.Process(ui.pid).net_connections("inet")
    return {connection.laddr.ip for connection in sockets if connection.status == "LISTEN"}


def folders_in_memory() -> set[Path]:
    """What MLflow's runner of jobs would leave; other tests have semaphores beside them."""
    return {path for path in Path("/dev/shm").glob("*") if path.is_dir()}


@pytest.fixture(scope="module")
def moved(tracked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moved")
    trackers.copied(tracked / "mlartifacts", folder / "mlartifacts")
    (folder / "mlflow.db").write_bytes((tracked / "mlflow.db").read_bytes())
    return folder


@pytest.fixture(scope="module")
def address(moved: Path) -> Iterator[str]:
    """The server that the command names; Ctrl-C ends it."""
    port, before = servers.free_ports(1)[0], folders_in_memory()
    with started(moved, port, end=signal.SIGINT) as ui:
        [address] = re.findall(r"Starting MLflow on (http://\S+);", (moved / "ui.log").read_text())
        # No other machine reaches it, unless it is asked for.
        assert listening(ui) == {"127.0.0.1"}
        yield address
    assert folders_in_memory() <= before


@pytest.fixture
def credentials(address: str, moved: Path) -> tuple[str, str]:
    """User and password that the command printed with the address."""
    assert address
    log = (moved / "ui.log").read_text()
    [(user, password)] = re.findall(r"Sign in as (\S+) with the password (\S+)", log)
    return user, password


def test_the_server_shows_the_store_after_the_folder_has_moved(
    address: str, credentials: tuple[str, str], tracked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(("USERNAME", "PASSWORD"), credentials, strict=True):
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    assert stores.on_server(address) == stores.in_folder(tracked)


EXPERIMENTS = "/api/2.0/mlflow/experiments"
STRANGER = 65534
"""The user id of nobody."""


@contextmanager
def another_account() -> Iterator[None]:
    """Be nobody, where root can be; without the password the same account is a stranger as well."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(own)


@pytest.mark.parametrize("given", ["", "Basic bWVjaGNvcmU6", "Bearer x"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/", None),
        ("GET", f"{EXPERIMENTS}/search?max_results=1", None),
        ("POST", f"{EXPERIMENTS}/create", '{"name": "x", "artifact_location": "file:///tmp/x"}'),
        ("GET", "/get-artifact?path=secret&run_uuid=1", None),
        ("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=1&path=x", "x"),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/x", "x"),
        ("POST", "/graphql", "{}"),
        ("GET", "/ajax-api/3.0/mlflow/assistant/config", None),
        ("GET", "/health/..%2fversion", None),
    ],
)
def test_another_account_of_the_machine_gets_nothing_without_the_password(
    address: str, given: str, method: str, path: str, body: str | None
) -> None:
    headers = {"Content-Type": "application/json"} | ({"Authorization": given} if given else {})
    server = address.removeprefix("http://")
    with another_account(), closing(http.client.HTTPConnection(server, timeout=60)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    assert (answer.status, text) == (401, "Sign in with the password that mechcore ui printed.")


def test_the_password_is_no_argument_of_a_process(
    address: str, credentials: tuple[str, str]
) -> None:
    shown = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
    assert any(f"--port {address.rpartition(':')[2]}" in " ".join(words or []) for words in shown)
    assert not [words for words in shown if credentials[1] in " ".join(words or [])]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(
    browser: Browser, address: str, credentials: tuple[str, str], moved: Path
) -> Iterator[Page]:
    """The runs of the experiment, at the address that the command prints."""
    [runs] = re.findall(r"  tiny: (\S+)", (moved / "ui.log").read_text())
    assert runs.startswith(address)
    user, password = credentials
    context = browser.new_context(
        viewport={"width": 1600, "height": 1000},
        http_credentials={"username": user, "password": password},
    )
    context.set_default_timeout(PATIENCE)
    # It lies over the list until a person has closed it once.
    context.add_init_script(
        "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
    )
    page = context.new_page()
    # Not until all is quiet: the page asks for new runs for ever.
    page.goto(runs, wait_until="domcontentloaded")
    page.get_by_text("matching runs").wait_for()
    yield page
    context.close()


def search(page: Page, text: str, runs: int) -> None:
    box, count = page.get_by_test_id("search-box"), page.get_by_text(f"{runs} matching run")
    box.fill(text)
    deadline = time.monotonic() + PATIENCE / 1000
    # A page that is still loading ignores the key.
    while not count.is_visible() and time.monotonic() < deadline:
        box.press("Enter")
        page.wait_for_timeout(1000)
    assert count.is_visible()


@browses
def test_searches_of_the_description_list_cells_and_draw_their_curves(page: Page) -> None:
    page.get_by_test_id("experiment-metadata-editor-edit-button").locator("~ button").click()
    described = page.get_by_role("row").filter(has_text="sizes under relu").get_by_role("code")
    search(page, described.inner_text(), 1)
    links = page.get_by_role("link", name=re.compile(r"^dct-\w+-k\d$"))
    expect(links).to_have_text(["dct-relu-k2"])
    page.locator("label").filter(has=page.locator("input[value=CHART]")).click()
    page.get_by_placeholder("Search metric charts").fill("delta_speed$")
    points = page.locator(".js-plotly-plot path.point")
    expect(points).to_have_count(5)
    boxes = points.evaluate_all("all => all.map(point => point.getBoundingClientRect())")
    assert len({round(box["x"]) for box in boxes}) == 5
    heights = [box["y"] for box in boxes]
    assert max(heights) - min(heights) > 50


@browses
def test_the_saved_view_has_the_cells_as_parallel_coordinates(page: Page, moved: Path) -> None:
    [view] = re.findall(r"  tiny, parallel coordinates: (\S+)", (moved / "ui.log").read_text())
    page.goto(view, wait_until="domcontentloaded")
    expect(page.get_by_role("button", name="Cells: parallel coordinates")).to_be_visible()
    axes = page.locator(".parcoords .dimension .label")
    # What all cells share is no axis, nor what some of them lack.
    expect(axes).to_have_text(
        ["activation", "beta_star", "delta_speed_max", re.compile("delta_.*")]
    )
    expect(page.get_by_text("2 matching runs")).to_be_visible()


def open_artifact(page: Page, run: str | re.Pattern[str], name: str) -> None:
    page.get_by_role("link", name=run, exact=True).first.click()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_test_id("artifact-tree-node").filter(has_text=name).first.click()


@browses
def test_a_cell_shows_its_preview_and_the_sweep_its_report(page: Page) -> None:
    runs = page.url
    open_artifact(page, re.compile("^sweep "), "report.html")
    expect(page.frame_locator("iframe").get_by_text("The report")).to_be_visible()
    page.goto(runs, wait_until="domcontentloaded")
    page.get_by_role("link", name="dct-relu-k2", exact=True).first.click()
    # The description begins with it.
    page.wait_for_function(
        "() => document.querySelector('img[src*=\"path=preview.png\"]')?.naturalWidth > 300"
    )


def test_a_server_is_pointed_at_without_its_password(tmp_path: Path) -> None:
    ended = run(tmp_path, store="http://ada:secret@tracking:5000")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "open http://tracking:5000/#/experiments?" in ended.stdout
    assert "secret" not in ended.stdout


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "Address already in use"), ("192.0.2.1", "Cannot assign requested address")],
)
def test_a_port_that_cannot_be_used_is_one_line(moved: Path, host: str, reason: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run(moved, "--host", host, "--port", str(port))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"mechcore: port {port} of {host}: {reason}; try --port\n"


@pytest.mark.parametrize(
    ("store", "complaint"),
    [
        (None, "no such file; make or mechcore track creates it"),
        ("./mlruns", "expected sqlite:///FILE, http://SERVER or the URI of a database"),
        ("postgresql://ada:secret@127.0.0.1:9/mlflow", "Connection refused"),
    ],
)
def test_a_missing_store_is_one_line(tmp_path: Path, store: str | None, complaint: str) -> None:
    ended = run(tmp_path, store=store)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert complaint in ended.stderr
    assert "secret" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_for_other_machines_comes_with_a_warning_and_ends_when_it_is_killed(
    moved: Path, end: signal.Signals
) -> None:
    port = servers.free_ports(1)[0]
    with started(moved, port, "--host", "0.0.0.0", end=end) as ui:
        assert listening(ui) == {"0.0.0.0"}
    assert "Warning: what goes to and from 0.0.0.0 is not encrypted" in (
        (moved / "ui.log").read_text()
    )
