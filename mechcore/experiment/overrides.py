"""Settings beside a file: on the command line, and in an environment variable that make passes on.

They replace those of the file, and mistakes in them are told as theirs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from mechcore.errors import InvalidValue
from mechcore.io.yaml_files import line_of, parsed_yaml

VARIABLE = "MECHCORE_SET"
"""Settings as in ``sizes=[2,3] steps=32``."""

OPTION, SNAKEMAKE = "--set", "--config"

SETTING = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Origin:
    """Where the settings of an experiment come from."""

    files: Sequence[Path] = ()
    """Later files replace settings of earlier ones."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Where settings come from that are in no file, or not as there."""
    name: str = "config"
    """What stands for them where no file does."""

    @property
    def folder(self) -> Path:
        """The folder of the last file."""
        return self.files[-1].parent if self.files else Path()

    def tell(self, location: Sequence[object], sentence: str) -> str:
        """Return a mistake with the place where a person corrects it."""
        if location and location[0] in self.beside:
            return f"{self.beside[str(location[0])]}: {sentence}"
        for path in reversed(self.files):
            if line := line_of(path, location):
                return f"{path}: {sentence} (line {line})"
        return f"{self.files[-1] if self.files else self.name}: {sentence}"

    def and_settings(
        self, values: Mapping[str, Any], words: Iterable[str]
    ) -> tuple[Self, dict[str, Any]]:
        """Add the settings of the environment and of the command line to values."""
        beside, together = dict(self.beside), dict(values)
        for source, some in ((VARIABLE, _split(os.environ.get(VARIABLE, ""))), (OPTION, words)):
            settings = _parsed(source, some)
            beside |= dict.fromkeys(settings, source)
            together |= settings
        return replace(self, beside=beside), together


def typed(value: object) -> object:
    """Return a setting of Snakemake's command line, which leaves what is in a list as text.

    Examples
    --------
    >>> typed({"start": "0", "values": ["0.5", "relu"]})
    {'start': 0, 'values': [0.5, 'relu']}
    """
    if isinstance(value, Mapping):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return parsed_yaml(value.encode(), SNAKEMAKE) if isinstance(value, str) else value


def _split(text: str) -> list[str]:
    """The settings in a text: a space before a key and = begins one."""
    return re.split(r"\s+(?=[A-Za-z_]\w*=)", text.strip()) if text.strip() else []


def _parsed(source: str, words: Iterable[str]) -> dict[str, object]:
    settings = {}
    for word in words:
        setting = SETTING.fullmatch(word)
        if not setting:
            raise InvalidValue(source, word, "KEY=VALUE, as sizes=[2,3]")
        settings[setting[1]] = parsed_yaml(setting[2].encode(), f"{source}: {setting[1]}")
    return settings
