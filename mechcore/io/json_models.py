"""The base of all typed models: unknown keys are errors, and each mistake is told in one line."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from mechcore.errors import (
    InvalidValue,
    MechcoreError,
    closest,
    did_you_mean,
    one_line,
    shortened,
    shown,
)
from mechcore.io.atomic import replace_file


class Settings(BaseModel):
    """Base of all models: unknown keys and wrong types are errors, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def to_json(self) -> str:
        """Return the settings as one line of JSON that gives the same settings back."""
        return self.model_dump_json(exclude_none=True)

    def to_mapping(self) -> dict[str, Any]:
        """Return the settings as a reader of that JSON finds them."""
        found: dict[str, Any] = json.loads(self.to_json())
        return found


Model = TypeVar("Model", bound=Settings)

MOST_MISTAKES = 20
"""So many are told, of what may be another kind of file."""

LONGEST_KEY = 100
"""Characters of a key that are told."""


def validated(model: type[Model], values: object, origin: str) -> Model:
    """Check values against a model."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise MechcoreError("\n".join(_lines(model, error, origin))) from None


def _lines(model: type[Model], error: ValidationError, origin: str) -> list[str]:
    mistakes = _causes_first(model, error.errors())
    told = "\n".join(_told(model, mistake) for mistake in mistakes[:MOST_MISTAKES])
    lines = [f"{origin}: {line}" for line in told.splitlines()]
    if len(mistakes) > MOST_MISTAKES:
        lines.append(f"{origin}: and {len(mistakes) - MOST_MISTAKES} more mistakes")
    return list(dict.fromkeys(lines))


def _causes_first(
    model: type[Model], mistakes: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Put unknown keys first, and leave out that a key is missing which was only misspelt."""
    unknown = [one for one in mistakes if one["type"] == "extra_forbidden"]
    meant = [
        (*one["loc"][:-1], *closest(one["loc"][-1], _known_keys(model, one["loc"][:-1])))
        for one in unknown
    ]
    others = [one for one in mistakes if one["type"] != "extra_forbidden"]
    return unknown + [one for one in others if one["type"] != "missing" or one["loc"] not in meant]


def parsed_json(text: str, origin: str) -> object:
    """Parse JSON, telling a mistake in one line.

    Examples
    --------
    >>> parsed_json("[1]", "cell")
    [1]
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MechcoreError(f"{origin}: {shown(text)} is not JSON ({error})") from None


def is_json(text: str) -> bool:
    """Return whether a configuration, a cell or settings are given as JSON, not by a file.

    Examples
    --------
    >>> is_json('{"experiment": "a"}'), is_json("config/default.yaml")
    (True, False)
    """
    return text.lstrip().startswith("{")


def write_settings(settings: Settings, path: Path) -> None:
    """Write settings as JSON for people and programs, whole or not at all."""
    content = settings.model_dump(exclude_none=True)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def read_settings(model: type[Model], path: Path, writer: str) -> Model:
    """Read settings that a command wrote as JSON."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MechcoreError(f"{path}: missing, expected what {writer} writes") from error
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise MechcoreError(f"{path}: not a text, expected JSON") from error
    try:
        return validated(model, parsed_json(text, str(path)), str(path))
    except MechcoreError as error:
        # A file of another kind has a mistake in every key: the first is enough.
        raise MechcoreError(str(error).splitlines()[0]) from None


def refuse_repeats(key: str, values: Iterable[object]) -> None:
    """Refuse a list that holds a value twice.

    Examples
    --------
    >>> refuse_repeats("sizes", [2, 3])
    """
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


NAMES = ("experiment",)
"""Keys of names, which YAML may take for numbers, truths or dates."""


def _known_keys(model: type[BaseModel], location: Sequence[object]) -> list[str]:
    """The keys that exist where an unknown one was found."""
    for part in location:
        field = model.model_fields.get(str(part))
        # A model, or a list of models.
        found = (field.annotation, *get_args(field.annotation)) if field is not None else ()
        model = next((one for one in found if _is_model(one)), model)
    return list(model.model_fields)


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _told(model: type[BaseModel], mistake: Mapping[str, Any]) -> str:
    """One mistake in one line: key, value, what is allowed."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in mistake["loc"])
    key = shortened(one_line("".join(parts).lstrip(".")), LONGEST_KEY)
    context = mistake.get("ctx", {})
    if mistake["type"] == "extra_forbidden":
        known = _known_keys(model, mistake["loc"][:-1])
        hint = did_you_mean(mistake["loc"][-1], known)
        return f"'{key}' is not a known key{hint or ', expected one of ' + ', '.join(known)}"
    if mistake["type"] == "missing":
        return f"{key}: missing, expected {EXPECTED['missing']}"
    if mistake["type"] in EXPECTED:
        wanted = EXPECTED[mistake["type"]].format(**context)
        if key in NAMES and isinstance(mistake["input"], int | float | datetime.date):
            wanted += ": write it in quotes"
        return str(InvalidValue(key or "the configuration", mistake["input"], wanted))
    if "error" not in context:
        return f"{key}: {mistake['msg']}"
    told, name = str(context["error"]), str(mistake["loc"][-1] if mistake["loc"] else "")
    # Which of a list it is, a validator does not know.
    return key + told.removeprefix(name) if told.startswith(f"{name}: ") else told
