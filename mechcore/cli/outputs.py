"""What commands are asked to write, checked before anything is computed: no output is an input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeGuard

from mechcore.errors import InvalidValue, MechcoreError, shown
from mechcore.experiment.cell import Propagation
from mechcore.experiment.input_files import input_paths
from mechcore.io.atomic import check_output
from mechcore.io.json_models import is_json

Input = str | Path | None
"""A file, a folder of results, or a configuration as JSON."""


def check_outputs(
    outputs: Mapping[str, Path | None], inputs: Iterable[Input] = (), suffix: str = ""
) -> None:
    """Refuse files that cannot be written, and those that would replace an input or each other."""
    sources = [_real(source) for source in inputs if _is_path(source)]
    options: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        check_output(path)
        if suffix and path.suffix.lower() != suffix:
            raise InvalidValue(option, str(path), f"a file that ends in {suffix}")
        target, name = _real(path), f"{option}: {shown(str(path))}"
        if target in options:
            raise MechcoreError(f"{name} names the file of {options[target]}, expected another")
        if any(_is_read(target, source) for source in sources):
            raise MechcoreError(f"{name} would overwrite an input, expected another file")
        options[target] = option


def inputs_of(planned: Propagation, *named: Input) -> list[Input]:
    """Return what a command reads: what its words name, and what the configuration names."""
    return [*named, *input_paths(planned)]


def _real(path: str | Path) -> Path:
    # Unlike Path.resolve, this raises nothing for a link to itself.
    return Path(os.path.realpath(path))


def _is_path(source: Input) -> TypeGuard[str | Path]:
    return source is not None and not is_json(str(source))


def _is_read(target: Path, source: Path) -> bool:
    """Whether a file is the input, or a trajectory or table in a folder that is."""
    if not source.is_dir():
        return target == source

    from mechcore.results.results import TABLES

    is_result = target.suffix == ".nc" or (target.suffix == ".csv" and target.stem in TABLES)
    return is_result and target.is_relative_to(source) and target.exists()
