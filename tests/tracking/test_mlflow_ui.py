"""What a person sees of the results in MLflow's own pages, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, expect

from tests.helpers import experiments, servers
from tests.helpers.browser import CHROMIUM, chromium
from tests.tracking.test_ui import addresses, run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

CONFIG: dict[str, object] = {
    "experiment": "seen",
    "kernels": ["dct"],
    "activations": ["relu", "modulus"],
    "sizes": [2, 3],
    "patterns": ["delta"],
    "betas": {"start": 0, "stop": 1, "count": 5},
    "steps": 8,
    "snapshots": {"layers": [0, 8], "window": 25},
}
CELLS = ("dct-modulus-k2", "dct-modulus-k3", "dct-relu-k2", "dct-relu-k3")
# A busy machine takes its time for the first page.
PATIENCE = 60_000


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of the pages of a store behind a server."""
    folder = tmp_path_factory.mktemp("seen")
    experiments.run(folder / "results", CONFIG)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "index.html").write_text("<h1>The report</h1>")
    words = ["--experiment", "config.yaml", "--results", "results", "--report", "index.html"]
    tracked = run(folder, "track", *words)
    assert tracked.returncode == 0, tracked.stderr
    with servers.mlflow_server(folder) as server:
        told = run(folder, "ui", store=server.address)
        assert told.returncode == 0, told.stderr
        yield addresses(told.stdout)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    context.set_default_timeout(PATIENCE)
    # It lies over the list until a person has closed it once.
    context.add_init_script(
        "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
    )
    yield context.new_page()
    context.close()


def open_list(page: Page, address: str) -> None:
    # Not until all is quiet: the page asks for new runs for ever.
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_role("link", name=CELLS[-1], exact=True).wait_for()


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_the_list_shows_the_cells_by_name(page: Page, views: dict[str, str]) -> None:
    open_list(page, views["Cells"])
    links = page.get_by_role("link", name=re.compile(r"^dct-\w+-k\d$"))
    expect(links).to_have_text(list(CELLS))
    expect(row_of(page, "dct-relu-k3")).to_contain_text("relu")


def test_ticked_runs_are_compared(page: Page, views: dict[str, str]) -> None:
    open_list(page, views["Cells"])
    for name in CELLS:
        row_of(page, name).get_by_label("toggle row selection").click()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("Comparing 4 Runs from 1 Experiment").wait_for()
    for text in ("Run details", "Parameters", "Metrics"):
        expect(page.get_by_text(text, exact=True).first).to_be_visible()
    different = page.get_by_role("row").filter(has_text="activation").first
    expect(different).to_contain_text("modulus")
    # Names and numbers of the metrics are tables of their own.
    tables = page.get_by_role("grid")
    expect(tables.filter(has_text="beta_star").first).to_be_visible()
    expect(tables.filter(has_text="0.707").filter(has_text="0.632").first).to_be_visible()


def test_a_curve_over_beta_is_drawn(page: Page, views: dict[str, str]) -> None:
    open_list(page, views["Activations at size 3"])
    card = page.get_by_test_id("experiment-view-compare-runs-card").filter(
        has=page.get_by_text("delta/speed", exact=True)
    )
    points = card.locator(".js-plotly-plot path.point")
    expect(points).to_have_count(2 * 5)
    places = points.evaluate_all("all => all.map(one => one.getBoundingClientRect().x)")
    assert len({round(place) for place in places}) == 5
    heights = points.evaluate_all("all => all.map(one => one.getBoundingClientRect().y)")
    assert max(heights) - min(heights) > 50


def open_artifact(page: Page, run_name: str | re.Pattern[str], artifact: str) -> None:
    page.get_by_role("link", name=run_name).first.click()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_test_id("artifact-tree-node").filter(has_text=artifact).first.click()


def test_the_preview_of_a_cell_is_a_picture(page: Page, views: dict[str, str]) -> None:
    open_list(page, views["Cells"])
    open_artifact(page, "dct-relu-k3", "preview.png")
    picture = page.get_by_alt_text("preview.png")
    picture.wait_for()
    page.wait_for_function(
        "() => document.querySelector('img[alt=\"preview.png\"]').naturalWidth > 300"
    )


def test_the_run_of_the_sweep_holds_the_report(page: Page, views: dict[str, str]) -> None:
    whole = views["Cells"].partition("?")[0] + "?workflowType=machine_learning"
    open_list(page, whole)
    open_artifact(page, re.compile("^sweep "), "index.html")
    expect(page.frame_locator("iframe").get_by_text("The report")).to_be_visible()
