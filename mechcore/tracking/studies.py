"""The experiments of MLflow: what their pages say, show at first, and hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mechcore.experiment.config import Experiment
from mechcore.tracking.runs import KIND_TAG, SUPERSEDED_TAG, SWEEP_TAG, Study, TrackedRun
from mechcore.tracking.views import cell_views, simulation_views, view_tags

PAPER = "[The Mechanics of CNN Filtering with Rectification](https://arxiv.org/abs/2512.24338)"

METRICS = {
    "`delta/speed` (a curve)": "speed of the centre of mass over β, px/layer; step = 1000 β",
    "`delta/slope_celerity`": "px/layer a unit of celerity p/m, with `slope_se`, `r2`, `aic`",
    "`light_speed`": "the fastest that a kernel of this size can move anything, px/layer",
    "`delta/diffusion_coefficient`": "px² a layer at the smallest β; `isotropy` 1 is a disc",
    "`engine_deviation`": "px between the engine that ran and the reference",
}
"""What a person sorts and plots by first; `delta` is the name of a pattern."""


def cells_study(
    experiment: Experiment, sweep: str, tags: Mapping[str, str], runs: Sequence[TrackedRun]
) -> Study:
    """Return the experiment of MLflow that holds cells, banks and sweeps."""
    patterns = [pattern.label for pattern in experiment.patterns]
    views = view_tags(cell_views(patterns, experiment.sizes, experiment.activations))
    return Study(experiment.experiment, _note(experiment), views, sweep, tags, runs)


def simulations_study(
    experiment: Experiment, sweep: str, tags: Mapping[str, str], runs: Sequence[TrackedRun]
) -> Study:
    """Return the experiment of MLflow that holds single simulations."""
    note = (
        f"**One run is one simulation** of the cells of `{experiment.experiment}`. Filter by "
        "parameters, then draw a scatter plot, as of `beta` and `speed`."
    )
    views = view_tags(simulation_views(experiment.patterns[0].label, experiment.activations))
    return Study(f"{experiment.experiment} simulations", note, views, sweep, tags, runs)


def _note(experiment: Experiment) -> str:
    axes: dict[str, Sequence[object]] = {
        "kernels": experiment.kernels,
        "activations": experiment.activations,
        "sizes": experiment.sizes,
        "patterns": [pattern.label for pattern in experiment.patterns],
        "angles": [f"{angle:g}°" for angle in experiment.angles],
        "β": [
            f"{len(experiment.betas)} from {min(experiment.betas):g} to {max(experiment.betas):g}"
        ],
        "layers": [experiment.steps],
    }
    return "\n".join(
        [
            f"How convolution kernels move information, after {PAPER}. **One run is one cell**: "
            "kernel family, activation and size, over all mixing ratios β.",
            "",
            "| axis | values |",
            "|---|---|",
            *(f"| {name} | {', '.join(map(str, values))} |" for name, values in axes.items()),
            "",
            "| metric | meaning |",
            "|---|---|",
            *(f"| {name} | {meaning} |" for name, meaning in METRICS.items()),
            "",
            f"Cells alone: ``tags.`{KIND_TAG}` = 'cell'``; what is current: "
            f"``tags.`{SUPERSEDED_TAG}` IS NULL``; two sweeps: group by `{SWEEP_TAG}`.",
        ]
    )
