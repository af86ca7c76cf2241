"""The documentation: what it shows runs, what it names exists, and the site has no warnings."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import typer
import yaml
from markdown_it import MarkdownIt
from snakemake.cli import get_argument_parser

import mechcore
from mechcore.cli import app
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from tests.helpers.experiments import SMALL
from tests.helpers.pages import snippets
from tests.helpers.projects import PROJECT

PAGES = [
    *(PROJECT / "docs").rglob("*.md"),
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md")),
]

CONFIG = SMALL | {
    "experiment": "paper",
    "activations": ["relu"],
    "sizes": [3],
    "betas": {"start": 0, "stop": 1, "count": 51},
}
"""As much of config/paper.yaml as the snippets look at."""


@pytest.fixture
def study(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the results that the pages speak of."""
    (tmp_path / "results").mkdir()
    for name in ("paper", "smoke"):
        (tmp_path / "results" / name).symlink_to(simulated)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    plt.close("all")


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
@pytest.mark.usefixtures("study")
def test_snippets_run(page: str) -> None:
    pytest.importorskip("dask")
    names: dict[str, object] = {}
    for snippet in snippets(page):
        exec(snippet, names)


@pytest.mark.usefixtures("own_entries_only_here")
def test_own_entries_of_the_guide_run(study: Path) -> None:
    entries, use, module = snippets("docs/extend.md")
    (study / "my_ideas.py").write_text(entries)
    exec(use, {})
    load_experiment(yaml.safe_load(snippets("docs/extend.md", "yaml")[0]))
    # It is of Snakemake: tests/workflow/test_modules.py.
    assert module.startswith("module ")


def test_the_grid_of_the_guide_can_run() -> None:
    [grid] = snippets("docs/grid.md", "yaml")
    assert len(expand(load_experiment(yaml.safe_load(grid)))) == 8


def test_formulas_agree_with_the_program() -> None:
    lines = "\n".join(snippets("docs/physics.md"))
    checks = doctest.DocTestParser().get_doctest(lines, {}, "physics.md", None, None)
    assert checks.examples
    outcome = doctest.DocTestRunner().run(checks)
    assert not outcome.failed


def code(page: Path) -> Iterator[str]:
    """The lines of code of a page but for Python; those that a backslash continues are one."""
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        for part in (token, *(token.children or ())):
            if part.type in {"code_block", "fence", "code_inline"} and part.info != "python":
                for line in part.content.replace("\\\n", " ").splitlines():
                    yield line.split(" #")[0]


def calls(program: str) -> Iterator[tuple[str, str]]:
    """Each call of a program in the pages: its first word, and all of it."""
    for page in PAGES:
        for line in code(page):
            for call in re.findall(rf"(?<![\w/.-]){program} (\w[^|&;`]*)", line):
                yield call.split()[0], f"{page.name}: {program} {call}"


def options(call: str) -> set[str]:
    return set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", call))


def test_commands_and_their_options_exist() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    found = list(calls("mechcore"))
    assert len(found) > 50
    for name, call in found:
        assert name in group.commands, call
        parameters = group.commands[name].params
        known = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
        assert options(call) <= known, call


def test_options_of_snakemake_exist() -> None:
    known = set(get_argument_parser()._option_string_actions)
    for _, call in calls("snakemake"):
        assert options(call) <= known, call


def test_targets_of_make_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall("^([a-z-]+):", makefile, re.MULTILINE)
    for name, call in calls("make"):
        assert name in targets or re.match("[A-Z]+=", name), call


def test_all_rules_are_explained() -> None:
    rules = (PROJECT / "workflow" / "rules").glob("*.smk")
    source = "\n".join(path.read_text(encoding="utf-8") for path in rules)
    names = set(re.findall(r"^rule (\w+):|^use rule \w+ as (\w+) with", source, re.MULTILINE))
    page = (PROJECT / "docs" / "workflow.md").read_text(encoding="utf-8")
    assert {first or second for first, second in names} == set(
        re.findall(r"^\| `(\w+)`", page, re.MULTILINE)
    )


def test_a_notebook_leads_from_nothing_to_the_headline_figure_in_few_lines() -> None:
    """`make docs` runs it; here it is counted."""
    page = (PROJECT / "docs" / "start.md").read_text(encoding="utf-8")
    cells = re.findall(r"```{code-cell} ipython3\n(.*?)```", page, re.DOTALL)
    lines = [line for line in "".join(cells).splitlines() if line and line[0] != ":"]
    assert lines[-1].startswith("results.plot(")
    assert len(lines) < 15


def test_the_site_has_no_warnings_and_all_public_names(tmp_path: Path) -> None:
    """Links within the site are checked by Sphinx; notebooks are run by `make docs`."""
    words = ["--quiet", "--fail-on-warning", "--keep-going", "-D", "nb_execution_mode=off"]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, "--conf-dir", "docs", ".", tmp_path / "html"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "html" / "docs" / "api.html").read_text(encoding="utf-8")
    for name in mechcore.__all__:
        assert f'id="mechcore.{name}"' in page
