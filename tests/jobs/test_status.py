"""The state of jobs, as their files and logs say it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from mechcore.errors import INTERRUPTED
from mechcore.jobs.status import cell_states, print_states, stage_failures

CELLS = {
    "kept": "",
    "done": "warning: slow\n",
    "failed": "Traceback\nRuntimeError: out of luck\n",
    "interrupted": f"{INTERRUPTED}\n",
    "waiting": "",
}
"""What the log of each says."""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for name, text in CELLS.items():
        path = tmp_path / "logs" / "simulate" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("trajectories/done.nc", "finished/kept.nc"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    return tmp_path / "logs"


def printed(results: Path, logs: Path) -> str:
    console = Console(file=StringIO(), width=200)
    states = cell_states(CELLS, results, logs)
    print_states(states, stage_failures(results, logs, results / "page.html"), console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_the_state_of_a_cell_follows_from_its_file_and_its_log(tmp_path: Path, logs: Path) -> None:
    states = {state.cell: state.state for state in cell_states(CELLS, tmp_path, logs)}
    assert states == {name: "done" if name == "kept" else name for name in CELLS}


def test_failed_cells_and_stages_share_a_table(tmp_path: Path, logs: Path) -> None:
    for stage in ("collect", "report"):
        (logs / f"{stage}.log").write_text("mechcore: no memory\n")
    lines = printed(tmp_path, logs).splitlines()
    assert lines[0] == "2 of 5 cells done, 1 failed"
    rows = [line.split() for line in lines if ".log" in line]
    assert [row[0] for row in rows] == ["failed", "collect", "report"]
    assert rows[0][-1] == str(logs / "simulate" / "failed.log")
    assert "interrupted" not in "".join(lines)


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path, logs: Path) -> None:
    (logs / "simulate" / "failed.log").unlink()
    assert printed(tmp_path, logs).splitlines() == [
        "2 of 5 cells done, 0 failed",
        "interrupted: the same command goes on",
    ]


def test_films_that_failed_are_reported_with_the_stages(tmp_path: Path) -> None:
    lines = {"films/dct-relu-k3": "mechcore: no memory", "films/dct-tanh-k3": "mechcore: no memory"}
    lines |= {"films/dct-gelu-k3": "mechcore: interrupted", "judge": "mechcore: no column"}
    (tmp_path / "films").mkdir()
    for name, line in lines.items():
        (tmp_path / f"{name}.log").write_text(f"{line}\n")
    (tmp_path / "films" / "dct-tanh-k3.nc").write_text("made since")
    failed = stage_failures(tmp_path, tmp_path)
    assert [(state.cell, state.reason) for state in failed] == [
        ("film dct-relu-k3", "mechcore: no memory"),
        ("judge", "mechcore: no column"),
    ]
