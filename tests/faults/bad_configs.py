"""Configurations that are refused: every key by its schema, other changes of a good one, texts."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from mechcore.experiment.config import Experiment
from tests.faults.cases import Case, content
from tests.helpers.projects import PROJECT

GOOD: dict[str, Any] = {
    "experiment": "tiny",
    "kernels": ["dct"],
    "activations": ["relu"],
    "sizes": [2],
    "patterns": ["delta"],
    "betas": [0, 1],
    "steps": 8,
}

DIGITS = str(PROJECT / "resources" / "networks" / "digits.onnx")

LONG = "a" * 900_000
ESCAPE = "\x1b]0;owned\x07"

Bad = tuple[dict[Any, Any], tuple[str, ...]]
"""What is changed, and parts of the line that must follow."""

# Every key with a value of another type, out of its range, or unknown.

SCHEMA = Experiment.model_json_schema()

OF_ANOTHER_TYPE: dict[str, tuple[object, str]] = {
    "array": (7, "a list"),
    "boolean": ("yes", "true or false"),
    "integer": (2.5, "an integer"),
    "number": ("0.5", "a number"),
    "object": (7, ""),
    "string": (["a"], ""),
}

RANGE = {"count": 3}
SOURCE = {
    "package": "net==1",
    "member": "net.pt",
    "sha256": "0" * 64,
    "licence": "MIT",
    "origin": "nobody",
}
BESIDE = {
    "betas": RANGE,
    "odd_energy_ratios": RANGE,
    "filter_banks": {"weights": "net.npz"},
    "networks": {"model": DIGITS},
    "source": SOURCE,
    "extensions": {"source": "ideas.py", "entries": {}},
}
"""What mappings need besides the key that is wrong."""


def _mistakes(schema: dict[str, Any], others: list[Any]) -> Iterator[tuple[object, str]]:
    """Yield values that a schema excludes, and what is expected instead."""
    # A schedule is a name or a list; so is an axis of a part of the grid.
    lists = any(other.get("type") == "array" for other in others)
    one_or_more = schema["type"] == "array" and _one(schema) in others
    if not one_or_more and (schema["type"] != "string" or not lists):
        yield OF_ANOTHER_TYPE[schema["type"]]
    if schema["type"] == "number":
        yield float("nan"), "a "
    if "enum" in schema:
        yield "unknown", f"one of {schema['enum'][0]}"
    if "minimum" in schema:
        yield schema["minimum"] - 1, f"at least {schema['minimum']}"
    if "maximum" in schema:
        yield schema["maximum"] + 1, "at most "
    if "minItems" in schema:
        yield [], "at least one value"


def _one(schema: dict[str, Any]) -> dict[str, Any]:
    items: dict[str, Any] = schema["items"]
    first: dict[str, Any] = items.get("anyOf", [items])[0]
    return first


def _of_schema(schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, object, str]]:
    """Yield the place of each key, a value that is wrong there, and what is expected instead."""
    variants = schema.get("anyOf", [schema])
    for variant in variants:
        if "$ref" in variant:
            variant = SCHEMA["$defs"][variant["$ref"].removeprefix("#/$defs/")]
        if variant["type"] == "null":
            continue
        if place:
            yield from ((place, *mistake) for mistake in _mistakes(variant, variants))
        if "items" in variant:
            yield from _of_schema(variant["items"], f"{place}[0]")
        # What arguments a pattern has depends on its name.
        for name, inner in {} if place == "patterns[0]" else variant.get("properties", {}).items():
            yield from _of_schema(inner, f"{place}.{name}".lstrip("."))


NAME = "letters, digits, dots, dashes and underscores, at most 64"
SHOWN = "text without line breaks and control characters"
OWN_KERNELS = (
    "a kernel family; for one kernel of your own: mechcore propagate, for many: filter_banks"
)

VALUES: list[tuple[str, str, tuple[object, ...]]] = [
    ("kernels", "a list", (None, {"dct": 1}, {"dct"})),
    ("steps", "an integer", ("8", True)),
    ("experiment", "text: write it in quotes", (2024, False, datetime.date(2026, 1, 1))),
    ("experiment", "text", (b"tiny",)),
    ("angles[0]", "a finite number", (-float("inf"),)),
    ("t_burn", "less than steps, 8", (8,)),
    ("t_burn", "at least three layers", (7,)),
    ("snapshots.layers[]", "a layer from 0 to 8", (9, -1)),
    ("domain", "none, as free space has no edge", (64,)),
    ("kernels[]", OWN_KERNELS, ("my_kernel.npy",)),
    # Names that would be paths, options, commands, wildcards or pages.
    ("experiment", NAME, ("a/b", "..", "/etc", ".git", "-rf", "a b", "", "a\n", "a\0b", "été")),
    ("experiment", NAME, ("$(touch pwned)", "a;touch pwned", "a'b", "{cell}", "<script>")),
    ("patterns[]", SHOWN, ("a\nb.npy", f"{ESCAPE}.png", "a\0.npy")),
    ("patterns[]", "another start: ./=1.npy", ("=1.npy",)),
    ("patterns[]", "a path without braces", ("{cell}.npy", "<results>.npy")),
    ("filter_banks[0]", SHOWN, ("a\nb.npz",)),
    ("filter_banks[0]", "a path without braces", ("a{b}.npz", "<results>/net.npz")),
    ("filter_banks[0]", "a file in ", ("no.npz", "folder.npz")),
    ("networks[0].model", SHOWN, ("a\nb.onnx",)),
    ("networks[0].model", "a file in ", ("no.onnx", "folder.npz")),
    ("networks[0].model", "an ONNX file", ("net.npz",)),
]
"""Where values are, what is expected there, and values that are not.

The line names the place and the value; of ``[]`` only the list.
"""


def _pattern(name: str, *message: str, **arguments: object) -> Bad:
    return {"patterns": [{"name": name, **arguments}]}, message


def _bank(*message: str, **keys: object) -> Bad:
    return {"filter_banks": [{"weights": "net.npz", **keys}]}, message


def _network(*message: str, **keys: object) -> Bad:
    return {"networks": [{"model": DIGITS, **keys}]}, message


DISC = {"name": "disc", "radius": 99}
BANKS = [
    {"weights": "net.npz", "untrained": "net.npz"},
    {"weights": "net.npz", "name": "Net-untrained"},
]

CHANGES: dict[str, Bad] = {
    # Keys.
    "unknown key": ({"activatons": ["relu"]}, ("activatons", "did you mean 'activations'")),
    "key of a terminal": ({ESCAPE: 1}, (r"\x1b]0;owned\x07", "not a known key")),
    "key that is a number": ({7: 1}, ("7", "Keys should be strings")),
    "long key": ({LONG[:100_000]: 1}, ("aaa...aaa", "not a known key")),
    "key of a bank": _bank("filter_banks[0].untraned", "mean 'untrained'", untraned="net.npz"),
    "key of a range": ({"betas": {"count": 3, "step": 1}}, ("betas", "step", "mean 'stop'")),
    # Numbers.
    "angle beyond floats": ({"angles": [16**400]}, ("angles[0]", "a number")),
    "half a range": ({"betas": {"start": 0, "stop": 1}}, ("betas", "count", "missing")),
    "range of one value": ({"betas": {"start": 1, "stop": 1, "count": 3}}, ("betas", "once")),
    "small": ({"boundary": "wrap", "domain": 4, "patterns": ["disc"]}, ("domain", "4", "17")),
    "small by default": ({"boundary": "zero", "patterns": [DISC]}, ("domain", "129", "199")),
    # Values twice.
    "activation twice": ({"activations": ["relu", "relu"]}, ("activations", "'relu'", "once")),
    "direction twice": ({"angles": [0, 360]}, ("angles", "0", "once")),
    "pattern twice": ({"patterns": ["delta", "delta"]}, ("patterns", "'delta'", "once")),
    "bank twice": ({"filter_banks": ["net.npz", "net.npz"]}, ("filter_banks", "'net'", "once")),
    "bank before training": ({"filter_banks": BANKS}, ("filter_banks", "'net-untrained'", "once")),
    "bank of a text": ({"filter_banks": ["bad.yaml"]}, ("filter_banks[0]", "'bad.yaml' starts")),
    "numbers of nobody": ({"published": "config"}, ("published", "'config'", "protocols.yaml")),
    # Names.
    "unknown kernel": ({"kernels": ["dctt"]}, ("kernels", "'dctt'", "did you mean 'dct'")),
    "activation in capitals": ({"activations": ["reLU"]}, ("'reLU'", "did you mean 'relu'")),
    "unknown pattern": ({"patterns": ["disk"]}, ("patterns", "'disk'", "did you mean 'disc'")),
    "experiment of a novel": ({"experiment": LONG}, ("experiment", "aaa...aaa", "at most 64")),
    # Sizes that nothing can hold.
    "grid of 10^9 simulations": (
        {
            "activations": ["identity", "relu", "modulus", "tanh"],
            "sizes": list(range(2, 1002)),
            "angles": list(range(300)),
            "betas": {"count": 1000},
        },
        ("the grid", "1200000000 simulations", "at most 1000000000"),
    ),
    "cell of 10^11 numbers": (
        {"betas": {"count": 100_001}, "steps": 10**6},
        ("a cell", "numbers", "at most 80000000"),
    ),
    "betas beyond a command": ({"betas": {"count": 50_000}}, ("configuration", "at most 120000")),
    "Gaussian of 3 GB": _pattern("gaussian", "gaussian", "20001 x 20001 px", sigma=2000),
    "a thousand large discs": (
        {"patterns": [{"name": "disc", "radius": 2000 - number} for number in range(1000)]},
        ("patterns", "px", "at most 100000000"),
    ),
    "ten thousand patterns": (
        {"patterns": ["random"] * 10_000},
        ("10000 patterns", "at most 1000"),
    ),
    # Patterns.
    "argument of another pattern": _pattern("disc", "disc", "'size'", "radius", size=3),
    "argument of delta": _pattern("delta", "delta", "no argument", radius=3),
    "negative radius": _pattern("disc", "radius", "-1", "0.5", radius=-1),
    "pattern without a name": ({"patterns": [{"radius": 3}]}, ("patterns", "radius", "a name")),
    "pattern above": ({"patterns": ["../no.npy"]}, ("pattern", "../no.npy", "No such file")),
    "pattern that is a device": ({"patterns": ["zero.npy"]}, ("pattern", "zero.npy", "device")),
    "pattern that is a pipe": ({"patterns": ["pipe.png"]}, ("pattern", "pipe.png", "pipe")),
    "pattern that is a folder": ({"patterns": ["folder.npy"]}, ("pattern", "folder.npy", "folder")),
    "digest of no file": _pattern("disc", "'disc'", "No such file", sha256="0" * 64),
    # Banks.
    "bank without weights": ({"filter_banks": [{"name": "a"}]}, ("weights", "missing")),
    "bank outside": _bank("name of the bank", "'../outside/x'", "letters", name="../outside/x"),
    "bank of a shell": _bank("name of the bank", "$(touch", "letters", name="$(touch pwned)"),
    "network outside": _network("name of the network", "'../net'", "letters", name="../net"),
    "network of no scale": _network("scale", "numbers other than 0", scale=[0.0]),
    "network of no folder": _network("images", "'photos'", "or a folder of", images=["photos"]),
    "folder without images": _network("images", "'config'", "or a folder of", images=["config"]),
    "images twice": _network("images", "'disc'", "each value once", images=["disc", "disc"]),
    "network twice": (
        {"networks": [{"model": DIGITS}, {"model": DIGITS}]},
        ("networks", "'digits-photographs'", "each value once"),
    ),
    "bank of a file with a space": (
        {"filter_banks": ["my net.npz"]},
        ("'my net'", "letters", "name it: {weights: 'my net.npz', name: mynet}"),
    ),
}


def _of_values() -> dict[str, Bad]:
    by_hand = [(place, value, expected) for place, expected, values in VALUES for value in values]
    result: dict[str, Bad] = {}
    for place, value, expected in [*_of_schema(SCHEMA), *by_hand]:
        change: Any = value
        parts = re.findall(r"\w+|\[0?\]", place)
        for number, part in reversed([*enumerate(parts)]):
            around = [other for other in parts[:number] if not other.startswith("[")]
            mapping = BESIDE.get(around[-1], {}) if around else {}
            change = [change] if part.startswith("[") else {**mapping, part: change}
        line = f"{value!r} is not allowed, expected {expected}"
        message = (*place.removesuffix("[]").split("."), line)
        result[f"{place} {value!r}"] = (change, message)
    return result


CHANGED = {**_of_values(), **CHANGES}

# Texts.


def _laughs(levels: int) -> str:
    """A text of a kilobyte that stands for 9 to the power of levels words."""
    inner = _laughs(levels - 1) if levels else "x"
    again = f"*a{levels - 1}" if levels else "x"
    return f"&a{levels} [{', '.join([inner, *[again] * 8])}]"


def _merged(levels: int) -> str:
    """A text of which each level merges the one before ten times, and has its keys ten times."""
    keys = ", ".join(f"k{number}: x" for number in range(10))
    lines = [f"z0: &a0 {{{keys}}}"]
    lines += [f"z{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


def without(key: str) -> str:
    return yaml.safe_dump({name: value for name, value in GOOD.items() if name != key})


REST, NOT_YAML = without("kernels"), "not YAML"

TEXTS: dict[str, tuple[bytes | str, tuple[str, ...]]] = {
    "nothing": ("", ("is empty",)),
    "a list": ("[1, 2]", ("[1, 2]", "mapping")),
    "a zero byte": ("\x00", (NOT_YAML, "special characters")),
    "bytes of chance": (bytes(range(128, 256)) * 8, (NOT_YAML, "utf-8")),
    "a tab": ("\texperiment: a", (f"{NOT_YAML}: ", "a tab; use spaces")),
    "two documents": ("a: 1\n---\nb: 2\n", (NOT_YAML, "single document")),
    "a key twice": (f"{REST}\nkernels: [dct]\nsteps: 9\n", ("the key 'steps' is given twice",)),
    "a key that is a list": ("? [1, 2]\n: 3\n", (NOT_YAML, "unhashable")),
    "an unknown alias": ("a: *b\n", (NOT_YAML, "undefined alias 'b'")),
    "code of Python": (
        "experiment: !!python/object/apply:os.system ['touch pwned']\n",
        (NOT_YAML, "could not determine a constructor", "os.system"),
    ),
    "a day that is none": ("steps: 2026-99-99\n", (NOT_YAML, "month")),
    "ten thousand digits": (f"steps: {'9' * 10_000}\n", (NOT_YAML, "4300")),
    "steps of ten thousand digits": (
        f"{without('steps')}steps: 0x1{'0' * 10_000}\n",
        ("steps", "0x1000", "at most 1e+06"),
    ),
    "a hundred thousand brackets": ("a: " + "[" * 100_000, (NOT_YAML, "recursion")),
    "a billion words": (f"{REST}kernels: [{_laughs(9)}]\n", ("kernels[0]", "one of dct")),
    "a hundred billion merged keys": (_merged(11), (NOT_YAML, "more than 100000 keys")),
    "a number in base 60": (f"{REST}angles: [1:30]", ("'1:30'", "base 60", "base 10")),
    "900 kB of a number in base 60": (f"steps: 1{':10' * 300_000}", ("1:10:10", "base 60")),
    "a fraction in base 60": (f"{REST}angles: [1:30.5]", ("'1:30.5'", "base 60")),
    "an octal number": (f"{without('steps')}steps: 010", ("'010'", "octal", "without the first 0")),
    "a negative octal number": (f"{REST}angles: [-0_10]", ("'-0_10'", "octal")),
    "10 MB": (b" " * 10_000_000, ("larger than 1000000 bytes",)),
    "a list in itself": (f"{REST}kernels: &a [*a]\n", ("kernels[0]", "one of dct")),
    "JSON that ends early": (json.dumps(GOOD)[:-1], (NOT_YAML,)),
}
"""By name: what the file holds, and parts of the line that must follow."""


def cases() -> list[Case]:
    texts = {
        name: (yaml.dump(GOOD | change), message) for name, (change, message) in CHANGED.items()
    }
    words, file = ("grid", "bad.yaml"), "bad.yaml"
    return [
        Case(f"config: {name}", words, (file, *message), file, content(text))
        for name, (text, message) in {**texts, **TEXTS}.items()
    ]
