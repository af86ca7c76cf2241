"""The published numbers of the paper, and the settings of this project that were used for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from mechcore.errors import InvalidValue
from mechcore.io.json_models import Settings, validated
from mechcore.io.yaml_files import read_yaml

NUMBERS_FILE, CURVES_FILE, PROTOCOLS_FILE = "numbers.csv", "curves.csv", "protocols.yaml"
SHARES_FILE, POINTS_FILE = "resnet50_beta2.csv", "resnet50_points.csv"
"""What is published: numbers in figures, points of curves, what single kernels were printed as."""

REPRODUCTION_COLUMNS = (
    *("title", "kind", "figure", "quantity", "at", "beta2", "x"),
    *("published", "ours", "difference", "tolerance", "within", "note", "command"),
)
"""Columns of ``reproduction.csv``; ``at`` names the kernel, layer, abscissa or filter, and ``x`` is
the abscissa or the layer."""

FILES = (PROTOCOLS_FILE, NUMBERS_FILE, CURVES_FILE, SHARES_FILE, POINTS_FILE)


class Protocol(Settings):
    """How some published figures were made."""

    title: str
    """What they show."""
    figures: list[str] = Field(min_length=1)
    """Names of the figures, or their beginnings."""
    kind: str
    """Key of `mechcore.claims.published_kinds.KINDS`: how numbers are read off."""
    cell: dict[str, Any] | None = None
    """Settings of the runs but for the mixing ratios or angles, which the numbers name."""
    tolerance: float | None = None
    """How far ours may be off; by default what is printed."""
    relative: bool = True
    """Whether the tolerance is a share of the number."""
    reason: str = ""
    """Of the tolerance."""


class Protocols(Settings):
    """The content of ``protocols.yaml``."""

    protocols: list[Protocol]
    shared: dict[str, Any] = Field(default={})


def read_protocols(folder: Path) -> list[Protocol]:
    """Read the protocols of the published figures."""
    for name in FILES:
        if not (folder / name).is_file():
            raise InvalidValue("published", str(folder), f"a folder with {', '.join(FILES)}")
    path = folder / PROTOCOLS_FILE
    return validated(Protocols, read_yaml(path), str(path)).protocols
