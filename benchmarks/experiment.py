"""What starts cost: the default experiment beside empty jobs, a cell beside its libraries."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml

from benchmarks.ratio import Ratio
from benchmarks.scale import grid
from benchmarks.timing import spent
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.io.code_state import announce_code_state
from tests.helpers.projects import PROJECT, copy_project

CONFIG = "config/paper.yaml"

SMALL_CONFIG = PROJECT / "config" / "smoke.yaml"
"""Its cells compute for milliseconds."""

LIBRARIES = "import numpy, numba, netCDF4"

SHARING = ("simulate", "controls", "filters", "simulate-filters")
"""Commands that share processes, so that chance decides which one a process is named after."""

PLANNED_CELLS = 5_000
"""Enough that the start of Snakemake hardly counts."""

STARTS = 7
"""Processes of each kind, one after the other; the fastest counts."""

NOTE_AT_EXIT = """
import atexit, os, sys

def note(command, times):
    with open({file!r}, "a") as file:
        print(command, sum(os.times()[:times]), file=file)

if sys.orig_argv[1:3] == ["-m", "mechcore"]:
    atexit.register(note, sys.orig_argv[3], 4)
if sys.orig_argv[1:3] == ["-m", "snakemake"]:
    atexit.register(note, "Snakemake", 2)
"""
"""As ``sitecustomize``: processor time of commands with their children, and of Snakemake without.
Snakemake itself measures short jobs badly."""

EMPTY = """
rule all:
    input:
        expand("{{number}}.done", number=range({jobs})),

rule empty:
    output:
        touch("{{number}}.done"),
    shell:
        "true"
"""


def measure_starts() -> Iterator[Ratio]:
    """Compare a cell, from the start of its process to the file, with importing its libraries."""
    announce_code_state()
    cell = next(iter(expand(load_experiment(SMALL_CONFIG)).values()))
    words = ["-m", "mechcore", "simulate", "--cell", cell.to_json(), "--output", "cell.nc"]
    commands = [[sys.executable, *words], [sys.executable, "-c", LIBRARIES]]
    with TemporaryDirectory() as name:
        folder = Path(name)
        spent(commands[0], folder)
        runs = [[spent(it, folder).processor for it in commands] for _ in range(STARTS)]
    seconds, least = map(min, zip(*runs, strict=True))
    yield Ratio("simulate a cell", seconds, f'python -c "{LIBRARIES}"', least)


def measure_experiment() -> Iterator[Ratio]:
    """Compare the default experiment, as a whole and by stage, with as many empty jobs."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        project = copy_project(folder / "project")
        stages, whole, again = _run_project(project, folder / "notes")
        jobs = int(stages["count"].sum()) - 1
        empty = _empty_jobs(folder / "empty", jobs)
        nothing, nothing_again = _snakemake(empty), _snakemake(empty)
    yield Ratio("the whole experiment", whole, f"{jobs} empty jobs", nothing)
    for stage, seconds in stages["sum"].items():
        yield Ratio(f"stage {stage}", seconds, f"{jobs} empty jobs", nothing)
    rest = whole - stages["sum"].sum()
    yield Ratio("shells and ends of processes", rest, f"{jobs} empty jobs", nothing)
    yield Ratio("nothing left to do", again, f"{jobs} empty jobs that are done", nothing_again)


def measure_plan() -> Iterator[Ratio]:
    """Compare a dry run of many cells with one of as many empty jobs."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        project = copy_project(folder / "project")
        (project / "grid.yaml").write_text(yaml.safe_dump(grid(PLANNED_CELLS)))
        cells = len(expand(load_experiment(project / "grid.yaml")))
        seconds = _snakemake(project, "--dry-run", "--configfile", "grid.yaml")
        nothing = _snakemake(_empty_jobs(folder / "empty", cells), "--dry-run")
    yield Ratio("plan a large grid", seconds, f"plan {cells} empty jobs", nothing)


def _empty_jobs(folder: Path, jobs: int) -> Path:
    folder.mkdir()
    (folder / "Snakefile").write_text(EMPTY.format(jobs=jobs))
    return folder


def _run_project(project: Path, notes: Path) -> tuple[pd.DataFrame, float, float]:
    """Return number and seconds of each command, and seconds of a run and of another."""
    notes.mkdir()
    file = notes / "notes.txt"
    (notes / "sitecustomize.py").write_text(NOTE_AT_EXIT.format(file=str(file)))
    words = ("--configfile", CONFIG)
    whole = _snakemake(project, *words, PYTHONPATH=str(notes))
    again = _snakemake(project, *words)
    commands = pd.read_csv(file, sep=" ", names=["command", "seconds"])
    commands = commands.replace(dict.fromkeys(SHARING, "cells, controls and banks"))
    return commands.groupby("command")["seconds"].agg(["count", "sum"]), whole, again


def _snakemake(folder: Path, *words: str, **variables: str) -> float:
    command = [sys.executable, "-m", "snakemake", "--cores", str(os.cpu_count()), *words]
    return spent(command, folder, variables).processor
