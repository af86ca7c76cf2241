"""The configuration of an experiment: one typed model that forbids what it does not know."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import BOUNDARIES, DEFAULT_DOMAIN, domain_side
from mechcore.engines import ENGINES
from mechcore.errors import InvalidValue, MechcoreError, choose, did_you_mean, shown
from mechcore.kernels import FAMILIES, LARGEST_SEED, LARGEST_SIZE, MIXINGS
from mechcore.normalisations import NORMALISATIONS
from mechcore.patterns import PATTERNS, Image, file_digest, is_file_name, pattern_image
from mechcore.records import DENSITIES

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Names of experiments: they become folders, so they hold neither slashes nor spaces."""

LARGEST_FILE = 1_000_000
"""A configuration larger than this (bytes) is a mistake."""

MOST_SIMULATIONS = 10**9
"""A larger grid is refused before it is expanded."""

Angle = Annotated[float, Field(allow_inf_nan=False, ge=-360, le=360)]
Beta = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1)]
Size = Annotated[int, Field(ge=2, le=LARGEST_SIZE)]


class Settings(BaseModel):
    """Base of all models: unknown keys and wrong types are errors, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def to_json(self) -> str:
        """Return the settings as one line of JSON that gives the same settings back."""
        return self.model_dump_json(exclude_none=True)


Model = TypeVar("Model", bound=Settings)


class PatternSettings(Settings):
    """A test pattern: its name and the arguments that differ from their defaults."""

    name: str = Field(description="delta, disc, gaussian, square, random, or a .npy or .png file")
    arguments: dict[str, int | float] = Field(
        default={}, description="arguments in px, as radius of a disc or sigma of a gaussian"
    )
    sha256: str | None = Field(default=None, description="of the file; filled in when it is read")

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        self.image()
        return self

    @property
    def label(self) -> str:
        """Name with its arguments, as ``disc-radius4``."""
        return "-".join([self.name, *(f"{key}{value:g}" for key, value in self.arguments.items())])

    def image(self) -> Image:
        """Return the image of the pattern; the file must be the one that was configured."""
        if self.sha256 and file_digest(self.name) != self.sha256:
            raise InvalidValue("pattern", self.name, "the same file as when the run was planned")
        return pattern_image(self.name, **self.arguments)


class SnapshotSettings(Settings):
    """Which states are kept as images."""

    layers: list[int] = Field(default=[], description="layers, from 0 to steps")
    window: int = Field(default=129, ge=1, le=10_000, description="side of the window in px")


class BetaRange(Settings):
    """Evenly spaced mixing ratios."""

    start: Beta = Field(default=0.0, description="first mixing ratio")
    stop: Beta = Field(default=1.0, description="last mixing ratio")
    count: int = Field(ge=2, le=100_001, description="how many")

    def values(self) -> list[float]:
        """Return the ratios, rounded to 12 digits so that 0.15 is 0.15."""
        return [round(float(beta), 12) for beta in np.linspace(self.start, self.stop, self.count)]


def _accept_pattern_names(schema: dict[str, Any]) -> None:
    """A pattern is written as a name, or as a mapping of name and arguments."""
    arguments = sorted({key for entry in PATTERNS.values() for key in entry.defaults})
    named = {"type": "string", "description": f"{', '.join(PATTERNS)}, or a file"}
    detailed = {
        "type": "object",
        "properties": {"name": named} | {key: {"type": "number"} for key in arguments},
        "required": ["name"],
        "additionalProperties": False,
    }
    schema["items"] = {"anyOf": [named, detailed]}
    schema["default"] = ["delta"]


def _accept_range(schema: dict[str, Any]) -> None:
    """The mixing ratios are written as a list, or as start, stop and count."""
    as_list = {key: schema.pop(key) for key in ("type", "items", "minItems")}
    schema["anyOf"] = [as_list, BetaRange.model_json_schema()]


class Shared(Settings):
    """What an experiment and each of its cells have in common."""

    patterns: list[PatternSettings] = Field(
        default=[PatternSettings(name="delta")],
        min_length=1,
        description="states at layer 0: names, or mappings of name and arguments",
        json_schema_extra=_accept_pattern_names,
    )
    angles: list[Angle] = Field(
        default=[0.0],
        min_length=1,
        description="directions of the odd part in degrees, from +x (right) to +y (down)",
    )
    betas: list[Beta] = Field(
        min_length=1,
        description="mixing ratios from 0 (even) to 1 (odd); a list, or a range",
        json_schema_extra=_accept_range,
    )
    steps: int = Field(default=64, ge=3, le=1_000_000, description="layers T")
    t_burn: int | None = Field(
        default=None, ge=0, description="first layer of the fits; a quarter of the steps by default"
    )
    mixing: str = Field(default="unit", description="unit: rho = beta^2; or linear")
    normalise: str = Field(default="l2", description="l2, peak, mass or none")
    boundary: str = Field(default="free", description="free, zero, wrap or reflect")
    domain: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description=f"side of a finite domain in px, {DEFAULT_DOMAIN} by default",
    )
    density: str = Field(default="absolute", description="mass density: absolute |x| or square x^2")
    engine: str = Field(default="compiled", description="compiled, or reference (slow)")
    reuse_symmetric: bool = Field(
        default=True,
        description="run a simulation that is another one turned or mirrored only once",
    )
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED, description="seed of the random family")
    snapshots: SnapshotSettings = Field(
        default=SnapshotSettings(), description="states that are kept as images"
    )

    @field_validator("patterns", mode="before")
    @classmethod
    def _patterns_by_name(cls, value: object) -> object:
        return [_pattern(item) for item in value] if isinstance(value, list) else value

    @field_validator("betas", mode="before")
    @classmethod
    def _betas_from_range(cls, value: object) -> object:
        if isinstance(value, Mapping):
            return validated(BetaRange, value, "betas").values()
        return value

    @field_validator("mixing", "normalise", "boundary", "density", "engine")
    @classmethod
    def _known_choice(cls, value: str, info: Any) -> str:
        choose(CHOICES[info.field_name], info.field_name, value)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _refuse_repeats("patterns", [pattern.label for pattern in self.patterns])
        _refuse_repeats("angles", [angle % 360 for angle in self.angles])
        _refuse_repeats("betas", self.betas)
        if self.t_burn is not None and self.t_burn >= self.steps:
            raise InvalidValue("t_burn", self.t_burn, f"less than steps, {self.steps}")
        if self.steps - (self.t_burn or 0) < 2:
            raise InvalidValue("t_burn", self.t_burn, "at least three layers left to fit")
        _refuse_repeats("snapshots.layers", self.snapshots.layers)
        for layer in self.snapshots.layers:
            if not 0 <= layer <= self.steps:
                raise InvalidValue("snapshots.layers", layer, f"a layer from 0 to {self.steps}")
        _check_domain(self)
        return self


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
        _refuse_repeats(info.field_name, value)
        return value

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        _refuse_repeats("sizes", self.sizes)
        axes = (self.kernels, self.activations, self.sizes, self.patterns, self.angles, self.betas)
        count = math.prod(len(axis) for axis in axes)
        if count > MOST_SIMULATIONS:
            raise InvalidValue("the grid", f"{count} simulations", f"at most {MOST_SIMULATIONS}")
        return self


CHOICES: dict[str, Mapping[str, object]] = {
    "kernels": FAMILIES,
    "activations": ACTIVATIONS,
    "mixing": MIXINGS,
    "normalise": NORMALISATIONS,
    "boundary": BOUNDARIES,
    "density": DENSITIES,
    "engine": ENGINES,
}
"""The table behind each key that holds names."""


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


def validated(model: type[Model], values: object, origin: str) -> Model:
    """Check values against a model.

    Parameters
    ----------
    model : type
        A `Settings` class.
    values : object
        What was read.
    origin : str
        Where it came from, for the message.

    Returns
    -------
    Settings
        The checked model.

    Raises
    ------
    MechcoreError
        One line for each mistake.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        told = "\n".join(_told(model, mistake) for mistake in error.errors())
        lines = [f"{origin}: {line}" for line in told.splitlines()]
        raise MechcoreError("\n".join(dict.fromkeys(lines))) from None


def parsed_json(text: str, origin: str) -> object:
    """Parse JSON, telling a mistake in one line.

    Parameters
    ----------
    text : str
        JSON.
    origin : str
        Where it came from, for the message.

    Returns
    -------
    object
        The value.

    Raises
    ------
    MechcoreError
        If the text is not JSON.

    Examples
    --------
    >>> parsed_json("[1]", "cell")
    [1]
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MechcoreError(f"{origin}: {shown(text)} is not JSON ({error})") from None


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


def _pattern(item: object) -> object:
    """Accept ``disc`` and ``{name: disc, radius: 4}``, and remember the content of a file."""
    if isinstance(item, PatternSettings):
        return item
    if isinstance(item, str):
        item = {"name": item}
    if not isinstance(item, Mapping) or "arguments" in item or "sha256" in item:
        return item
    name = item.get("name")
    if not is_file_name(name) and isinstance(name, str):
        choose(PATTERNS, "patterns", name)
    arguments = {key: value for key, value in item.items() if key != "name"}
    found: dict[str, object] = {"name": name}
    if arguments:
        found["arguments"] = arguments
    if is_file_name(name):
        found["sha256"] = file_digest(str(name))
    return found


def _check_domain(shared: Shared) -> None:
    largest = max(max(pattern.image().shape) for pattern in shared.patterns)
    domain_side(shared.boundary, shared.domain, largest)


def _refuse_repeats(key: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise InvalidValue(key, value, "each value once")
        seen.add(value)


EXPECTED = {
    "missing": "a value",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a name or a mapping of keys",
    "finite_number": "a finite number",
    "too_short": "at least one value",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
}
"""What is allowed, by pydantic's kind of mistake."""


def _known_keys(model: type[BaseModel], location: Sequence[object]) -> list[str]:
    """The keys that exist where an unknown one was found."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is not None and isinstance(field.annotation, type):
            model = field.annotation
    return list(model.model_fields)


def _told(model: type[BaseModel], mistake: Mapping[str, Any]) -> str:
    """One mistake in one line: key, value, what is allowed."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in mistake["loc"])
    key = key.lstrip(".")
    context = mistake.get("ctx", {})
    if mistake["type"] == "extra_forbidden":
        known = _known_keys(model, mistake["loc"][:-1])
        hint = did_you_mean(mistake["loc"][-1], known)
        return f"{shown(key)} is not a known key, expected one of {', '.join(known)}{hint}"
    if mistake["type"] == "missing":
        return f"{key}: missing, expected {EXPECTED['missing']}"
    if mistake["type"] in EXPECTED:
        wanted = EXPECTED[mistake["type"]].format(**context)
        return str(InvalidValue(key or "the configuration", mistake["input"], wanted))
    return str(context["error"]) if "error" in context else f"{key}: {mistake['msg']}"
