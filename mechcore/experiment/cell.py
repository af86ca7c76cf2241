"""A cell of a grid: one kernel family x activation x size, and the values of all other axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, cast, get_args

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from mechcore.engines import ENGINES
from mechcore.engines.rule import LARGEST_WINDOW
from mechcore.engines.trajectories import DENSITIES, QUANTITIES, REGIONS
from mechcore.errors import FORMULA, InvalidValue, check_path, choose, shown
from mechcore.experiment.extensions import Extension, accept_files, used_extensions
from mechcore.experiment.naming import cell_name
from mechcore.io.hashes import file_sha256
from mechcore.io.json_models import KeyOf, Settings, parsed_json, refuse_repeats, validated
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES, DEFAULT_DOMAIN, domain_side
from mechcore.model.geometry import PLACEMENTS
from mechcore.model.kernels import FAMILIES, LARGEST_SEED, LARGEST_SIZE, MIXINGS, checked_size
from mechcore.model.normalisations import NEEDS_DOMAIN, NORMALISATIONS
from mechcore.model.patterns import (
    ALSO,
    PATTERNS,
    Image,
    is_file_name,
    pattern_image,
    pattern_shape,
)

ODD_ENERGY_RATIOS = "odd_energy_ratios"

LIST_OR_RANGE = "a list, or a range as {start: 0, stop: 1, count: 11}"

Angle = Annotated[float, Field(allow_inf_nan=False, ge=-360, le=360)]
Beta = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1)]
Size = Annotated[int, Field(ge=2, le=LARGEST_SIZE)]
Steps = Annotated[int, Field(ge=2, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
KernelName = Annotated[str, KeyOf(FAMILIES, grows=True)]
ActivationName = Annotated[str, KeyOf(ACTIVATIONS, grows=True)]
MixingName = Annotated[str, KeyOf(MIXINGS)]
NormalisationName = Annotated[str, KeyOf(NORMALISATIONS)]
BoundaryName = Annotated[str, KeyOf(BOUNDARIES)]
DensityName = Annotated[str, KeyOf(DENSITIES)]
RegionName = Annotated[str, KeyOf(REGIONS)]
PlacementName = Annotated[str, KeyOf(PLACEMENTS)]
EngineName = Annotated[str, KeyOf(ENGINES)]

AxisName = Literal["boundary", "normalise", "density", "engine", "steps", "seed"]
AXES: tuple[str, ...] = get_args(AxisName)
"""Settings that are axes of a grid where its configuration lists several values."""

MOST_PATTERNS = 1000
MOST_PIXELS_TOGETHER = 10**8
"""Patterns of an experiment and their pixels: a job holds all of them."""

MOST_VALUES = 10**10
"""Numbers of a cell, in its records and images: 80 GB, beyond the memory of a node."""


class PatternSettings(Settings):
    """A test pattern: its name and the arguments that differ from their defaults."""

    name: str = Field(description="delta, disc, gaussian, square, random, or a .npy or .png file")
    arguments: dict[str, int | float] = Field(
        default={}, description="arguments in px, as radius of a disc or sigma of a gaussian"
    )
    region: RegionName | None = Field(
        default=None, description="what is measured, if not the region of the experiment"
    )
    sha256: str | None = Field(default=None, description="of the file; filled in when it is read")

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        # Reads a file.
        self.shape  # noqa: B018
        return self

    @property
    def label(self) -> str:
        """Name with its arguments and its own region, as ``disc-radius4-row``."""
        parts = [self.name, *(f"{key}{value:g}" for key, value in self.arguments.items())]
        return "-".join([*parts, self.region] if self.region else parts)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        self._check_file()
        return pattern_shape(self.name, **self.arguments)

    def image(self) -> Image:
        """Return the image of the pattern; the file must be the one that was configured."""
        self._check_file()
        return pattern_image(self.name, **self.arguments)

    def _check_file(self) -> None:
        if self.sha256 and file_sha256(self.name, "pattern") != self.sha256:
            raise InvalidValue("pattern", self.name, "the same file as when the run was planned")


class SnapshotSettings(Settings):
    """Which states are kept as images."""

    layers: list[int] = Field(default=[], description="layers, from 0 to steps")
    window: int = Field(
        default=129, ge=1, le=LARGEST_WINDOW, description="side of the window in px"
    )


class BetaRange(Settings):
    """Evenly spaced mixing ratios."""

    start: Beta = Field(default=0.0, description="first mixing ratio")
    stop: Beta = Field(default=1.0, description="last mixing ratio")
    count: int = Field(ge=2, le=100_001, description="how many")

    def values(self) -> list[float]:
        """Return the ratios, rounded to 12 digits so that 0.15 is 0.15."""
        return [round(float(beta), 12) for beta in np.linspace(self.start, self.stop, self.count)]


class Turn(Settings):
    """How the kernel of one layer of a schedule is turned."""

    turn: Angle | None = Field(default=None, description="by this angle from that of the cell")
    angle: Angle | None = Field(default=None, description="to this angle, whatever the cell's is")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.turn is None) == (self.angle is None):
            raise InvalidValue("schedule", self.to_mapping(), "either turn or angle, in degrees")
        return self

    def of(self, angle: float) -> float:
        """Return the angle of the kernel in a cell of this angle."""
        return angle + self.turn if self.turn is not None else cast(float, self.angle)


SCHEDULES: dict[str, list[Turn]] = {
    "constant": [Turn(turn=0.0)],
    "alternating": [Turn(turn=0.0), Turn(turn=180.0)],
}
"""Schedules by name."""


def _accept_schedule_names(schema: dict[str, Any]) -> None:
    """A schedule is written as a name, or as a list of turns."""
    as_list = {key: schema.pop(key) for key in ("type", "items", "minItems")}
    schema["anyOf"] = [{"type": "string", "enum": list(SCHEDULES)}, as_list]
    schema["default"] = "constant"


def _accept_pattern_names(schema: dict[str, Any]) -> None:
    """A pattern is written as a name, or as a mapping of name and arguments."""
    arguments = sorted({key for entry in PATTERNS.values() for key in entry.defaults})
    named = {"type": "string", "description": f"{', '.join(PATTERNS)}, or a file"}
    detailed = {
        "type": "object",
        "properties": {"name": named, "region": {"type": "string", "enum": list(REGIONS)}}
        | {key: {"type": "number"} for key in arguments},
        "required": ["name"],
        "additionalProperties": False,
    }
    schema["items"] = {"anyOf": [named, detailed]}
    schema["default"] = ["delta"]


def _accept_range(schema: dict[str, Any]) -> None:
    """The mixing ratios are written as a list, or as start, stop and count."""
    as_list = {key: schema.pop(key) for key in ("type", "items", "minItems") if key in schema}
    as_list = as_list or schema.pop("anyOf")[0]
    schema.pop("default")
    schema["anyOf"] = [as_list, BetaRange.model_json_schema()]


def _accept_list(schema: dict[str, Any]) -> None:
    """Several values are an axis of the grid."""
    keys = ("type", "enum", "minimum", "maximum")
    one = {key: schema.pop(key) for key in keys if key in schema}
    schema["anyOf"] = [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]


class Propagation(Settings):
    """How states go through layers, whatever the kernels are."""

    # First: the names of all others may come from there.
    extensions: list[Extension] | None = Field(
        default=None,
        description="Python files with own kernels, activations and patterns; only those that are "
        "used are kept here",
        json_schema_extra=accept_files,
    )
    patterns: list[PatternSettings] = Field(
        default=[PatternSettings(name="delta")],
        min_length=1,
        description="states at layer 0: names, or mappings of name and arguments",
        json_schema_extra=_accept_pattern_names,
    )
    steps: Steps = Field(default=64, description="layers T", json_schema_extra=_accept_list)
    t_burn: int | None = Field(
        default=None, ge=0, description="first layer of the fits; a quarter of the steps by default"
    )
    normalise: NormalisationName = Field(
        default="l2", description="l2, peak, mass, std or none", json_schema_extra=_accept_list
    )
    boundary: BoundaryName = Field(
        default="free", description="free, zero, wrap or reflect", json_schema_extra=_accept_list
    )
    domain: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description=f"side of a finite domain in px, {DEFAULT_DOMAIN} by default",
    )
    density: DensityName = Field(
        default="absolute",
        description="mass density: absolute |x|, square x^2 or signed x",
        json_schema_extra=_accept_list,
    )
    region: RegionName = Field(
        default="image", description="what is measured: the image, or its central row"
    )
    placement: PlacementName = Field(
        default="centred",
        description="where an even kernel sits: centred between pixels, or in alternating corners "
        "of the next odd size",
    )
    engine: EngineName = Field(
        default="compiled",
        description="compiled, or reference (slow)",
        json_schema_extra=_accept_list,
    )

    @property
    def names(self) -> dict[str, list[str]]:
        """What it uses of the tables that users extend."""
        return {"patterns": [pattern.name for pattern in self.patterns]}

    @property
    def regions(self) -> list[str]:
        """What is measured of each pattern."""
        return [pattern.region or self.region for pattern in self.patterns]

    @model_validator(mode="after")
    def _only_extensions_in_use(self) -> Self:
        self.__dict__["extensions"] = used_extensions(self.names)
        return self

    @field_validator("patterns", mode="before")
    @classmethod
    def _patterns_by_name(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        # A file is read for each.
        if len(value) > MOST_PATTERNS:
            raise InvalidValue("patterns", f"{len(value)} patterns", f"at most {MOST_PATTERNS}")
        return [pattern_settings(item) for item in value]

    @model_validator(mode="after")
    def _layers_fit(self) -> Self:
        refuse_repeats("patterns", [pattern.label for pattern in self.patterns])
        if self.t_burn is not None and self.t_burn >= self.steps:
            raise InvalidValue("t_burn", self.t_burn, f"less than steps, {self.steps}")
        if self.steps - (self.t_burn or 0) < 2:
            raise InvalidValue("t_burn", self.t_burn, "at least three layers left to fit")
        shapes = [pattern.shape for pattern in self.patterns]
        pixels = sum(height * width for height, width in shapes)
        if pixels > MOST_PIXELS_TOGETHER:
            raise InvalidValue("patterns", f"{pixels} px", f"at most {MOST_PIXELS_TOGETHER} px")
        domain_side(self.boundary, self.domain, max(map(max, shapes)))
        if NORMALISATIONS[self.normalise].needs_domain and not BOUNDARIES[self.boundary].finite:
            raise InvalidValue("normalise", self.normalise, NEEDS_DOMAIN)
        return self


class Shared(Propagation):
    """What an experiment and each of its cells have in common."""

    angles: list[Angle] = Field(
        default=[0.0],
        min_length=1,
        description="directions of the odd part in degrees, from +x (right) to +y (down)",
    )
    betas: list[Beta] = Field(
        default=[],
        min_length=1,
        description="mixing ratios from 0 (even) to 1 (odd); a list, or a range",
        json_schema_extra=_accept_range,
    )
    odd_energy_ratios: list[Beta] | None = Field(
        default=None,
        min_length=1,
        description="squares of the mixing ratios, instead of betas; a list, or a range",
        json_schema_extra=_accept_range,
    )
    schedule: list[Turn] = Field(
        default=SCHEDULES["constant"],
        min_length=1,
        description="how the kernels of successive layers are turned, again and again: constant, "
        "alternating (by 180 degrees), or a list",
        json_schema_extra=_accept_schedule_names,
    )
    horizons: list[int] = Field(
        default=[],
        description="numbers of layers T after which the mean speed since layer 0 is taken, as the "
        "paper does; steps by default",
    )
    mixing: MixingName = Field(default="unit", description="unit: rho = beta^2; or linear")
    reuse_symmetric: bool = Field(
        default=True,
        description="run a simulation that is another one turned or mirrored only once",
    )
    seed: Seed = Field(
        default=0, description="seed of the random family", json_schema_extra=_accept_list
    )
    snapshots: SnapshotSettings = Field(
        default=SnapshotSettings(), description="states that are kept as images"
    )

    @property
    def ends(self) -> list[int]:
        """Layers at which mean speeds are taken."""
        return sorted(self.horizons) or [self.steps]

    @field_validator("schedule", mode="before")
    @classmethod
    def _schedule_by_name(cls, value: object) -> object:
        return choose(SCHEDULES, "schedule", value) if isinstance(value, str) else value

    @field_validator("betas", ODD_ENERGY_RATIOS, mode="before")
    @classmethod
    def _from_range(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, Mapping):
            return validated(BetaRange, value, str(info.field_name)).values()
        if isinstance(value, str):
            raise InvalidValue(str(info.field_name), value, LIST_OR_RANGE)
        return value

    @model_validator(mode="after")
    def _betas_from_odd_energy_ratios(self) -> Self:
        ratios = self.odd_energy_ratios
        if ratios is None:
            if not self.betas:
                raise InvalidValue("betas", self.betas, "at least one, or odd_energy_ratios")
            return self
        if self.betas or self.mixing != "unit":
            raise InvalidValue(ODD_ENERGY_RATIOS, ratios, "these or betas, and mixing: unit")
        # From here on they are betas, also in JSON.
        self.__dict__.update(betas=[math.sqrt(ratio) for ratio in ratios], odd_energy_ratios=None)
        return self

    @model_validator(mode="after")
    def _axes_fit(self) -> Self:
        refuse_repeats("angles", [angle % 360 for angle in self.angles])
        refuse_repeats("betas", self.betas)
        refuse_repeats("snapshots.layers", self.snapshots.layers)
        refuse_repeats("horizons", self.horizons)
        for layers in self.horizons:
            if not 1 <= layers <= self.steps:
                raise InvalidValue("horizons", layers, f"layers from 1 to steps, {self.steps}")
        for layer in self.snapshots.layers:
            if not 0 <= layer <= self.steps:
                raise InvalidValue("snapshots.layers", layer, f"a layer from 0 to {self.steps}")
        return self

    @model_validator(mode="after")
    def _fits_into_memory(self) -> Self:
        images = len(self.snapshots.layers) * self.snapshots.window**2
        simulations = len(self.patterns) * len(self.angles) * len(self.betas)
        values = simulations * ((self.steps + 1) * len(QUANTITIES) + images)
        if values > MOST_VALUES:
            raise InvalidValue("a cell", f"{values} numbers", f"at most {MOST_VALUES}")
        return self


class Cell(Shared):
    """One kernel family x activation x size, with the values of all other axes."""

    kernel: KernelName = Field(description="kernel family")
    activation: ActivationName = Field(description="activation")
    size: Size = Field(description="kernel size k")
    varies: list[AxisName] | None = Field(
        default=None, description="settings that are axes of its grid, which its name shows"
    )

    @property
    def id(self) -> str:
        """Readable name, as ``dct-relu-k3``, see `mechcore.experiment.naming.cell_name`."""
        return cell_name(self.kernel, self.activation, self.size, self.boundary, self.axes)

    @property
    def axes(self) -> dict[str, str | int]:
        """Its values of the settings that are axes of its grid."""
        return {name: getattr(self, name) for name in self.varies or []}

    @property
    def names(self) -> dict[str, list[str]]:
        """What it uses of the tables that users extend."""
        return super().names | {"kernels": [self.kernel], "activations": [self.activation]}

    @property
    def simulations(self) -> int:
        """Number of simulations: patterns x angles x betas."""
        return len(self.patterns) * len(self.angles) * len(self.betas)

    @model_validator(mode="after")
    def _family_has_size(self) -> Self:
        checked_size(self.kernel, self.size)
        return self

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a cell from JSON."""
        return validated(cls, parsed_json(text, "cell"), "cell")


def pattern_settings(item: object) -> object:
    """Accept ``disc`` and ``{name: disc, radius: 4}``; the content of a file gets a hash."""
    if isinstance(item, PatternSettings):
        return item
    if isinstance(item, str):
        item = {"name": item}
    if not isinstance(item, Mapping) or "arguments" in item or "sha256" in item:
        return item
    if "name" not in item:
        raise InvalidValue("patterns", item, "a name, as in {name: disc, radius: 3}")
    name = item["name"]
    if not is_file_name(name) and isinstance(name, str):
        choose(PATTERNS, "patterns", name, ALSO)
    arguments = {key: value for key, value in item.items() if key not in ("name", "region")}
    for key, value in arguments.items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InvalidValue(f"pattern {shown(name)}: {shown(key)}", value, "a number")
    settings: dict[str, object] = {key: item[key] for key in ("name", "region") if key in item}
    if arguments:
        settings["arguments"] = arguments
    if isinstance(name, str) and is_file_name(name):
        check_path("patterns", name)
        # It names a row of tables, which spreadsheets open.
        if name.startswith(FORMULA):
            raise InvalidValue("patterns", name, f"another start: ./{name}")
        settings["sha256"] = file_sha256(name, "pattern")
    return settings


def first_fitted_layer(steps: int, t_burn: int | None) -> int:
    """Return the layer from which on trajectories are fitted: a quarter of the steps by default."""
    return steps // 4 if t_burn is None else t_burn
