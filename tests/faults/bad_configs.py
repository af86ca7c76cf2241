"""Configurations that are refused: changes of a good one, and texts that are none."""

from __future__ import annotations

import datetime
import json
from typing import Any

import yaml

from tests.faults.cases import Case, content

GOOD: dict[str, Any] = {
    "experiment": "tiny",
    "kernels": ["dct"],
    "activations": ["relu"],
    "sizes": [2],
    "patterns": ["delta"],
    "betas": [0, 1],
    "steps": 8,
}

LONG = "a" * 900_000
ESCAPE = "\x1b]0;owned\x07"

CHANGES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    # Keys.
    "unknown key": ({"activatons": ["relu"]}, ("activatons", "did you mean 'activations'")),
    "key of a terminal": ({ESCAPE: 1}, (r"\x1b]0;owned\x07", "not a known key")),
    "key of two lines": ({"a\nb": 1}, (r"a\nb", "not a known key")),
    "key that is a number": ({7: 1}, ("7", "Keys should be strings")),
    "key that is nothing": ({None: 1}, ("None", "Keys should be strings")),
    "long key": ({LONG[:100_000]: 1}, ("aaa...aaa", "not a known key")),
    "key of Python": ({"__class__": "os"}, ("__class__", "not a known key")),
    "nested key": ({"snapshots": {"layer": [1]}}, ("snapshots.layer", "did you mean 'layers'")),
    "key of tracking": ({"track": {"uri": "http://x"}}, ("track.uri", "per_simulation")),
    "no kernels key": ({"kernels": None}, ("kernels", "None", "a list")),
    # Types.
    "text for a list": ({"sizes": "3"}, ("sizes", "'3'", "a list")),
    "fraction": ({"sizes": [2.5]}, ("sizes[0]", "2.5", "an integer")),
    "number as text": ({"steps": "8"}, ("steps", "'8'", "an integer")),
    "boolean": ({"steps": True}, ("steps", "True", "an integer")),
    "list for a number": ({"steps": [8]}, ("steps", "[8]", "an integer")),
    "mapping for a list": ({"kernels": {"dct": 1}}, ("kernels", "{'dct': 1}", "a list")),
    "number for a name": ({"kernels": [1]}, ("kernels[0]", "1", "one of dct")),
    "year for a name": ({"experiment": 2024}, ("experiment", "2024", "write it in quotes")),
    "truth for a name": ({"experiment": False}, ("experiment", "False", "write it in quotes")),
    "list for a name": ({"experiment": ["a"]}, ("experiment", "['a']", "text")),
    "date for a name": ({"experiment": datetime.date(2026, 1, 1)}, ("experiment", "in quotes")),
    "bytes for a name": ({"experiment": b"tiny"}, ("experiment", "b'tiny'", "text")),
    "set for a list": ({"kernels": {"dct"}}, ("kernels", "a list")),
    "text for a mapping": ({"snapshots": "all"}, ("snapshots", "'all'", "a mapping")),
    "text for a truth": ({"reuse_symmetric": "yes"}, ("reuse_symmetric",)),
    "number for a truth": ({"track": {"per_simulation": 1}}, ("track.per_simulation",)),
    # Numbers.
    "size 1": ({"sizes": [1]}, ("sizes[0]", "1", "at least 2")),
    "size beyond the largest": ({"sizes": [1025]}, ("sizes[0]", "1025", "at most 1024")),
    "negative size": ({"sizes": [-3]}, ("sizes[0]", "-3", "at least 2")),
    "no steps": ({"steps": 0}, ("steps", "0", "at least 3")),
    "steps beyond the largest": ({"steps": 10**9}, ("steps", "1000000000", "at most 1e+06")),
    "beta above 1": ({"betas": [0, 1.5]}, ("betas[1]", "1.5", "at most 1")),
    "beta below 0": ({"betas": [-0.1]}, ("betas[0]", "-0.1", "at least 0")),
    "beta that is no number": ({"betas": [float("nan")]}, ("betas[0]", "nan", "finite")),
    "beta that is infinite": ({"betas": [float("inf")]}, ("betas[0]", "inf", "finite")),
    "beta as text": ({"betas": ["0.5"]}, ("betas[0]", "'0.5'", "a number")),
    "infinite angle": ({"angles": [float("-inf")]}, ("angles[0]", "-inf", "finite")),
    "angle of more than a turn": ({"angles": [361]}, ("angles[0]", "361", "at most 360")),
    "angle beyond floats": ({"angles": [16**400]}, ("angles[0]", "a number")),
    "negative seed": ({"seed": -1}, ("seed", "-1", "at least 0")),
    "seed beyond 32 bits": ({"seed": 2**32}, ("seed", "4294967296", "at most")),
    "late burn": ({"t_burn": 8}, ("t_burn", "8", "less than steps, 8")),
    "nothing left to fit": ({"t_burn": 7}, ("t_burn", "7", "three layers")),
    "negative burn": ({"t_burn": -1}, ("t_burn", "-1", "at least 0")),
    "half a range": ({"betas": {"start": 0, "stop": 1}}, ("betas", "count", "missing")),
    "range of one": ({"betas": {"count": 1}}, ("betas", "count", "at least 2")),
    "range of a million": ({"betas": {"count": 10**6}}, ("betas", "count", "at most 100001")),
    "range with a step": (
        {"betas": {"count": 3, "step": 1}},
        ("betas", "step", "did you mean 'stop'"),
    ),
    "range that ends nowhere": ({"betas": {"count": 3, "stop": float("nan")}}, ("stop", "nan")),
    "range of one value": ({"betas": {"start": 1, "stop": 1, "count": 3}}, ("betas", "once")),
    "snapshot after the end": ({"snapshots": {"layers": [9]}}, ("snapshots.layers", "9")),
    "negative snapshot": ({"snapshots": {"layers": [-1]}}, ("snapshots.layers", "-1")),
    "no window": ({"snapshots": {"window": 0}}, ("snapshots.window", "0", "at least 1")),
    "domain of free space": ({"domain": 64}, ("domain", "64", "free space")),
    "domain smaller than a pattern": (
        {"boundary": "wrap", "domain": 4, "patterns": ["disc"]},
        ("domain", "4", "17"),
    ),
    "domain of a town": (
        {"boundary": "wrap", "domain": 10**6},
        ("domain", "1000000", "at most 100000"),
    ),
    # Lists.
    "no kernels": ({"kernels": []}, ("kernels", "[]", "at least one")),
    "no betas": ({"betas": []}, ("betas", "[]", "at least one")),
    "no patterns": ({"patterns": []}, ("patterns", "[]", "at least one")),
    "activation twice": ({"activations": ["relu", "relu"]}, ("activations", "'relu'", "once")),
    "zero twice": ({"betas": [0, 0.0]}, ("betas", "0", "once")),
    "direction twice": ({"angles": [0, 360]}, ("angles", "0", "once")),
    "pattern twice": ({"patterns": ["delta", "delta"]}, ("patterns", "'delta'", "once")),
    "size twice": ({"sizes": [2, 2]}, ("sizes", "2", "once")),
    # Names.
    "unknown kernel": ({"kernels": ["dctt"]}, ("kernels", "'dctt'", "did you mean 'dct'")),
    "kernel that is a file": (
        {"kernels": ["my_kernel.npy"]},
        ("kernels", "'my_kernel.npy'", "mechcore propagate", "filter_banks"),
    ),
    "activation in capitals": ({"activations": ["reLU"]}, ("'reLU'", "did you mean 'relu'")),
    "unknown activation": ({"activations": ["rellu"]}, ("'rellu'", "did you mean 'relu'")),
    "unknown boundary": ({"boundary": "open"}, ("boundary", "'open'", "free, zero, wrap")),
    "unknown norm": ({"normalise": "l1"}, ("normalise", "'l1'", "l2, peak, mass, none")),
    "unknown engine": ({"engine": "gpu"}, ("engine", "'gpu'", "compiled, reference")),
    "unknown density": ({"density": "cube"}, ("density", "'cube'", "absolute, square")),
    "unknown mixing": ({"mixing": "half"}, ("mixing", "'half'", "unit, linear")),
    "unknown pattern": ({"patterns": ["disk"]}, ("patterns", "'disk'", "did you mean 'disc'")),
    "experiment with a slash": ({"experiment": "a/b"}, ("experiment", "'a/b'", "letters")),
    "experiment above": ({"experiment": ".."}, ("experiment", "'..'", "letters")),
    "experiment outside": ({"experiment": "../outside"}, ("experiment", "'../outside'")),
    "experiment at the root": ({"experiment": "/etc"}, ("experiment", "'/etc'", "letters")),
    "experiment at home": ({"experiment": "~"}, ("experiment", "'~'", "letters")),
    "experiment that is hidden": ({"experiment": ".git"}, ("experiment", "'.git'", "letters")),
    "experiment that is an option": ({"experiment": "-rf"}, ("experiment", "'-rf'", "letters")),
    "experiment of a shell": ({"experiment": "$(touch pwned)"}, ("experiment", "$(touch")),
    "experiment in backticks": ({"experiment": "`touch pwned`"}, ("experiment", "`touch")),
    "experiment that ends a command": ({"experiment": "a;touch pwned"}, ("experiment", "a;t")),
    "experiment with a quote": ({"experiment": "a'b"}, ("experiment", "a'b", "letters")),
    "experiment of two lines": ({"experiment": "a\ntouch pwned"}, ("experiment", r"a\ntouch")),
    "experiment that ends a line": ({"experiment": "a\n"}, ("experiment", r"'a\n'", "letters")),
    "experiment of a page": ({"experiment": "<script>alert(1)</script>"}, ("experiment",)),
    "experiment of a wildcard": ({"experiment": "{cell}"}, ("experiment", "'{cell}'")),
    "experiment with a space": ({"experiment": "a b"}, ("experiment", "'a b'", "letters")),
    "experiment of nothing": ({"experiment": ""}, ("experiment", "''", "letters")),
    "experiment with a zero": ({"experiment": "a\0b"}, ("experiment", r"a\x00b", "letters")),
    "experiment of other letters": ({"experiment": "été"}, ("experiment", "'été'", "letters")),
    "experiment of 65 letters": ({"experiment": "a" * 65}, ("experiment", "at most 64")),
    "experiment of a novel": ({"experiment": LONG}, ("experiment", "aaa...aaa", "at most 64")),
    # Sizes that nothing can hold.
    "grid of 10^12 simulations": (
        {
            "kernels": ["dct", "gaussian", "binomial", "highpass", "random"],
            "activations": ["identity", "relu", "modulus", "leaky_relu", "gelu", "tanh"],
            "sizes": list(range(2, 1002)),
            "angles": list(range(334)),
            "betas": {"count": 100_001},
            "steps": 3,
        },
        ("the grid", "1002010020000 simulations", "at most 1000000000"),
    ),
    "cell of 10^11 numbers": (
        {"betas": {"count": 100_001}, "steps": 10**6},
        ("a cell", "numbers", "at most 10000000000"),
    ),
    "images of 4 TB": (
        {"steps": 10**4, "snapshots": {"window": 10_000, "layers": list(range(5000))}},
        ("a cell", "numbers", "at most 10000000000"),
    ),
    "more betas than fit into a command": (
        {"betas": {"count": 50_000}},
        ("the configuration", "bytes", "at most 120000"),
    ),
    "Gaussian of 3 GB": (
        {"patterns": [{"name": "gaussian", "sigma": 2000}]},
        ("pattern gaussian", "20001 x 20001 px", "at most 16008001"),
    ),
    "a thousand large discs": (
        {"patterns": [{"name": "disc", "radius": 2000 - number} for number in range(1000)]},
        ("patterns", "px", "at most 100000000"),
    ),
    "ten thousand patterns": (
        {"patterns": [{"name": "random", "seed": number} for number in range(10_000)]},
        ("patterns", "10000 patterns", "at most 1000"),
    ),
    # Patterns.
    "argument of another pattern": (
        {"patterns": [{"name": "disc", "size": 3}]},
        ("disc", "'size'", "radius"),
    ),
    "argument of delta": ({"patterns": [{"name": "delta", "radius": 3}]}, ("delta", "no argument")),
    "negative radius": ({"patterns": [{"name": "disc", "radius": -1}]}, ("radius", "-1", "0.5")),
    "radius as text": ({"patterns": [{"name": "disc", "radius": "8"}]}, ("radius", "'8'")),
    "radius that is no number": (
        {"patterns": [{"name": "disc", "radius": float("nan")}]},
        ("radius", "nan", "from 0.5"),
    ),
    "half a seed": ({"patterns": [{"name": "random", "seed": 1.5}]}, ("seed", "1.5", "integer")),
    "radius that is true": ({"patterns": [{"name": "disc", "radius": True}]}, ("radius", "True")),
    "argument of two lines": ({"patterns": [{"name": "disc", "a\nb": "x"}]}, ("disc", r"a\nb")),
    "pattern without a name": ({"patterns": [{"radius": 3}]}, ("patterns", "radius", "a name")),
    "pattern as a key": ({"patterns": [{"disc": {"radius": 3}}]}, ("patterns", "disc", "a name")),
    "pattern that is a number": ({"patterns": [3]}, ("patterns[0]", "3", "a mapping")),
    "pattern that is a list": ({"patterns": [["disc"]]}, ("patterns[0]", "['disc']")),
    "pattern that is not there": ({"patterns": ["no.npy"]}, ("pattern", "no.npy", "No such file")),
    "pattern above": ({"patterns": ["../no.npy"]}, ("pattern", "../no.npy", "No such file")),
    "pattern of two lines": ({"patterns": ["a\nb.npy"]}, ("patterns", r"a\nb.npy", "control")),
    "pattern of a terminal": ({"patterns": [ESCAPE + ".png"]}, ("patterns", "control")),
    "pattern with a zero": ({"patterns": ["a\0.npy"]}, ("patterns", r"a\x00.npy", "control")),
    "pattern of a wildcard": ({"patterns": ["{cell}.npy"]}, ("patterns", "without braces")),
    "pattern with arguments of a file": (
        {"patterns": [{"name": "no.npy", "radius": 3}]},
        ("pattern", "no.npy"),
    ),
    "pattern that is a device": ({"patterns": ["zero.npy"]}, ("pattern", "zero.npy", "device")),
    "pattern that is a pipe": ({"patterns": ["pipe.png"]}, ("pattern", "pipe.png", "pipe")),
    "pattern that is a folder": ({"patterns": ["folder.npy"]}, ("pattern", "folder.npy", "folder")),
    "digest of no file": (
        {"patterns": [{"name": "disc", "sha256": "0" * 64}]},
        ("pattern", "'disc'", "No such file"),
    ),
    # Banks.
    "bank of another kind": ({"filter_banks": ["bad.yaml"]}, ("weights", ".safetensors")),
    "bank that is not there": (
        {"filter_banks": ["no.npz"]},
        ("filter_banks[0].weights", "no.npz", "exists"),
    ),
    "bank that is a folder": ({"filter_banks": ["folder.npz"]}, ("weights", "folder.npz")),
    "bank of two lines": ({"filter_banks": ["a\nb.npz"]}, ("weights", r"a\nb.npz", "control")),
    "bank of a wildcard": ({"filter_banks": ["a{b}.npz"]}, ("weights", "without braces")),
    "bank with a zero": ({"filter_banks": ["a\0.npz"]}, ("weights", r"a\x00.npz", "control")),
    "bank, not a list": ({"filter_banks": "net.npz"}, ("filter_banks", "a list")),
    "bank that is a number": ({"filter_banks": [7]}, ("filter_banks[0]", "7", "a mapping")),
    "bank without weights": ({"filter_banks": [{"name": "a"}]}, ("weights", "missing")),
    "unknown key of a bank": (
        {"filter_banks": [{"weights": "net.npz", "untraned": "net.npz"}]},
        ("filter_banks[0].untraned", "did you mean 'untrained'"),
    ),
    "unknown layout": (
        {"filter_banks": [{"weights": "net.npz", "layout": "jax"}]},
        ("layout", "'jax'", "auto, torch, keras"),
    ),
    "bank outside": (
        {"filter_banks": [{"weights": "net.npz", "name": "../outside/x"}]},
        ("name of the bank", "'../outside/x'", "letters"),
    ),
    "bank of a shell": (
        {"filter_banks": [{"weights": "net.npz", "name": "$(touch pwned)"}]},
        ("name of the bank", "$(touch", "letters"),
    ),
    "bank of a page": (
        {"filter_banks": [{"weights": "net.npz", "name": "<b onclick=alert(1)>"}]},
        ("name of the bank", "<b", "letters"),
    ),
    "bank of a file with a space": (
        {"filter_banks": ["my net.npz"]},
        ("'my net'", "letters", "name it: {weights: 'my net.npz', name: mynet}"),
    ),
    "bank twice": ({"filter_banks": ["net.npz", "net.npz"]}, ("filter_banks", "'net'", "once")),
    "no kernels to run": ({"slices_per_layer": 0}, ("slices_per_layer", "0", "at least 1")),
}
"""By name: what is changed, and parts of the line that must follow."""


def _laughs(levels: int) -> str:
    """A text of a kilobyte that stands for 9 to the power of levels words."""
    inner = _laughs(levels - 1) if levels else "x"
    again = f"*a{levels - 1}" if levels else "x"
    return f"&a{levels} [{', '.join([inner, *[again] * 8])}]"


def without(key: str) -> str:
    """The good configuration but for a key, to be written by hand."""
    return yaml.safe_dump({name: value for name, value in GOOD.items() if name != key})


REST = without("kernels")

TEXTS: dict[str, tuple[bytes | str, tuple[str, ...]]] = {
    "nothing": ("", ("is empty",)),
    "a comment": ("# nothing\n", ("is empty",)),
    "a word": ("mechcore", ("'mechcore'", "mapping")),
    "a list": ("[1, 2]", ("[1, 2]", "mapping")),
    "a zero byte": ("\x00", ("not a YAML file", "special characters")),
    "UTF-16": ("experiment: tiny".encode("utf-16"), ("not a YAML file", "utf-8")),
    "Latin-1": ("experiment: été".encode("latin-1"), ("not a YAML file", "utf-8")),
    "bytes of chance": (bytes(range(128, 256)) * 8, ("not a YAML file", "utf-8")),
    "an open list": ("a: [", ("not a YAML file", "line 1")),
    "an open text": ('a: "b', ("not a YAML file", "quoted scalar")),
    "a tab": ("\texperiment: a", ("not a YAML file: ", "a tab; use spaces")),
    "two documents": ("a: 1\n---\nb: 2\n", ("not a YAML file", "single document")),
    "a key twice": (f"{REST}\nkernels: [dct]\nsteps: 9\n", ("the key 'steps' is given twice",)),
    "a key that is a list": ("? [1, 2]\n: 3\n", ("not a YAML file", "unhashable")),
    "an unknown alias": ("a: *b\n", ("not a YAML file", "undefined alias 'b'")),
    "a merge with a number": ("<<: 3\n", ("not a YAML file", "merging")),
    "code of Python": (
        "experiment: !!python/object/apply:os.system ['touch pwned']\n",
        ("not a YAML file", "could not determine a constructor", "os.system"),
    ),
    "a new object of Python": (
        "experiment: !!python/object/new:pathlib.Path [pwned]\n",
        ("not a YAML file", "could not determine a constructor"),
    ),
    "a tag of its own": ("experiment: !run x\n", ("not a YAML file", "!run")),
    "a number that is none": ("steps: !!int x\n", ("not a YAML file", "invalid literal")),
    "a number of no digits": ('steps: !!int ""\n', ("not a YAML file",)),
    "a truth that is none": ("steps: !!bool x\n", ("not a YAML file",)),
    "a time that is none": ("steps: !!timestamp x\n", ("not a YAML file",)),
    "a day that is none": ("steps: 2026-99-99\n", ("not a YAML file", "month")),
    "ten thousand digits": (f"steps: {'9' * 10_000}\n", ("not a YAML file", "4300")),
    "steps of ten thousand digits": (
        f"{without('steps')}steps: 0x1{'0' * 10_000}\n",
        ("steps", "0x1000", "at most 1e+06"),
    ),
    "a hundred thousand brackets": ("a: " + "[" * 100_000, ("not a YAML file", "recursion")),
    "a thousand braces": ("a: " + "{a: " * 1000 + "}" * 1000, ("not a YAML file", "recursion")),
    "a thousand dashes": ("- " * 1000 + "a", ("not a YAML file", "recursion")),
    "a billion words": (f"{REST}kernels: [{_laughs(9)}]\n", ("kernels[0]", "one of dct")),
    "10 MB": (b"a" * 10_000_000, ("larger than 1000000 bytes",)),
    "10 MB of spaces": (b" " * 10_000_000, ("larger than 1000000 bytes",)),
    "a list in itself": (f"{REST}kernels: &a [*a]\n", ("kernels[0]", "one of dct")),
    "an archive": (b"PK\x03\x04" + bytes(100), ("not a YAML file",)),
    "a page": ("<!DOCTYPE html><html><body>404</body></html>", ("mapping",)),
    "JSON that ends early": (json.dumps(GOOD)[:-1], ("not a YAML file",)),
}
"""By name: what the file holds, and parts of the line that must follow."""


FILE = "bad.yaml"


def cases() -> list[Case]:
    """Return all of them, as what `mechcore grid` is given."""
    texts = {name: (yaml.dump(GOOD | change), told) for name, (change, told) in CHANGES.items()}
    return [
        Case(
            f"config: {name}", ("grid", "bad.yaml"), ("bad.yaml", *told), "bad.yaml", content(text)
        )
        for name, (text, told) in {**texts, **TEXTS}.items()
    ]
