"""Saved views of MLflow's pages: what is filtered, sorted, shown as columns and drawn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mechcore.experiment.naming import metric_name
from mechcore.tracking.runs import KIND_TAG, SUPERSEDED_TAG, SWEEP_TAG

VIEW_TAG = "mlflow.sharedViewState."
"""Begins the tags of an experiment that hold its saved views; the key of the view follows."""

CELLS = f"tags.`{KIND_TAG}` = 'cell'"
CURRENT = f"tags.`{SUPERSEDED_TAG}` IS NULL"
"""Conditions: runs of cells, and those that no newer one replaces."""

COLUMNS = ("speed_max", "slope_celerity", "diffusion_coefficient")
"""Metrics of the first pattern that the tables show."""

MOST_PATTERNS = 2
"""Patterns whose curves are drawn: a store takes 5000 characters in a tag."""

LONGEST_TAG = 5000
"""Characters of a tag that a store takes."""

MOST_VIEWS = 1000
"""More than this is a time in ms since 1970, no place in a menu."""

SECTION = "mechcore"

State = dict[str, object]

# Names are made of kernel, activation and size: cells in the order of the grid.
BY_NAME: State = {"orderByKey": "tags.`mlflow.runName`", "orderByAsc": True}

WIDTHS = {"params": 100, "metrics": 155, "tags": 130}
"""Of columns, px: the page itself cuts names of metrics."""


@dataclass(frozen=True)
class View:
    """A saved view."""

    key: str
    """What an address names it by."""
    name: str
    """What the menu "Views" calls it."""
    state: State
    """What the page keeps of it."""
    drawn: bool = False
    """Whether it opens with charts; default: with the table."""


def view_tags(views: Iterable[View]) -> dict[str, str]:
    """Return the tags of an experiment that make views appear in its menu."""
    found = {
        VIEW_TAG + view.key: json.dumps(
            # Times that never change: the same view is the same tag.
            {"name": view.name, "createdAt": place, "updatedAt": place}
            | {"state": json.dumps(view.state), "drawn": view.drawn}
        )
        for place, view in enumerate(views)
    }
    # Labels of patterns can be long: rather no view than no tracking.
    return {name: value for name, value in found.items() if len(value) <= LONGEST_TAG}


def saved_views(tags: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """Return the saved views of an experiment.

    Examples
    --------
    >>> views = saved_views(view_tags([View("mechcore-cells", "Cells", {})]))
    >>> [view["name"] for view in views.values()]
    ['Cells']
    """
    found = {tag: json.loads(tags[tag]) for tag in tags if tag.startswith(VIEW_TAG)}
    return dict(sorted(found.items(), key=lambda view: int(view[1]["createdAt"])))


def is_edited(tag: str) -> bool:
    """Return whether a person saved a view over one of ours.

    Examples
    --------
    >>> tags = view_tags([View("mechcore-cells", "Cells", {})])
    >>> [is_edited(tag) for tag in tags.values()]
    [False]
    """
    try:
        return int(json.loads(tag)["updatedAt"]) > MOST_VIEWS
    except (ValueError, KeyError, TypeError):
        return True


def cell_views(patterns: list[str], sizes: Iterable[int], activations: Iterable[str]) -> list[View]:
    """Return the views of an experiment whose runs are cells.

    Examples
    --------
    >>> [view.name for view in cell_views(["delta"], [2, 3, 5], ["identity", "relu"])]
    ['Cells', 'Activations at size 3', 'Sizes under relu', 'Sweeps']
    """
    size, activation = _usual(3, sorted(sizes)), _usual("relu", sorted(activations))
    alike = f"{CELLS} AND {CURRENT}"
    curves = _curves(patterns[:MOST_PATTERNS])
    return [
        View("mechcore-cells", "Cells", _table(alike, patterns[0]) | curves),
        View(
            "mechcore-activations",
            f"Activations at size {size}",
            _table(f"{alike} AND params.size = '{size}'", patterns[0]) | curves,
            drawn=True,
        ),
        View(
            "mechcore-sizes",
            f"Sizes under {activation}",
            _table(f"{alike} AND params.activation = '{activation}'", patterns[0]) | curves,
            drawn=True,
        ),
        # The same cell of all sweeps on neighbouring lines.
        View(
            "mechcore-sweeps",
            "Sweeps",
            _table(CELLS, patterns[0], "params.`steps`", f"tags.`{SWEEP_TAG}`") | curves,
        ),
    ]


def simulation_views(pattern: str, activations: Iterable[str]) -> list[View]:
    """Return the views of an experiment whose runs are simulations."""
    activation = _usual("relu", sorted(activations))
    where = f"params.activation = '{activation}' AND params.pattern = '{pattern}'"
    axes = {
        axis: {"key": key, "type": "METRIC"}
        for axis, key in {"xaxis": "beta", "yaxis": "speed"}.items()
    }
    state = {
        # The page draws the first hundred runs that match.
        "searchFilter": f"{where} AND {CURRENT}",
        "runsHiddenMode": "SHOW_ALL",
        **BY_NAME,
        **_section("Single simulations", [{"type": "SCATTER", **axes}]),
    }
    return [View("mechcore-speeds", f"Speed over β, {pattern}, {activation}", state, drawn=True)]


def _usual(wanted: object, there: Sequence[object]) -> object:
    """What the paper shows, else the one in the middle."""
    return wanted if wanted in there else there[len(there) // 2]


def _table(condition: str, pattern: str, *more: str) -> State:
    """What a page that lists cells keeps: their axes first, when they ran last."""
    metrics = [*(metric_name(pattern, name) for name in COLUMNS), "light_speed"]
    axes = ["params.`activation`", "params.`size`", *more]
    columns = [*axes, *(f"metrics.`{name}`" for name in metrics)]
    return {
        "searchFilter": condition,
        **BY_NAME,
        "selectedColumns": columns,
        "columnOrder": ["attributes.`Run Name`", *columns, "runDateAndNestInfo", "duration"],
        "columnWidths": {name: WIDTHS[name.partition(".")[0]] for name in columns},
        "runsHiddenMode": "FIRST_20_RUNS",
    }


def _curves(patterns: Iterable[str]) -> State:
    """Measured and exact speed over β; MLflow draws whatever else there is below."""
    names = [*(metric_name(one, "speed") for one in patterns), "speed_theory"]
    return _section("Over β: step = 1000 β", [_line(name) for name in names])


def _line(name: str) -> Mapping[str, object]:
    return {
        "type": "LINE",
        "metricKey": name,
        "selectedMetricKeys": [name],
        "displayName": name,
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "scaleType": "linear",
        "selectedXAxisMetricKey": "",
        "lineSmoothness": 0,
        "range": {},
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def _section(name: str, charts: Iterable[Mapping[str, object]]) -> State:
    own = {"isGenerated": False, "deleted": False}
    common = {**own, "metricSectionId": SECTION, "runsCountToCompare": 20}
    section = {"uuid": SECTION, "name": name, "display": True}
    return {
        "compareRunCharts": [
            {"uuid": f"{SECTION}-{number}", **common, **chart}
            for number, chart in enumerate(charts)
        ],
        "compareRunSections": [{**section, **own, "isReordered": True}],
        "isAccordionReordered": True,
    }
