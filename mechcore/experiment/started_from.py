"""Which configuration an experiment was started from: a copy with its name would replace it."""

from __future__ import annotations

import os
from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.io.atomic import replace_file
from mechcore.io.yaml_files import read_yaml

STARTED_FROM = "started_from.txt"
"""Beside the results: the path of the configuration, as seen from there."""


def check_started_from(experiment: str, config: Path, results: Path) -> None:
    """Refuse a configuration if another one with the same name of the experiment made results."""
    note = results / STARTED_FROM
    if not note.is_file():
        return
    before = results / note.read_text(encoding="utf-8").strip()
    # A file that was moved, or that has another name by now, claims these results no more.
    if not before.is_file() or before.samefile(config) or _name(before) != experiment:
        return
    raise MechcoreError(
        f"{config}: experiment: {experiment!r} is that of {os.path.relpath(before)}, whose results "
        "it would replace; expected another name, or the other file removed"
    )


def note_started_from(config: Path, results: Path) -> None:
    """Write down which configuration makes results."""
    path = os.path.relpath(config, results)
    replace_file(results / STARTED_FROM, lambda draft: draft.write_text(f"{path}\n", "utf-8"))


def _name(config: Path) -> object:
    try:
        values = read_yaml(config)
    except MechcoreError:
        return None
    return values.get("experiment") if isinstance(values, dict) else None
