"""``mechcore filters`` on several files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.cli import main
from mechcore.filters.bank_file import read_analysis
from tests.helpers.weight_files import write_npz, write_safetensors


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for number, run in enumerate(("a", "b")):
        (tmp_path / run).mkdir()
        kernel = np.full((2, 1, 3, 3), number + 1, np.float32)
        write_npz(tmp_path / run / "last.npz", {"conv.weight": kernel, "fc.weight": kernel[0, 0]})
    write_safetensors(tmp_path / "a" / "best", {"conv.weight": np.ones((2, 1, 3, 3), np.float32)})
    (tmp_path / "a" / "notes.txt").write_text("a text")
    return tmp_path


def run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["filters", *map(str, words)])
    return int(ended.value.code or 0)


def test_files_of_one_name_are_written_under_two(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(runs / "*" / "last.npz", "--output", runs / "out") == 0
    written = {path.name: read_analysis(path) for path in (runs / "out").iterdir()}
    energies = {name: analysis.summary.energy[0] for name, analysis in written.items()}
    # Two kernels of nine taps of 1 and of 2.
    assert energies == {"a-last.nc": pytest.approx(18), "b-last.nc": pytest.approx(72)}
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith("last.npz:")] == [
        f"{runs / name / 'last.npz'}:" for name in "ab"
    ]
    assert lines.count("skipped 1: matrix") == 2


def test_a_folder_stands_for_its_weight_files(runs: Path) -> None:
    assert run(runs / "a", "--output", runs / "out") == 0
    assert sorted(path.name for path in (runs / "out").iterdir()) == ["best.nc", "last.nc"]


def test_what_is_refused_does_not_stop_the_others(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [runs / "a" / name for name in ("notes.txt", "best")]
    assert run(*files, "--output", runs / "out") == 2
    assert [path.name for path in (runs / "out").iterdir()] == ["best.nc"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mechcore: notes.txt: starts with b'a text'")
    assert run(runs / "a" / "best", runs / "no", "--output", runs / "again") == 2
    assert not (runs / "again").exists()


def test_only_chosen_tensors_are_read(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = runs / "a" / "last.npz"
    assert run(file, "--exclude", "conv.*") == 2
    assert "1 x excluded (as 'conv.weight')" in capsys.readouterr().err
    assert run(file, "--select", "conv.*") == 0
    assert "skipped 1: not selected" in capsys.readouterr().out


def test_layers_are_written_as_a_table_and_drawn(runs: Path) -> None:
    files = sorted(runs.glob("*/last.npz"))
    outputs = ["--figure", runs / "layers.svg", "--table"]
    assert run(*files, *outputs, runs / "layers.csv") == 0
    assert run(*files, *outputs, runs / "layers.json") == 0
    table = pd.read_csv(runs / "layers.csv")
    assert pd.read_json(runs / "layers.json").shape == table.shape
    assert table.network.tolist() == ["a-last", "b-last"]
    assert table.low_frequency_share_median.tolist() == pytest.approx([1, 1])
    # Two kernels of ones are all DC, which is above any limit.
    assert table.verdict.tolist() == ["dominated"] * 2
    assert "a-last" in (runs / "layers.svg").read_text()


@pytest.mark.parametrize(("option", "name"), [("--table", "t.txt"), ("--figure", "f.pdf")])
def test_other_suffixes_are_refused_before_anything_is_read(
    runs: Path, capsys: pytest.CaptureFixture[str], option: str, name: str
) -> None:
    assert run(runs / "a" / "best", option, runs / name) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{option}: '{Path(name).suffix}' is not allowed, expected one of ." in line


def test_a_series_shows_a_line_for_each_checkpoint(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--series", *sorted(runs.glob("*/last.npz"))) == 0
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["energy", "DC+grad", "DC"]
    assert first.split()[:2] == ["a-last", "18"]
    assert second.split()[:2] == ["b-last", "72"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\0b", r"a\x00b"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines", r"two\nlines"),
        ("\u202eesrever", r"\u202eesrever"),
        *((f"{sign}1+1", rf"\x{ord(sign):x}1+1") for sign in "=@+-"),
        ("\t=1+1", r"\t=1+1"),
    ],
)
def test_names_of_layers_are_shown_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, shown: str
) -> None:
    weights = tmp_path / "=net.safetensors"
    write_safetensors(weights, {name: np.ones((2, 1, 3, 3), np.float32)})
    assert run(weights, "--output", tmp_path / "o.nc", "--table", tmp_path / "t.csv") == 0
    assert shown in capsys.readouterr().out
    assert read_analysis(tmp_path / "o.nc").layers.name.tolist() == [shown]
    table = pd.read_csv(tmp_path / "t.csv")
    assert table.layer.tolist() == [shown]
    assert table.network.tolist() == [r"\x3dnet"]


def test_two_names_that_are_shown_alike_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = np.ones((1, 1, 3, 3), np.float32)
    write_safetensors(tmp_path / "net", {"a\0": kernel, r"a\x00": kernel})
    assert run(tmp_path / "net") == 2
    assert "holds 2 tensors with the name" in capsys.readouterr().err
