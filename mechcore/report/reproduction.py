"""How to make the results again: configuration, commit and versions."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from mechcore.experiment.cell import PatternSettings
from mechcore.experiment.config import Experiment
from mechcore.io import environment as provenance


@dataclass(frozen=True)
class Provenance:
    """What made the results."""

    commit: str | None
    dirty: bool | None
    versions: dict[str, str]


def current_provenance() -> Provenance:
    """Return the commit and the versions that run now."""
    return Provenance(
        provenance.git_commit(), provenance.git_is_dirty(), provenance.library_versions()
    )


def _as_written(pattern: PatternSettings) -> object:
    """A pattern as people write it, and the schema wants it."""
    return {"name": pattern.name, **pattern.arguments} if pattern.arguments else pattern.name


def config_text(experiment: Experiment) -> str:
    """Return the resolved configuration as YAML that runs the same experiment."""
    resolved = experiment.to_mapping()
    resolved["patterns"] = [_as_written(pattern) for pattern in experiment.patterns]
    # What names the experiment comes first; the model lists what cells share first.
    first = ("experiment", "kernels", "activations", "sizes")
    ordered = {key: resolved[key] for key in (*first, *(k for k in resolved if k not in first))}
    text: str = yaml.safe_dump(ordered, sort_keys=False, default_flow_style=None, width=76)
    return text
