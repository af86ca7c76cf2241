"""Kernels and image patterns that are refused: ``.npy`` and ``.png`` files."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from tests.faults.cases import Case, Maker, Runs, Table, content, of_any_format

GIGABYTES = 5 * 2**30


def stored(values: ArrayLike) -> Maker:
    return lambda path: np.save(path, np.asarray(values), allow_pickle=True)


def header(text: str, values: bytes = bytes(72), version: bytes = b"\x01\x00") -> bytes:
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
    stream = io.BytesIO()
    save(stream)
    return stream.getvalue()


NPY = saved(lambda stream: np.save(stream, np.ones((3, 3))))
ARCHIVE = saved(lambda stream: np.savez(stream, a=np.ones((3, 3))))
NOT_NPY = ("cannot read", "numeric .npy array")
OBJECTS = ("Python objects",)
MOST = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({GIGABYTES - 128}, 1), }}\n"

ARRAYS: Table = {
    **of_any_format(*NOT_NPY),
    "half its values": (content(NPY[:-36]), NOT_NPY),
    "version 9": (content(header("{}", version=b"\x09\x00")), NOT_NPY),
    "a header without a shape": (content(header("{'descr': '<f8'}\n")), NOT_NPY),
    "a header that calls": (content(header("__import__('os').system('touch pwned')\n")), NOT_NPY),
    "a header of brackets": (content(header("(" * 9000)), NOT_NPY),
    "a header of 5 GB": (sparse(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1)), NOT_NPY),
    "a huge shape": (content(shape("(1000000000, 1000000000)")), ("at most",)),
    "a shape that wraps to nothing": (content(shape(f"({2**32}, {2**32})")), ("at most",)),
    "a negative shape": (content(shape("(-3, -3)")), NOT_NPY),
    "a shape of 65 axes": (content(shape(f"({'1, ' * 65})")), NOT_NPY),
    "an unknown type": (content(shape("(3, 3)", "<z9")), NOT_NPY),
    "a type of 2 GB": (content(shape("(1, 1)", f"|S{2**31 - 1}")), NOT_NPY),
    "5 GB of zeros": (sparse(header(MOST)), ("at most",)),
    "objects": (content(shape("(3, 3)", "|O")), OBJECTS),
    "objects that run": (stored(objects()), OBJECTS),
    "an archive": (content(ARCHIVE), NOT_NPY),
    "texts": (stored([["a", "b"]]), ("real numbers",)),
    "complex numbers": (stored([[1j]]), ("real numbers",)),
    "structures": (stored(np.zeros((3, 3), [("a", "f8")])), ("real numbers",)),
    "a number": (stored(3.0), ("shape ()",)),
    "a line": (stored([1.0, 2.0]), ("shape (2,)",)),
    "no rows": (stored(np.ones((0, 3))), ("shape (0, 3)",)),
    "zeros": (stored(np.zeros((3, 3))), ("zero",)),
    "NaN": (stored([[1.0, np.nan]]), ("finite",)),
    "numbers beyond float64": (stored(np.full((2, 2), np.longdouble("1e400"))), ("finite",)),
    **{
        f"numbers of {number:g}": (stored(np.full((3, 3), number)), (f"{number:g}", "scale it"))
        for number in (1.7e308, 1e150, 1e-150, 5e-324)
    },
    "too many values": (lambda path: np.save(path, np.ones((5000, 5000), bool)), ("at most",)),
}


LONG: Table = {"a line of 2000": (stored(np.ones((1, 2000))), ("at most 1024 taps a side",))}


def chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def png(width: int, height: int, rows: bytes = b"", *extra: bytes, colour: int = 0) -> bytes:
    size = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", size), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


SOUND = png(3, 3, (b"\0" + b"\x01\x02\x03") * 3)
FLIPPED = SOUND[:45] + bytes([SOUND[45] ^ 255]) + SOUND[46:]
BOMB = b"a\0\0" + zlib.compress(bytes(10**8))
LARGE = png(10**4, 10**4, bytes(10**6))
NOT_PNG = ("cannot read", "not a PNG image")

IMAGES: Table = {
    **of_any_format(*NOT_PNG),
    "half its rows": (content(SOUND[:50]), NOT_PNG),
    "a flipped byte": (content(FLIPPED), NOT_PNG),
    "no rows": (content(png(3, 3)), NOT_PNG),
    "0 x 0": (content(png(0, 0)), NOT_PNG),
    "unknown colours": (content(png(3, 3, colour=9)), NOT_PNG),
    "a palette without colours": (content(png(3, 3, bytes(12), colour=3)), ()),
    "10^12 pixels": (content(png(10**6, 10**6)), ()),
    "100 million pixels": (content(LARGE), ("100000000 px", "at most 16008001")),
    "a text of 100 MB": (content(png(3, 3, bytes(12), chunk(b"zTXt", BOMB))), NOT_PNG),
    "a profile of 100 MB": (content(png(3, 3, bytes(12), chunk(b"iCCP", BOMB))), ()),
    "a chunk beyond the end": (content(SOUND[:33] + struct.pack(">I", 2**31) + b"IDAT"), NOT_PNG),
    "black": (content(png(3, 3, bytes(12))), ("all zero",)),
    "a JPEG": (lambda path: Image.new("L", (3, 3), 1).save(path, "JPEG"), NOT_PNG),
    "PostScript": (content("%!PS-Adobe-3.0 EPSF-3.0\n(touch pwned) system\n"), NOT_PNG),
}

FAMILY = ("--family", "dct", "--size", "2", "--beta", "0")
USES = {
    "kernel": ("--kernel", "bad.npy", (), ARRAYS | LONG),
    "pattern.npy": ("--pattern", "bad.npy", FAMILY, ARRAYS),
    "pattern.png": ("--pattern", "bad.png", FAMILY, IMAGES),
}


def cases() -> list[Case]:
    end = ("--steps", "3", "--output", "out.nc")
    return [
        Case(
            f"{use}: {name}",
            ("propagate", *rest, option, file, *end),
            (option.strip("-"), *message),
            file,
            make,
        )
        for use, (option, file, rest, table) in USES.items()
        for name, (make, message) in table.items()
    ]
