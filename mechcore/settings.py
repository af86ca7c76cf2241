"""The base of all typed models: unknown keys are errors, and each mistake is told in one line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from mechcore.errors import InvalidValue, MechcoreError, did_you_mean, shown


class Settings(BaseModel):
    """Base of all models: unknown keys and wrong types are errors, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def to_json(self) -> str:
        """Return the settings as one line of JSON that gives the same settings back."""
        return self.model_dump_json(exclude_none=True)


Model = TypeVar("Model", bound=Settings)


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


def refuse_repeats(key: str, values: Iterable[object]) -> None:
    """Refuse a list that holds a value twice.

    Parameters
    ----------
    key : str
        Name of the list, for the error message.
    values : iterable
        Its values.

    Raises
    ------
    InvalidValue
        If it does.

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
