"""What failed besides the cells."""

from __future__ import annotations

from pathlib import Path

from mechcore.jobs.failures import stage_failures


def test_films_that_failed_are_reported_with_the_stages(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    lines = {"films/dct-relu-k3": "mechcore: no memory", "films/dct-tanh-k3": "mechcore: no memory"}
    lines |= {"films/dct-gelu-k3": "mechcore: interrupted", "judge": "mechcore: no column"}
    for name, line in lines.items():
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / f"{name}.log").write_text(f"{line}\n")
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "dct-tanh-k3.nc").write_text("made since")
    failed = stage_failures(tmp_path, logs)
    assert [state.cell for state in failed] == ["film dct-relu-k3", "judge"]
    assert failed[0].reason == "mechcore: no memory"
    assert failed[0].log == logs / "films" / "dct-relu-k3.log"
