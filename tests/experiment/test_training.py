"""The configuration of a study, and the runs that follow from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.experiment.training import TrainingRun, planned_runs, trained_before
from mechcore.io.json_models import validated
from tests.helpers.experiments import SMALL
from tests.helpers.projects import PROJECT

DIGITS = str(PROJECT / "resources" / "banks" / "digits.safetensors")


def runs_of(**training: object) -> dict[str, TrainingRun]:
    return planned_runs(load_experiment(SMALL | {"training": training}).training)


def test_runs_are_the_product_of_the_axes_and_cuts_of_the_first_condition() -> None:
    starts = ["he", {"odd_share": 0.8}, "gradients", {"spectrum": DIGITS}]
    runs = runs_of(
        architectures=["plain", "residual"], initialisations=starts, cuts=[1, 9], seeds=3
    )
    assert len(runs) == 2 * 3 * (4 + 2)
    assert "residual-k3-relu-all-odd0.8-s2" in runs
    cut = runs["plain-k3-relu-all-cut-9-s1"]
    assert (cut.epochs, cut.trainable) == (8, "9")
    assert trained_before(cut) == "plain-k3-relu-all-he-s1"
    for run in runs.values():
        assert validated(TrainingRun, run.to_mapping() | {}, "run") == run


def test_the_study_of_the_project_is_what_its_documents_say() -> None:
    experiment = load_experiment(PROJECT / "config" / "training.yaml")
    runs = planned_runs(experiment.training)
    assert len(runs) == 80
    assert sum(run.cut is not None for run in runs.values()) == 48
    # Jobs that simulate are not run again when the study changes.
    assert experiment.without_banks().training is None


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"architectures": ["vgg"]}, "one of plain, residual"),
        ({"initialisations": ["xavier"]}, "he, even, gradients, or a mapping"),
        ({"initialisations": [{"odd_share": 1.5}]}, "odd_share: 1.5"),
        ({"initialisations": [{"odd_share": 0.5, "components": "3"}]}, "expected one of them"),
        ({"initialisations": [{"spectrum": "none.pt"}]}, "spectrum: 'none.pt'"),
        ({"initialisations": ["he", "he"]}, "each value once"),
        ({"restrictions": [1], "initialisations": [{"odd_share": 0.5}]}, "odd_share: 0.5"),
        ({"restrictions": ["d01"], "initialisations": ["even"]}, "odd_share: 0.0"),
        ({"restrictions": ["d22"], "initialisations": ["gradients"]}, "of restriction d22"),
        ({"initialisations": [{"components": 7}]}, "restriction: '7' is not allowed"),
        ({"cuts": [2]}, "restriction: '2' is not allowed"),
        ({"sizes": [2], "cuts": [9]}, "restriction: '9' is not allowed"),
        ({"seeds": 0}, "seeds: 0 is not allowed, expected at least 1"),
        ({"seeds": 1000, "cuts": [1, 3, 4, 6, 8, 9], "sizes": [3, 5]}, "14000 runs"),
        ({"data": "mnist"}, "digits, photographs, a folder, or a .npz file"),
        ({"published": "nothing.csv"}, "published: 'nothing.csv'"),
        ({"epoch": 3}, "did you mean 'epochs'"),
    ],
)
def test_a_mistake_is_one_line(training: dict[str, object], message: str) -> None:
    with pytest.raises(MechcoreError) as refused:
        runs_of(**training)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_images_of_a_folder_are_inputs(tmp_path: Path) -> None:
    for name in ("b/2.png", "a/1.png", "a/note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    run, *_ = runs_of(data=str(tmp_path)).values()
    assert run.files == [str(tmp_path / "a" / "1.png"), str(tmp_path / "b" / "2.png")]
