"""How to make the results again: configuration, commit and versions."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from mechcore.experiment.cell import PatternSettings
from mechcore.experiment.config import Experiment
from mechcore.io.code_state import UNKNOWN, code_state
from mechcore.io.environment import library_versions

FIRST_KEYS = ("experiment", "kernels", "activations", "sizes")
"""What names the experiment comes first; the model lists first what cells share."""


@dataclass(frozen=True)
class Provenance:
    """What made the results; None where it is unknown."""

    commit: str | None
    dirty: bool | None
    versions: dict[str, str]


def current_provenance() -> Provenance:
    """Return the commit and the versions that run now."""
    state = code_state()
    dirty = {"true": True, "false": False}.get(state.dirty)
    return Provenance(None if state.commit == UNKNOWN else state.commit, dirty, library_versions())


def config_text(experiment: Experiment) -> str:
    """Return the configuration with all defaults, as YAML that runs the same experiment."""
    settings = experiment.to_mapping()
    settings["patterns"] = [_pattern(pattern) for pattern in experiment.patterns]
    ordered = {key: settings[key] for key in dict.fromkeys((*FIRST_KEYS, *settings))}
    text: str = yaml.safe_dump(ordered, sort_keys=False, default_flow_style=None, width=76)
    return text


def _pattern(pattern: PatternSettings) -> object:
    """A pattern as people write it."""
    own = {"region": pattern.region} if pattern.region else {}
    detailed = {"name": pattern.name, **pattern.arguments, **own}
    return detailed if len(detailed) > 1 else pattern.name
