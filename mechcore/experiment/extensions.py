"""Which entries of the user's own a run uses, and where they come from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from mechcore.errors import InvalidValue, check_path
from mechcore.io.json_models import Settings
from mechcore.model.extensions import is_file, load_extension, load_extensions, origins_of

EXTENSIONS = "extensions"
"""The key of a configuration."""


class Extension(Settings):
    """A source of own kernels, activations and patterns, and those that are used."""

    source: str = Field(description="Python file, or installed package")
    entries: dict[str, str] = Field(description="fingerprints by name, as activations.swish")

    @model_validator(mode="after")
    def _is_as_planned(self) -> Self:
        found = load_extension(self.source)
        for entry, fingerprint in self.entries.items():
            if found.get(entry) != fingerprint:
                allowed = "the same code as when the run was planned"
                raise InvalidValue(EXTENSIONS, f"{self.source}: {entry}", allowed)
        return self


def accept_files(schema: dict[str, Any]) -> None:
    """Extensions are written as the name of a file, or as a list of them."""
    planned = schema.pop("anyOf")[0]
    planned["items"] = {"anyOf": [{"type": "string"}, planned["items"]]}
    schema["anyOf"] = [{"type": "string"}, planned]


def used_extensions(names: Mapping[str, Iterable[str]]) -> list[Extension] | None:
    """Return the sources of those entries, by table, that are the user's own; None without any."""
    entries: dict[str, dict[str, str]] = {}
    for entry, (source, fingerprint) in origins_of(names).items():
        entries.setdefault(source, {})[entry] = fingerprint
    used = [Extension.model_construct(source=name, entries=own) for name, own in entries.items()]
    return used or None


def with_extensions(values: Mapping[str, object], folder: Path) -> dict[str, object]:
    """Load the extensions that a user's settings name, and the installed ones.

    Their files are found from the working folder, or beside the configuration.
    """
    named = values.get(EXTENSIONS)
    planned = isinstance(named, list) and any(isinstance(item, Mapping) for item in named)
    if planned:
        return dict(values)
    load_extensions()
    sources = [named] if isinstance(named, str) else named
    if not isinstance(sources, list):
        return dict(values)
    loaded: dict[str, dict[str, str]] = {}
    for place, given in enumerate(sources):
        key = EXTENSIONS if isinstance(named, str) else f"{EXTENSIONS}[{place}]"
        source = _found(key, given, folder)
        entries = load_extension(source)
        for other, known in loaded.items():
            for entry in sorted(known.keys() & entries.keys()):
                raise InvalidValue(EXTENSIONS, source, f"{entry} only once, {other} has it")
        loaded[source] = entries
    listed = [{"source": source, "entries": entries} for source, entries in loaded.items()]
    return {**values, EXTENSIONS: listed}


def _found(key: str, given: object, folder: Path) -> str:
    """The path of a file as seen from the working folder; the name of a package as it is."""
    if not isinstance(given, str):
        raise InvalidValue(key, given, "a Python file or an installed package")
    check_path(key, given)
    if not is_file(given):
        return given
    here = Path.cwd().resolve()
    for base in (here, folder.resolve()):
        path = (base / given).resolve()
        if path.is_file():
            if not path.is_relative_to(base):
                raise InvalidValue(key, given, "a file below this folder or the configuration's")
            return Path(os.path.relpath(path, here)).as_posix()
    raise InvalidValue(key, given, f"a file in {here} or beside the configuration")
