"""The report in a real browser, opened from disk without network, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from mechcore.analysis.measures import measure
from mechcore.claims.verdict import BROKEN, read_claims
from mechcore.cli import main
from mechcore.experiment.config import load_experiment
from mechcore.io.netcdf import read_dataset
from mechcore.report.page import Content, render
from mechcore.report.pictures import Picture, Point, Section
from tests.helpers.browser import CHROMIUM, DESKTOP, PHONE, SMALL_PHONE, Visit, chromium, visit
from tests.helpers.reports import SMALL, Report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

ACCESSIBLE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

FILM = 60_000
"""Milliseconds within which a film ends even on a machine that is busy with other things."""

POINTS = [Point(0.25, 0.5, "k = 3: 0.5", "dct-relu-k3"), Point(0.75, 0.5, "k = 2: 0.1", "gone")]
PICTURE = Picture("a", "", "data:,", 200, 100, "Points.", "Points.", POINTS)


def written(small: Report, content: Content, folder: Path) -> Path:
    pages = render(small.results, content)
    for name, text in zip(("index.html", "appendix.html"), pages[:2], strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "index.html"


def page_with_controls(small: Report, verdict: str, folder: Path) -> Path:
    claims = [
        claim.model_copy(update={"verdict": verdict}) if claim.kind == "control" else claim
        for claim in read_claims(small.folder / "claims.json")
    ]
    return written(small, Content(claims, [], {}), folder)


def page_with_picture(small: Report, picture: Picture, folder: Path) -> Path:
    sections = [Section("one", "Points?", main=True, pictures=[picture])]
    return written(small, Content([], sections, {}), folder)


def broken_rules(seen: Visit) -> list[tuple[str, list[str]]]:
    options = {"runOnly": {"type": "tag", "values": ACCESSIBLE}}
    outcome = Axe().run(seen.page, options=options).response
    # Behind an open dialog nothing is looked at.
    assert len(outcome["passes"]) > 15
    return [
        (rule["id"], [node["target"] for node in rule["nodes"]][:3])
        for rule in outcome["violations"]
    ]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("name", ["index.html", "appendix.html"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, SMALL_PHONE], ids=lambda size: size["width"])
def test_pages_are_whole_quiet_and_accessible_at_any_width(
    browser: Browser, small: Report, viewport: dict[str, int], name: str
) -> None:
    page = small.page.with_name(name)
    with visit(browser, page, viewport=viewport, reduced_motion="reduce") as seen:
        seen.page.wait_for_load_state("load")
        sizes = seen.value("[...document.images].map(one => [one.naturalWidth, one.width])")
        assert len(sizes) > 3
        assert min(min(size) for size in sizes) > 0
        assert seen.value("document.documentElement.scrollWidth") <= viewport["width"]
        assert broken_rules(seen) == []
        seen.value("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert seen.value("document.documentElement.scrollWidth") <= viewport["width"]
        assert broken_rules(seen) == []
        assert seen.complaints == []
        assert seen.outside == []


@pytest.mark.parametrize("name", ["index.html", "appendix.html"])
def test_pages_are_accessible_in_the_dark(browser: Browser, small: Report, name: str) -> None:
    with visit(browser, small.page.with_name(name), color_scheme="dark") as seen:
        seen.value("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert broken_rules(seen) == []


def test_a_large_partial_map_is_accessible(browser: Browser, small: Report, tmp_path: Path) -> None:
    plan = load_experiment(SMALL | {"kernels": ["dct", "random"], "sizes": list(range(2, 12))})
    other = replace(small)
    other.__dict__["results"] = replace(small.results, experiment=plan)
    page = written(other, Content([], [], {}), tmp_path)
    with visit(browser, page, viewport=SMALL_PHONE) as seen:
        assert "Partial grid: 4 of 40 cells" in seen.page.inner_text("header")
    with visit(browser, page.with_name("appendix.html"), viewport=SMALL_PHONE) as seen:
        assert seen.value("document.documentElement.scrollWidth") <= SMALL_PHONE["width"]
        assert broken_rules(seen) == []


def test_the_film_plays_once_and_can_be_paused(browser: Browser, small: Report) -> None:
    with visit(browser, small.page) as seen:
        play, layer = seen.page.locator("#play"), seen.page.locator("#layer")
        expect(play).to_have_text("Pause")
        play.click()
        expect(play).to_have_text("Play")
        stopped = layer.inner_text()
        # Longer than two frames.
        seen.page.wait_for_timeout(600)
        assert layer.inner_text() == stopped
        play.press("Enter")
        expect(play).to_have_text("Play again", timeout=FILM)
        assert layer.inner_text() == "12"
        assert seen.complaints == []


def test_nothing_moves_for_those_who_ask_for_calm(browser: Browser, small: Report) -> None:
    with visit(browser, small.page, reduced_motion="reduce") as seen:
        seen.page.wait_for_timeout(600)
        assert seen.page.inner_text("#layer") == "12"
        assert seen.page.inner_text("#play") == "Play again"


def test_points_are_read_by_keyboard_and_by_mouse_and_lead_to_their_cell(
    browser: Browser, small: Report, tmp_path: Path
) -> None:
    with visit(browser, page_with_picture(small, PICTURE, tmp_path)) as seen:
        slider, words = seen.page.locator("input.points"), seen.page.locator(".words")
        slider.focus()
        assert words.inner_text() == "k = 3: 0.5"
        slider.press("ArrowRight")
        assert words.inner_text() == "k = 2: 0.1"
        assert slider.get_attribute("aria-valuetext") == "k = 2: 0.1"
        # Of a cell that this grid does not have there is nothing to show.
        slider.press("Enter")
        assert not seen.page.is_visible("#cell")
        slider.press("ArrowLeft")
        slider.press("Enter")
        seen.page.locator("#cell-close").press("Enter")
        assert not seen.page.is_visible("#cell")
        assert slider.evaluate("one => one === document.activeElement")
        slider.blur()
        assert words.count() == 0
        drawing = seen.page.locator(".drawing").filter(has=slider)
        drawing.hover(position={"x": 52, "y": 52})
        assert words.inner_text() == "k = 3: 0.5"
        drawing.hover(position={"x": 100, "y": 50})
        assert words.count() == 0
        drawing.click(position={"x": 52, "y": 52})
        assert seen.page.inner_text("#cell-title") == "dct-relu-k3"
        assert "k = 3: 0.5. Cell: done." in seen.page.inner_text("#cell-note")
        assert broken_rules(seen) == []
        seen.page.keyboard.press("Escape")
        assert not seen.page.is_visible("#cell")
        assert seen.complaints == ["failed: data:,"] * len(seen.complaints)


def test_points_in_space_turn_by_keyboard_and_by_mouse(
    browser: Browser, small: Report, tmp_path: Path
) -> None:
    space = {"points": [[1, 0, 0.5], [0, -1, -0.5]], "colours": ["#404080", "#20a387"]}
    page = page_with_picture(small, replace(PICTURE, points=[], space=space), tmp_path)
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


def test_tile_opens_by_keyboard_and_its_command_repeats_the_number(
    browser: Browser, small: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with visit(browser, small.appendix) as seen:
        page = seen.page
        page.locator("#map button").first.focus()
        for key in ("ArrowDown", "ArrowRight", "Enter"):
            page.keyboard.press(key)
        assert page.inner_text("#cell-title") == "dct-modulus-k3"
        file, again, alone = page.locator("#cell pre").all_inner_texts()
        assert file == "results/small/trajectories/dct-modulus-k3.nc"
        assert " ".join(again.split()).endswith(f"--force {file}")
        page.locator("#cell-close").press("Enter")
        assert not page.is_visible("#cell")
        assert seen.complaints == []
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="0"):
        main(alone.replace("\\\n", " ").split()[1:])
    metrics = small.results.metrics
    row = metrics[(metrics.cell == "dct-modulus-k3") & (metrics.pattern == "delta")]
    (speed,) = row[row.beta == 0.5].speed
    assert float(measure(read_dataset(tmp_path / "one.nc")).speed) == speed


def test_a_row_of_the_scorecard_opens_by_keyboard(browser: Browser, small: Report) -> None:
    with visit(browser, small.page) as seen:
        row = seen.page.locator("#C4")
        row.locator("summary").press("Enter")
        assert "mechcore judge" in row.inner_text()
        assert row.locator("table tr").count() > 5


def test_page_without_scripts_shows_the_last_frame_and_all_folds(
    browser: Browser, small: Report
) -> None:
    with visit(browser, small.page, java_script_enabled=False) as seen:
        assert seen.page.locator("#film img").is_visible()
        assert not seen.page.is_visible("#play")
        seen.page.locator("#C1 summary").click()
        assert "0.1 px" in seen.page.inner_text("#C1")
        assert seen.complaints == []


def test_paper_has_open_folds_and_no_controls(browser: Browser, small: Report) -> None:
    with visit(browser, small.page) as seen:
        seen.page.emulate_media(media="print")
        assert not seen.page.is_visible("#play")
        assert not seen.page.is_visible("nav")
        assert seen.page.locator("#C4 td table").is_visible()
        assert seen.page.locator("#film img").is_visible()
        paper = seen.page.pdf(prefer_css_page_size=True)
        assert paper.startswith(b"%PDF")
        assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") > 3
        assert seen.complaints == []


@pytest.mark.parametrize("viewport", [DESKTOP, SMALL_PHONE], ids=lambda size: size["width"])
def test_a_control_that_is_broken_cannot_be_missed(
    browser: Browser, small: Report, tmp_path: Path, viewport: dict[str, int]
) -> None:
    page = page_with_controls(small, BROKEN, tmp_path)
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
        assert "All 5 controls hold" in seen.page.inner_text(".state")


def test_the_first_screen_has_answer_figure_film_and_verification(
    browser: Browser, small: Report
) -> None:
    with visit(browser, small.page, viewport={"width": 1280, "height": 800}) as seen:
        for place in (".answer >> nth=0", "#headline img", "#film img", "#play", ".state"):
            box = seen.page.locator(place).bounding_box()
            assert box is not None, place
            assert box["y"] + box["height"] <= 800, place
        # The figures of the default experiment are as many.
        assert seen.value("document.documentElement.scrollHeight") <= 7000
