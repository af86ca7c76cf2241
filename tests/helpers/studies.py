"""Small trainings: their settings, examples, and studies whose numbers are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mechcore.experiment.training import Learning, Training, TrainingRun, planned_runs
from mechcore.training.data import Data, Part, load_data
from mechcore.training.initialisation import initial_coefficients
from mechcore.training.mechanics import layer_mechanics
from mechcore.training.trajectory import write_training

RUN: dict[str, Any] = {
    "architecture": "plain",
    "size": 3,
    "activation": "relu",
    "restriction": "all",
    "initialisation": "he",
    "seed": 0,
    "epochs": 2,
    "width": 3,
    "depth": 2,
}

STUDY: dict[str, Any] = {
    "initialisations": ["he", "even"],
    "cuts": [1, 3, 9],
    "seeds": 3,
    "epochs": 2,
    "epochs_after_cut": 2,
    "width": 3,
    "depth": 2,
}

KEPT = {1: 0.5, 3: 0.95, 9: 1.0}
"""Of the accuracy above chance in a made-up study, by components."""


def training_run(**changes: object) -> TrainingRun:
    return TrainingRun.model_validate(RUN | changes)


def few_digits(examples: int = 200) -> Data:
    train, test = load_data(Learning())
    assert train.labels is not None
    return Data(Part(train.images[:examples], train.labels[:examples]), test)


def make_study(folder: Path, training: Training) -> None:
    """Write trajectories, weights and cards of a study that nobody trained."""
    data = load_data(training)
    for run in planned_runs(training).values():
        weights, history = _made_up(run, data)
        write_training(run, data, weights, history, folder / f"{run.id}.nc")


def _made_up(run: TrainingRun, data: Data) -> tuple[dict[str, Any], dict[str, Any]]:
    generator = np.random.default_rng(run.seed)
    kernels = [initial_coefficients(run, 3, 2, generator) for _ in range(run.depth)]
    steps = np.linspace(0.0, 1.0, run.epochs + 1)
    end = 0.9 * KEPT[int(run.cut or 9)] + 0.01 * generator.standard_normal()
    layers = [layer_mechanics(layer) for layer in kernels]
    history = {
        name: np.repeat(np.stack([layer[name] for layer in layers])[np.newaxis], len(steps), axis=0)
        for name in layers[0]
    }
    # A network that was cut was trained before.
    start = 0.5 if run.cut else 0.0
    history |= {"score": data.chance + (end - data.chance) * (start + (1 - start) * steps)}
    history |= {name: np.exp(-steps) for name in ("train_loss", "test_loss")}
    weights = {f"conv{number}.weight": layer for number, layer in enumerate(kernels, start=1)}
    return weights, history
