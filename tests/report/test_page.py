"""The report of real, small experiments: whole, self-contained, honest about its data."""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from markdown_it import MarkdownIt
from markupsafe import escape
from PIL import Image

from mechcore.claims.verdict import MOVED, NOT_YET_MEASURED, Claim, Figure, read_claims
from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.grid import expand
from mechcore.io import environment as provenance
from mechcore.jobs.failures import stage_failures
from mechcore.report import coverage, data_files, films, statistics
from mechcore.report import page as report
from mechcore.report.figures.preview import cell_preview
from mechcore.report.figures.registry import figure_stems
from mechcore.report.figures.style import save
from mechcore.report.numbers import significant, with_error
from mechcore.report.page import (
    Content,
    config_text,
    markdown,
    render,
    sentence,
    summary,
    write_report,
)
from mechcore.report.pictures import Drawn, Section, shown_files
from mechcore.report.statistics import chapters
from mechcore.results.results import TABLES, Results
from mechcore.simulation.run import simulate
from tests.helpers.experiments import run
from tests.helpers.projects import PROJECT

SMALL: dict[str, object] = {
    "experiment": "small",
    "kernels": ["dct"],
    "activations": ["relu", "modulus"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc"],
    "betas": {"start": 0, "stop": 1, "count": 11},
    "steps": 12,
    "snapshots": {"layers": [0, 12], "window": 33},
    "engine": "reference",
    "filter_banks": [
        {
            "weights": "resources/banks/digits.safetensors",
            "untrained": "resources/banks/digits-untrained.safetensors",
        }
    ],
    "slices_per_layer": 2,
}

SUBSETS: dict[str, dict[str, object]] = {
    "one-of-each": {
        "activations": ["tanh"],
        "sizes": [4],
        "patterns": ["square"],
        "betas": [0.5],
        "snapshots": {"layers": []},
    },
    "zero-sum-and-angles": {
        "kernels": ["highpass", "random"],
        "activations": ["identity"],
        "sizes": [3],
        "patterns": ["delta"],
        "angles": [0.0, 45.0],
        "snapshots": {"layers": []},
    },
    "odd-only-on-a-torus": {
        "activations": ["leaky_relu", "modulus", "relu"],
        "sizes": [2],
        "betas": [1.0],
        "boundary": "wrap",
        "domain": 33,
    },
}


HOSTILE = "_*a*_<script>alert(1)<&'$x^$ `c` [d](e) |<i>~~g~~.npy"
"""What a file may be called on Linux: HTML, Markdown and a formula."""


class Page(HTMLParser):
    """The parts of a page that the tests look at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.tiles: list[dict[str, str | None]] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.attributes |= set(attributes)
        self.tags.append(tag)
        if tag == "img":
            self.images.append(attributes)
        if tag == "button" and "data-size" in attributes:
            self.tiles.append(attributes)
        if tag == "script":
            self.scripts.append(attributes.get("type") or "")
        if tag == "a":
            self.links.append(attributes["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, Path, Path]:
    """A small experiment, its results and its report."""
    folder = tmp_path_factory.mktemp("small")
    experiment = run(folder / "results", SMALL)
    output = folder / "report" / "index.html"
    write_report(experiment, folder / "results", output)
    return experiment, folder / "results", output


def test_page_is_self_contained(small: tuple[Experiment, Path, Path]) -> None:
    output = small[2]
    text = output.read_text(encoding="utf-8")
    page = Page(text)
    assert {"iframe", "object", "embed", "base", "form"}.isdisjoint(page.tags)
    assert page.scripts == ["application/json", ""]
    assert re.findall("<link [^>]*>", text) == ['<link rel="icon" href="data:,">']
    policy = re.findall(r'Security-Policy" content="([^"]*)"', text)
    assert len(policy) == 1
    rules = {rule.strip() for rule in policy[0].split(";")}
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'"} <= rules
    assert all((image["src"] or "").startswith("data:image/") for image in page.images)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", re.sub(r'src="data:[^"]*"', "", text))
    outside = {link for link in page.links if re.match(r"[a-z]+:|//", link)}
    assert outside == {"https://arxiv.org/abs/2512.24338"}
    assert output.stat().st_size < 3_000_000


def test_every_link_leads_to_something(small: tuple[Experiment, Path, Path]) -> None:
    output = small[2]
    text = output.read_text(encoding="utf-8")
    for link in Page(text).links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in text
        elif not link.startswith("https:"):
            assert (output.parent / link).stat().st_size > 0


def test_figures_have_alternative_texts_with_numbers_and_files(
    small: tuple[Experiment, Path, Path],
) -> None:
    page = Page(small[2].read_text(encoding="utf-8"))
    assert len(page.images) == len(figure_stems(small[0]))
    for image in page.images:
        assert int(image["width"] or 0) > 100
        assert int(image["height"] or 0) > 50
        assert len(image["alt"] or "") > 80
        assert re.search(r"\d", image["alt"] or "")
    names = {path.name for path in small[2].parent.iterdir()}
    drawn = {name[:-4] for name in names if name.endswith(".svg")}
    assert len(drawn) == len(page.images)
    assert all({f"{stem}.png", f"{stem}.csv"} <= names for stem in drawn)


def test_two_builds_are_the_same_bytes(
    small: tuple[Experiment, Path, Path], tmp_path: Path
) -> None:
    experiment, results, output = small
    write_report(experiment, results, tmp_path / "index.html")
    for file in sorted(output.parent.iterdir()):
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


@pytest.mark.parametrize("subset", SUBSETS.values(), ids=SUBSETS)
def test_any_part_of_the_grid_gives_a_report(subset: dict[str, object], tmp_path: Path) -> None:
    experiment = run(tmp_path, SMALL | {"sizes": [3]} | subset)
    write_report(experiment, tmp_path, tmp_path / "report" / "index.html")
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    alternatives = [image["alt"] or "" for image in page.images]
    assert all(len(words) > 60 for words in alternatives)
    assert not re.search(r"\bnan\b", " ".join([page.text, *alternatives]), re.IGNORECASE)
    drawn = [*(tmp_path / "report").glob("*.svg"), *(tmp_path / "report").glob("*.png")]
    assert len(drawn) == 2 * len(figure_stems(experiment))
    assert all(file.stat().st_size > 1000 for file in drawn)


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
    experiment = run(folder, SMALL | subset)
    evidence = Results.load(experiment, folder)
    return evidence, report.draw_sections(evidence, folder / "report")


def test_names_from_users_are_text_and_not_markup(
    hostile: tuple[Results, list[Section]],
) -> None:
    evidence, sections = hostile
    text = render(evidence, Content(read_claims(evidence.folder / "claims.json"), sections, {}))
    page = Page(text)
    assert "<script>alert" not in text
    # The film's data, and the script of the page, which its policy knows by its digest.
    assert page.scripts == ["application/json", ""]
    assert not [one for one in page.attributes if one.startswith("on")]
    assert {image["src"] for image in page.images if image["src"] == "x"} == set()
    assert HOSTILE in page.text
    film = re.search(r'id="film-data">(.*?)</script>', text)
    assert film is not None
    assert json.loads(film[1])["pattern"] == str(evidence.folder / HOSTILE)


def shown_text(source: str) -> str:
    """What a reader of Markdown sees, with the alternative texts of figures."""
    parts = []
    for block in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source):
        for token in block.children or [block]:
            # That of an image is what its own children show.
            inner = token.children if token.type == "image" else None
            parts += [one.content for one in inner or [token]]
        parts.append("\n")
    return "".join(parts)


@pytest.mark.parametrize("name", ["a_b_c*d*", "`x` [y](z) ![w]", "a | b~~c~~ $x_1$", "<b>&amp;\\_"])
def test_markdown_shows_names_as_they_are(name: str) -> None:
    cell = f"| a | b |\n|---|---|\n| {escape(markdown(name))} | x |\n"
    assert f"\n{name}\n" in shown_text(cell)


def test_summary_holds_names_from_users_as_text(hostile: tuple[Results, list[Section]]) -> None:
    evidence, sections = hostile
    said = f"holds for {HOSTILE}"
    claims = [
        Claim("C1", "claim", said, [Figure(said, 1.0, "", said)], said, MOVED, said, "", [said]),
        Claim("N1", "control", said, [], said, MOVED, said, "", [], said),
    ]
    text = shown_text(summary(evidence, Content(claims, sections, {})))
    assert "move information: small_one_\n" in text
    # Verdict, range, figure, source, test and data of the claim; what is said of the control.
    assert text.count(said) == 7 + 6
    pictures = [picture for section in sections for picture in section.pictures]
    told = [" ".join(words.split()) for one in pictures for words in (one.alt, one.caption)]
    # Most alternative texts or captions of figures name the pattern.
    assert sum(HOSTILE in words for words in told) > len(pictures) / 2
    assert all(words in text for words in told)


def test_browser_runs_the_script_of_the_page_and_no_other(
    small: tuple[Experiment, Path, Path],
) -> None:
    text = small[2].read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digests = re.findall(r"script-src 'sha256-([^']*)'", text)
    assert digests == [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]


def test_edit_of_any_template_makes_the_report_again() -> None:
    # The workflow hashes the templates that the module names.
    code = Path(str(report.__file__)).read_text(encoding="utf-8")
    templates = list((Path(str(report.__file__)).parent / "templates").iterdir())
    assert len(templates) > 5
    for template in templates:
        assert template.suffix == ".j2"
        assert f'"{template.name}"' in code


def test_a_page_is_never_older_than_its_figures(
    small: tuple[Experiment, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, results, output = small
    page, told = tmp_path / "index.html", tmp_path / "README.md"
    for file in (page, told):
        shutil.copy(output.parent / file.name, file)
    with pytest.raises(MechcoreError, match="metrics"):
        write_report(experiment, tmp_path / "nothing", page)
    assert page.is_file()
    assert told.is_file()

    def fails(*_: object) -> None:
        raise MechcoreError("the disk is full")

    monkeypatch.setattr(report, "write_data", fails)
    with pytest.raises(MechcoreError, match="the disk is full"):
        write_report(experiment, results, page)
    assert (tmp_path / "speed-dct.svg").is_file()
    assert not page.exists()
    assert not told.exists()
    assert gc.get_freeze_count() == 0


def test_a_page_that_is_a_folder_is_told_before_anything_is_drawn(
    small: tuple[Experiment, Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(MechcoreError, match="it is a folder"):
        write_report(small[0], small[1], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_films_that_failed_are_told_with_the_stages(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    lines = {"films/dct-relu-k3": "mechcore: no memory", "films/dct-tanh-k3": "mechcore: no memory"}
    lines |= {"films/dct-gelu-k3": "mechcore: interrupted", "judge": "mechcore: no column"}
    for name, line in lines.items():
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / f"{name}.log").write_text(f"{line}\n")
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "dct-tanh-k3.nc").write_text("made since")
    failed = stage_failures(tmp_path, logs)
    assert [one.cell for one in failed] == ["film dct-relu-k3", "judge"]
    assert failed[0].reason == "mechcore: no memory"
    assert failed[0].log == logs / "films" / "dct-relu-k3.log"


def test_partial_grid_gives_a_report_that_says_so(
    small: tuple[Experiment, Path, Path], tmp_path: Path
) -> None:
    experiment, results, _ = small
    shutil.copytree(results / "trajectories", tmp_path / "trajectories")
    for name in ("dct-relu-k2", "dct-modulus-k3"):
        (tmp_path / "trajectories" / f"{name}.nc").unlink()
    log = tmp_path / "logs" / "simulate" / "dct-modulus-k3.log"
    log.parent.mkdir(parents=True)
    log.write_text("mechcore: no memory <left>\n", encoding="utf-8")
    output = tmp_path / "report" / "index.html"
    write_report(experiment, tmp_path, output, tmp_path / "logs", partial=True)
    page = Page(output.read_text(encoding="utf-8"))
    assert "Partial grid: 2 of 4 cells" in page.text
    states = {tile["aria-label"]: tile for tile in page.tiles}
    assert set(states) == {
        "dct relu k = 2: missing",
        "dct relu k = 3: done",
        "dct modulus k = 2: done",
        "dct modulus k = 3: failed",
    }
    assert states["dct modulus k = 3: failed"]["data-note"] == "mechcore: no memory <left>"
    # Controls and films were not run there.
    assert "nothing to play" in page.text
    assert page.scripts == [""]


def test_controls_that_moved_are_told_at_the_top(small: tuple[Experiment, Path, Path]) -> None:
    evidence = Results.load(small[0], small[1])
    drift = Figure("largest drift", 0.731, "px", "controls.nc")
    claims = [
        Claim("C1", "claim", "One.", [], "A test.", NOT_YET_MEASURED, "needs more", "", []),
        Claim("N1", "control", "Two stays.", [drift], "A test.", MOVED, "not for relu", "", []),
    ]
    page = Page(render(evidence, Content(claims, [], {})))
    start = page.text.index("CONTROL MOVED")
    assert start < page.text.index("How convolution kernels move information", start)
    banner = page.text[start : start + 400]
    assert all(told in banner for told in ("Two stays.", "0.731 px", "not for relu"))
    assert "0 of 1 controls at rest" in page.text


def test_every_claim_is_a_row_with_its_data(small: tuple[Experiment, Path, Path]) -> None:
    page = Page(small[2].read_text(encoding="utf-8"))
    claims = read_claims(small[1] / "claims.json")
    assert len(claims) > 10
    for claim in claims:
        assert claim.statement in page.text
        assert claim.test in page.text
        assert not claim.section or f"#{claim.section}" in page.links
    assert {"metrics.csv", "controls.csv", "claims.json", "models.csv"} <= set(page.links)


def test_tables_show_the_fits(small: tuple[Experiment, Path, Path]) -> None:
    evidence = Results.load(small[0], small[1])
    told = {chapter.name: chapter for chapter in chapters(evidence)}
    fits = evidence.regressions
    fit = fits[(fits.cell == "dct-relu-k3") & (fits.pattern == "disc")]
    fit = fit[(fit.predictor == "beta") & (fit.domain == "all beta")].iloc[0]
    table = next(one for one in told["regressions"].tables if one.title.startswith("Speed on β"))
    row = next(row for row in table.rows if row[:2] == ["dct-relu-k3", "disc"])
    assert row[2] == with_error(fit.slope, fit.slope_se)
    for chapter in told.values():
        assert chapter.tables
        for one in chapter.tables:
            assert {len(row) for row in one.rows} == {len(one.headings)}
            assert sum(group.span for group in one.groups) in (0, len(one.headings))


def test_long_tables_keep_what_stands_for_the_rest(
    small: tuple[Experiment, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = Results.load(small[0], small[1])
    monkeypatch.setattr(statistics, "MOST_ROWS", 4)
    for chapter in chapters(evidence):
        if chapter.name != "pooled":
            assert all("dct, k = 3" in table.title for table in chapter.tables)
            assert all(len(table.rows) == 4 for table in chapter.tables)


def test_large_tables_stay_among_the_results(
    small: tuple[Experiment, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = Results.load(small[0], small[1])
    sizes = {name: getattr(evidence, name).size for name in TABLES}
    smallest, *_, largest = sorted(sizes, key=lambda name: sizes[name])
    monkeypatch.setattr(data_files, "MOST_VALUES", sizes[largest] - 1)
    (tmp_path / f"{largest}.csv").write_text("of an earlier grid", encoding="utf-8")
    places = data_files.write_data(evidence, [], tmp_path)
    assert (tmp_path / places[f"{largest}.csv"]).samefile(small[1] / f"{largest}.csv")
    assert not (tmp_path / f"{largest}.csv").exists()
    assert places[f"{smallest}.csv"] == f"{smallest}.csv"


def test_heaviest_figures_are_shown_as_images(small: tuple[Experiment, Path, Path]) -> None:
    drawn = [
        Drawn("speed", small[2].parent / stem, raster=False, alt="", caption="", width=1)
        for stem in ("speed-dct", "energy-dct")
    ]
    light = shown_files(drawn)
    assert [file.suffix for file in light.values()] == [".svg", ".svg"]
    heavy = shown_files(drawn, most=sum(file.stat().st_size for file in light.values()) - 1)
    assert [file.suffix for file in heavy.values()] == [".png", ".svg"]


def test_film_keeps_the_states(small: tuple[Experiment, Path, Path]) -> None:
    evidence = Results.load(small[0], small[1])
    told = films.film_data(evidence)
    assert told is not None
    film = evidence.films["dct-modulus-k3"]
    sprite = told["films"][1]["sprite"].partition(",")[2]
    sheet = np.asarray(Image.open(BytesIO(base64.b64decode(sprite))))
    row, column = 7, len(told["layers"]) - 1
    height, width = told["height"], told["width"]
    frame = sheet[row * height :, column * width :][:height, :width]
    state = film.snapshot.isel(pattern=0, angle=0, beta=row, snapshot_t=-1).values
    top = int(told["top"][-1] - film.snapshot_y.values[0, -1])
    left = int(told["left"][-1] - film.snapshot_x.values[0, -1])
    shares = state[top : top + height, left : left + width] / state.max()
    # Half a step of the 255 in which a frame is kept.
    np.testing.assert_allclose(frame / 255, shares, atol=0.5 / 255 + 1e-6)
    # What was cropped is less than half a step.
    assert (state > state.max() * 0.5001 / 255).sum() == (frame > 0).sum()


def test_film_of_states_with_both_signs_has_zero_in_the_middle() -> None:
    states = np.array([[[-2.0, 0.0, 1.0]], [[np.nan, np.nan, np.nan]]])
    assert films.quantised(states, signed=True).tolist() == [[[1, 128, 192]], [[128, 128, 128]]]


def test_commands_name_every_setting_that_is_not_the_default() -> None:
    plan = load_experiment(
        SMALL
        | {"boundary": "wrap", "domain": 33, "seed": 7, "normalise": "peak", "t_burn": 4}
        | {"patterns": ["disc", {"name": "gaussian", "sigma": 2.0}]}
    )
    told = coverage.commands(plan)
    words = told.alone.replace("\\\n", " ").split()
    pairs = dict(pairwise(words))
    assert pairs["--boundary"] == "wrap"
    assert pairs["--domain"] == "33"
    assert pairs["--seed"] == "7"
    assert pairs["--normalise"] == "peak"
    assert pairs["--t-burn"] == "4"
    assert pairs["--engine"] == "reference"
    assert "--density" not in pairs
    assert told.patterns == {"disc": "disc", "gaussian-sigma2": ""}
    assert coverage.template_cell(plan) == "{family}-{activation}-k{size}-wrap"


def test_page_holds_the_configuration_that_repeats_it(
    small: tuple[Experiment, Path, Path],
) -> None:
    experiment, _, output = small
    page = Page(output.read_text(encoding="utf-8"))
    assert load_experiment(yaml.safe_load(config_text(experiment))) == experiment
    assert config_text(experiment) in page.text
    assert "arguments" not in config_text(experiment)
    assert "snakemake -c2 --configfile config/small.yaml" in page.text
    for version in provenance.library_versions().values():
        assert version in page.text


def test_a_report_that_is_made_again_is_no_local_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, page = tmp_path / "mechcore" / "__init__.py", tmp_path / "reports" / "README.md"
    for path in (code, page):
        path.parent.mkdir()
        path.write_text("one")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "PACKAGE", code.parent)
    page.unlink()
    assert provenance.git_is_dirty() is False
    code.write_text("two")
    assert provenance.git_is_dirty() is True


def test_report_outside_version_control_says_so(
    small: tuple[Experiment, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = Results.load(small[0], small[1])
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    assert provenance.git_commit() is None
    assert provenance.git_is_dirty() is None
    assert "outside version control" in render(evidence, Content([], [], {}))


def test_preview_of_a_cell_is_written(small: tuple[Experiment, Path, Path], tmp_path: Path) -> None:
    cell = expand(small[0])["dct-relu-k3"]
    files = save(cell_preview(simulate(cell)), tmp_path / "preview")
    assert [file.name for file in files] == ["preview.png", "preview.svg"]
    assert all(file.stat().st_size > 1000 for file in files)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.58516, 0.0271, "0.585 ± 0.027"),
        (-1.5, 0.25, "−1.50 ± 0.25"),
        (123.4, 31.0, "123 ± 31"),
        (0.5, 0.0, "0.500000 ± 0.000000"),
        (np.nan, np.nan, "–"),
        (0.5, np.nan, "0.5"),
    ],
)
def test_digits_follow_the_error(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-3.0, "−3"),
        (np.inf, "∞"),
        (1.5e12, "1.5 × 10¹²"),
        (0.123456, "0.1235"),
    ],
)
def test_numbers_without_an_error_keep_four_digits(value: float, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize(
    "patterns",
    [["delta", {"name": "disc", "radius": 3}], [{"name": "gaussian", "sigma": 2.0}], ["image.npy"]],
    ids=str,
)
def test_the_configuration_of_the_page_fits_the_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patterns: list[object]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("image.npy", np.ones((3, 3)))
    plan = load_experiment(SMALL | {"filter_banks": []} | {"patterns": patterns})
    written = yaml.safe_load(config_text(plan))
    assert written["patterns"] == patterns
    assert load_experiment(written) == plan
    jsonschema.validate(written, json.loads((PROJECT / "config" / "schema.json").read_text()))


def test_a_sentence_begins_with_a_capital_but_not_a_sign() -> None:
    assert [sentence(text) for text in ("", "all", "β ≤ β*")] == ["", "All", "β ≤ β*"]
