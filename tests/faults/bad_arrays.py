"""Kernels and image patterns that are refused: ``.npy`` and ``.png`` files."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from tests.faults.cases import Case, Maker, content

GIGABYTES = 5 * 2**30


class Runs:
    """Creates a file when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (Path("pwned"),)


def stored(values: ArrayLike) -> Maker:
    """Return what saves an array, objects included."""
    return lambda path: np.save(path, np.asarray(values), allow_pickle=True)


def header(text: str, values: bytes = bytes(72), version: bytes = b"\x01\x00") -> bytes:
    """A ``.npy`` file with any header."""
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(text))
    return b"\x93NUMPY" + version + length + text.encode("latin-1") + values


def shape(text: str, dtype: str = "<f8") -> bytes:
    """A ``.npy`` file of 72 bytes that claims another shape."""
    return header(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {text}, }}\n")


def sparse(beginning: bytes) -> Maker:
    """Return what writes a file of gigabytes that takes none on the disk."""

    def make(path: Path) -> None:
        path.write_bytes(beginning)
        with path.open("r+b") as stream:
            stream.truncate(GIGABYTES)

    return make


def objects() -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """An array whose only value runs code when it is loaded."""
    return np.array([Runs()], dtype=object)


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    """Return what is saved into a stream."""
    stream = io.BytesIO()
    save(stream)
    return stream.getvalue()


NPY = saved(lambda stream: np.save(stream, np.ones((3, 3))))
ARCHIVE = saved(lambda stream: np.savez(stream, a=np.ones((3, 3))))
NOT_NPY = ("cannot read", "bad.npy", "numeric .npy array")
OBJECTS = ("bad.npy", "Python objects")
MOST = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({GIGABYTES - 128}, 1), }}\n"

ARRAYS: dict[str, tuple[Maker, tuple[str, ...]]] = {
    "nothing": (content(b""), NOT_NPY),
    "text": (content("1 0\n0 1\n"), NOT_NPY),
    "a magic word alone": (content(b"\x93NUMPY"), NOT_NPY),
    "half a header": (content(NPY[:40]), NOT_NPY),
    "half its values": (content(NPY[:-36]), NOT_NPY),
    "a header alone": (content(NPY[:-72]), NOT_NPY),
    "version 9": (content(header("{}", version=b"\x09\x00")), NOT_NPY),
    "version 3": (content(header("{}", version=b"\x03\x00")), NOT_NPY),
    "a header that is no mapping": (content(header("3\n")), NOT_NPY),
    "a header without a shape": (content(header("{'descr': '<f8'}\n")), NOT_NPY),
    "a header that calls": (content(header("__import__('os').system('touch pwned')\n")), NOT_NPY),
    "a header of brackets": (content(header("(" * 9000)), NOT_NPY),
    "a header of minus signs": (content(header("-" * 9000 + "1")), NOT_NPY),
    "a header of zeros": (content(header("\0" * 100)), NOT_NPY),
    "a header of 5 GB": (sparse(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1)), NOT_NPY),
    "a shape to compute": (content(shape("(10**9, 10**9)")), NOT_NPY),
    "a huge shape": (content(shape("(1000000000, 1000000000)")), ("at most",)),
    "a shape beyond 64 bits": (content(shape(f"({2**70}, 1)")), ("at most",)),
    "a shape that wraps to nothing": (content(shape(f"({2**32}, {2**32})")), ("at most",)),
    "a negative shape": (content(shape("(-3, -3)")), NOT_NPY),
    "a shape of fractions": (content(shape("(1.5, 6)")), NOT_NPY),
    "a shape of truth": (content(shape("(True, 9)")), ("bad.npy",)),
    "a shape of 65 axes": (content(shape(f"({'1, ' * 65})")), NOT_NPY),
    "an unknown type": (content(shape("(3, 3)", "<z9")), NOT_NPY),
    "a type of Python": (content(shape("(3, 3)", "|O")), OBJECTS),
    "a type of 2 GB": (content(shape("(1, 1)", f"|S{2**31 - 1}")), NOT_NPY),
    "5 GB of zeros": (sparse(header(MOST)), ("at most",)),
    "objects": (stored([[{}]]), OBJECTS),
    "objects that run": (stored(objects()), OBJECTS),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps(Runs())), NOT_NPY),
    "an archive": (content(ARCHIVE), NOT_NPY),
    "a PNG": (lambda path: Image.new("L", (3, 3), 1).save(path, "PNG"), NOT_NPY),
    "texts": (stored([["a", "b"]]), ("real numbers",)),
    "complex numbers": (stored([[1j]]), ("real numbers",)),
    "times": (stored(np.zeros((3, 3), "M8[s]")), ("real numbers",)),
    "structures": (stored(np.zeros((3, 3), [("a", "f8")])), ("real numbers",)),
    "a number": (stored(3.0), ("shape ()",)),
    "a line": (stored([1.0, 2.0]), ("shape (2,)",)),
    "a cube": (stored(np.ones((2, 2, 2))), ("shape (2, 2, 2)",)),
    "no rows": (stored(np.ones((0, 3))), ("shape (0, 3)",)),
    "no pixels": (stored(np.ones((0, 0))), ("shape (0, 0)",)),
    "zeros": (stored(np.zeros((3, 3))), ("zero",)),
    "NaN": (stored([[1.0, np.nan]]), ("finite",)),
    "infinity": (stored([[1.0, np.inf]]), ("finite",)),
    "numbers beyond float64": (stored(np.full((2, 2), np.longdouble("1e400"))), ("finite",)),
    "too many values": (lambda path: np.save(path, np.ones((5000, 5000), bool)), ("at most",)),
    "a folder": (Path.mkdir, ("bad.", "it is a folder")),
    "a device": (lambda path: path.symlink_to("/dev/zero"), ("bad.", "a device")),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), ("bad.", "No such file")),
    "a link to itself": (lambda path: path.symlink_to(path.name), ("bad.", "symbolic links")),
    "a link outside": (lambda path: path.symlink_to("../outside/secret"), NOT_NPY),
}
"""By name: what writes a ``.npy`` file, and parts of the line beside the name of the file."""


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG with its checksum."""
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def png(
    width: int, height: int, rows: bytes = b"", *extra: bytes, depth: int = 8, colour: int = 0
) -> bytes:
    """A PNG that claims a size, with any rows."""
    size = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", size), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


SOUND = png(3, 3, (b"\0" + b"\x01\x02\x03") * 3)
FLIPPED = SOUND[:45] + bytes([SOUND[45] ^ 255]) + SOUND[46:]
BOMB = b"a\0\0" + zlib.compress(bytes(10**8))
NOT_PNG = ("cannot read", "bad.png", "not a PNG image")

IMAGES: dict[str, tuple[Maker, tuple[str, ...]]] = {
    "nothing": (content(b""), NOT_PNG),
    "text": (content("a picture"), NOT_PNG),
    "a signature alone": (content(SOUND[:8]), NOT_PNG),
    "half a head": (content(SOUND[:20]), NOT_PNG),
    "half its rows": (content(SOUND[:50]), NOT_PNG),
    "a flipped byte": (content(FLIPPED), NOT_PNG),
    "rows of chance": (content(png(3, 3) + bytes(range(256))), NOT_PNG),
    "no rows": (content(png(3, 3)), NOT_PNG),
    "0 x 0": (content(png(0, 0)), NOT_PNG),
    "0 x 3": (content(png(0, 3)), NOT_PNG),
    "a depth of 3 bits": (content(png(3, 3, depth=3)), NOT_PNG),
    "unknown colours": (content(png(3, 3, colour=9)), NOT_PNG),
    "a palette without colours": (content(png(3, 3, bytes(12), colour=3)), ()),
    "10^12 pixels": (content(png(10**6, 10**6)), ("bad.png",)),
    "2^62 pixels": (content(png(2**31 - 1, 2**31 - 1)), ("bad.png",)),
    "100 million pixels": (
        content(png(10**4, 10**4, bytes(10**6))),
        ("bad.png", "100000000 px", "at most 16008001"),
    ),
    "a text of 100 MB": (content(png(3, 3, bytes(12), chunk(b"zTXt", BOMB))), NOT_PNG),
    "a profile of 100 MB": (content(png(3, 3, bytes(12), chunk(b"iCCP", BOMB))), ("bad.png",)),
    "a chunk beyond the end": (content(SOUND[:33] + struct.pack(">I", 2**31) + b"IDAT"), NOT_PNG),
    "black": (content(png(3, 3, bytes(12))), ("all zero",)),
    "a JPEG": (lambda path: Image.new("L", (3, 3), 1).save(path, "JPEG"), NOT_PNG),
    "a GIF": (lambda path: Image.new("L", (3, 3), 1).save(path, "GIF"), NOT_PNG),
    "an array": (content(NPY), NOT_PNG),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps(Runs())), NOT_PNG),
    "PostScript": (content("%!PS-Adobe-3.0 EPSF-3.0\n(touch pwned) system\n"), NOT_PNG),
    "a folder": (Path.mkdir, ("bad.", "it is a folder")),
    "a device": (lambda path: path.symlink_to("/dev/zero"), ("bad.", "a device")),
    "a link to itself": (lambda path: path.symlink_to(path.name), ("bad.", "symbolic links")),
}
"""By name: what writes a ``.png`` file, and parts of the line beside the name of the file."""

OUTPUT = ("--steps", "3", "--output", "out.nc")
FAMILY = ("--family", "dct", "--size", "2", "--beta", "0")


def cases() -> list[Case]:
    """Return all of them, as what `mechcore propagate` is given."""
    uses = [
        ("kernel", "--kernel", "bad.npy", (), ARRAYS),
        ("pattern.npy", "--pattern", "bad.npy", FAMILY, ARRAYS),
        ("pattern.png", "--pattern", "bad.png", FAMILY, IMAGES),
    ]
    return [
        Case(
            f"{kind}: {name}",
            ("propagate", *rest, option, file, *OUTPUT),
            ("--kernel" if kind == "kernel" else "pattern", *told),
            file,
            make,
        )
        for kind, option, file, rest, table in uses
        for name, (make, told) in table.items()
    ]
