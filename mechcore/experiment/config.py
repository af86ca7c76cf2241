"""The configuration of an experiment: a typed model that refuses unknown keys."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from mechcore.errors import InvalidValue, MechcoreError, check_path, shown
from mechcore.experiment.cell import (
    AXES,
    ODD_ENERGY_RATIOS,
    ActivationName,
    KernelName,
    Shared,
    Size,
)
from mechcore.experiment.extensions import EXTENSIONS, with_extensions
from mechcore.experiment.naming import cell_name, check_name
from mechcore.experiment.network import Network
from mechcore.experiment.overrides import Origin
from mechcore.experiment.public_weights import PublicWeights
from mechcore.experiment.published import read_protocols
from mechcore.experiment.sub_grids import (
    SubGrid,
    check_on_grid,
    check_one_axis_within,
    leave_out,
)
from mechcore.experiment.training import Training
from mechcore.experiment.weight_files import bank_names, check_weights
from mechcore.experiment.weights import SUFFIXES, Reading
from mechcore.io.json_models import Settings, is_json, parsed_json, refuse_repeats, validated
from mechcore.io.yaml_files import read_yaml
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.kernels import FAMILIES, checked_size

UNTRAINED = "-untrained"
"""Ends the name of a bank that holds the weights of a network before training."""

LONGEST_JSON = 120_000
"""Bytes of JSON: Linux takes commands of 128 kB. Longer lists of betas would fail in every job."""

MOST_SIMULATIONS = 10**9
"""A larger grid is refused before it is expanded."""

OWN_KERNELS = "; for one kernel of your own: mechcore propagate, for many: filter_banks"
"""Follows in the message for a file in place of a kernel family."""


def _accept_paths(schema: dict[str, Any]) -> None:
    """A bank is written as the path of its weights, or as a mapping."""
    schema["items"] = {"anyOf": [{"type": "string"}, schema["items"]]}


class FilterBank(Reading):
    """The weights of a trained network."""

    source: PublicWeights | None = Field(
        default=None, description="the package that holds the file, which is fetched if missing"
    )
    weights: str = Field(description=f"file, usually {', '.join(SUFFIXES)}")
    name: str | None = Field(default=None, description="name of the bank; that of the file")
    untrained: str | None = Field(
        default=None, description="file of the same network before training, to compare with"
    )

    @field_validator("weights", "untrained")
    @classmethod
    def _is_a_weight_file(cls, value: str | None, info: Any) -> str | None:
        if value is not None:
            check_path(info.field_name, value)
            # A source that was refused is reported by itself.
            fetched = info.field_name == "weights" and info.data.get("source", "refused")
            if not fetched:
                check_weights(Path(value), info.field_name)
        return value

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        hint = "" if self.name else f"; name it: {{weights: {shown(self.weights)}, name: mynet}}"
        check_name("name of the bank", self.label, hint)
        return self

    def named(self, name: str) -> Self:
        """Return the bank with the name that its place in a list gives it."""
        if self.name is not None:
            return self
        check_name("name of the bank", name)
        return self.model_copy(update={"name": name})

    @property
    def label(self) -> str:
        """Name of the bank: as given, or that of the file without its suffix."""
        return bank_names([self.weights])[0] if self.name is None else self.name

    @property
    def names(self) -> list[str]:
        """Names of its banks: trained weights first."""
        return [self.label] if self.untrained is None else [self.label, self.label + UNTRAINED]


class TrackingSettings(Settings):
    """What MLflow gets besides cells, banks and the sweep."""

    per_simulation: bool = Field(
        default=False,
        description="a run for every simulation, in an experiment of its own: 20 ms and 10 kB each",
    )


class Experiment(Shared):
    """An experiment: the axes of a grid, and what all its cells share."""

    experiment: str = Field(description="name; a folder of results and of reports carries it")
    kernels: list[KernelName] = Field(min_length=1, description="kernel families")
    activations: list[ActivationName] = Field(min_length=1, description="activations")
    sizes: list[Size] = Field(min_length=1, description="kernel sizes k")
    include: list[SubGrid] | None = Field(
        default=None, min_length=1, description="parts of the grid that run; all by default"
    )
    exclude: list[SubGrid] | None = Field(
        default=None, min_length=1, description="parts of the grid that do not run"
    )
    filter_banks: list[FilterBank] = Field(
        default=[],
        description="weight files of trained networks, whose kernels are analysed and run",
        json_schema_extra=_accept_paths,
    )
    slices_per_layer: int = Field(
        default=32,
        ge=0,
        le=100_000,
        description="kernels of each layer that run, by energy; 0 runs none",
    )
    networks: list[Network] = Field(
        default=[], description="whole networks, and the images that they see"
    )
    images_per_set: int = Field(
        default=16, ge=1, le=10_000, description="images of each set that a network sees"
    )
    flipped_networks: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="copies of each network whose kernels are mirrored at random, to compare with",
    )

    training: Training | None = Field(
        default=None, description="networks that are trained, and measured at every epoch"
    )
    published: str | None = Field(
        default=None, description="folder with numbers of the paper, which are computed again"
    )
    track: TrackingSettings = Field(
        default=TrackingSettings(), description="what is logged to MLflow"
    )
    _axes: dict[str, list[Any]] = PrivateAttr(default_factory=dict)
    _domain: int | None = PrivateAttr(default=None)
    """That of finite boundaries among several."""

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values of the settings that are lists; the settings themselves are the first ones."""
        return self._axes

    @property
    def first_values(self) -> dict[str, Any]:
        """Those of its settings that are lists, as its own fields hold them."""
        return {name: getattr(self, name) for name in self._axes}

    @property
    def combinations(self) -> list[Self]:
        """An experiment for each combination of these values; the first is the reference."""
        return [self._at(values) for values in itertools.product(*self._axes.values())]

    @property
    def reference(self) -> Self:
        """The first value of each setting that is a list, which claims are judged by."""
        return self.combinations[0]

    @property
    def setting(self) -> str:
        """The first value of each of these settings, as ``boundary wrap, steps 200``."""
        return ", ".join(f"{name} {value}" for name, value in self.first_values.items())

    def _at(self, values: Iterable[Any]) -> Self:
        """An experiment of one combination; its cells keep their names."""
        settings = dict(zip(self._axes, values, strict=True))
        domain = {}
        if "boundary" in settings:
            finite = BOUNDARIES[settings["boundary"]].finite
            domain = {"domain": self._domain if finite else None}
        one = self.model_copy(update=settings | domain)
        one._axes = {name: [value] for name, value in settings.items()}
        return one

    def cell_name(self, family: str, activation: str, size: int) -> str:
        """Return the name of the cell of the reference."""
        return cell_name(family, activation, size, self.boundary, self.first_values)

    @property
    def names(self) -> dict[str, list[str]]:
        """What it uses of the tables that users extend."""
        return super().names | {"kernels": self.kernels, "activations": self.activations}

    def without_tracking(self) -> Self:
        """Return what the results depend on: tracking is only a view of them."""
        return self.model_copy(update={"track": TrackingSettings()})

    def without_banks(self) -> Self:
        """Return the grid alone, for jobs that read neither banks nor published numbers."""
        beside = {"filter_banks": [], "slices_per_layer": 1, "published": None}
        beside |= {"networks": [], "images_per_set": 1, "flipped_networks": 1, "training": None}
        return self.without_tracking().model_copy(update=beside)

    @model_validator(mode="wrap")
    @classmethod
    def _lists_are_axes(cls, values: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """The first value of each list stands in its place; a list of one is no axis."""
        given = values if isinstance(values, Mapping) else {}
        lists = {name: given[name] for name in AXES if isinstance(given.get(name), list)}
        if not lists:
            return handler(values)
        checked = SubGrid.model_validate(lists).axes
        axes = {name: checked[name] for name in AXES if len(checked.get(name, [])) > 1}
        reference = {**given, **{name: values[0] for name, values in checked.items()}}
        if "boundary" in axes and not BOUNDARIES[reference["boundary"]].finite:
            reference["domain"] = None
        experiment = handler(reference)
        experiment._axes = axes
        experiment._domain = given.get("domain") if "boundary" in axes else None
        return experiment

    @model_serializer(mode="wrap")
    def _axes_as_lists(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        lists = {name: values for name, values in self._axes.items() if len(values) > 1}
        domain = {"domain": self._domain} if "boundary" in lists and self._domain else {}
        return {**handler(self), **lists, **domain}

    @field_validator(*AXES, mode="before")
    @classmethod
    def _no_range(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, Mapping):
            raise InvalidValue(str(info.field_name), value, "one value, or a list of them")
        return value

    @field_validator("experiment")
    @classmethod
    def _is_a_folder_name(cls, value: str) -> str:
        check_name("experiment", value)
        return value

    @field_validator("published")
    @classmethod
    def _holds_published_numbers(cls, value: str | None) -> str | None:
        if value is not None:
            check_path("published", value)
            read_protocols(Path(value))
        return value

    @field_validator("filter_banks", mode="before")
    @classmethod
    def _banks_by_path(cls, value: object) -> object:
        if not isinstance(value, list):
            return [] if value is None else value
        return [{"weights": bank} if isinstance(bank, str) else bank for bank in value]

    @field_validator("filter_banks")
    @classmethod
    def _banks_of_one_file_name(cls, value: list[FilterBank]) -> list[FilterBank]:
        names = bank_names([bank.weights for bank in value])
        return [bank.named(name) for bank, name in zip(value, names, strict=True)]

    @field_validator("kernels", mode="before")
    @classmethod
    def _families_not_files(cls, value: object) -> object:
        for name in value if isinstance(value, list) else []:
            if isinstance(name, str) and name.lower().endswith((".npy", *SUFFIXES)):
                raise InvalidValue("kernels", name, f"a kernel family{OWN_KERNELS}")
        return value

    @field_validator("kernels", "activations")
    @classmethod
    def _no_repeats(cls, value: list[str], info: Any) -> list[str]:
        refuse_repeats(info.field_name, value)
        return value

    @model_validator(mode="after")
    def _has_its_parts(self) -> Self:
        grid = {axis: getattr(self, axis) for axis in SubGrid.model_fields}
        grid |= {axis: self._axes.get(axis, [grid[axis]]) for axis in AXES}
        check_on_grid("include", self.include or [], grid)
        check_on_grid("exclude", self.exclude or [], grid)
        check_one_axis_within("include", self.include or [])
        return self

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        refuse_repeats("sizes", self.sizes)
        for family in self.kernels:
            if not any(FAMILIES[family].has_size(size) for size in self.sizes):
                checked_size(family, self.sizes[0])
        for size in self.sizes:
            if not any(FAMILIES[family].has_size(size) for family in self.kernels):
                checked_size(self.kernels[0], size)
        names = [name.casefold() for bank in self.filter_banks for name in bank.names]
        refuse_repeats("filter_banks", names)
        runs = [name.casefold() for network in self.networks for name in network.run_names]
        refuse_repeats("networks", runs)
        axes = (self.kernels, self.activations, self.sizes, self.patterns, self.angles, self.betas)
        axes += (*self._axes.values(),)
        count = math.prod(len(axis) for axis in axes)
        if count > MOST_SIMULATIONS:
            raise InvalidValue("the grid", f"{count} simulations", f"at most {MOST_SIMULATIONS}")
        length = len(self.to_json().encode())
        if length > LONGEST_JSON:
            raise InvalidValue("the configuration", f"{length} bytes", f"at most {LONGEST_JSON}")
        return self

    @model_validator(mode="after")
    def _combinations_fit(self) -> Self:
        for one in self.combinations[1:]:
            if not leave_out(one, self.include, self.exclude or []):
                shared = {name: getattr(one, name) for name in Shared.model_fields}
                validated(Shared, shared, one.setting)
        return self


def load_experiment(
    source: str | Path | Mapping[str, object],
    origin: Origin | None = None,
    settings: Iterable[str] = (),
) -> Experiment:
    """Read and check a configuration: a mapping, JSON, or the path of a YAML file.

    The origin of a mapping says which files it comes from; ``settings`` as ``sizes=[2,3]`` replace
    those of the file.
    """
    if isinstance(source, Mapping):
        return _checked(source, origin or Origin())
    if is_json(str(source)):
        return _checked(parsed_json(str(source), "experiment"), Origin(name="experiment"))
    values = read_yaml(Path(source))
    if values is None:
        raise MechcoreError(f"{source}: is empty, expected a configuration")
    origin = Origin([Path(source)])
    if isinstance(values, Mapping):
        origin, values = origin.and_settings(values, settings)
    return _checked(values, origin)


def _checked(values: object, origin: Origin) -> Experiment:
    if isinstance(values, Mapping):
        try:
            values = with_extensions(values, origin.folder)
        except MechcoreError as error:
            raise MechcoreError(origin.tell([EXTENSIONS], str(error))) from error
    return validated(Experiment, values, origin.tell)


def schema_text() -> str:
    """Return the JSON schema of configurations, for editors."""
    schema = Experiment.model_json_schema()
    schema["title"] = "mechcore experiment"
    schema["anyOf"] = [{"required": ["betas"]}, {"required": [ODD_ENERGY_RATIOS]}]
    return json.dumps(schema, indent=2) + "\n"
