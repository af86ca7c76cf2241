"""The preview of a cell."""

from __future__ import annotations

from pathlib import Path

from mechcore.experiment.grid import expand
from mechcore.report.figures.style import write_png
from mechcore.report.figures.trajectories import cell_preview
from mechcore.simulation.run import simulate
from tests.helpers.reports import Report


def test_preview_of_a_cell_is_written(small: Report, tmp_path: Path) -> None:
    cell = expand(small.experiment)["dct-relu-k3"]
    write_png(cell_preview(simulate(cell)), tmp_path / "preview.png")
    assert (tmp_path / "preview.png").stat().st_size > 1000
