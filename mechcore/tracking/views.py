"""A saved view of MLflow's page of an experiment: its cells as parallel coordinates.

MLflow documents no format of views. It keeps them as tags of the experiment, in the form that is
written here; a test opens one in a browser.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from mechcore.report.cells import AS_RUNS
from mechcore.tracking.runs import TrackedRun

KEY = "mechcore-cells"
VIEW_TAG = f"mlflow.sharedViewState.{KEY}"

VIEW = f"{AS_RUNS}&viewStateShareKey={KEY}&compareRunsMode=CHART"
"""Ends the address of the page that shows the view."""

PARAMS = ("kernel", "activation", "size")
METRICS = ("beta_star", "speed_max", "law_miss")
"""Parts of the names of metrics; an axis shows the first that has a part. The last one colours."""

MOST_RUNS = 100
"""MLflow loads no more at once."""

NEVER = 0
"""When a view was changed by a person, in ms since 1970: ours was not."""


def cells_view(search: str, runs: Sequence[TrackedRun]) -> dict[str, str]:
    """Return the tags of an experiment that make its view."""
    cells = [run for run in runs if run.kind == "cell" and run.metrics]
    chart = {
        "type": "PARALLEL",
        "uuid": KEY,
        "metricSectionId": KEY,
        "selectedParams": _params(cells),
        "selectedMetrics": _metrics(cells),
        "showAllRuns": True,
        "runsCountToCompare": MOST_RUNS,
        "isGenerated": False,
        "deleted": False,
    }
    section = {"uuid": KEY, "name": "Cells", "display": True, "columns": 1}
    state = {
        "searchFilter": search,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": [chart],
        "compareRunSections": [section],
    }
    view = {"name": "Cells: parallel coordinates", "createdAt": NEVER, "updatedAt": NEVER}
    return {VIEW_TAG: json.dumps(view | {"state": json.dumps(state)})}


def is_ours(tag: str) -> bool:
    """Return whether no person has changed the view."""
    return bool(json.loads(tag)["updatedAt"] == NEVER)


def _params(cells: Sequence[TrackedRun]) -> list[str]:
    """What differs between cells."""
    return [name for name in PARAMS if len({run.params[name] for run in cells}) > 1]


def _metrics(cells: Sequence[TrackedRun]) -> list[str]:
    """What all cells have: a line needs a value on each axis."""
    known = [_finite(run) for run in cells]
    names = [name for name in known[0] if all(name in other for other in known)] if known else []
    found = [next((name for name in names if part in name), "") for part in METRICS]
    return [name for name in found if name]


def _finite(run: TrackedRun) -> Mapping[str, float]:
    return {name: value for name, value, _ in run.metrics if math.isfinite(value)}
