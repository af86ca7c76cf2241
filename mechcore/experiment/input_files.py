"""Files that settings name: images of patterns, and weights."""

from __future__ import annotations

from mechcore.experiment.cell import Propagation
from mechcore.experiment.config import Experiment
from mechcore.model.patterns import is_file_name


def input_paths(planned: Propagation) -> list[str]:
    """Return the paths of the files that settings name."""
    patterns = [pattern.name for pattern in planned.patterns if is_file_name(pattern.name)]
    banks = planned.filter_banks if isinstance(planned, Experiment) else []
    weights = [path for bank in banks for path in (bank.weights, bank.untrained) if path]
    return [*patterns, *weights]
