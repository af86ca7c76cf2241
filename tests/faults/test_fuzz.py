"""Randomly damaged files and configurations are read, or refused in one line; nothing else.

`pytest tests/faults/test_fuzz.py --hypothesis-profile fuzz` tries a hundred times as many, for an
hour; every failure that it finds repeats by the line that hypothesis prints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.grid import expand
from mechcore.filters.bank import load_bank
from mechcore.io.arrays import load_array
from mechcore.io.netcdf import read_attributes, read_dataset, read_groups, write_dataset
from mechcore.model.patterns import MOST_PIXELS, pattern_image
from mechcore.simulation.run import simulate
from tests.faults.bad_arrays import saved
from tests.faults.bad_configs import GOOD
from tests.helpers.isolation import call_limited
from tests.helpers.projects import PROJECT
from tests.helpers.weight_files import WRITERS

FULL = """
experiment: fuzz
kernels: [dct, gaussian]
activations: &acts [relu, modulus]
sizes: [2, 3]
patterns:
  - delta
  - {name: disc, radius: 4}
betas: {start: 0, stop: 1, count: 3}
angles: [0, 45.5, -90]
steps: 8
t_burn: 2
snapshots: {layers: [0, 8], window: 9}
filter_banks:
  - weights: resources/banks/digits.safetensors
    name: digits
track: {per_simulation: true}
"""
TOKENS = [
    *(b"&a ", b"*a", b"*acts", b"!!int ", b"!!float ", b"!!bool ", b"!!timestamp ", b"!!binary "),
    *(b"!!set ", b"!!omap ", b"!!python/name:os.system ", b"<<: ", b"? ", b": ", b"- ", b"[", b"]"),
    *(b"{", b"}", b"|\n", b">\n", b"---\n", b"...\n", b"%YAML 9.9\n", b"#", b"'", b'"', b"\\x1b"),
    *(b"0x", b"1e999", b".nan", b"-.inf", b"~", b"null", b"true", b"9" * 20, b"1:60", b"2026-13-1"),
    *(b"\t", b"\n", b"\n  ", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", "\u2028".encode(), b"@", b"`"),
]

each_of_all = settings(suppress_health_check=list(HealthCheck))

NUMBERS = [
    number.to_bytes(width, "little")
    for width in (1, 2, 4, 8)
    for number in (0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1)
]
"""What counts, offsets and sizes overflow at."""


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """Draw a file with one to five damages.

    Tokens mean something in such a file, and are put anywhere.
    """
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 5))):
        start, length = draw(st.integers(0, len(data))), draw(st.integers(1, 64))
        match draw(st.sampled_from(["flip", "put", "copy", "delete", "cut"])):
            case "flip":
                mask = draw(st.integers(1, 255))
                data[start : start + 1] = [byte ^ mask for byte in data[start : start + 1]]
            case "put":
                piece = draw(st.sampled_from([*NUMBERS, *tokens]) | st.binary(max_size=8))
                data[start : start + draw(st.integers(0, 8))] = piece
            case "copy":
                source = draw(st.integers(0, len(data)))
                data[start:start] = data[source : source + length]
            case "delete":
                del data[start : start + length]
            case "cut":
                del data[start:]
    return bytes(data)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**12, -(10**12), 16**400])
    # Python does not write it in decimal digits, and hypothesis would.
    | st.just(4000).map(lambda exponent: 16**exponent)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["dct", "relu", "disc", "a.npy", "a.png", "a.npz", "../a", "{cell}", "\x1b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)
"""Anything that YAML can say."""


def changes(keys: Sequence[str]) -> st.SearchStrategy[dict[Any, Any]]:
    names = st.sampled_from(list(keys)) | st.text(max_size=8)
    return st.dictionaries(names, VALUES, min_size=1, max_size=3)


def refused_or(read: Callable[[], object]) -> None:
    """Call a reader, which may refuse what it reads in lines that show on a terminal."""
    try:
        read()
    except MechcoreError as error:
        for line in str(error).splitlines():
            assert line.isprintable()
            assert len(line) < 1000


def check_reader(
    path: Path, files: st.SearchStrategy[bytes], read: Callable[[Path], object]
) -> None:
    @each_of_all
    @given(data=files)
    def check(data: bytes) -> None:
        path.write_bytes(data)
        refused_or(lambda: read(path))

    check()


@each_of_all
@given(changes=changes(list(Experiment.model_fields)))
def test_values_of_configurations(changes: dict[object, object]) -> None:
    refused_or(lambda: expand(load_experiment(GOOD | changes)))


def _png(mode: str) -> bytes:
    image = Image.linear_gradient("L").resize((5, 4)).convert(mode)
    return saved(lambda stream: image.save(stream, "PNG"))


CELL = expand(load_experiment(GOOD))["dct-relu-k2"]
CONFIGURATIONS = damaged(FULL.encode(), TOKENS)
NPY = saved(lambda stream: np.save(stream, np.arange(12.0).reshape(3, 4) + 1))
ARRAYS = damaged(NPY, [b"(", b",", b"'|O'", b"-1", b"9" * 20, b"True", b"'<f8'"])
IMAGES = st.sampled_from(["L", "P", "RGBA", "1", "I;16"]).flatmap(lambda mode: damaged(_png(mode)))


def _read_cell(path: Path) -> Cell:
    return Cell.from_json(path.read_text("utf-8", errors="replace"))


FILES: dict[str, tuple[st.SearchStrategy[bytes], str, Callable[[Path], object]]] = {
    "configuration": (CONFIGURATIONS, ".yaml", lambda path: expand(load_experiment(path))),
    "cell": (damaged(CELL.to_json().encode()), ".json", _read_cell),
    "kernel": (ARRAYS, ".npy", lambda path: load_array(path, "--kernel", MOST_PIXELS)),
    "pattern": (ARRAYS, ".npy", lambda path: pattern_image(str(path))),
    "image": (IMAGES, ".png", lambda path: pattern_image(str(path))),
}


@pytest.mark.parametrize("name", FILES)
def test_files(tmp_path: Path, name: str) -> None:
    files, suffix, read = FILES[name]
    check_reader(tmp_path / f"fuzzed{suffix}", files, read)


def _weights(suffix: str, folder: Path) -> bytes:
    # Under the name that is read: the values of an index are found by it.
    path = folder / f"fuzzed{suffix}"
    kernel = np.random.default_rng(0).random((2, 2, 3, 3), dtype=np.float32)
    WRITERS[suffix](path, {"conv.weight": kernel, "fc.weight": kernel[0, 0]})
    return path.read_bytes()


# The files of Keras have no attributes here: HDF5 1.14 reads a damaged text of variable length, as
# an attribute of h5py is, in an endless loop that nothing can interrupt. Those of results are of
# fixed length, and read in a process that could be killed.
@pytest.mark.parametrize("suffix", WRITERS)
def test_weights(tmp_path: Path, suffix: str) -> None:
    check_reader(tmp_path / f"fuzzed{suffix}", damaged(_weights(suffix, tmp_path)), load_bank)


def test_models_of_tflite(tmp_path: Path) -> None:
    small = PROJECT / "tests" / "filters" / "data" / "small.tflite"
    check_reader(tmp_path / "fuzzed", damaged(small.read_bytes()), load_bank)


def read_result(path: Path) -> None:
    """Read a file of results in all ways; in a process that may be killed."""
    for read in (read_dataset, read_groups, read_attributes):
        refused_or(lambda read=read: read(path))  # type: ignore[misc]


def test_results(tmp_path: Path) -> None:
    path = tmp_path / "fuzzed.nc"
    write_dataset(simulate(CELL), path)

    # A third of the others' number: each opens the file three times.
    @settings(each_of_all, max_examples=settings.default.max_examples // 3)
    @given(data=damaged(path.read_bytes()))
    def check(data: bytes) -> None:
        path.write_bytes(data)
        ended = call_limited(read_result, (path,), tmp_path)
        assert (ended.code, ended.output, ended.errors) == (0, "", "")

    check()
