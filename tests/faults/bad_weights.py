"""Weight files that are refused, by format: truncated, damaged, lying, or made to run code."""

from __future__ import annotations

import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from mechcore.experiment.weights import FORMATS
from tests.faults.bad_arrays import Runs, header, objects, shape, sparse
from tests.faults.cases import Case, Maker, content
from tests.helpers.weight_files import WRITERS, onnx_model, write_hdf5, write_keras, write_npz

KERNEL = np.arange(72, dtype=np.float32).reshape(4, 2, 3, 3) + 1
ESCAPE = "conv\x1b]0;owned\x07\n.weight"


def written(suffix: str, arrays: dict[str, NDArray[Any]]) -> Maker:
    """Return what writes arrays as the library of the format does."""
    return lambda path: WRITERS[suffix](path, arrays)


def damaged(suffix: str, damage: Callable[[bytes], bytes]) -> Maker:
    """Return what writes a sound file and damages its bytes."""

    def make(path: Path) -> None:
        WRITERS[suffix](path, {"conv.weight": KERNEL})
        path.write_bytes(damage(path.read_bytes()))

    return make


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(share * len(data))]


def kernel_with(value: float) -> dict[str, NDArray[np.float32]]:
    values = KERNEL.copy()
    values[0, 0, 0, 0] = value
    return {"conv.weight": values}


Table = dict[str, tuple[Maker, tuple[str, ...]]]


def common(suffix: str) -> Table:
    """What is wrong in any format."""
    other = ".safetensors" if suffix == ".npz" else ".npz"
    return {
        "nothing": (content(b""), ()),
        "text": (content("weights"), ()),
        "bytes of chance": (content(bytes(range(256)) * 9), ()),
        "a tenth of it": (damaged(suffix, cut(0.1)), ()),
        "half of it": (damaged(suffix, cut(0.5)), ()),
        "all but the end": (damaged(suffix, cut(0.9)), ()),
        "zeros in its place": (damaged(suffix, lambda data: bytes(len(data))), ()),
        "flipped bits": (damaged(suffix, lambda data: bytes(255 - one for one in data)), ()),
        "no tensor": (written(suffix, {}), ()),
        "no kernel": (written(suffix, {"fc.weight": KERNEL[0, 0]}), ("no spatial convolution",)),
        "NaN": (written(suffix, kernel_with(np.nan)), ("1 of 72 weights",)),
        "infinity": (written(suffix, kernel_with(np.inf)), ("1 of 72 weights",)),
        "whole numbers": (
            written(suffix, {"conv.weight": KERNEL.astype(np.int64)}),
            ("no spatial convolution", "int64 values"),
        ),
        "a pickle": (content(pickle.dumps({"conv.weight": Runs()})), ()),
        "another format": (written(other, kernel_with(1)), ()),
        "a folder": (Path.mkdir, ("it is a folder",)),
        "a device": (lambda path: path.symlink_to("/dev/zero"), ("a device",)),
        "a link to itself": (lambda path: path.symlink_to(path.name), ("symbolic links",)),
        "a link outside": (lambda path: path.symlink_to("../outside/secret"), ()),
        "5 GB of zeros": (sparse(b""), ()),
    }


def safetensors(text: str | bytes, values: bytes = KERNEL.tobytes()) -> Maker:
    """Return what writes a header as it is."""
    head = text.encode() if isinstance(text, str) else text
    return content(struct.pack("<Q", len(head)) + head + values)


def entry(**changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [4, 2, 3, 3], "data_offsets": [0, 288]} | changes


def one(**changes: object) -> Maker:
    return safetensors(json.dumps({"conv.weight": entry(**changes)}))


SAFETENSORS: Table = {
    "a header of exabytes": (content(struct.pack("<Q", 2**62) + b"{}"), ()),
    "a header of minus one": (content(struct.pack("<q", -1) + b"{}"), ()),
    "a header of nothing": (safetensors(""), ()),
    "a header that is a list": (safetensors("[]"), ()),
    "a header of brackets": (safetensors('{"a":' * 50_000), ()),
    "a header that is no text": (safetensors(b"\xff\xfe{}"), ()),
    "an unknown type": (one(dtype="F128"), ()),
    "a shape of exabytes": (one(shape=[2**31, 2**31, 3, 3]), ()),
    "a shape beyond 64 bits": (one(shape=[2**70]), ()),
    "a negative shape": (one(shape=[-4, -2, 3, 3]), ()),
    "a shape of texts": (one(shape=["4"]), ()),
    "values beyond the end": (one(data_offsets=[0, 10**12]), ()),
    "values that end before they begin": (one(data_offsets=[288, 0]), ()),
    "values that overlap": (safetensors(json.dumps({"a": entry(), "b": entry()})), ()),
    "bytes of nobody": (
        safetensors(json.dumps({"a": entry()}), KERNEL.tobytes() + bytes(64)),
        (),
    ),
    "a name of a terminal": (
        safetensors(json.dumps({ESCAPE: entry()}), np.full_like(KERNEL, np.nan).tobytes()),
        ("72 of 72 weights",),
    ),
    "a name of a megabyte": (
        safetensors(json.dumps({"a" * 10**6: entry()}), np.full_like(KERNEL, np.nan).tobytes()),
        ("72 of 72 weights", "aaa...aaa"),
    ),
    "a name that occurs twice": (
        safetensors(
            json.dumps({"a1": entry(), "a2": entry(data_offsets=[288, 576])}).replace("a2", "a1"),
            bytes(576),
        ),
        (),
    ),
    **{
        f"a type that nothing reads: {code}": (
            safetensors(
                json.dumps({"conv.weight": entry(dtype=code, data_offsets=[0, size])}), bytes(size)
            ),
            (f"a kernel of {name}, expected float64",),
        )
        for code, size, name in (
            ("F8_E8M0", 72, "float8_e8m0fnu"),
            ("F6_E2M3", 54, "float6_e2m3fn"),
            ("F4", 36, "float4_e2m1fn"),
        )
    },
}


def archive(members: dict[str, bytes], **options: Any) -> Maker:
    """Return what writes a zip archive."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", **options) as made:
            for name, data in members.items():
                made.writestr(name, data)

    return make


def lying(data: bytes, size: int) -> bytes:
    """A zip archive whose directory claims another size of its first member."""
    place = data.index(b"PK\x01\x02") + 24
    return data[:place] + struct.pack("<I", size) + data[place + 4 :]


def _twice(path: Path) -> None:
    write_npz(path, {"conv.weight": KERNEL})
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "a") as made:
        made.writestr("conv.weight.npy", made.read("conv.weight.npy"))


NPZ: Table = {
    "no members": (archive({}), ("empty",)),
    "members that are no arrays": (archive({"a.txt": b"text"}), ("not an array",)),
    "a member that is no array": (archive({"a.npy": b"text"}), ()),
    "a header that calls": (
        archive({"a.npy": header("__import__('os').system('touch pwned')\n")}),
        (),
    ),
    "a header of brackets": (archive({"a.npy": header("(" * 9000)}), ()),
    "a shape of exabytes": (
        archive({"a.npy": shape("(1000000000, 1000000000, 3, 3)", "<f4")}),
        ("would take",),
    ),
    "a shape of more than it holds": (
        archive({"a.npy": shape("(1000, 1000, 3, 3)", "<f4")}),
        ("cannot be read as .npz: EOF", "got 72"),
    ),
    "a negative shape": (archive({"a.npy": shape("(-1, 2, 3, 3)", "<f4")}), ()),
    "objects that run": (
        lambda path: np.savez(path, allow_pickle=True, a=objects().reshape(1, 1, 1, 1)),
        ("object values",),
    ),
    "2 GB in 2 MB": (
        archive(
            {"a.npy": shape("(1000, 1000, 3, 9)", "<f8") + bytes(216 * 10**6)},
            compression=zipfile.ZIP_DEFLATED,
        ),
        ("more than 100 times the file's",),
    ),
    "a member that lies about its size": (
        damaged(".npz", lambda data: lying(data, 2**31)),
        ("declares 416 bytes of 2147483648",),
    ),
    "a name above": (archive({"../outside/a.npy": shape("(9,)")}), ("'../outside/a'",)),
    "a name at the root": (archive({"/etc/a.npy": shape("(9,)")}), ("'/etc/a'",)),
    "a name of a terminal": (archive({f"{ESCAPE}.npy": shape("(9,)")}), ("vector",)),
    "a name that occurs twice": (_twice, ("holds 2 tensors with the name 'conv.weight'",)),
    "complex numbers": (
        lambda path: write_npz(path, {"conv.weight": KERNEL.astype(np.complex64)}),
        ("complex64 values",),
    ),
    "structures": (
        lambda path: write_npz(path, {"conv.weight": np.zeros((4, 2, 3, 3), [("a", "f4")])}),
        ("void32 values",),
    ),
    "types whose name is lost": (
        lambda path: write_npz(path, {"conv.weight": KERNEL.astype(ml_dtypes.float8_e4m3fn)}),
        ("'conv.weight' is a kernel of float8, expected float64",),
    ),
    "types that numpy cannot write": (
        lambda path: write_npz(path, {"conv.weight": KERNEL.astype(ml_dtypes.float8_e5m2)}),
        ("'conv.weight' cannot be read: descr is not a valid dtype",),
    ),
}


def torch_saved(make: Callable[[Any], object], **options: Any) -> Maker:
    """Return what saves an object as torch does."""

    def write(path: Path) -> None:
        import torch

        torch.save(make(torch), path, **options)

    return write


CODE = ("holds code or Python objects", "torch.save(model.state_dict(), path)")
LEGACY = {"_use_new_zipfile_serialization": False}

TORCH: Table = {
    "objects that run": (torch_saved(lambda _: {"conv.weight": Runs()}), CODE),
    "objects that run, as before 1.6": (
        torch_saved(lambda _: {"conv.weight": Runs()}, **LEGACY),
        CODE,
    ),
    "a whole module": (torch_saved(lambda torch: torch.nn.Conv2d(1, 1, 3)), CODE),
    "a script": (archive({"net/constants.pkl": b"", "net/data.pkl": b""}), CODE),
    "a list": (torch_saved(lambda torch: [torch.ones(3)]), ("type list",)),
    "a tensor": (torch_saved(lambda torch: torch.ones((1, 1, 3, 3))), ("type Tensor",)),
    "a number": (torch_saved(lambda _: 7), ("type int",)),
    "a tensor of exabytes": (
        torch_saved(
            lambda torch: {"a": torch.ones(1).as_strided((10**6, 10**6, 3, 3), (0, 0, 0, 0))}
        ),
        ("would take",),
    ),
    "a tensor of megabytes in four bytes": (
        torch_saved(
            lambda torch: {"a": torch.ones(1).as_strided((1000, 1000, 3, 3), (0, 0, 0, 0))}
        ),
        ("declares 36000000 bytes",),
    ),
    "sparse values": (
        torch_saved(lambda torch: {"a": torch.ones((2, 2, 3, 3)).to_sparse()}),
        ("sparse values",),
    ),
    "values of no device": (
        torch_saved(lambda torch: {"a": torch.ones((2, 2, 3, 3), device="meta")}),
        (),
    ),
    "a compressed archive": (
        archive({"net/data/0": bytes(1000)}, compression=zipfile.ZIP_DEFLATED),
        ("is compressed",),
    ),
    "an archive of nothing": (archive({"net/data.pkl": b""}), ()),
    "a pickle that fills memory": (
        archive({"net/data.pkl": b"\x80\x02]" + b"]" * 10**6 + b"a" * 10**6 + b"."}),
        (),
    ),
    "a name of a terminal": (
        torch_saved(lambda torch: {ESCAPE: torch.full((1, 1, 3, 3), torch.nan)}),
        ("9 of 9 weights",),
    ),
}


def onnx_saved(change: Callable[[Any, Any], object]) -> Maker:
    """Return what saves a graph of one convolution that was changed."""

    def write(path: Path) -> None:
        import onnx

        node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
        model = onnx_model([node], {"w": KERNEL})
        change(onnx, model)
        path.write_bytes(model.SerializeToString())

    return write


def _dims(*lengths: int) -> Callable[[Any, Any], object]:
    def change(_: Any, model: Any) -> None:
        model.graph.initializer[0].dims[:] = lengths

    return change


def _outside(location: str) -> Callable[[Any, Any], object]:
    def change(onnx: Any, model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


def _type(number: int) -> Callable[[Any, Any], object]:
    def change(_: Any, model: Any) -> None:
        model.graph.initializer[0].data_type = number

    return change


def _function(onnx: Any, model: Any) -> None:
    inner = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    version = onnx.helper.make_opsetid("", 17)
    model.functions.append(
        onnx.helper.make_function("own", "f", ["x", "w"], ["y"], [inner], [version])
    )


def _group(number: int) -> Callable[[Any, Any], object]:
    def change(_: Any, model: Any) -> None:
        model.graph.node[0].op_type = "ConvTranspose"
        model.graph.node[0].attribute.add(name="group", i=number, type=2)

    return change


def _name_of_bytes(path: Path) -> None:
    onnx_saved(lambda _, model: model.graph.node[0].input.__setitem__(1, "unknown"))(path)
    path.write_bytes(path.read_bytes().replace(b"unknown", b"\xffnknown"))


ONNX: Table = {
    "a shape of exabytes": (onnx_saved(_dims(10**9, 10**9, 3, 3)), ()),
    "a shape of more than it holds": (onnx_saved(_dims(4, 2, 3, 4)), ()),
    "a negative shape": (onnx_saved(_dims(-4, 2, 3, 3)), ("negative length",)),
    "values above": (onnx_saved(_outside("../outside/secret")), ("is in another file",)),
    "values at the root": (onnx_saved(_outside("/etc/passwd")), ("is in another file",)),
    "an unknown type": (onnx_saved(_type(99)), ()),
    "texts": (onnx_saved(_type(8)), ()),
    "no groups": (onnx_saved(_group(0)), ("'w' cannot be split into 0 groups",)),
    "groups that do not divide the inputs": (
        onnx_saved(_group(3)),
        ("'w' cannot be split into 3 groups",),
    ),
    "a convolution inside of a function": (onnx_saved(_function), ("inline_local_functions",)),
    "a name that is no text": (_name_of_bytes, ("kernel that is not stored as an array",)),
    "a name that occurs twice": (
        onnx_saved(lambda _, model: model.graph.initializer.append(model.graph.initializer[0])),
        ("two tensors with the same name",),
    ),
}


def h5_saved(change: Callable[[Any, Any], object]) -> Maker:
    """Return what fills an HDF5 file."""

    def write(path: Path) -> None:
        import h5py

        with h5py.File(path, "w") as stored:
            change(h5py, stored)

    return write


def _unwritten(*channels: int) -> Callable[[Any, Any], object]:
    def change(_: Any, stored: Any) -> None:
        stored.create_dataset("conv2d/vars/0", (3, 3, *channels), "f4", chunks=(3, 3, 4, 4))

    return change


def _virtual(h5py: Any, stored: Any) -> None:
    layout = h5py.VirtualLayout((3, 3, 2, 4), "f4")
    layout[...] = h5py.VirtualSource("../outside/secret", "conv2d", (3, 3, 2, 4))
    stored.create_virtual_dataset("conv2d/vars/0", layout)


def _raw(_: Any, stored: Any) -> None:
    outside = [("../outside/secret", 0, 288)]
    stored.create_dataset("conv2d/vars/0", (3, 3, 2, 4), "f4", external=outside)


def _zeros(_: Any, stored: Any) -> None:
    options = {"chunks": (3, 3, 64, 64), "compression": "gzip"}
    data = stored.create_dataset("conv2d/vars/0", (3, 3, 4096, 4096), "f4", **options)
    data[:, :, :64, :64] = 0


def _linked(target: str) -> Callable[[Any, Any], object]:
    def change(h5py: Any, stored: Any) -> None:
        stored["layers"] = h5py.ExternalLink(target, "/layers")

    return change


def _in_itself(h5py: Any, stored: Any) -> None:
    stored["a"] = h5py.SoftLink("/a")
    stored.create_group("b")["b"] = stored["b"] if "b" in stored else stored["/"]


H5: Table = {
    "terabytes that were never written": (h5_saved(_unwritten(10**5, 10**6)), ("would take",)),
    "values that were never written": (h5_saved(_unwritten(4, 4)), ("576 bytes", "holds 0")),
    "values of a virtual dataset": (h5_saved(_virtual), ("is in another file",)),
    "values in a raw file": (h5_saved(_raw), ("is in another file",)),
    "150 MB of zeros in kilobytes": (h5_saved(_zeros), ("more than 100 times the file's",)),
    "a link above": (h5_saved(_linked("../outside/secret")), ("empty",)),
    "a link to the root": (h5_saved(_linked("/etc/passwd")), ("empty",)),
    "links in a circle": (h5_saved(_in_itself), ("empty",)),
    "texts": (
        lambda path: write_hdf5(path, {"conv2d/vars/0": np.array([b"a", b"b"])}),
        ("no spatial convolution",),
    ),
    "a configuration of brackets": (
        h5_saved(lambda _, stored: stored.attrs.update(model_config="[" * 10_000)),
        (),
    ),
}


def _claimed(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("model.weights.h5", bytes(216 * 10**6))


def _configured(text: str) -> Maker:
    def make(path: Path) -> None:
        write_keras(path, {"conv.weight": KERNEL})
        with zipfile.ZipFile(path) as made:
            weights = made.read("model.weights.h5")
        archive({"config.json": text.encode(), "model.weights.h5": weights})(path)

    return make


KERAS: Table = {
    "no weights": (archive({"config.json": b"{}"}), ("holds no model.weights.h5",)),
    "weights that are none": (archive({"model.weights.h5": b"weights"}), ()),
    "216 MB in 210 kB": (_claimed, ("more than 100 times the file's",)),
    "a configuration of brackets": (_configured("[" * 100_000), ()),
    "a configuration that is text": (_configured("conv"), ()),
}

TABLES: dict[str, Table] = {
    ".safetensors": SAFETENSORS,
    ".npz": NPZ,
    ".pt": TORCH,
    ".onnx": ONNX,
    ".h5": H5,
    ".keras": KERAS,
}
"""By suffix and name: what writes the file, and parts of the line beside the name of the file."""


def cases() -> list[Case]:
    """Return all of them, as what `mechcore filters` is given."""
    found = []
    for suffix, table in TABLES.items():
        for name, (make, told) in {**common(suffix), **table}.items():
            file = f"bad{suffix}"
            words = ("filters", file, "--output", "out.nc")
            parts = (file, *told)
            package = FORMATS[suffix].package or ""
            found.append(Case(f"weights{suffix}: {name}", words, parts, file, make, package))
    return found
