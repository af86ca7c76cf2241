"""The configuration of an experiment: one typed model that forbids what it does not know."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from mechcore.activations import ACTIVATIONS
from mechcore.cells import CHOICES, Shared, Size
from mechcore.errors import InvalidValue, MechcoreError, choose
from mechcore.kernels import FAMILIES
from mechcore.settings import parsed_json, refuse_repeats, validated

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Names of experiments: they become folders, so they hold neither slashes nor spaces."""

LARGEST_FILE = 1_000_000
"""A configuration larger than this (bytes) is a mistake."""

MOST_SIMULATIONS = 10**9
"""A larger grid is refused before it is expanded."""


class Experiment(Shared):
    """An experiment: the axes of a grid, and what all its cells share."""

    experiment: str = Field(description="name; a folder of results and of reports carries it")
    kernels: list[str] = Field(
        min_length=1,
        description="kernel families",
        json_schema_extra={"items": {"enum": list(FAMILIES)}},
    )
    activations: list[str] = Field(
        min_length=1,
        description="activations",
        json_schema_extra={"items": {"enum": list(ACTIVATIONS)}},
    )
    sizes: list[Size] = Field(min_length=1, description="kernel sizes k")

    @field_validator("experiment")
    @classmethod
    def _is_a_folder_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise InvalidValue(
                "experiment", value, "letters, digits, dots, dashes and underscores, at most 64"
            )
        return value

    @field_validator("kernels", "activations")
    @classmethod
    def _known_names(cls, value: list[str], info: Any) -> list[str]:
        for name in value:
            choose(CHOICES[info.field_name], info.field_name, name)
        refuse_repeats(info.field_name, value)
        return value

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        refuse_repeats("sizes", self.sizes)
        axes = (self.kernels, self.activations, self.sizes, self.patterns, self.angles, self.betas)
        count = math.prod(len(axis) for axis in axes)
        if count > MOST_SIMULATIONS:
            raise InvalidValue("the grid", f"{count} simulations", f"at most {MOST_SIMULATIONS}")
        return self


def load_experiment(source: str | Path | Mapping[str, object]) -> Experiment:
    """Read and check a configuration.

    Parameters
    ----------
    source : str, Path or mapping
        Path of a YAML file, one line of JSON, or a mapping that was read already.

    Returns
    -------
    Experiment
        The checked configuration.

    Raises
    ------
    MechcoreError
        One line for each mistake: key, value and what is allowed.

    Examples
    --------
    >>> load_experiment({"experiment": "a", "kernels": ["dct"], "activations": ["relu"],
    ...                  "sizes": [2], "betas": {"count": 3}}).betas
    [0.0, 0.5, 1.0]
    """
    if isinstance(source, Mapping):
        return validated(Experiment, source, "config")
    text = str(source)
    if text.lstrip().startswith("{"):
        return validated(Experiment, parsed_json(text, "experiment"), "experiment")
    return validated(Experiment, _read_yaml(Path(source)), text)


def schema_text() -> str:
    """Return the JSON schema of configurations, for editors.

    Returns
    -------
    str
        JSON, indented.

    Examples
    --------
    >>> json.loads(schema_text())["additionalProperties"]
    False
    """
    schema = Experiment.model_json_schema()
    schema["title"] = "mechcore experiment"
    return json.dumps(schema, indent=2) + "\n"


def _read_yaml(path: Path) -> object:
    import yaml

    try:
        if path.stat().st_size > LARGEST_FILE:
            raise MechcoreError(f"{path}: larger than {LARGEST_FILE} bytes, not a configuration")
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise MechcoreError(f"{path}: not a YAML file: {reason[:200]}") from None
