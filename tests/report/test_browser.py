"""The report in a real browser, opened from disk without network, by mouse and by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from mechcore.analysis.measures import measure
from mechcore.claims.verdict import BROKEN, HOLDS, read_claims
from mechcore.cli import main
from mechcore.experiment.config import load_experiment
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.report.page import Content, render
from mechcore.report.pictures import Picture, Section
from tests.helpers.browser import CHROMIUM, DESKTOP, PHONE, SMALL_PHONE, Visit, chromium, visit
from tests.helpers.reports import SMALL, Report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

ACCESSIBLE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

FILM = 60_000
"""Milliseconds within which a film ends even on a machine that is busy with other things."""

PIXELS = "document.getElementById('screen').toDataURL()"


def page_with_controls(small: Report, verdict: str, file: Path) -> Path:
    claims = [
        claim.model_copy(update={"verdict": verdict}) if claim.kind == "control" else claim
        for claim in read_claims(small.folder / "claims.json")
    ]
    file.write_text(render(small.results, Content(claims, [], {})), encoding="utf-8")
    return file


def broken_rules(seen: Visit) -> list[tuple[str, list[str]]]:
    options = {"runOnly": {"type": "tag", "values": ACCESSIBLE}}
    outcome = Axe().run(seen.page, options=options).response
    assert len(outcome["passes"]) > 20
    return [
        (rule["id"], [node["target"] for node in rule["nodes"]][:3])
        for rule in outcome["violations"]
    ]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def opened(browser: Browser, small: Report) -> Iterator[Visit]:
    """The page in a desktop window; whatever a test does, the page may not complain."""
    with visit(browser, small.page) as seen:
        expect(seen.page.locator("#readout-layer")).not_to_be_empty()
        yield seen
        assert seen.complaints == []
        assert seen.outside == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, SMALL_PHONE], ids=lambda size: size["width"])
def test_page_is_whole_quiet_and_accessible_at_any_width(
    browser: Browser, small: Report, viewport: dict[str, int]
) -> None:
    with visit(browser, small.page, viewport=viewport, reduced_motion="reduce") as seen:
        seen.page.wait_for_load_state("load")
        sizes = seen.value("[...document.images].map(one => [one.naturalWidth, one.width])")
        assert len(sizes) > 10
        assert min(min(size) for size in sizes) > 0
        assert seen.value("document.documentElement.scrollWidth") <= viewport["width"]
        assert seen.complaints == []
        assert seen.outside == []
        seen.value("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        seen.page.locator("#map button").first.click()
        assert broken_rules(seen) == []


def test_a_large_partial_map_is_accessible(browser: Browser, small: Report, tmp_path: Path) -> None:
    plan = load_experiment(SMALL | {"kernels": ["dct", "random"], "sizes": list(range(2, 12))})
    results = replace(small.results, experiment=plan)
    page = tmp_path / "partial.html"
    page.write_text(render(results, Content([], [], {})), encoding="utf-8")
    with visit(browser, page, viewport=SMALL_PHONE) as seen:
        assert "Partial grid: 4 of 40 cells" in seen.page.inner_text("header")
        assert seen.value("document.documentElement.scrollWidth") <= SMALL_PHONE["width"]
        assert broken_rules(seen) == []


@pytest.mark.parametrize("name", ["beta", "layer"])
def test_keys_move_a_slider_the_picture_and_the_numbers(opened: Visit, name: str) -> None:
    slider = opened.page.locator(f"#{name}")
    slider.focus()
    texts, pictures = [], []
    for key in ("Home", "ArrowRight", "End"):
        opened.page.keyboard.press(key)
        texts.append((slider.get_attribute("aria-valuetext"), opened.page.inner_text(".readout")))
        pictures.append(opened.value(PIXELS))
    assert len(set(texts)) == 3
    assert len(set(pictures)) == 3


def test_player_shows_the_numbers_of_the_chosen_film(opened: Visit, small: Report) -> None:
    for name in ("beta", "layer"):
        opened.page.locator(f"#{name}").focus()
        opened.page.keyboard.press("End")
    film = small.results.films["dct-relu-k3"]
    last = film.isel(pattern=0, angle=0, beta=-1, t=-1)
    assert opened.page.inner_text("#readout-beta") == "1"
    assert opened.page.inner_text("#readout-layer") == "12 of 12"
    centroid = f"{last.mu_x:.2f}, {abs(last.mu_y):.2f}"
    assert opened.page.inner_text("#readout-centroid") == centroid
    assert opened.page.inner_text("#readout-width") == f"{last.sigma_x:.2f}, {last.sigma_y:.2f}"
    before = opened.value(PIXELS)
    opened.page.get_by_role("radio", name="modulus").check()
    expect(opened.page.locator("#readout-centroid")).not_to_have_text(centroid)
    assert opened.value(PIXELS) != before
    assert "modulus" in (opened.page.get_attribute("#screen", "aria-label") or "")


def test_player_shows_that_a_state_died(browser: Browser, small: Report, tmp_path: Path) -> None:
    shutil.copytree(small.folder, tmp_path / "results")
    name = "films/dct-relu-k3.nc"
    film = read_dataset(small.folder / name)
    alive = film.t < 6
    lost = {name: film[name].where(alive) for name in ("mu_x", "mu_y", "sigma_x", "sigma_y")}
    died = film.extinct_at.where(film.beta < 1, 6.0)
    write_dataset(film.assign(**lost, extinct_at=died), tmp_path / "results" / name)
    report = replace(small, folder=tmp_path / "results")
    page = page_with_controls(report, HOLDS, tmp_path / "died.html")
    with visit(browser, page) as seen:
        seen.page.locator("#beta").press("End")
        seen.page.locator("#layer").press("Home")
        assert seen.page.inner_text("#note") == ""
        seen.page.locator("#layer").press("End")
        assert seen.page.inner_text("#note") == "Extinct: the state died at layer 6."
        assert seen.page.inner_text("#readout-centroid") == "–"
        words = seen.page.get_attribute("#layer", "aria-valuetext")
        assert words == "layer 12, extinct since layer 6"
        assert seen.complaints == []


def test_play_pauses_and_runs_to_the_last_layer(opened: Visit) -> None:
    play, layer = opened.page.locator("#play"), opened.page.locator("#layer")
    layer.press("Home")
    before = opened.value(PIXELS)
    # Longer than two frames of a film that plays: nothing moves before it is asked to.
    opened.page.wait_for_timeout(500)
    assert opened.value(PIXELS) == before
    play.click()
    expect(layer).not_to_have_value("0")
    play.click()
    assert play.inner_text() == "Play"
    stopped = layer.input_value()
    opened.page.wait_for_timeout(500)
    assert layer.input_value() == stopped
    play.press("Enter")
    expect(play).to_have_text("Pause")
    expect(play).to_have_text("Play", timeout=FILM)
    assert opened.page.inner_text("#readout-layer") == "12 of 12"


def test_points_in_space_turn_by_keyboard_and_by_mouse(
    browser: Browser, small: Report, tmp_path: Path
) -> None:
    space = {"points": [[1, 0, 0.5], [0, -1, -0.5]], "colours": ["#404080", "#20a387"]}
    picture = Picture("space-a", "Points.", "Points.", 200, 100, "data:,", space)
    page = tmp_path / "space.html"
    section = Section("space", "Points", [picture])
    page.write_text(render(small.results, Content([], [section], {})), encoding="utf-8")
    with visit(browser, page, viewport=SMALL_PHONE) as seen:
        canvas = seen.page.locator("canvas.space")
        pictures = [canvas.evaluate("one => one.toDataURL()")]
        for key in ("ArrowRight", "ArrowUp"):
            canvas.press(key)
            pictures.append(canvas.evaluate("one => one.toDataURL()"))
        canvas.drag_to(
            canvas, source_position={"x": 50, "y": 50}, target_position={"x": 90, "y": 70}
        )
        pictures.append(canvas.evaluate("one => one.toDataURL()"))
        assert len(set(pictures)) == 4
        assert seen.value("document.documentElement.scrollWidth") <= SMALL_PHONE["width"]
        assert broken_rules(seen) == []
        assert seen.complaints == []


def test_tile_opens_by_keyboard_and_its_command_repeats_the_number(
    opened: Visit, small: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened.page
    page.locator("#map button").first.focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert page.inner_text("#cell-title") == "dct-modulus-k3"
    file, again = page.locator(".cell pre").all_inner_texts()[:2]
    assert file == "results/small/trajectories/dct-modulus-k3.nc"
    assert " ".join(again.split()).endswith(f"--force {file}")
    page.select_option("#one-beta", "0.5")
    page.select_option("#one-pattern", label="disc")
    words = page.inner_text("#alone").replace("\\\n", " ").split()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="0"):
        main(words[1:])
    metrics = small.results.metrics
    row = metrics[(metrics.activation == "modulus") & (metrics["size"] == 3)]
    row = row[(row.beta == 0.5) & (row.pattern == "disc")].iloc[0]
    assert float(measure(read_dataset(tmp_path / "one.nc")).speed) == row.speed
    page.select_option("#one-pattern", label="gaussian-sigma2")
    assert not page.is_visible("#alone")
    assert page.is_visible("#no-alone")
    page.locator("#close").press("Enter")
    assert not page.is_visible("#close")


def test_page_without_scripts_shows_strips_and_commands(browser: Browser, small: Report) -> None:
    with visit(browser, small.page, java_script_enabled=False) as seen:
        assert not seen.page.is_visible("#player")
        assert seen.page.locator("#strip img").first.is_visible()
        assert "results/small/trajectories/{family}" in seen.page.inner_text("#cell")
        seen.page.locator("#statistics ~ details:not([open]) summary").first.click()
        assert seen.complaints == []


def test_paper_has_strips_and_tables_and_no_controls(browser: Browser, small: Report) -> None:
    with visit(browser, small.page) as seen:
        seen.page.emulate_media(media="print")
        assert not seen.page.is_visible("#play")
        assert not seen.page.is_visible("nav")
        assert seen.page.locator("#strip img").first.is_visible()
        assert seen.page.locator(".numbers").last.is_visible()
        paper = seen.page.pdf(prefer_css_page_size=True)
        assert paper.startswith(b"%PDF")
        assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") > 3
        assert seen.complaints == []


@pytest.mark.parametrize("viewport", [DESKTOP, SMALL_PHONE], ids=lambda size: size["width"])
def test_a_control_that_is_broken_cannot_be_missed(
    browser: Browser, small: Report, tmp_path: Path, viewport: dict[str, int]
) -> None:
    page = page_with_controls(small, BROKEN, tmp_path / "broken.html")
    with visit(browser, page, viewport=viewport) as seen:
        banner = seen.page.get_by_role("alert")
        box = banner.bounding_box()
        assert "CONTROL BROKEN" in banner.inner_text()
        assert "A shift kernel" in banner.inner_text()
        assert box is not None
        assert box["y"] < 100
        assert box["width"] > 0.7 * viewport["width"]


def test_controls_that_hold_get_a_quiet_line(browser: Browser, small: Report) -> None:
    with visit(browser, small.page) as seen:
        assert seen.page.get_by_role("alert").count() == 0
        assert "All 5 controls hold" in seen.page.inner_text(".rest")
