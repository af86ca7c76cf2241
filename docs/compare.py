"""The pictures of compare.md: two sweeps, MLflow's server on them, a browser that clicks.

Needs Chromium and the extra `dev`; takes about four minutes: ``python docs/compare.py``.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import yaml
from PIL import Image
from playwright.sync_api import Browser, HttpCredentials, Page, ViewportSize, sync_playwright

from mechcore.tracking.views import VIEW

PROJECT = Path(__file__).parents[1]
IMAGES = PROJECT / "docs" / "images"
WINDOW = ViewportSize(width=1280, height=800)
PORT = 5000
COLOURS = 255

PLAN: dict[str, object] = {
    "experiment": "example",
    "kernels": ["dct"],
    "activations": ["identity", "relu", "modulus", "leaky_relu"],
    "sizes": [2, 3, 5],
    "patterns": ["delta", "disc"],
    "betas": {"start": 0, "stop": 1, "count": 21},
    "track": {"per_simulation": True},
}

ALL_SWEEPS = "tags.`mechcore.kind` = 'cell'"
CURRENT = "tags.`mechcore.superseded_by` IS NULL"
CELLS = f"{ALL_SWEEPS} AND {CURRENT}"


def sweep(folder: Path, steps: int) -> None:
    """Run the experiment, as `make` does, with so many layers."""
    snapshots = {"layers": [0, steps], "window": 2 * steps + 33}
    plan = PLAN | {"steps": steps, "snapshots": snapshots}
    (folder / "mine.yaml").write_text(yaml.safe_dump(plan))
    words = ["--cores", "2", "--snakefile", str(PROJECT / "Snakefile"), "--configfile", "mine.yaml"]
    subprocess.run(
        [sys.executable, "-m", "snakemake", *words], cwd=folder, env=_environment(), check=True
    )


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, HttpCredentials]]:
    """Run `mechcore ui` and yield the address and the credentials that it prints."""
    words = [sys.executable, "-m", "mechcore", "ui", "--port", str(PORT)]
    with subprocess.Popen(
        words, cwd=folder, env=_environment(), stdout=subprocess.PIPE, text=True
    ) as ui:
        assert ui.stdout is not None
        try:
            [address] = re.findall(r"http://[^\s;]+", ui.stdout.readline())
            line = next(line for line in ui.stdout if line.startswith("Sign in"))
            [(user, password)] = re.findall(r"as (\S+) with the password (\S+)", line)
            wait_for(address)
            yield address, {"username": user, "password": password}
        finally:
            ui.terminate()


def wait_for(address: str) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        with suppress(OSError), urlopen(f"{address}/health"):  # noqa: S310 - our own server
            return
        time.sleep(0.2)
    raise TimeoutError(address)


def description(page: Page) -> None:
    """What an experiment says of itself."""
    page.get_by_test_id("experiment-metadata-editor-edit-button").locator("~ button").click()
    shoot(page, "description")


def parallel(page: Page) -> None:
    """The saved view, as `mechcore ui` prints its address."""
    page.goto(page.url.partition("?")[0] + VIEW, wait_until="domcontentloaded")
    page.locator(".parcoords").wait_for()
    shoot(page, "parallel")


def cells(page: Page) -> None:
    """The list of cells, four of them ticked; then what Compare shows of them."""
    search(page, CELLS, 12)
    sort_by_name(page)
    show_columns(page, "activation", "size", "delta_speed_max", "light_speed")
    for activation in ("identity", "leaky_relu", "modulus", "relu"):
        row = page.get_by_role("row").filter(has_text=f"dct-{activation}-k3")
        row.get_by_label("toggle row selection").click()
    shoot(page, "cells")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("Comparing 4 Runs").wait_for()
    for toggle in page.get_by_text("Show diff only").all():
        toggle.click()
    page.get_by_text("Visualizations").first.click()
    page.mouse.move(640, 400)
    page.mouse.wheel(0, 190)
    shoot(page, "runs")


def activations(page: Page) -> None:
    """The curves of one metric, for all activations at one size."""
    search(page, f"{CELLS} AND params.size = '3'", 4)
    chart_view(page)
    find_charts(page, "_speed$|theory")
    shoot(page, "activations")


def sizes(page: Page) -> None:
    """The same chart alone, for all sizes under one activation."""
    search(page, f"{CELLS} AND params.activation = 'relu'", 3)
    chart_view(page)
    find_charts(page, "delta_speed$")
    page.locator("[data-component-id=fullscreen_button_chartcard]").first.click()
    page.get_by_role("dialog").locator("path.point").first.wait_for()
    shoot(page, "sizes")


def sweeps(page: Page) -> None:
    """The same cells of two sweeps on neighbouring lines."""
    search(page, ALL_SWEEPS, 24)
    sort_by_name(page)
    show_columns(page, "steps", "delta_speed_max", "mechcore.sweep")
    shoot(page, "sweeps")


def scatter(page: Page) -> None:
    """A point for each simulation."""
    search(page, f"params.activation = 'relu' AND params.pattern = 'delta' AND {CURRENT}", 63)
    chart_view(page)
    page.get_by_test_id("experiment-view-runs-visibility-column-header").click()
    page.get_by_role("menuitemradio", name="Show all runs").click()
    page.get_by_role("button", name="Add chart").first.click()
    page.get_by_role("menuitem", name="Scatter chart").click()
    dialog = page.get_by_role("dialog")
    # The first list is that of the types of charts.
    for axis, metric in enumerate(("beta", "speed"), 1):
        dialog.get_by_role("combobox").nth(axis).fill(metric)
        page.locator(".rc-virtual-list").get_by_text(metric, exact=True).last.click()
    shoot(page, "scatter")


def open_runs(
    browser: Browser, address: str, credentials: HttpCredentials, experiment: str
) -> Page:
    """Open the runs of an experiment as a person does, in a fresh browser."""
    page = browser.new_page(viewport=WINDOW, http_credentials=credentials)
    # What a person closes once.
    page.add_init_script(
        "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
    )
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_text("Model training").first.click()
    page.get_by_role("link", name=experiment, exact=True).click()
    page.get_by_text("matching runs").wait_for()
    return page


def search(page: Page, condition: str, runs: int) -> None:
    """Type a condition into the search box, and wait for so many runs."""
    box, count = page.get_by_test_id("search-box"), page.get_by_text(f"{runs} matching runs")
    box.fill(condition)
    # A page that is still loading ignores the key.
    while not count.is_visible():
        box.press("Enter")
        page.wait_for_timeout(1000)


def sort_by_name(page: Page) -> None:
    """Sort the list by the names of the runs."""
    page.get_by_test_id("sort-select-dropdown").click()
    page.get_by_role("menuitemcheckbox", name="Run Name").click()


def show_columns(page: Page, *names: str) -> None:
    """Show these columns in place of those that MLflow shows by default."""
    page.get_by_test_id("column-selection-dropdown").first.click()
    for name in ("Dataset", "Source", "Models", *names):
        page.get_by_placeholder("Search columns").fill(name)
        titles = page.get_by_test_id("column-selector-tree").locator("span")
        titles.filter(has_text=re.compile(rf"^{re.escape(name)}$")).last.click()
    page.keyboard.press("Escape")


def chart_view(page: Page) -> None:
    """Show charts in place of the list."""
    page.locator("label").filter(has=page.locator("input[value=CHART]")).click()
    page.locator(".js-plotly-plot").first.wait_for()


def find_charts(page: Page, metric: str) -> None:
    """Keep the charts of those metrics, all of them curves, whose names match."""
    page.get_by_placeholder("Search metric charts").fill(metric)
    page.locator(".js-plotly-plot path.point").first.wait_for()


def shoot(page: Page, name: str) -> None:
    """Write a picture of a page that has become quiet."""
    # Nothing is pointed at, and lines are drawn one after the other.
    page.mouse.move(0, 0)
    page.wait_for_timeout(2500)
    write(Image.open(io.BytesIO(page.screenshot())), name)


def write(picture: Image.Image, name: str) -> None:
    """Write a picture with few colours: a page has few."""
    # Lines are thin: without it their colours would give way to greys of the text.
    method = Image.Quantize.MAXCOVERAGE
    few = picture.convert("RGB").quantize(COLOURS, method, kmeans=1, dither=Image.Dither.NONE)
    few.save(IMAGES / f"compare-{name}.png", optimize=True)


def main() -> None:
    """Make everything anew, or with a folder of earlier sweeps the pictures alone."""
    with TemporaryDirectory() as name:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else name)
        if not (folder / "last-month").exists():
            sweep(folder, 48)
            shutil.copytree(folder / "results" / "example", folder / "last-month")
            sweep(folder, 64)
        with server(folder) as (address, credentials), sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for picture in (description, parallel, cells, activations, sizes, sweeps):
                picture(open_runs(browser, address, credentials, "example"))
            scatter(open_runs(browser, address, credentials, "example simulations"))
            browser.close()


def _environment() -> dict[str, str]:
    """An environment in which no other store is set."""
    return {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}


if __name__ == "__main__":
    main()
