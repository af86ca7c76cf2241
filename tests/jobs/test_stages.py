"""Records of the stages: how their files were made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.io.environment import library_versions
from mechcore.io.hashes import file_sha256, settings_sha256
from mechcore.jobs.stages import (
    STAGES,
    Record,
    core_hash,
    record_file,
    recorded_files,
    write_record,
)

EXPERIMENT = load_experiment(
    {
        "experiment": "small",
        "kernels": ["dct"],
        "activations": ["relu"],
        "sizes": [2],
        "betas": [0.0, 1e-05, 1.0],
    }
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Give a folder with files that a command wrote, and their record."""
    for name in STAGES["collect"].files:
        (tmp_path / name).write_text(name, encoding="utf-8")
    files = [tmp_path / name for name in STAGES["collect"].files]
    write_record(record_file(tmp_path, "collect"), "collect", EXPERIMENT, files)
    return tmp_path


def test_a_record_tells_how_files_were_made(results: Path) -> None:
    path = record_file(results, "collect")
    told = Record.model_validate(json.loads(path.read_text(encoding="utf-8")))
    assert told.core_hash == core_hash("collect")
    assert told.config_sha256 == settings_sha256(EXPERIMENT.without_banks().to_mapping())
    assert told.files == {name: file_sha256(results / name) for name in STAGES["collect"].files}
    assert told.library_versions == library_versions()
    assert set(recorded_files(results, "collect", EXPERIMENT)) == {
        *(results / name for name in STAGES["collect"].files),
        path,
    }


def test_a_record_is_the_same_however_the_folder_is_called(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absolute = record_file(results, "collect").read_bytes()
    monkeypatch.chdir(results.parent)
    folder = Path(results.name)
    files = [folder / name for name in reversed(STAGES["collect"].files)]
    write_record(record_file(folder, "collect"), "collect", EXPERIMENT, files)
    assert record_file(results, "collect").read_bytes() == absolute


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "metrics.csv").unlink(), "metrics.csv: missing, expected"),
        (lambda folder: (folder / "kernels.csv").write_text("x"), "kernels.csv: not as mechcore"),
        (lambda folder: record_file(folder, "collect").unlink(), "collect.json: missing"),
        (lambda folder: record_file(folder, "collect").write_text("[]"), "collect.json: "),
    ],
)
def test_a_changed_file_is_noticed(results: Path, change: object, told: str) -> None:
    change(results)  # type: ignore[operator]
    with pytest.raises(MechcoreError) as error:
        recorded_files(results, "collect", EXPERIMENT)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["/etc/hostname", "../secret", "a/../../secret"])
def test_a_record_names_only_files_below_its_folder(results: Path, name: str) -> None:
    path = record_file(results, "collect")
    told = json.loads(path.read_text(encoding="utf-8"))
    told["files"][name] = "0" * 64
    path.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(MechcoreError, match=r"collect\.json: files: .* expected a path below"):
        recorded_files(results, "collect", EXPERIMENT)


def test_no_record_is_written_of_files_elsewhere(results: Path, tmp_path: Path) -> None:
    with pytest.raises(MechcoreError, match=r"files: '\.\./metrics\.csv' is not allowed"):
        write_record(
            record_file(tmp_path / "other", "collect"),
            "collect",
            EXPERIMENT,
            [results / "metrics.csv"],
        )
    assert not (tmp_path / "other").exists()


def test_files_of_other_settings_are_noticed(results: Path) -> None:
    other: Experiment = EXPERIMENT.model_copy(update={"steps": 9})
    with pytest.raises(MechcoreError, match="made with other settings than small has"):
        recorded_files(results, "collect", other)
