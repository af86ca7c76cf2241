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
from mechcore.cells import Shared, Size
from mechcore.errors import InvalidValue, MechcoreError, choose
from mechcore.filters.formats import FORMATS, LAYOUTS, bank_name, check_weights
from mechcore.kernels import FAMILIES
from mechcore.settings import Settings, parsed_json, refuse_repeats, validated

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Names of experiments and banks: they become files, so they hold neither slashes nor spaces."""

LARGEST_FILE = 1_000_000
"""A configuration larger than this (bytes) is a mistake."""

UNTRAINED = "-untrained"
"""Ends the name of a bank that holds the weights of a network before training."""

MOST_SIMULATIONS = 10**9
"""A larger grid is refused before it is expanded."""

AXES: dict[str, Mapping[str, object]] = {"kernels": FAMILIES, "activations": ACTIVATIONS}
"""The table behind each axis of the grid that holds names."""


def _accept_paths(schema: dict[str, Any]) -> None:
    """A bank is written as the path of its weights, or as a mapping."""
    schema["items"] = {"anyOf": [{"type": "string"}, schema["items"]]}


class FilterBank(Settings):
    """The weights of a trained network."""

    weights: str = Field(description=f"file: {', '.join(FORMATS)}")
    name: str | None = Field(default=None, description="name of the bank; that of the file")
    layout: str = Field(default="auto", description="order of the axes: auto, torch or keras")
    untrained: str | None = Field(
        default=None, description="file of the same network before training, to compare with"
    )

    @field_validator("weights", "untrained")
    @classmethod
    def _is_a_weight_file(cls, value: str | None, info: Any) -> str | None:
        if value is not None:
            if set(value) & set("{}"):
                # Snakemake would read a wildcard in it.
                raise InvalidValue(info.field_name, value, "a path without braces")
            check_weights(Path(value), info.field_name)
        return value

    @field_validator("layout")
    @classmethod
    def _known_layout(cls, value: str) -> str:
        choose(LAYOUTS, "layout", value)
        return value

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        _check_name("name of the bank", self.label)
        return self

    @property
    def label(self) -> str:
        """Name of the bank: as given, or that of the file without its suffix."""
        return bank_name(Path(self.weights)) if self.name is None else self.name

    @property
    def names(self) -> list[str]:
        """Names of the banks that it makes: that of the trained weights comes first."""
        return [self.label] if self.untrained is None else [self.label, self.label + UNTRAINED]


class TrackingSettings(Settings):
    """What MLflow is told besides cells, banks and the sweep."""

    per_simulation: bool = Field(
        default=False,
        description="a run for every simulation, in an experiment of its own: 20 ms and 10 kB each",
    )


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
    filter_banks: list[FilterBank] = Field(
        default=[],
        description="weight files of trained networks, whose kernels are analysed and run",
        json_schema_extra=_accept_paths,
    )
    slices_per_layer: int = Field(
        default=32, ge=1, le=100_000, description="kernels of each layer that run, by energy"
    )

    track: TrackingSettings = Field(
        default=TrackingSettings(), description="what is logged to MLflow"
    )

    def without_tracking(self) -> Self:
        """Return what the results depend on: no other job runs again for a view of them."""
        return self.model_copy(update={"track": TrackingSettings()})

    def without_banks(self) -> Self:
        """Return the grid alone: what does not read banks need not run again for them."""
        grid = self.without_tracking()
        return grid.model_copy(update={"filter_banks": [], "slices_per_layer": 1})

    @field_validator("experiment")
    @classmethod
    def _is_a_folder_name(cls, value: str) -> str:
        _check_name("experiment", value)
        return value

    @field_validator("filter_banks", mode="before")
    @classmethod
    def _banks_by_path(cls, value: object) -> object:
        if not isinstance(value, list):
            return [] if value is None else value
        return [{"weights": bank} if isinstance(bank, str) else bank for bank in value]

    @field_validator("kernels", "activations")
    @classmethod
    def _known_names(cls, value: list[str], info: Any) -> list[str]:
        for name in value:
            choose(AXES[info.field_name], info.field_name, name)
        refuse_repeats(info.field_name, value)
        return value

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        refuse_repeats("sizes", self.sizes)
        names = [name.casefold() for bank in self.filter_banks for name in bank.names]
        refuse_repeats("filter_banks", names)
        axes = (self.kernels, self.activations, self.sizes, self.patterns, self.angles, self.betas)
        count = math.prod(len(axis) for axis in axes)
        if count > MOST_SIMULATIONS:
            raise InvalidValue("the grid", f"{count} simulations", f"at most {MOST_SIMULATIONS}")
        return self


def _check_name(key: str, value: str) -> None:
    if not NAME.fullmatch(value):
        raise InvalidValue(key, value, "letters, digits, dots, dashes and underscores, at most 64")


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
