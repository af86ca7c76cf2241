"""The configuration that makes the results again."""

from __future__ import annotations

import yaml

from mechcore.experiment.cell import PatternSettings
from mechcore.experiment.config import Experiment

FIRST_KEYS = ("experiment", "kernels", "activations", "sizes")
"""What names the experiment comes first; the model lists first what cells share."""


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
