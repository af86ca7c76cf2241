"""The experiments of MLflow: what they hold, and what their descriptions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mechcore.experiment.config import Experiment
from mechcore.experiment.representative import preferred
from mechcore.tracking.runs import (
    KIND_TAG,
    SUPERSEDED_TAG,
    SWEEP_TAG,
    TrackedExperiment,
    TrackedRun,
)
from mechcore.tracking.views import cells_view

PAPER = "[The Mechanics of CNN Filtering with Rectification](https://arxiv.org/abs/2512.24338)"

CELLS = f"tags.`{KIND_TAG}` = 'cell'"
CURRENT = f"tags.`{SUPERSEDED_TAG}` IS NULL"

OWN_NOTE = "*mechcore updates this description; delete this line to keep your own.*"
"""Ends each description of ours: one without it was written by a person."""


def cells_experiment(
    experiment: Experiment, sweep: str, tags: Mapping[str, str], runs: Sequence[TrackedRun]
) -> TrackedExperiment:
    """Return the experiment of MLflow that holds cells, banks and sweeps."""
    size, activation = preferred(experiment.sizes, 3), _usual_activation(experiment)
    current = f"{CELLS} AND {CURRENT}"
    searches = {
        "all current cells": current,
        f"activations at size {size}": f"{current} AND params.size = '{size}'",
        f"sizes under {activation}": f"{current} AND params.activation = '{activation}'",
        "all sweeps": CELLS,
    }
    note = (
        f"How convolution kernels move information, after {PAPER}. **One run is one cell**: "
        "kernel family, activation and size, over all mixing ratios β.\n\n"
        "| to compare | search for |\n|---|---|\n"
        + "".join(f"| {name} | ``{search}`` |\n" for name, search in searches.items())
        + f"\n*Chart view* draws what the search finds; for two sweeps, group by `{SWEEP_TAG}`. "
        "*Views* has all current cells as parallel coordinates."
    )
    view = cells_view(current, runs)
    return TrackedExperiment(experiment.experiment, _ours(note), sweep, tags, runs, view)


def simulations_experiment(
    experiment: Experiment, sweep: str, tags: Mapping[str, str], runs: Sequence[TrackedRun]
) -> TrackedExperiment:
    """Return the experiment of MLflow that holds single simulations."""
    search = f"params.activation = '{_usual_activation(experiment)}' AND {CURRENT}"
    note = (
        f"**One run is one simulation** of the cells of `{experiment.experiment}`. Search for, "
        f"say, ``{search}``, then add a scatter chart of `beta` and `speed` in *Chart view*."
    )
    name = f"{experiment.experiment} simulations"
    return TrackedExperiment(name, _ours(note), sweep, tags, runs)


def trainings_experiment(
    experiment: Experiment, sweep: str, tags: Mapping[str, str], runs: Sequence[TrackedRun]
) -> TrackedExperiment:
    """Return the experiment of MLflow that holds the trained networks."""
    note = (
        f"**One run is one training** of `{experiment.experiment}`, below the run of the study; "
        "the step of its curves is the epoch. To compare initialisations over seeds, three clicks: "
        "*Chart view*, *Group by*, *condition*. A condition is what seeds have in common."
    )
    name = f"{experiment.experiment} trainings"
    return TrackedExperiment(name, _ours(note), sweep, tags, runs)


def _ours(note: str) -> str:
    return f"{note}\n\n{OWN_NOTE}"


def _usual_activation(experiment: Experiment) -> str:
    return preferred(experiment.activations, "relu")
