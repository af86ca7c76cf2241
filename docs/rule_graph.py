"""The rules of the workflow and what each waits for, as a picture: `snakemake --rulegraph`, drawn.

An arrow that others imply is left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import mean

from matplotlib.figure import Figure

PROJECT = Path(__file__).parents[1]

EVERY_RULE = (
    *("--configfile", "config/training.yaml", "config/zoo.yaml"),
    *("--config", "experiment=every-rule", "published=resources/published", "slices_per_layer=2"),
)
"""Settings that together use every rule."""

Graph = dict[str, set[str]]
"""For each rule those that it waits for."""

BOX = {"boxstyle": "round,pad=0.45", "facecolor": "#e8eef7", "edgecolor": "#5b7db1"}
ARROW = {"arrowstyle": "-|>", "color": "#8a8f98", "shrinkA": 0, "shrinkB": 2}


def rule_graph() -> Graph:
    """Ask Snakemake what each rule waits for."""
    words = ["--rulegraph", "dot", "--forceall", *EVERY_RULE]
    planned = subprocess.run(
        [sys.executable, "-m", "snakemake", *words],
        cwd=PROJECT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', planned.stdout))
    graph: Graph = {name: set() for name in names.values()}
    for first, then in re.findall(r"(\d+) -> (\d+)", planned.stdout):
        # A network that is cut waits for the same rule: that it was trained.
        if first != then:
            graph[names[then]].add(names[first])
    return graph


def without_implied(graph: Graph) -> Graph:
    """Leave out each arrow that a longer way replaces."""
    before: Graph = {}
    for rule in TopologicalSorter(graph).static_order():
        before[rule] = graph[rule].union(*(before[other] for other in graph[rule]))
    return {
        rule: {one for one in direct if not any(one in before[other] for other in direct)}
        for rule, direct in graph.items()
    }


def places(graph: Graph) -> dict[str, tuple[float, float]]:
    """Place each rule to the left of all that wait for it, at their mean height."""
    waiting = {rule: {then for then in graph if rule in graph[then]} for rule in graph}
    sorter = TopologicalSorter(waiting)
    sorter.prepare()
    placed: dict[str, tuple[float, float]] = {}
    column = 0
    while ready := sorter.get_ready():
        heights = {rule: mean([placed[then][1] for then in waiting[rule]] or [0]) for rule in ready}
        order = sorted(ready, key=lambda rule: (heights[rule], sorted(graph[rule]), rule))
        for row, rule in enumerate(order):
            placed[rule] = (column, row - (len(ready) - 1) / 2)
        sorter.done(*ready)
        column -= 1
    return placed


def draw(target: Path) -> None:
    """Draw the graph as SVG."""
    graph = without_implied(rule_graph())
    placed = places(graph)
    figure = Figure(figsize=(8.6, 3.6))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    boxes = {
        rule: axes.annotate(rule, at, ha="center", va="center", size=8, bbox=BOX)
        for rule, at in placed.items()
    }
    for rule, direct in graph.items():
        for one in direct:
            ends = {"patchA": boxes[one].get_bbox_patch(), "patchB": boxes[rule].get_bbox_patch()}
            axes.annotate("", placed[rule], placed[one], arrowprops=ARROW | ends)
    # Annotations do not stretch the axes; the margin is for the boxes.
    axes.update_datalim(list(placed.values()))
    axes.margins(0.09)
    axes.autoscale_view()
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target, transparent=True)
