"""`mechcore new` makes a folder that runs as it is."""

from __future__ import annotations

from pathlib import Path

from mechcore.cli.new import CONFIG, new_study
from tests.helpers.projects import snakemake
from tests.helpers.refusals import refused


def test_a_new_study_can_be_planned_at_once(tmp_path: Path) -> None:
    study = tmp_path / "my-study"
    new_study(study)
    assert [path.name for path in tmp_path.iterdir()] == ["my-study"]
    ended = snakemake(study, "-n", config=CONFIG)
    assert ended.returncode == 0, ended.stderr
    # Two activations and two sizes.
    assert "simulate" in ended.stdout
    assert "4" in next(line for line in ended.stdout.splitlines() if line.startswith("simulate "))


def test_a_study_replaces_nothing(tmp_path: Path) -> None:
    with refused(f"{tmp_path}: expected a new folder"):
        new_study(tmp_path)
    with refused("expected a new folder in one that exists"):
        new_study(tmp_path / "none" / "study")
    with refused("experiment", "my study"):
        new_study(tmp_path / "my study")
    assert not list(tmp_path.iterdir())
