"""Files that settings name: images of patterns, extensions, weights, and published numbers."""

from __future__ import annotations

from pathlib import Path

from mechcore.experiment.banks import planned_banks
from mechcore.experiment.cell import Propagation
from mechcore.experiment.config import Experiment
from mechcore.experiment.networks import planned_networks
from mechcore.experiment.published import FILES
from mechcore.experiment.training import Training
from mechcore.model.extensions import is_file
from mechcore.model.patterns import is_file_name


def input_paths(planned: Propagation) -> list[str]:
    """Return the paths of the files that settings name."""
    named = [pattern.name for pattern in planned.patterns if is_file_name(pattern.name)]
    named += [used.source for used in planned.extensions or [] if is_file(used.source)]
    if not isinstance(planned, Experiment):
        return named
    weights = [
        path for bank in planned_banks(planned).values() for path in (bank.weights, *bank.parts)
    ]
    networks = [
        path
        for plan in planned_networks(planned).values()
        for path in (plan.network.model, *plan.files)
    ]
    return [
        *named,
        *weights,
        *dict.fromkeys(networks),
        *published_files(planned),
        *_of_training(planned.training),
    ]


def _of_training(training: Training | None) -> list[str]:
    if training is None:
        return []
    spectra = [start.spectrum for start in training.initialisations if start.spectrum]
    return [*training.files, *spectra, *filter(None, [training.published])]


def published_files(experiment: Experiment) -> list[str]:
    """Return the paths of the files with published numbers, if there are any."""
    folder = experiment.published
    return [] if folder is None else [Path(folder, name).as_posix() for name in FILES]
