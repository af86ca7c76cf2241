"""Extensions of a configuration: found, refused in one line, and named by what uses them."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path

import pytest

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import load_experiment
from mechcore.experiment.controls import control_cells
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from mechcore.experiment.input_files import input_paths
from tests.helpers.experiments import SMALL
from tests.helpers.ideas import IDEAS

pytestmark = pytest.mark.usefixtures("own_entries_only_here")

OWN = SMALL | {
    "extensions": "ideas.py",
    "kernels": ["dct", "tent"],
    "activations": ["relu", "swish"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ideas.py").write_text(IDEAS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def used(cell: Cell) -> list[str]:
    return [name for source in cell.extensions or [] for name in source.entries]


def test_a_cell_names_what_it_uses_and_nothing_else() -> None:
    experiment = load_experiment(OWN)
    assert {name: used(cell) for name, cell in expand(experiment).items()} == {
        "dct-relu-k2": [],
        "dct-swish-k2": ["activations.swish"],
        "tent-relu-k2": ["kernels.tent"],
        "tent-swish-k2": ["activations.swish", "kernels.tent"],
    }
    plain = load_experiment(SMALL)
    assert "extensions" not in plain.to_mapping()
    assert [cell.to_json() for name, cell in expand(plain).items() if name == "dct-relu-k2"] == [
        expand(experiment)["dct-relu-k2"].to_json()
    ]


def test_controls_and_films_know_own_entries_that_the_grid_uses() -> None:
    load_experiment(OWN)
    without = load_experiment(SMALL)
    assert {cell.kernel for cell in control_cells(without)}.isdisjoint({"tent"})
    experiment = load_experiment(OWN)
    cells = control_cells(experiment)
    assert {"tent", "swish"} <= {cell.kernel for cell in cells} | {
        cell.activation for cell in cells
    }
    assert "sine" not in {cell.activation for cell in cells}
    assert all(used(cell) for cell in film_cells(experiment).values() if cell.kernel == "tent")


def test_json_carries_what_was_planned_and_refuses_other_code(folder: Path) -> None:
    text = load_experiment(OWN).to_json()
    assert load_experiment(text).to_json() == text
    assert input_paths(load_experiment(text)) == ["ideas.py"]
    (folder / "ideas.py").write_text(IDEAS.replace("STEEP = 2.0", "STEEP = 3.0"))
    for read, words in ((load_experiment, text), (Cell.from_json, _cell(text))):
        with pytest.raises(MechcoreError, match=r"ideas.py: activations.swish.* the same code as"):
            read(words)


def _cell(experiment: str) -> str:
    names = ("extensions", "betas", "patterns")
    shared = {name: value for name, value in json.loads(experiment).items() if name in names}
    return json.dumps(shared | {"kernel": "tent", "activation": "swish", "size": 3})


def test_a_file_beside_the_configuration_is_found_from_anywhere(folder: Path) -> None:
    config = folder / "study.yaml"
    config.write_text(json.dumps(OWN))
    (folder / "elsewhere").mkdir()
    with chdir(folder / "elsewhere"):
        experiment = load_experiment(config)
        assert input_paths(experiment) == ["../ideas.py"]
        # Jobs read the configuration as JSON.
        assert load_experiment(experiment.to_json()) == experiment


REFUSED = {
    "no such file": ("mine.py", "expected a file in "),
    "no such package": ("numpi", "expected a file that ends in .py, or an installed package"),
    "a file elsewhere": ("../other.py", "expected a file below this folder"),
    "no name": ([3], "expected a Python file or an installed package"),
    "the same names twice": (
        ["ideas.py", "copy.py"],
        "activations.prelu only once, ideas.py has it",
    ),
    "broken code": ("broken.py", "broken.py: NameError: name 'np' is not defined"),
}


@pytest.mark.parametrize(("given", "told"), REFUSED.values(), ids=REFUSED)
def test_other_extensions_are_refused_in_one_line(folder: Path, given: object, told: str) -> None:
    (folder / "copy.py").write_text(IDEAS)
    (folder / "broken.py").write_text("ACTIVATIONS = {'a': np.abs}")
    (folder.parent / "other.py").write_text(IDEAS)
    with pytest.raises(MechcoreError) as error:
        load_experiment(OWN | {"extensions": given})
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_an_installed_package_extends_every_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    info = site / "ripples-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "ripples.py").write_text("import numpy as np\n\ndef ripple(x):\n    return np.sin(x)\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ripples\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mechcore.activations]\nripple = ripples:ripple\n")
    monkeypatch.syspath_prepend(site)
    experiment = load_experiment(SMALL | {"activations": ["relu", "ripple"]})
    cell = expand(experiment)["dct-ripple-k2"]
    assert [source.source for source in cell.extensions or []] == ["ripples"]
    assert Cell.from_json(cell.to_json()) == cell
    # No file of the experiment.
    assert input_paths(experiment) == []


@pytest.mark.parametrize(
    "text", ["import sys; sys.exit(0)", "raise SystemExit", "1 / 0", "def f(:"]
)
def test_a_file_that_does_not_load_is_one_line(folder: Path, text: str) -> None:
    (folder / "ideas.py").write_text(text)
    with pytest.raises(MechcoreError, match=r"ideas\.py: \w+"):
        load_experiment(OWN)


def test_what_a_file_prints_is_no_output_of_a_command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "ideas.py").write_text(f"{IDEAS}\nprint('hello')\n")
    load_experiment(OWN)
    assert capsys.readouterr() == ("", "hello\n")
