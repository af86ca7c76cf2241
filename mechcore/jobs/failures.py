"""What failed besides the cells: films, banks, and the stages that follow."""

from __future__ import annotations

from pathlib import Path

from mechcore.experiment.paths import CONTROLS_FILE, TRACKING_FILE
from mechcore.jobs.stages import STAGES
from mechcore.jobs.status import CellState, job_state

BESIDE = {"films": "film", "filters": "bank", "filter_runs": "run of bank"}
"""What runs beside the cells: folders of results and of logs, and how a job is called."""


def stage_failures(results: Path, logs: Path, report: Path | None = None) -> list[CellState]:
    """Return what failed besides the cells: films, banks, and the stages after them.

    Examples
    --------
    >>> stage_failures(Path("nowhere"), Path("nowhere"))
    []
    """
    made = _made(results, report)
    states = [job_state(name, path, logs / f"{name}.log") for name, path in made.items()]
    beside = [state for kind in BESIDE for state in _beside(kind, results, logs)]
    return [state for state in [*beside, *states] if state.state == "failed"]


def _made(results: Path, report: Path | None) -> dict[str, Path]:
    """The file that each stage leaves; its other files come with it."""
    first = {name: results / stage.files[0] for name, stage in STAGES.items() if name != "report"}
    made = {"controls": results / CONTROLS_FILE, **first, "track": results / TRACKING_FILE}
    # The page has a place of its own.
    return made if report is None else made | {"report": report}


def _beside(kind: str, results: Path, logs: Path) -> list[CellState]:
    """The jobs of a kind that were begun: which are planned does not matter where none was."""
    return [
        job_state(f"{BESIDE[kind]} {log.stem}", results / kind / f"{log.stem}.nc", log)
        for log in sorted((logs / kind).glob("*.log"))
    ]
