"""The report of real, small experiments: whole, self-contained, honest about its data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from markdown_it import MarkdownIt

from mechcore.claims.verdict import (
    BROKEN,
    NOT_REPRODUCED,
    NOT_YET_MEASURED,
    REPRODUCED,
    Claim,
    Figure,
    read_claims,
)
from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.io.code_state import CodeState
from mechcore.io.environment import library_versions
from mechcore.report.config_text import config_text
from mechcore.report.page import Content, render, write_report
from mechcore.report.pictures import Section, draw_sections
from mechcore.report.scorecard import figure_text
from mechcore.results.results import Results
from tests.helpers.experiments import run
from tests.helpers.projects import PROJECT
from tests.helpers.reports import SMALL, Report

HOSTILE = "_*a*_<SCRIPT>alert(1)<&'$x^$ `c` [d](e) |<I>~~g~~.npy"
"""What a file may be called on Linux: HTML, Markdown and a formula."""


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [known.get(attribute, "") for name, known in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(small: Report) -> Page:
    return Page(small.text)


@pytest.fixture(scope="module")
def appendix(small: Report) -> Page:
    return Page(small.appendix.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["index.html", "appendix.html"])
def test_pages_are_self_contained(small: Report, name: str) -> None:
    text = small.page.with_name(name).read_text(encoding="utf-8")
    page = Page(text)
    assert {"iframe", "object", "embed", "base", "form"}.isdisjoint(tag for tag, _ in page.elements)
    assert page.values("script", "type") == ["application/json", ""]
    assert re.findall("<link [^>]*>", text) == ['<link rel="icon" href="data:,">']
    policy = re.findall(r'Security-Policy" content="([^"]*)"', text)
    assert len(policy) == 1
    rules = {rule.strip() for rule in policy[0].split(";")}
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'"} <= rules
    assert all(source.startswith("data:image/") for source in page.values("img", "src"))
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", re.sub(r'src="data:[^"]*"', "", text))
    outside = {link for link in page.values("a", "href") if re.match(r"[a-z]+:|//", link)}
    assert outside <= {"https://arxiv.org/abs/2512.24338"}
    assert len(text) < 1_500_000
    assert not re.search(r"\bnan\b", page.text, re.IGNORECASE)
    # The browser runs the script of the page and no other.
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert re.findall(r"script-src 'sha256-([^']*)'", text) == [digest]


def test_every_link_leads_to_something(small: Report, page: Page, appendix: Page) -> None:
    texts = {
        "index.html": small.text,
        "appendix.html": small.appendix.read_text(encoding="utf-8"),
    }
    links = {("index.html", link) for link in page.values("a", "href")}
    links |= {("appendix.html", link) for link in appendix.values("a", "href")}
    for name, link in links:
        file, _, anchor = link.partition("#")
        if anchor:
            assert f'id="{anchor}"' in texts[file or name], link
        elif file and not file.startswith("https:"):
            assert (small.page.parent / file).stat().st_size > 0


def test_figures_have_alternative_texts_with_numbers_and_files(
    small: Report, page: Page, appendix: Page
) -> None:
    for words in page.values("img", "alt") + appendix.values("img", "alt"):
        assert len(words) > 80
        assert re.search(r"\d", words)
    figures = small.page.parent / "figures"
    drawn = sorted(path.stem for path in figures.glob("*.svg"))
    # And the film.
    assert len(drawn) + 1 == len(page.values("img", "src") + appendix.values("img", "src"))
    assert drawn == sorted(path.stem for path in figures.glob("*.csv"))


def test_every_claim_is_a_row_with_its_deciding_figure(small: Report, page: Page) -> None:
    claims = read_claims(small.folder / "claims.json")
    assert len(claims) > 10
    for claim in claims:
        assert claim.statement in page.text
        assert claim.test in page.text
        if claim.figures:
            assert figure_text(claim.figures[0]) in page.text
    links = set(page.values("a", "href"))
    assert {"../results/metrics.csv", "controls.csv", "claims.json"} <= links


@pytest.mark.parametrize(
    ("verdict", "where", "words"),
    [
        (NOT_REPRODUCED, "holds nowhere", "The law holds nowhere."),
        (NOT_YET_MEASURED, "needs DCT kernels", "A test of the law needs DCT kernels."),
    ],
)
def test_the_answer_says_whether_the_law_holds(
    small: Report, verdict: str, where: str, words: str
) -> None:
    (law,) = (one for one in read_claims(small.folder / "claims.json") if one.id == "C4")
    claims = [law.model_copy(update={"verdict": verdict, "range": where})]
    text, _, summary = render(small.results, Content(claims, [], {}))
    assert words in text
    assert words in summary


def test_page_holds_the_configuration_that_repeats_it(small: Report, page: Page) -> None:
    config = config_text(small.experiment)
    assert config in page.text
    assert "arguments" not in config
    assert "snakemake -c2 --configfile config/small.yaml" in page.text
    assert all(version in page.text for version in library_versions().values())


def test_the_configuration_of_the_page_fits_the_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("image.npy", np.ones((3, 3)))
    patterns = ["delta", {"name": "gaussian", "sigma": 2.0}, "image.npy"]
    plan = load_experiment(SMALL | {"filter_banks": [], "patterns": patterns})
    written = yaml.safe_load(config_text(plan))
    assert written["patterns"] == patterns
    assert load_experiment(written) == plan
    jsonschema.validate(written, json.loads((PROJECT / "config" / "schema.json").read_text()))


def test_report_outside_version_control_says_so(small: Report) -> None:
    text, *_ = render(small.results, Content([], [], {}, code=CodeState()))
    assert "outside version control" in text


def test_partial_grid_gives_a_report_that_says_so(small: Report, tmp_path: Path) -> None:
    shutil.copytree(small.folder / "trajectories", tmp_path / "trajectories")
    for name in ("dct-relu-k2", "dct-modulus-k3"):
        (tmp_path / "trajectories" / f"{name}.nc").unlink()
    log = tmp_path / "logs" / "simulate" / "dct-modulus-k3.log"
    log.parent.mkdir(parents=True)
    log.write_text("mechcore: no memory <left>\n", encoding="utf-8")
    output = tmp_path / "report" / "index.html"
    write_report(small.experiment, tmp_path, output, tmp_path / "logs", partial=True)
    page = Page(output.read_text(encoding="utf-8"))
    assert "Partial grid: 2 of 4 cells" in page.text
    appendix = Page(output.with_name("appendix.html").read_text(encoding="utf-8"))
    tiles = [known["aria-label"] for _, known in appendix.elements if "data-cell" in known]
    assert set(tiles) == {
        "dct-relu-k2: missing",
        "dct-relu-k3: done",
        "dct-modulus-k2: done",
        "dct-modulus-k3: failed",
    }
    assert "mechcore: no memory \\u003cleft\\u003e" in output.read_text(encoding="utf-8")
    # Films were not run there.
    assert "film" not in page.values("figure", "id")


def test_two_builds_are_the_same_bytes(small: Report, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small.folder, tmp_path / small.folder.name))
    again = tmp_path / small.page.parent.name
    write_report(small.experiment, copy, again / "index.html")
    for file in filter(Path.is_file, small.page.parent.rglob("*")):
        name = file.relative_to(small.page.parent)
        assert file.read_bytes() == (again / name).read_bytes(), name


def test_a_page_is_never_older_than_its_figures(small: Report, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("index.html", "appendix.html", "README.md")]
    for file in files:
        shutil.copy(small.page.parent / file.name, file)
    with pytest.raises(MechcoreError, match="metrics"):
        write_report(small.experiment, tmp_path / "nothing", files[0])
    assert all(file.is_file() for file in files)
    (tmp_path / "figures" / "speed-dct.csv").mkdir(parents=True)
    with pytest.raises(MechcoreError, match="speed-dct"):
        write_report(small.experiment, small.folder, files[0])
    assert (tmp_path / "figures" / "headline-dct.svg").is_file()
    assert not any(file.exists() for file in files)


def test_a_page_that_is_a_folder_is_refused_at_once(small: Report, tmp_path: Path) -> None:
    with pytest.raises(MechcoreError, match="it is a folder"):
        write_report(small.experiment, small.folder, tmp_path)
    assert list(tmp_path.iterdir()) == []


# Names from users.


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, list[Section]]:
    """Give the results and figures of files whose names are HTML, Markdown and formulas."""
    folder = tmp_path_factory.mktemp("hostile")
    name = folder / HOSTILE
    np.save(name, np.ones((2, 2)))
    layer = "<img src=x onerror=alert(1)>$x^$\x1b[2J\n.weight"
    np.savez(folder / "net.npz", **{layer: np.ones((1, 1, 3, 3), np.float32)})
    subset = {"experiment": "small_one_", "patterns": [str(name)], "sizes": [2]}
    subset |= {"activations": ["relu"], "filter_banks": [str(folder / "net.npz")]}
    subset |= {"boundary": "wrap", "domain": 33}
    results = Results.load(run(folder, SMALL | subset), folder)
    return results, draw_sections(results, folder / "report")


def test_names_from_users_are_text_and_not_markup(hostile: tuple[Results, list[Section]]) -> None:
    results, sections = hostile
    claims = read_claims(results.folder / "claims.json")
    for text in render(results, Content(claims, sections, {}))[:2]:
        page = Page(text)
        assert "<SCRIPT>alert" not in text
        # The cells, and the script of the page, which its policy knows by its digest.
        assert page.values("script", "type") == ["application/json", ""]
        assert not [name for _, known in page.elements for name in known if name.startswith("on")]
        assert "x" not in page.values("img", "src")
        assert HOSTILE in page.text


def shown_text(source: str) -> str:
    parts = []
    for block in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source):
        for token in block.children or [block]:
            # That of an image is what its own children show.
            inner = token.children if token.type == "image" else None
            parts += [part.content for part in inner or [token]]
        parts.append("\n")
    return "".join(parts)


def test_summary_holds_names_from_users_as_text(hostile: tuple[Results, list[Section]]) -> None:
    results, sections = hostile
    words = f"holds for {HOSTILE}"
    said = {"statement": words, "test": words, "range": words, "section": "", "data": [words]}
    figures = [Figure(name=words, value=1.0, unit="", source=words)]
    claims = [
        Claim(id="C1", kind="claim", figures=figures, verdict=REPRODUCED, **said),
        Claim(id="N1", kind="control", figures=[], verdict=BROKEN, meaning=words, **said),
    ]
    text = shown_text(render(results, Content(claims, sections, {}))[2])
    assert "Experiment small_one_, tested" in text
    # Statement, name of the deciding figure and range; of the control that is broken, which has no
    # figure here, statement and range, and an alarm with statement and meaning. A range gets a
    # capital.
    assert text.count(words[1:]) == 3 + 2 + 2
    lead = next(section.pictures[0] for section in sections if section.name == "headline")
    for part in (lead.alt, lead.caption):
        assert " ".join(part.split()) in text
