"""The base of all typed models: unknown keys are errors, and each mistake is one line."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from mechcore.errors import (
    InvalidValue,
    MechcoreError,
    choose,
    did_you_mean,
    one_line,
    shortened,
    shown,
)
from mechcore.io.atomic import replace_file
from mechcore.io.reading import regular_text

POWER_OF_TEN = re.compile(r"([+-]?\d+)[eE]([+-]?)(\d+)")
"""A number to its author, and a text to YAML, which wants a point and a sign: 1.0e-3."""

MOST_MISTAKES = 20
"""More are only counted: the file may be of another kind."""

LONGEST_KEY = 100
"""Characters of a key in a message."""

EXPECTED = {
    "missing": "a value",
    "bool_type": "true or false",
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


class Settings(BaseModel):
    """Base of all models: unknown keys and wrong types are errors, and values never change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def to_json(self) -> str:
        """Return the settings as one line of JSON that gives the same settings back."""
        return self.model_dump_json(exclude_none=True)

    def to_mapping(self) -> dict[str, Any]:
        """Return the settings as a reader of that JSON gets them."""
        mapping: dict[str, Any] = json.loads(self.to_json())
        return mapping


Model = TypeVar("Model", bound=Settings)


# Compared by identity, as tables have no hash.
@dataclass(frozen=True, eq=False)
class KeyOf:
    """Annotates a text that is a key of a table: a new entry of the table is a new choice.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import TypeAdapter
    >>> TypeAdapter(Annotated[str, KeyOf({"fast": 1, "slow": 2})]).json_schema()["enum"]
    ['fast', 'slow']
    """

    table: Mapping[str, object]
    grows: bool = False
    """Whether users add entries, which editors cannot know."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        names: CoreSchema = core_schema.literal_schema(list(self.table))
        if self.grows:
            names = core_schema.union_schema([names, core_schema.str_schema()])
        return core_schema.no_info_before_validator_function(self._checked, names)

    def _checked(self, name: object) -> object:
        choose(self.table, "", name)
        return name


Tell = Callable[[Sequence[object], str], str]
"""Adds where a value comes from to a sentence about it."""


def validated(model: type[Model], values: object, origin: str | Tell) -> Model:
    """Return values as a model, or refuse them; the origin starts each line, or makes it."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        tell = origin if callable(origin) else lambda _, sentence: f"{origin}: {sentence}"
        raise MechcoreError("\n".join(_lines(model, error, tell))) from None


def _lines(model: type[Model], error: ValidationError, tell: Tell) -> list[str]:
    # Other mistakes may follow from a misspelt key.
    mistakes = sorted(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
    lines = [
        tell(mistake["loc"], line)
        for mistake in mistakes[:MOST_MISTAKES]
        for line in _sentence(model, mistake).splitlines()
    ]
    if len(mistakes) > MOST_MISTAKES:
        lines.append(tell((), f"and {len(mistakes) - MOST_MISTAKES} more mistakes"))
    return list(dict.fromkeys(lines))


def parsed_json(text: str, origin: str) -> object:
    """Return what JSON holds, or refuse it."""
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise MechcoreError(f"{origin}: {shown(text)} is not JSON ({error})") from None


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A mapping, or an error if a key is given twice: the last would count."""
    mapping: dict[str, object] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"the key {shown(key)} is given twice")
        mapping[key] = value
    return mapping


def is_json(text: str) -> bool:
    """Return whether settings are given as JSON rather than as the path of a file."""
    return text.lstrip().startswith("{")


def write_settings(settings: Settings, path: Path) -> None:
    """Write settings as JSON for people and programs."""
    content = settings.model_dump(exclude_none=True)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def read_settings(model: type[Model], path: Path, writer: str) -> Model:
    """Read settings that a command wrote as JSON."""
    try:
        text = regular_text(path)
    except FileNotFoundError as error:
        raise MechcoreError(f"{path}: missing, expected what {writer} writes") from error
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise MechcoreError(f"{path}: not a text, expected JSON") from error
    try:
        return validated(model, parsed_json(text, str(path)), str(path))
    except MechcoreError as error:
        # In a file of another kind every key is a mistake: the first is enough.
        raise MechcoreError(str(error).splitlines()[0]) from None


def refuse_repeats(key: str, values: Iterable[object]) -> None:
    """Refuse a list with equal values."""
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise InvalidValue(key, value, "each value once")
        seen.add(value)


def _sentence(model: type[BaseModel], mistake: Mapping[str, Any]) -> str:
    """One mistake in one line: key, value, what is allowed."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in mistake["loc"])
    key = shortened(one_line("".join(parts).lstrip(".")), LONGEST_KEY)
    kind, context = mistake["type"], mistake.get("ctx", {})
    if kind == "extra_forbidden":
        known = _known_keys(model, mistake["loc"][:-1])
        hint = did_you_mean(mistake["loc"][-1], known)
        return f"'{key}' is not a known key{hint or ', expected one of ' + ', '.join(known)}"
    if kind == "missing":
        return f"{key}: missing, expected {EXPECTED['missing']}"
    if kind in EXPECTED:
        allowed = EXPECTED[kind].format(**context) + _yaml_hint(kind, mistake["input"])
        return str(InvalidValue(key or "the configuration", mistake["input"], allowed))
    if "error" not in context:
        return f"{key}: {mistake['msg']}"
    return _located(str(context["error"]), key, mistake["loc"])


def _yaml_hint(kind: str, value: object) -> str:
    """How to write what YAML takes for something else than its author does."""
    if kind == "string_type" and isinstance(value, int | float | datetime.date):
        return ": write it in quotes"
    power = POWER_OF_TEN.fullmatch(value) if isinstance(value, str) else None
    if kind == "float_type" and power:
        return f": write {power[1]}.0e{power[2] or '+'}{power[3]}"
    one = isinstance(value, int | float) or (isinstance(value, str) and value.isidentifier())
    return f": write [{value}]" if kind == "list_type" and one else ""


def _located(text: str, key: str, location: Sequence[object]) -> str:
    """The message of a validator, which gets no more than the last part of the key."""
    for name in ("", str(location[-1]) if location else ""):
        if text.startswith(f"{name}: "):
            return key + text.removeprefix(name)
    return text


def _known_keys(model: type[BaseModel], location: Sequence[object]) -> list[str]:
    """The keys of the model that is nested at a location."""
    for part in location:
        field = model.model_fields.get(str(part))
        # A model, or a list of models.
        types = (field.annotation, *get_args(field.annotation)) if field is not None else ()
        model = next((candidate for candidate in types if _is_model(candidate)), model)
    return list(model.model_fields)


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
