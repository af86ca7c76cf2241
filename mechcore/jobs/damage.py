"""Result files that are there but not whole: cut, changed, or of something else.

A workflow takes a file that is there for a result. What was found whole is remembered by its size,
times and inode, so that ten thousand files cost a look at each. Of those that changed the bytes are
hashed, and only what nobody knows by its bytes is read.
"""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING

from mechcore.errors import MechcoreError
from mechcore.io.atomic import replace_file
from mechcore.io.hashes import file_sha256, settings_sha256

if TYPE_CHECKING:
    from mechcore.experiment.banks import PlannedBank
    from mechcore.experiment.cell import Cell
    from mechcore.experiment.config import Experiment

MEMORY = "checked.json"
"""In the folder of the results of an experiment. It can be deleted at any time."""

SECONDS_TO_READ = 60.0
"""The library of netCDF loops forever on one of a thousand flipped bits; the largest whole file
takes a second."""

SECONDS_TO_START = 120.0
"""The process that reads imports for a second; on a busy machine for many."""


@dataclass(frozen=True)
class Planned:
    """What a result file should be."""

    path: str
    """The file, in the folder of the results of the experiment."""
    cell: Cell | None = None
    """The cell that it is of."""
    title: str | None = None
    """What it calls itself, if it is of no cell; None if it has no title."""
    made_of: Mapping[str, str] = field(default_factory=dict)
    """Attributes of a file of no cell that tell what it was made of."""


@dataclass(frozen=True)
class Seen:
    """A file that was found whole."""

    state: tuple[int, ...]
    """Size, times of content and of all else in nanoseconds, inode."""
    sha256: str
    """Of its bytes."""


def planned_files(
    experiment: Experiment,
    cells: Mapping[str, Cell],
    films: Mapping[str, Cell],
    banks: Mapping[str, PlannedBank],
) -> list[Planned]:
    """Return all files of an experiment that tell a hash of their content."""
    from mechcore.experiment.controls import controls_settings

    controls = {"config_sha256": settings_sha256(controls_settings(experiment))}
    return [
        *(Planned(f"trajectories/{name}.nc", cell) for name, cell in cells.items()),
        *(Planned(f"films/{name}.nc", cell) for name, cell in films.items()),
        Planned("controls.nc", made_of=controls),
        *(one for bank in banks.values() for one in _of_bank(experiment, bank)),
    ]


def files_of(experiment: Experiment) -> list[Planned]:
    """Return the same for whoever has planned nothing else yet."""
    from mechcore.experiment.banks import planned_banks
    from mechcore.experiment.films import film_cells
    from mechcore.experiment.grid import expand

    cells, films = expand(experiment), film_cells(experiment)
    return planned_files(experiment, cells, films, planned_banks(experiment))


def _of_bank(experiment: Experiment, bank: PlannedBank) -> list[Planned]:
    from mechcore.experiment.banks import analysis_settings, filter_run

    path = Path(bank.weights)
    # Nothing of weights that are not there any more; of others once, as they may be large.
    weights = {"weights_sha256": file_sha256(path)} if path.is_file() else {}

    def planned(folder: str, title: str, settings: Mapping[str, object]) -> Planned:
        made_of = weights | {"config_sha256": settings_sha256(settings)}
        return Planned(f"{folder}/{bank.name}.nc", title=f"{title} of {path.name}", made_of=made_of)

    found = [planned("filters", "Kernels", analysis_settings(bank.layout))]
    if bank.trained:
        run = filter_run(experiment, bank).to_mapping()
        found.append(planned("filter_runs", "Trajectories of kernels", run))
    return found


def damage(path: Path, planned: Planned) -> str:
    """Read a file, and tell why it is not what is planned.

    Examples
    --------
    >>> damage(Path("nowhere.nc"), Planned("nowhere.nc"))
    'missing, expected a netCDF file'
    """
    from mechcore.io.netcdf import read_dataset
    from mechcore.simulation.checks import differing_attributes
    from mechcore.simulation.reading import read_trajectories

    try:
        if planned.cell:
            read_trajectories(path, planned.cell)
            return ""
        attributes = read_dataset(path).attrs
        if attributes.get("title") != planned.title:
            return f"holds something else ({attributes.get('title')})"
        other = differing_attributes(attributes, planned.made_of)
        if other:
            return f"made of something else ({', '.join(other)}), expected this configuration"
    except MechcoreError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def damaged_files(
    planned: Sequence[Planned],
    results: Path,
    *,
    remember: bool = True,
    seconds: float = SECONDS_TO_READ,
) -> dict[str, str]:
    """Find the result files that are there but not whole.

    Examples
    --------
    >>> damaged_files([Planned("controls.nc")], Path("nowhere"))
    {}
    """
    known = _recall(results / MEMORY)
    there = {one.path: state for one in planned if (state := _state(results / one.path))}
    changed = [path for path in there if path not in known or known[path].state != there[path]]
    with ThreadPoolExecutor() as threads:
        hashes = list(threads.map(lambda path: _hash(results / path), changed))
    seen = {
        path: Seen(there[path], digest)
        for path, digest in zip(changed, hashes, strict=True)
        if digest
    }
    doubtful = {
        path
        for path in changed
        if path not in seen or seen[path].sha256 not in _known_hashes(path, results, known)
    }
    found = reasons([one for one in planned if one.path in doubtful], results, seconds)
    whole = {path: one for path, one in (known | seen).items() if path not in found}
    if remember and whole != known:
        _remember(whole, results / MEMORY)
    return {str(results / path): reason for path, reason in found.items()}


def reasons(
    planned: Iterable[Planned], results: Path, seconds: float = SECONDS_TO_READ
) -> dict[str, str]:
    """Read files, and tell why they are not what is planned; nothing is known of them before.

    Examples
    --------
    >>> reasons([Planned("controls.nc")], Path("nowhere"))
    {}
    """
    reader, found = _Reader(seconds), {}
    try:
        for one in planned:
            path = results / one.path
            if path.exists():
                found[one.path] = reader.reason(path, one) if path.is_file() else "is no file"
    finally:
        reader.end()
    return {path: reason for path, reason in found.items() if reason}


def _state(path: Path) -> tuple[int, ...]:
    """What changes whenever a file does; nothing of a file that is not there."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _hash(path: Path) -> str | None:
    """SHA-256 of the bytes; nothing if they cannot be read, or would not end."""
    try:
        return file_sha256(path) if path.is_file() else None
    except (OSError, MechcoreError):
        return None


def _known_hashes(path: str, results: Path, known: Mapping[str, Seen]) -> set[str]:
    """Hashes of bytes that were whole: when they were looked at, and when a job measured them."""
    from mechcore.analysis.collect import KEPT

    hashes = {known[path].sha256} if path in known else set()
    if path.startswith("trajectories/"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = (results / KEPT / f"{Path(path).stem}.json").read_text(encoding="utf-8")
            hashes.add(json.loads(kept)["made_of"]["file"])
    return hashes


def _recall(path: Path) -> dict[str, Seen]:
    with suppress(OSError, ValueError, AttributeError, TypeError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: Seen(tuple(state), sha256) for name, (*state, sha256) in found.items()}
    return {}


def _remember(whole: Mapping[str, Seen], path: Path) -> None:
    text = json.dumps({name: [*one.state, one.sha256] for name, one in whole.items()}, indent=0)
    # Results that cannot be written to are looked at every time.
    with suppress(MechcoreError):
        replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


class _Reader:
    """Another process that reads files: damaged ones can make it loop forever, or crash."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def reason(self, path: Path, planned: Planned) -> str:
        """Why a file is not what is planned, or an empty text."""
        process = self._process = self._process or self._started()
        cell = planned.cell.to_json() if planned.cell else None
        # A process that crashed does not listen.
        with suppress(BrokenPipeError):
            question = [str(path), cell, planned.title, dict(planned.made_of)]
            print(json.dumps(question), file=process.stdin, flush=True)
        answer = self._answer(process, self._seconds)
        if answer is not None and answer.endswith("\n"):
            reason = json.loads(answer)
        else:
            reason = self._failure(process, in_time=answer is not None)
            self.end()
        if reason is None:
            raise MechcoreError(f"not enough memory to read {path}, which may be whole")
        return str(reason)

    def _failure(self, process: subprocess.Popen[str], *, in_time: bool) -> str | None:
        """Why there is no answer; none if the system ended the process to get back its memory."""
        if not in_time:
            return f"cannot be read: it takes longer than {self._seconds:g} s"
        return None if process.wait() == -signal.SIGKILL else "cannot be read: the reader crashes"

    def _started(self) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", __name__]
        process = subprocess.Popen(
            words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True, bufsize=1
        )
        if not self._answer(process, SECONDS_TO_START):
            process.kill()
            process.communicate()
            raise MechcoreError(f"result files cannot be checked: {' '.join(words)} does not start")
        return process

    def _answer(self, process: subprocess.Popen[str], seconds: float) -> str | None:
        """One line; nothing if it takes too long."""
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], seconds)
        return process.stdout.readline() if ready else None

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._process:
            self._process.kill()
            self._process.communicate()
        self._process = None


def _answer_questions() -> None:
    """What the other process does: a line for each line; null if there is not enough memory."""
    from mechcore.experiment.cell import Cell

    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        path, cell, title, made_of = json.loads(line)
        planned = Planned(path, Cell.from_json(cell) if cell else None, title, made_of)
        try:
            reason = damage(Path(path), planned)
        except MemoryError:
            reason = None
        print(json.dumps(reason), flush=True)


if __name__ == "__main__":
    _answer_questions()
