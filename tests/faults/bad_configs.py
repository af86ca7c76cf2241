"""Configurations that are refused: changes of a good one, and texts that are none."""

from __future__ import annotations

import datetime
import json
import re
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

Bad = tuple[dict[Any, Any], tuple[str, ...]]
"""What is changed, and parts of the line that must follow."""

NAME = "letters, digits, dots, dashes and underscores, at most 64"
SHOWN = "text without line breaks and control characters"
OWN_KERNELS = (
    "a kernel family; for one kernel of your own: mechcore propagate, for many: filter_banks"
)
NAN, INFINITE = float("nan"), float("inf")

VALUES: list[tuple[str, str, tuple[object, ...]]] = [
    # Types.
    ("kernels", "a list", (None, {"dct": 1}, {"dct"})),
    ("sizes", "a list", ("3",)),
    ("filter_banks", "a list", ("net.npz",)),
    ("sizes[0]", "an integer", (2.5,)),
    ("steps", "an integer", ("8", True, [8])),
    ("kernels[0]", "one of dct", (1,)),
    ("experiment", "text: write it in quotes", (2024, False, datetime.date(2026, 1, 1))),
    ("experiment", "text", (["a"], b"tiny")),
    ("snapshots", "a name or a mapping", ("all",)),
    ("patterns[0]", "a name or a mapping", (3, ["disc"])),
    ("filter_banks[0]", "a name or a mapping", (7,)),
    # Numbers.
    ("sizes[0]", "at least 2", (1, -3)),
    ("sizes[0]", "at most 1024", (1025,)),
    ("steps", "at least 3", (0,)),
    ("steps", "at most 1e+06", (10**9,)),
    ("betas[0]", "at least 0", (-0.1,)),
    ("betas[0]", "a finite number", (NAN, INFINITE)),
    ("betas[0]", "a number", ("0.5",)),
    ("betas.count", "at least 2", (1,)),
    ("betas.count", "at most 100001", (10**6,)),
    ("angles[0]", "a finite number", (-INFINITE,)),
    ("angles[0]", "at most 360", (361,)),
    ("seed", "at least 0", (-1,)),
    ("seed", "at most", (2**32,)),
    ("t_burn", "less than steps, 8", (8,)),
    ("t_burn", "at least three layers", (7,)),
    ("t_burn", "at least 0", (-1,)),
    ("snapshots.layers[]", "a layer from 0 to 8", (9, -1)),
    ("snapshots.window", "at least 1", (0,)),
    ("slices_per_layer", "at least 1", (0,)),
    ("domain", "none, as free space has no edge", (64,)),
    # Lists.
    ("kernels", "at least one value", ([],)),
    ("betas", "at least one value", ([],)),
    ("patterns", "at least one value", ([],)),
    # Names.
    ("boundary", "one of free, zero, wrap", ("open",)),
    ("normalise", "one of l2, peak, mass, none", ("l1",)),
    ("engine", "one of compiled, reference", ("gpu",)),
    ("density", "one of absolute, square", ("cube",)),
    ("mixing", "one of unit, linear", ("half",)),
    ("kernels[]", OWN_KERNELS, ("my_kernel.npy",)),
    ("experiment", NAME, ("a/b", "..", "../outside", "/etc", "~", ".git", "-rf", "a b", "")),
    ("experiment", NAME, ("$(touch pwned)", "`touch pwned`", "a;touch pwned", "a'b", "{cell}")),
    ("experiment", NAME, ("a\ntouch pwned", "a\n", "a\0b", "<script>alert(1)</script>", "été")),
    # Files.
    ("patterns[]", SHOWN, ("a\nb.npy", f"{ESCAPE}.png", "a\0.npy")),
    ("patterns[]", "a path without braces", ("{cell}.npy",)),
    ("filter_banks[0]", SHOWN, ("a\nb.npz", "a\0.npz")),
    ("filter_banks[0]", "a path without braces", ("a{b}.npz",)),
    ("filter_banks[0]", "a file that ends in .safetensors", ("bad.yaml",)),
    ("filter_banks[0]", "a file that exists", ("no.npz", "folder.npz")),
]
"""Where values are, what is expected there, and values that are not.

The line names the place and the value; of ``[]`` only the list.
"""


def _pattern(name: str, *told: str, **arguments: object) -> Bad:
    return {"patterns": [{"name": name, **arguments}]}, told


def _bank(*told: str, **keys: object) -> Bad:
    return {"filter_banks": [{"weights": "net.npz", **keys}]}, told


CHANGES: dict[str, Bad] = {
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
    "key of a bank": _bank("filter_banks[0].untraned", "mean 'untrained'", untraned="net.npz"),
    "key of a range": ({"betas": {"count": 3, "step": 1}}, ("betas", "step", "mean 'stop'")),
    # Types and numbers.
    "text for a truth": ({"reuse_symmetric": "yes"}, ("reuse_symmetric",)),
    "number for a truth": ({"track": {"per_simulation": 1}}, ("track.per_simulation",)),
    "beta above 1": ({"betas": [0, 1.5]}, ("betas[1]", "1.5", "at most 1")),
    "angle beyond floats": ({"angles": [16**400]}, ("angles[0]", "a number")),
    "half a range": ({"betas": {"start": 0, "stop": 1}}, ("betas", "count", "missing")),
    "range that ends nowhere": ({"betas": {"count": 3, "stop": NAN}}, ("stop", "nan")),
    "range of one value": ({"betas": {"start": 1, "stop": 1, "count": 3}}, ("betas", "once")),
    # A domain of a pattern, and of a town.
    "small": ({"boundary": "wrap", "domain": 4, "patterns": ["disc"]}, ("domain", "4", "17")),
    "large": ({"boundary": "wrap", "domain": 10**6}, ("domain", "1000000", "at most 100000")),
    # Values twice.
    "activation twice": ({"activations": ["relu", "relu"]}, ("activations", "'relu'", "once")),
    "zero twice": ({"betas": [0, 0.0]}, ("betas", "0", "once")),
    "direction twice": ({"angles": [0, 360]}, ("angles", "0", "once")),
    "pattern twice": ({"patterns": ["delta", "delta"]}, ("patterns", "'delta'", "once")),
    "size twice": ({"sizes": [2, 2]}, ("sizes", "2", "once")),
    "bank twice": ({"filter_banks": ["net.npz", "net.npz"]}, ("filter_banks", "'net'", "once")),
    # Names.
    "unknown kernel": ({"kernels": ["dctt"]}, ("kernels", "'dctt'", "did you mean 'dct'")),
    "activation in capitals": ({"activations": ["reLU"]}, ("'reLU'", "did you mean 'relu'")),
    "unknown activation": ({"activations": ["rellu"]}, ("'rellu'", "did you mean 'relu'")),
    "unknown pattern": ({"patterns": ["disk"]}, ("patterns", "'disk'", "did you mean 'disc'")),
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
    "betas beyond a command": ({"betas": {"count": 50_000}}, ("configuration", "at most 120000")),
    "Gaussian of 3 GB": _pattern("gaussian", "gaussian", "20001 x 20001 px", sigma=2000),
    "a thousand large discs": (
        {"patterns": [{"name": "disc", "radius": 2000 - number} for number in range(1000)]},
        ("patterns", "px", "at most 100000000"),
    ),
    "ten thousand patterns": (
        {"patterns": [{"name": "random", "seed": number} for number in range(10_000)]},
        ("patterns", "10000 patterns", "at most 1000"),
    ),
    # Patterns.
    "argument of another pattern": _pattern("disc", "disc", "'size'", "radius", size=3),
    "argument of delta": _pattern("delta", "delta", "no argument", radius=3),
    "argument of two lines": _pattern("disc", "disc", r"a\nb", **{"a\nb": "x"}),
    "negative radius": _pattern("disc", "radius", "-1", "0.5", radius=-1),
    "radius as text": _pattern("disc", "radius", "'8'", radius="8"),
    "radius that is no number": _pattern("disc", "radius", "nan", "from 0.5", radius=NAN),
    "radius that is true": _pattern("disc", "radius", "True", radius=True),
    "half a seed": _pattern("random", "seed", "1.5", "integer", seed=1.5),
    "pattern without a name": ({"patterns": [{"radius": 3}]}, ("patterns", "radius", "a name")),
    "pattern as a key": ({"patterns": [{"disc": {"radius": 3}}]}, ("patterns", "disc", "a name")),
    "pattern that is not there": ({"patterns": ["no.npy"]}, ("pattern", "no.npy", "No such file")),
    "pattern above": ({"patterns": ["../no.npy"]}, ("pattern", "../no.npy", "No such file")),
    "pattern with arguments of a file": _pattern("no.npy", "pattern", "no.npy", radius=3),
    "pattern that is a device": ({"patterns": ["zero.npy"]}, ("pattern", "zero.npy", "device")),
    "pattern that is a pipe": ({"patterns": ["pipe.png"]}, ("pattern", "pipe.png", "pipe")),
    "pattern that is a folder": ({"patterns": ["folder.npy"]}, ("pattern", "folder.npy", "folder")),
    "digest of no file": _pattern("disc", "'disc'", "No such file", sha256="0" * 64),
    # Banks.
    "bank without weights": ({"filter_banks": [{"name": "a"}]}, ("weights", "missing")),
    "unknown layout": _bank("layout", "'jax'", "auto, torch, keras", layout="jax"),
    "bank outside": _bank("name of the bank", "'../outside/x'", "letters", name="../outside/x"),
    "bank of a shell": _bank("name of the bank", "$(touch", "letters", name="$(touch pwned)"),
    "bank of a page": _bank("name of the bank", "<b", "letters", name="<b onclick=alert(1)>"),
    "bank of a file with a space": (
        {"filter_banks": ["my net.npz"]},
        ("'my net'", "letters", "name it: {weights: 'my net.npz', name: mynet}"),
    ),
}


def _of_values() -> dict[str, Bad]:
    found: dict[str, Bad] = {}
    for place, expected, values in VALUES:
        for value in values:
            change: Any = value
            for part in reversed(re.findall(r"\w+|\[0?\]", place)):
                change = [change] if part.startswith("[") else {part: change}
            line = f"{value!r} is not allowed, expected {expected}"
            told = (*place.removesuffix("[]").split("."), line)
            found[f"{place} {value!r}"] = (change, told)
    return found


CHANGED = {**_of_values(), **CHANGES}


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


def cases() -> list[Case]:
    """Return all of them, as what `mechcore grid` is given."""
    texts = {name: (yaml.dump(GOOD | change), told) for name, (change, told) in CHANGED.items()}
    words, file = ("grid", "bad.yaml"), "bad.yaml"
    return [
        Case(f"config: {name}", words, (file, *told), file, content(text))
        for name, (text, told) in {**texts, **TEXTS}.items()
    ]
