"""The pictures of compare.md: two sweeps, MLflow's server on them, a browser that looks.

Needs Chromium and the extra `dev`; takes about four minutes: ``python docs/compare.py``.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

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
ACTIVATIONS = ("identity", "leaky_relu", "modulus", "relu")


def sweep(folder: Path, steps: int) -> None:
    """Run the experiment, as `make` does, with so many layers."""
    snapshots = {"layers": [0, steps], "window": 2 * steps + 33}
    plan = PLAN | {"steps": steps, "snapshots": snapshots}
    (folder / "mine.yaml").write_text(yaml.safe_dump(plan))
    words = ["--cores", "2", "--snakefile", str(PROJECT / "Snakefile"), "--configfile", "mine.yaml"]
    subprocess.run(
        [sys.executable, "-m", "snakemake", *words], cwd=folder, env=_alone(), check=True
    )


@contextmanager
def pages(folder: Path) -> Iterator[dict[str, str]]:
    """Run `mechcore ui` and yield its addresses by the names of its pages."""
    words = [sys.executable, "-u", "-m", "mechcore", "ui", "--port", str(PORT)]
    with subprocess.Popen(words, cwd=folder, env=_alone(), stdout=subprocess.PIPE, text=True) as ui:
        assert ui.stdout is not None
        told = ""
        while "Ctrl-C" not in told:
            told += (line := ui.stdout.readline())
            assert line, "mechcore ui has ended"
        try:
            yield dict(re.findall(r"^  (\S.*?)  +(http\S+)$", told, re.MULTILINE))
        finally:
            ui.send_signal(signal.SIGINT)


def shoot(page: Page, name: str) -> None:
    """Write a picture with few colours: a page has few."""
    picture = Image.open(io.BytesIO(page.screenshot()))
    _write(picture.convert("RGB"), name)


def cells(page: Page, address: str) -> None:
    """The list of cells, four of them ticked; then what Compare shows of them."""
    _open(page, address)
    for activation in ACTIVATIONS:
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
    page.wait_for_timeout(2000)
    shoot(page, "runs")


def charts(page: Page, address: str, name: str) -> None:
    """The charts of a view."""
    _open(page, address)
    page.locator(".js-plotly-plot path.point").first.wait_for()
    # Lines are drawn one after the other.
    page.wait_for_timeout(2000)
    shoot(page, name)


def sweeps(page: Page, address: str) -> None:
    """The same cells of two sweeps on neighbouring lines."""
    _open(page, address)
    page.wait_for_timeout(1000)
    shoot(page, "sweeps")


def full_screen(page: Page, address: str, name: str) -> None:
    """A chart alone."""
    _open(page, address)
    page.locator(".js-plotly-plot path.point").first.wait_for()
    page.locator("[data-component-id=fullscreen_button_chartcard]").first.click()
    page.get_by_role("dialog").locator("path.point").first.wait_for()
    page.wait_for_timeout(2000)
    shoot(page, name)


def difference(folder: Path) -> None:
    """What `mechcore diff` draws."""
    words = ["diff", "last-month", "results/example", "--output", "difference"]
    subprocess.run([sys.executable, "-m", "mechcore", *words], cwd=folder, check=True)
    picture = Image.open(folder / "difference" / "diff.png").convert("RGB")
    picture.thumbnail((1280, 1280))
    _write(picture, "diff")


def main() -> None:
    """Make everything anew."""
    with TemporaryDirectory() as name:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else name)
        if not (folder / "last-month").exists():
            sweep(folder, 48)
            shutil.copytree(folder / "results" / "example", folder / "last-month")
            sweep(folder, 64)
        difference(folder)
        with pages(folder) as addresses, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            look(browser.new_page(viewport=WINDOW), addresses)
            browser.close()


def look(page: Page, addresses: dict[str, str]) -> None:
    """Take all pictures of MLflow."""
    # What a person closes once.
    page.add_init_script(
        "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
    )
    cells(page, addresses["Cells"])
    charts(page, addresses["Activations at size 3"], "activations")
    full_screen(page, addresses["Sizes under relu"], "sizes")
    sweeps(page, addresses["Sweeps"])
    full_screen(page, addresses["Speed over β, delta, relu"], "scatter")


def _open(page: Page, address: str) -> None:
    # From an empty page: an address that differs after # alone would not be loaded.
    page.goto("about:blank")
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_text("matching runs").wait_for()


def _write(picture: Image.Image, name: str) -> None:
    # Lines are thin: without it their colours would give way to greys of the text.
    method = Image.Quantize.MAXCOVERAGE
    few = picture.quantize(COLOURS, method=method, dither=Image.Dither.NONE)
    few.save(IMAGES / f"compare-{name}.png", optimize=True)


def _alone() -> dict[str, str]:
    """An environment in which no other store is set."""
    return {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}


if __name__ == "__main__":
    main()
