"""What commands are asked to write, checked before anything is computed: no output is an input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mechcore.errors import InvalidValue, MechcoreError, shown

if TYPE_CHECKING:
    from mechcore.experiment.cell import Propagation

Input = str | Path | None


def check_outputs(
    outputs: Mapping[str, Path | None], inputs: Iterable[Input] = (), suffix: str = ""
) -> None:
    """Refuse files that cannot be written, or that what is read would be lost by.

    Examples
    --------
    >>> check_outputs({"--output": Path("out.nc"), "--record": None}, ["k.npy"], ".nc")
    """
    from mechcore.io.atomic import check_output

    given = {key: path for key, path in outputs.items() if path is not None}
    for key, path in given.items():
        check_output(path)
        if path.suffix.lower() != suffix and suffix:
            raise InvalidValue(key, str(path), f"a file that ends in {suffix}")
    _refuse_same_file(given)
    there = {key: path for key, path in given.items() if path.exists()}
    # Often nothing is there, and nothing to lose; a grid may have ten thousand inputs.
    read = {_identity(path) for path in _files(inputs)} if there else set()
    for key, path in there.items():
        if _identity(path) in read:
            raise MechcoreError(f"{key}: {shown(str(path))} is the input, expected another file")


def inputs_of(planned: Propagation, *given: Input) -> list[Input]:
    """Return what a command reads: what it is given, and what the configuration names.

    Examples
    --------
    >>> from mechcore.experiment.cell import Propagation
    >>> inputs_of(Propagation(), "net.npz")
    ['net.npz']
    """
    from mechcore.experiment.input_files import input_paths

    return [*given, *input_paths(planned)]


def _refuse_same_file(outputs: Mapping[str, Path]) -> None:
    """Refuse two options that name one file: the first would be lost."""
    first: dict[Path, str] = {}
    for key, path in outputs.items():
        other = first.setdefault(path.resolve(), key)
        if other != key:
            raise MechcoreError(
                f"{key}: {shown(str(path))} is the file of {other}, expected another"
            )


def _files(inputs: Iterable[Input]) -> Iterator[Path]:
    """The files that are there: those of a folder are trajectories, tables and the like."""
    from mechcore.io.json_models import is_json
    from mechcore.results.results import TABLES

    for given in inputs:
        if given is None or (isinstance(given, str) and is_json(given)):
            continue
        path = Path(given)
        if path.is_dir():
            yield from path.rglob("*.nc")
            yield from (table for table in path.glob("*.csv") if table.stem in TABLES)
        elif path.exists():
            yield path


def _identity(path: Path) -> tuple[int, int]:
    """What is the same for all names of a file."""
    found = path.stat()
    return found.st_dev, found.st_ino
