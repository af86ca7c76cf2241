"""The experiments of MLflow: what they hold, and what their descriptions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mechcore.experiment.config import Experiment
from mechcore.experiment.representative import preferred
from mechcore.tracking.runs import (
    KIND_TAG,
    MAX_TEXT,
    SUPERSEDED_TAG,
    SWEEP_TAG,
    TrackedExperiment,
    TrackedRun,
)

PAPER = "[The Mechanics of CNN Filtering with Rectification](https://arxiv.org/abs/2512.24338)"

CELLS = f"tags.`{KIND_TAG}` = 'cell'"
CURRENT_CELLS = f"{CELLS} AND tags.`{SUPERSEDED_TAG}` IS NULL"

METRICS = {
    "`delta/speed` (a curve)": "speed of the centre of mass over β, px/layer; the step is 1000 β",
    "`delta/slope_celerity`": "px/layer per unit of celerity p/m, with `r2` and `aic`",
    "`light_speed`": "the fastest that a kernel of this size can move anything, px/layer",
    "`delta/diffusion_coefficient`": "px² per layer at the smallest β; `isotropy` 1 is a disc",
}
"""What a person sorts and plots by first; `delta` is the name of a pattern."""

OWN_NOTE = "*mechcore updates this description; delete this line to keep your own.*"
"""Ends each description of ours: one without it was written by a person."""


def cells_experiment(
    experiment: Experiment, sweep: str, tags: Mapping[str, str], runs: Sequence[TrackedRun]
) -> TrackedExperiment:
    """Return the experiment of MLflow that holds cells, banks and sweeps."""
    lines = [
        f"How convolution kernels move information, after {PAPER}. **One run is one cell**: "
        "kernel family, activation and size, over all mixing ratios β.",
        *_table(("axis", "values"), _axes(experiment)),
        *_table(("metric", "meaning"), METRICS),
        *_table(("to compare", "search for"), _filters(experiment)),
        "",
        f"*Chart view* draws what the search finds; for two sweeps, group by `{SWEEP_TAG}`.",
    ]
    return TrackedExperiment(experiment.experiment, _note(lines), sweep, tags, runs)


def simulations_experiment(
    experiment: Experiment, sweep: str, tags: Mapping[str, str], runs: Sequence[TrackedRun]
) -> TrackedExperiment:
    """Return the experiment of MLflow that holds single simulations."""
    activation = _usual_activation(experiment)
    search = f"params.activation = '{activation}' AND tags.`{SUPERSEDED_TAG}` IS NULL"
    lines = [
        f"**One run is one simulation** of the cells of `{experiment.experiment}`. Search for, "
        f"say, ``{search}``, then add a scatter chart of `beta` and `speed` in *Chart view*.",
    ]
    return TrackedExperiment(
        f"{experiment.experiment} simulations", _note(lines), sweep, tags, runs
    )


def _note(lines: list[str]) -> str:
    return "\n".join(lines)[:MAX_TEXT] + f"\n\n{OWN_NOTE}"


def _axes(experiment: Experiment) -> dict[str, str]:
    betas = experiment.betas
    axes: dict[str, Sequence[object]] = {
        "kernels": experiment.kernels,
        "activations": experiment.activations,
        "sizes": experiment.sizes,
        "patterns": [pattern.label for pattern in experiment.patterns],
        "angles": [f"{angle:g}°" for angle in experiment.angles],
        "β": [f"{len(betas)} from {min(betas):g} to {max(betas):g}"],
        "layers": [experiment.steps],
    }
    return {name: ", ".join(map(str, values)) for name, values in axes.items()}


def _filters(experiment: Experiment) -> dict[str, str]:
    """What to type into MLflow's search box, by what is then listed."""
    size, activation = preferred(experiment.sizes, 3), _usual_activation(experiment)
    filters = {
        "all current cells": CURRENT_CELLS,
        f"activations at size {size}": f"{CURRENT_CELLS} AND params.size = '{size}'",
        f"sizes under {activation}": f"{CURRENT_CELLS} AND params.activation = '{activation}'",
        "all sweeps": CELLS,
    }
    return {name: f"``{text}``" for name, text in filters.items()}


def _usual_activation(experiment: Experiment) -> str:
    return preferred(experiment.activations, "relu")


def _table(header: tuple[str, str], rows: Mapping[str, str]) -> list[str]:
    lines = [f"| {name} | {text} |" for name, text in rows.items()]
    return ["", f"| {' | '.join(header)} |", "|---|---|", *lines]
