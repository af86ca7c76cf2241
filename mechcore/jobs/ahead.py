"""Short jobs share processes: one that is done does for a while what others are to do next.

A short job computes for less time than Python and its libraries take to start. So the workflow
lists the commands of its short jobs. The process of one of them goes on with those that nobody has
begun, and leaves their files and logs beside the list, where their own jobs find them. A job whose
command another process is running waits for what that leaves.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TextIO

FOLDER = "MECHCORE_AHEAD"
"""Environment variable: the folder of the list, for the jobs of one workflow on one machine."""

LIST = "commands.jsonl"

SECONDS = 20.0
"""CPU time after which a process begins no other command."""

LONGEST = 10.0
"""Estimated seconds of the longest job that others do: the start of a longer one hardly counts."""


def list_commands(results: Path, commands: Iterable[list[str]]) -> None:
    """List the commands of jobs, which all have the option ``--output``.

    Without space for a list, each process does its own.
    """
    forget_commands(results)
    try:
        folder = _listed(results / "ahead", commands)
    except OSError:
        forget_commands(results)
    else:
        os.environ[FOLDER] = str(folder)


def _listed(parent: Path, commands: Iterable[list[str]]) -> Path:
    # Jobs that outlived a killed workflow go on in its folder, which stays if they write just now:
    # their settings may be other ones.
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent))
    lines = []
    for command in commands:
        _ready(folder, command).parent.mkdir(exist_ok=True)
        lines.append(json.dumps(command) + "\n")
    (folder / LIST).write_text("".join(lines), encoding="utf-8")
    return folder


def forget_commands(results: Path) -> None:
    """Remove the list, and results that nobody took."""
    os.environ.pop(FOLDER, None)
    shutil.rmtree(results / "ahead", ignore_errors=True)


def ready_file(output: str) -> Path:
    """Return where the process of another job leaves an output, below the folder of the list.

    Examples
    --------
    >>> str(ready_file("results/paper/trajectories/dct-relu-k2.nc"))
    'trajectories/dct-relu-k2.nc'
    """
    return Path(*Path(output).parts[-2:])


def run_ahead(own: list[str], run: Callable[[list[str]], object]) -> None:
    """Run a command, then for a while others of the list; ``run`` ends in `SystemExit`."""
    folder = Path(os.environ.pop(FOLDER))
    until = time.process_time() + SECONDS
    lines = (folder / LIST).read_text("utf-8").splitlines()
    line = json.dumps(own)
    if line not in lines:
        run(own)
    number = lines.index(line)
    claim = _claimed(folder, number)
    if claim:
        claim.close()
    elif _took_ready(folder, number, own):
        return
    try:
        run(own)
    except SystemExit as end:
        if end.code:
            raise
    # Its job has succeeded, whatever becomes of the others: UNLESS_READY in common.smk looks.
    with suppress(OSError):
        _ready(folder, own).with_suffix(".done").touch()
    for number, other in enumerate(lines):
        if time.process_time() > until:
            return
        claim = _claimed(folder, number)
        if claim:
            with claim:
                left = _left_ready(folder, json.loads(other), run)
            # What fails is run again by its own job, which tells it.
            if not left:
                return


def _claimed(folder: Path, number: int) -> TextIO | None:
    """A file that is locked until it is closed, if a command is this process's to run."""
    try:
        file = (folder / f"{number}.begun").open("x", encoding="utf-8")
    except OSError:
        return None
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _took_ready(folder: Path, number: int, own: list[str]) -> bool:
    """Wait for the process that runs a command, also if it is killed, and take what it left."""
    ready = _ready(folder, own)
    try:
        with (folder / f"{number}.begun").open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
        ready.replace(_output(own))
    except OSError:
        return False
    print(_log(ready).read_text(encoding="utf-8"), end="")
    return True


def _left_ready(folder: Path, command: list[str], run: Callable[[list[str]], object]) -> bool:
    """Run a command for another job, and return whether it succeeded."""
    path = _ready(folder, command)
    words = [str(path) if word == _output(command) else word for word in command]
    try:
        log = _log(path).open("w", encoding="utf-8")
        with log, redirect_stdout(log), redirect_stderr(log):
            run(words)
    except SystemExit as end:
        return not end.code
    except Exception:
        return False
    return True


def _output(command: list[str]) -> str:
    return command[command.index("--output") + 1]


def _ready(folder: Path, command: list[str]) -> Path:
    return folder / ready_file(_output(command))


def _log(ready: Path) -> Path:
    return ready.with_name(f"{ready.name}.log")
