"""Files that settings name: images of patterns, weights, and published numbers."""

from __future__ import annotations

from pathlib import Path

from mechcore.experiment.cell import Propagation
from mechcore.experiment.config import Experiment
from mechcore.experiment.published import FILES
from mechcore.experiment.weight_files import parts_of
from mechcore.model.patterns import is_file_name


def input_paths(planned: Propagation) -> list[str]:
    """Return the paths of the files that settings name."""
    patterns = [pattern.name for pattern in planned.patterns if is_file_name(pattern.name)]
    if not isinstance(planned, Experiment):
        return patterns
    banks = planned.filter_banks
    weights = [path for bank in banks for path in (bank.weights, bank.untrained) if path]
    parts = [str(part) for path in weights for part in parts_of(Path(path))[1:]]
    return [*patterns, *weights, *parts, *published_files(planned)]


def published_files(experiment: Experiment) -> list[str]:
    """Return the paths of the files with published numbers, if there are any."""
    folder = experiment.published
    return [] if folder is None else [Path(folder, name).as_posix() for name in FILES]
