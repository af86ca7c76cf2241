"""Command lines that are refused: of every subcommand, and of what the commands are given."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from tests.faults.bad_configs import DIGITS, GOOD, SOURCE
from tests.faults.cases import Case, Table, content

GOOD_CELL = {"kernel": "dct", "activation": "relu", "size": 2, "betas": [0, 1], "steps": 8}
RUN = {"activations": ["relu"], "slices_per_layer": 1, "steps": 4}
TRAINING = {
    "architecture": "plain",
    "size": 3,
    "activation": "relu",
    "restriction": "all",
    "initialisation": "he",
    "seed": 0,
    "epochs": 1,
}
NO_KERNEL = '{"activation": "relu", "size": 2, "betas": [0]}'
CELL, SETTINGS = json.dumps(GOOD_CELL), json.dumps(RUN)
CONFIG = json.dumps(GOOD)
SIZE_1 = content(json.dumps(GOOD | {"sizes": [1]}))
TOO_SMALL = ("bad.yaml: sizes[0]: 1 is not allowed, expected at least 2",)

FAMILY = ("--family", "dct", "--size", "2", "--beta", "0")
OUTPUT = ("--output", "out.nc")
EXPERIMENT = ("--experiment", CONFIG)

RESULTS = (*EXPERIMENT, "--results", "r")
NETWORK = ("net.npz", "--settings", SETTINGS)

MEASURED = json.dumps({"images": "disc", "count": 1, "flipped": 0})

COLLECTED = ("--output", "m.csv", "--mechanics", "x.csv", "--kernels", "k.csv")
FITTED = ("--output", "r.csv", "--pooled", "p.csv")
STUDIED = ("--output", "s.nc", "--table", "s.csv", "--tests", "t.csv")

REQUIRED: dict[str, tuple[str, ...]] = {
    "propagate": OUTPUT,
    "grid": (CONFIG,),
    "simulate": ("--cell", CELL, *OUTPUT),
    "controls": (*EXPERIMENT, *OUTPUT),
    "collect": (*EXPERIMENT, "--trajectories", "t", *COLLECTED),
    "regress": ("--metrics", "m.csv", "--kernels", "k.csv", *FITTED),
    "train": (json.dumps(TRAINING), *OUTPUT),
    "collect-training": (*EXPERIMENT, "--trajectories", "t", *STUDIED),
    "judge": (*RESULTS, "--output", "claims.json"),
    "track": RESULTS,
    "report": (*RESULTS, "--output", "index.html"),
    "fetch": (json.dumps(SOURCE), *OUTPUT),
    "filters": ("net.npz",),
    "simulate-filters": (*NETWORK, *OUTPUT),
    "network": (DIGITS,),
    "measure-network": (DIGITS, "--settings", MEASURED, *OUTPUT),
    "summarise": (*RESULTS, "--output", "s.json", "--cells", "c.csv"),
    "diff": ("a", "b"),
    "reproduce": (),
    "verify": RESULTS,
    "pack": (*RESULTS, "--report", "p.html", "--output", "x.zip"),
    "ui": (),
    "why": (CONFIG,),
    "status": RESULTS,
    "schema": ("--output", "schema.json"),
    "new": ("study",),
}
"""What each subcommand needs: without any of it, it is refused."""


def _of_every_subcommand() -> list[Case]:
    result = []
    for command, words in REQUIRED.items():
        wrong = {
            "unknown option": (("--colour", "red"), ("--colour",)),
            "one word too many": (("stray",), ("stray",)),
            "a word of two lines": (("a\nb",), (r"a\nb", "control")),
        }
        for name, (more, message) in wrong.items():
            result.append(Case(f"{command}: {name}", (command, *words, *more), message))
        if CONFIG in words:
            bad = (command, *(word.replace(CONFIG, "bad.yaml") for word in words))
            result.append(Case(f"{command}: bad configuration", bad, TOO_SMALL, "bad.yaml", SIZE_1))
        for start, word in enumerate(words):
            if word.startswith("--"):
                rest = (command, *words[:start], *words[start + 2 :])
                result.append(Case(f"{command}: without {word}", rest, (word,)))
                result.append(Case(f"{command}: {word} of nothing", (*rest, word), (word,)))
            elif not (start and words[start - 1].startswith("--")):
                rest = (command, *words[:start], *words[start + 1 :])
                result.append(Case(f"{command}: without argument {start + 1}", rest, ("issing",)))
    return result


def _propagate(*words: str) -> tuple[str, ...]:
    return ("propagate", *FAMILY, "--steps", "4", *words, *OUTPUT)


def _simulate(**changes: object) -> tuple[str, ...]:
    return _cell(json.dumps(GOOD_CELL | changes))


def _cell(cell: str) -> tuple[str, ...]:
    return ("simulate", "--cell", cell, *OUTPUT)


def _run(**changes: object) -> tuple[str, ...]:
    return ("simulate-filters", "sound.npz", "--settings", json.dumps(RUN | changes), *OUTPUT)


def _network(file: str, **changes: object) -> tuple[str, ...]:
    settings = json.dumps(json.loads(MEASURED) | changes)
    return ("measure-network", file, "--settings", settings, *OUTPUT)


def _required(command: str, *more: str) -> tuple[str, ...]:
    return (command, *REQUIRED[command], *more)


def _kernel(file: str, *more: str) -> tuple[str, ...]:
    return ("propagate", "--kernel", file, *more, *OUTPUT)


PROPAGATED: list[tuple[str, ...]] = [
    ("--family dctt", "'dctt'", "did you mean 'dct'"),
    ("--size 1", "size", "1", "from 2 to 1024"),
    ("--size two", "--size", "integer"),
    ("--size 2x5", "size", "(2, 5)", "(1, k) or (k, 1)"),
    ("--size 1x", "--size", "'1x'", "1xk"),
    ("--steps 1", "steps", "2 layers", "at least 3"),
    ("--beta 2", "beta", "2", "0 to 1"),
    ("--beta 0,5", "--beta", "'0,5'"),
    ("--angle inf", "angle", "inf"),
    ("--seed -1", "seed", "-1"),
    ("--activation rellu", "activation", "'relu'"),
    ("--pattern disk", "'disc'", "or a .npy or .png file"),
    ("--pattern `id`", "pattern", "`id`"),
    ("--normalise l1", "normalise", "'l1'"),
    (f"--steps {'9' * 4096}", "steps", "to 1000000"),
    ("--domain 9", "domain", "9", "free space", "zero, wrap or reflect"),
    ("--boundary wrap --domain 0", "domain", "0"),
    ("--boundary wrap --domain 100000", "memory"),
    ("--t-burn 4", "t_burn", "4"),
    ("--snapshot 5", "snapshots", "5"),
    ("--snapshot 1 --window -1", "window", "-1"),
    ("--snapshot 1 --window 10000", "window", "10000", "to 4096"),
    (
        "--snapshot 0 --snapshot 1 --snapshot 2 --snapshot 3 --snapshot 4 --window 4096",
        *("snapshots", "5 windows of 4096 x 4096 px", "at most 80000000 px"),
    ),
]
"""Options of `mechcore propagate` that are wrong, and parts of the line that must follow."""

WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # The program.
    "an unknown subcommand": (("simulat",), ("simulat",)),
    "an unknown option": (("--verbose",), ("--verbose",)),
    "a word of a terminal": (("grid", "\x1b[2J"), (r"\x1b[2J", "control")),
    "a word that is no Unicode": (("grid", os.fsdecode(b"\xff.yaml")), ("udcff", "control")),
    "a word of 100 kB": (("grid", "a" * 10**5), ("aaa...aaa", "File name too long")),
    # Configurations.
    "a configuration that is not there": (("grid", "no.yaml"), ("no.yaml", "No such file")),
    "a configuration of another direction": (("grid", "\u202eyaml"), (r"\u202eyaml",)),
    "a configuration that is a folder": (("grid", "folder"), ("folder", "Is a directory")),
    "a configuration of zeros": (("grid", "/dev/zero"), ("/dev/zero", "it is a device")),
    "a configuration in a pipe": (("grid", "pipe.png"), ("pipe.png", "it is a device, pipe")),
    "an archive of zeros": (("verify", "zero.npy"), ("zero.npy", "it is a device")),
    "an archive in a pipe": (("verify", "pipe.png"), ("pipe.png", "it is a device, pipe")),
    "weights in a pipe": (("filters", "pipe.png"), ("pipe.png", "it is a device, pipe")),
    "a sweep in a pipe": (("diff", "pipes", "pipes"), ("pipes/sweep.json", "it is a device")),
    "metrics of zeros": (_required("regress", "--metrics", "zero.npy"), ("zero.npy", "a device")),
    "a configuration of many lines": (("grid", "{\n"), ("not JSON",)),
    "a configuration with a key twice": (
        ("grid", CONFIG[:-1] + ', "steps": 9}'),
        ("not JSON", "the key 'steps' is given twice"),
    ),
    "a configuration of braces": (("grid", "{" * 4000), ("not JSON",)),
    "a profile that is not there": (("grid", CONFIG, "--profile", "pbs"), ("profile", "'pbs'")),
    # Kernels.
    "neither a family nor a file": (("propagate", *OUTPUT), ("--family", "--kernel FILE.npy")),
    "half a family": (("propagate", "--family", "dct", *OUTPUT), ("--size", "--beta", "missing")),
    "a family and a file": (_kernel("k.npy", *FAMILY), ("--kernel", "not together with --family")),
    "an angle and a file": (_kernel("k.npy", "--angle", "0"), ("not together with --angle",)),
    "a kernel that is not there": (_kernel("no.npy"), ("no.npy",)),
    "a row of taps": (_kernel("row.npy"), ("shape (3,)", "for a row use shape (1, 3)")),
    "an output that is the kernel": (
        ("propagate", "--kernel", "sound.npy", "--output", "sound.npy"),
        ("--output", "'sound.npy'", "ends in .nc"),
    ),
    # Cells.
    "a cell that is a list": (_cell("[1]"), ("cell", "[1]")),
    "a cell of brackets": (("simulate", "--cell", "[" * 4000, *OUTPUT), ("cell", "not JSON")),
    "a cell without a kernel": (_cell(NO_KERNEL), ("kernel: missing",)),
    "a cell with an unknown key": (_simulate(colour=1), ("cell", "colour", "not a known key")),
    "a cell of NaN": (_simulate(betas=[float("nan")]), ("betas[0]", "nan", "finite")),
    "a cell of a file that changed": (
        _simulate(patterns=[{"name": "sound.npy", "sha256": "0" * 64}]),
        ("sound.npy", "the same file"),
    ),
    # Banks.
    "weights that are a folder": (
        ("filters", "folder"),
        ("'folder'", "a weight file, a folder"),
    ),
    "weights of one array": (("filters", "sound.npy"), ("sound.npy", "numpy.savez")),
    "weights of another kind": (("filters", "results/tiny/sweep.json"), ("is empty",)),
    "a pattern of no weights": (("filters", "*.pth"), ("'*.pth'", "a pattern of their names")),
    "weights of no order": (("filters", "sound.npz", "--layout", "jax"), ("layout", "'jax'")),
    "settings that are not JSON": (
        ("simulate-filters", "sound.npz", "--settings", "relu", *OUTPUT),
        ("settings", "not JSON"),
    ),
    "settings with an unknown key": (_run(size=3), ("settings", "size", "not a known key")),
    # Networks.
    "network of weights": (_network("net.npz"), ("net.npz", "expected a network")),
    "network of nothing": (_network("no.onnx"), ("no.onnx", "No such file")),
    "network of two means": (
        _network(DIGITS, mean=[0.5, 0.5]),
        ("mean", "[0.5, 0.5]", "1 channel"),
    ),
    "images of nobody": (_network(DIGITS, images="photos"), ("images", "'photos'", "a folder of")),
    "network up to nowhere": (_network(DIGITS, until="conv9"), ("'conv9'", "'conv3'")),
    # Results.
    "trajectories that are not there": (_required("collect"), ("t/dct-relu-k2.nc", "missing")),
    "tables that are not there": (_required("regress"), ("m.csv", "No such file")),
    "verdicts of nothing": (_required("judge"), ("r/", "No such file")),
    "a report of nothing": (_required("report"), ("r/", "No such file")),
    "a summary of nothing": (_required("summarise"), ("r/", "No such file")),
    "tracking of nothing": (_required("track"), ("r/",)),
    "tracking without logs": (_required("track", "--partial"), ("--partial needs --logs",)),
    "no cells to verify": (_required("verify", "--cells", "0"), ("cells: 0 is not allowed",)),
    "a seed below zero": (_required("verify", "--seed", "-1"), ("seed: -1 is not allowed",)),
    "results to verify that are not there": (_required("verify"), ("r: no such folder",)),
    "nothing to verify": (("verify",), ("expected an archive alone, or --experiment with",)),
    "an archive and results": (("verify", "a.zip", "--results", "r"), ("an archive alone",)),
    "sweeps that are not there": (("diff", "xyz", "folder"), ("sweep", "'xyz'", "sweep.json")),
    "a sweep by the name of its experiment": (
        ("diff", "tiny", "folder"),
        ("results/tiny/sweep.json", "JSON"),
    ),
    "sweeps of a folder without": (("diff", "folder", "folder"), ("folder/sweep.json",)),
    # Published numbers.
    "numbers of nobody": (("reproduce", "--published", "folder"), ("'folder'", "protocols.yaml")),
    # Trainings.
    "a training that is not JSON": (("train", "plain", *OUTPUT), ("run", "not JSON")),
    "a training of no output": (("train", json.dumps(TRAINING), "--output", ""), ("a folder",)),
    "a training without seed": (
        ("train", json.dumps(TRAINING | {"seed": -1}), *OUTPUT),
        ("seed: -1", "at least 0"),
    ),
    "a training of no such activation": (
        ("train", json.dumps(TRAINING | {"activation": "rele"}), *OUTPUT),
        ("activation", "did you mean 'relu'"),
    ),
    "a cut of nothing": (_required("train", "--start", "sound.npz"), ("--start", "cut")),
    "a cut of no weights": (
        ("train", json.dumps(TRAINING | {"cut": "3"}), "--start", "sound.npz", *OUTPUT),
        ("sound.npz", "not a readable .safetensors file"),
    ),
    "a cut of weights in a pipe": (
        ("train", json.dumps(TRAINING | {"cut": "3"}), "--start", "pipe.png", *OUTPUT),
        ("--start", "it is a device, pipe"),
    ),
    "a study of no trainings": (_required("collect-training"), ("training", "missing")),
    # The server.
    "no store": (("ui",), ("mlflow.db", "no such file")),
    "a port beyond the last": (("ui", "--port", "65536"), ("--port", "equal to 65535")),
    "a port of a shell": (("ui", "--port", "$(id)"), ("--port", "integer")),
}
"""By name: a command line, and parts of the line that must follow."""

TABLES: Table = {
    "metrics that are empty": (content(b""), ("m.csv",)),
    "metrics of other columns": (content("cell,speed\n"), ("no column",)),
    "metrics of bytes": (content(bytes(range(256))), ("m.csv",)),
    "metrics that are a folder": (Path.mkdir, ("directory",)),
    "metrics of a quote": (content('"' + "a," * 9), ("m.csv",)),
}

WRITTEN: dict[str, tuple[str, ...]] = {
    "propagate": (*FAMILY, "--steps", "4"),
    "simulate": ("--cell", CELL),
    "controls": EXPERIMENT,
    "schema": (),
    "filters": ("sound.npz",),
    "simulate-filters": ("sound.npz", "--settings", SETTINGS),
    "network": (DIGITS,),
    "measure-network": (DIGITS, "--settings", MEASURED),
}
UNWRITABLE = {
    "folder": "it is a folder",
    "sound.npz/out": "cannot be written",
    "zero.npy": "it is a device, pipe or socket",
    "pipe.png": "it is a device, pipe or socket",
    "loop": "symbolic links",
    "n" * 300: "name too long",
}


def cases() -> list[Case]:
    return [
        *_of_every_subcommand(),
        *(
            Case(f"propagate {message[0]}", _propagate(*message[0].split()), message[1:])
            for message in PROPAGATED
        ),
        *(Case(f"command: {name}", words, message) for name, (words, message) in WORDS.items()),
        *(
            Case(f"table: {name}", _required("regress"), message, "m.csv", make)
            for name, (make, message) in TABLES.items()
        ),
        *(
            Case(f"{name}: output {place}", (name, *words, "--output", place), (reason,))
            for name, words in WRITTEN.items()
            for place, reason in UNWRITABLE.items()
        ),
    ]


def write_sound_files(folder: Path) -> None:
    np.save(folder / "sound.npy", np.ones((3, 3)))
    np.save(folder / "row.npy", np.ones(3))
    np.savez(folder / "sound.npz", **{"conv.weight": np.ones((1, 1, 3, 3), np.float32)})
    for name in ("net.npz", "my net.npz"):
        (folder / name).hardlink_to(folder / "sound.npz")
    (folder / "results" / "tiny").mkdir(parents=True)
    (folder / "results" / "tiny" / "sweep.json").touch()
