"""Weight files that are refused, by format: truncated, damaged, lying, or made to run code."""

from __future__ import annotations

import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tests.faults.bad_arrays import header, objects, shape, sparse
from tests.faults.cases import Case, Maker, Runs, Table, content, of_any_format
from tests.helpers.projects import PROJECT
from tests.helpers.weight_files import (
    WRITERS,
    WRITTEN_BY,
    bundle_entry,
    keras_order,
    leveldb_table,
    onnx_model,
    protobuf,
    write_keras,
    write_npz,
)

KERNEL = np.arange(72, dtype=np.float32).reshape(4, 2, 3, 3) + 1
ESCAPE = "conv\x1b]0;owned\x07\n.weight"


def written(suffix: str, arrays: dict[str, NDArray[Any]]) -> Maker:
    return lambda path: WRITERS[suffix](path, arrays)


def damaged(suffix: str, damage: Callable[[bytes], bytes]) -> Maker:
    def make(path: Path) -> None:
        WRITERS[suffix](path, {"conv.weight": KERNEL})
        path.write_bytes(damage(path.read_bytes()))

    return make


def kernel_with(value: float) -> dict[str, NDArray[np.float32]]:
    values = KERNEL.copy()
    values[0, 0, 0, 0] = value
    return {"conv.weight": values}


def common(suffix: str) -> Table:
    """What is wrong in any format; the fuzz cuts and damages the bytes."""
    contents: dict[str, tuple[dict[str, NDArray[Any]], tuple[str, ...]]] = {
        "no tensor": ({}, ()),
        "no kernel": ({"fc.weight": KERNEL[0, 0]}, ("no spatial convolution",)),
        "NaN": (kernel_with(np.nan), ("1 of 72 weights",)),
        "infinity": (kernel_with(np.inf), ("1 of 72 weights",)),
        "huge numbers": ({"conv.weight": KERNEL * np.float64(1e306)}, ("7.2e+307", "scale it")),
        "tiny numbers": ({"conv.weight": KERNEL * np.float64(1e-320)}, ("scale it",)),
        "whole numbers": ({"conv.weight": KERNEL.astype(int)}, ("int64 values",)),
    }
    return {
        **of_any_format(),
        "a folder": (Path.mkdir, ("a weight file, a folder",)),
        **{
            name: (written(suffix, arrays), message) for name, (arrays, message) in contents.items()
        },
        "half of it": (damaged(suffix, lambda data: data[: len(data) // 2]), ()),
        "5 GB of zeros": (sparse(b""), ()),
    }


MANY = dict.fromkeys((f"l{place}.conv.weight" for place in range(10_001)), KERNEL[:1, :1])
TOO_MANY = ("has 10001 layers, more than 10000",)

ENTRY = {"dtype": "F32", "shape": [4, 2, 3, 3], "data_offsets": [0, 288]}


def safetensors(header: str, values: bytes = KERNEL.tobytes()) -> Maker:
    return content(struct.pack("<Q", len(header)) + header.encode() + values)


def tensors(names: Iterable[str], values: bytes = KERNEL.tobytes(), **changes: object) -> Maker:
    return safetensors(json.dumps(dict.fromkeys(names, ENTRY | changes)), values)


ONE, NANS = ["conv.weight"], np.full_like(KERNEL, np.nan).tobytes()
TWICE = f'{{"a1": {json.dumps(ENTRY)}, "a1": {json.dumps(ENTRY | {"data_offsets": [288, 576]})}}}'
FEW_BITS = {"dtype": "F4", "data_offsets": [0, 36]}

SHAPES = {
    f"l{place}.conv.weight": np.ones((1, 1, 2 + place // 11, 2 + place % 11), np.float32)
    for place in range(101)
}

SAFETENSORS: Table = {
    "a hundred and one shapes": (
        written(".safetensors", SHAPES),
        ("kernels of 101 shapes, more than 100",),
    ),
    "ten thousand layers": (written(".safetensors", MANY), TOO_MANY),
    "a header of exabytes": (content(struct.pack("<Q", 2**62) + b"{}"), ()),
    "a header that is a list": (safetensors("[]"), ()),
    "an unknown type": (tensors(ONE, dtype="F128"), ()),
    "a type that nothing reads": (tensors(ONE, bytes(36), **FEW_BITS), ("of float4_e2m1fn",)),
    "a shape of exabytes": (tensors(ONE, shape=[2**31, 2**31, 3, 3]), ()),
    "a negative shape": (tensors(ONE, shape=[-4, -2, 3, 3]), ()),
    "values beyond the end": (tensors(ONE, data_offsets=[0, 10**12]), ()),
    "values that overlap": (tensors("ab"), ()),
    "bytes of nobody": (tensors("a", KERNEL.tobytes() + bytes(64)), ()),
    "a name of a terminal": (tensors([ESCAPE], NANS), ("72 of 72 weights",)),
    "a name of a megabyte": (tensors(["a" * 10**6], NANS), ("72 of 72 weights", "aaa...aaa")),
    "a name that occurs twice": (safetensors(TWICE, bytes(576)), ()),
}


def archive(members: dict[str, bytes], **options: Any) -> Maker:
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


def array(name: str, data: bytes, *, squeezed: bool = False) -> Maker:
    return archive({name: data}, compression=zipfile.ZIP_DEFLATED if squeezed else 0)


def tensor(values: NDArray[Any]) -> Maker:
    return lambda path: write_npz(path, {"conv.weight": values})


CALL = header("__import__('os').system('touch pwned')\n")
BOMB = shape("(1000, 1000, 3, 9)") + bytes(216 * 10**6)
OBJECTS = objects().reshape(1, 1, 1, 1)
LIE = damaged(".npz", lambda data: lying(data, 2**31))
UNWRITABLE = KERNEL.astype(ml_dtypes.float8_e5m2)

NPZ: Table = {
    "no members": (archive({}), ("starts with b'PK",)),
    "members that are no arrays": (array("a.txt", b"text"), ("is a zip archive without weights",)),
    "a member that is no array": (array("a.npy", b"text"), ()),
    "a header that calls": (array("a.npy", CALL), ()),
    "a shape of exabytes": (array("a.npy", shape("(10000000000, 9, 3, 3)")), ("would take",)),
    "a shape of more than it holds": (array("a.npy", shape("(99, 99, 3, 3)")), ("EOF", "got 72")),
    "a negative shape": (array("a.npy", shape("(-1, 2, 3, 3)", "<f4")), ()),
    "objects that run": (lambda path: np.savez(path, a=OBJECTS), ("object values",)),
    "2 GB in 2 MB": (array("a.npy", BOMB, squeezed=True), ("more than 100 times the file's",)),
    "a member that lies about its size": (LIE, ("declares 416 bytes of 2147483648",)),
    "a name above": (array("../outside/a.npy", shape("(9,)")), ("'../outside/a'",)),
    "a name at the root": (array("/etc/a.npy", shape("(9,)")), ("'/etc/a'",)),
    "a name that occurs twice": (_twice, ("holds 2 tensors with the name 'conv.weight'",)),
    "complex numbers": (tensor(KERNEL.astype(np.complex64)), ("complex64 values",)),
    "structures": (tensor(np.zeros((4, 2, 3, 3), [("a", "f4")])), ("void32 values",)),
    "types whose name is lost": (tensor(KERNEL.astype(ml_dtypes.float8_e4m3fn)), ("of float8,",)),
    "types that numpy cannot write": (tensor(UNWRITABLE), ("descr is not a valid dtype",)),
}


def torch_saved(make: Callable[[Any], object], **options: Any) -> Maker:
    def write(path: Path) -> None:
        import torch

        torch.save(make(torch), path, **options)

    return write


def strided(*shape: int) -> Maker:
    zeros = (0,) * len(shape)
    return torch_saved(lambda torch: {"a": torch.ones(1).as_strided(shape, zeros)})


def refused(name: str) -> tuple[str, str]:
    return f"holds {name!r}, an object", "torch.save(model.state_dict(), path)"


CODE = refused("builtins.getattr")
RUNS = {"conv.weight": Runs()}
OLD = {"_use_new_zipfile_serialization": False}
MEMORY = b"\x80\x02]" + b"]" * 10**6 + b"a" * 10**6 + b"."


def repacked(**changes: Any) -> Maker:
    """A file of torch with other members, or an archive of another kind."""

    def write(path: Path) -> None:
        torch_saved(lambda torch: {"conv.weight": torch.ones((4, 2, 3, 3))})(path)
        options = {"compression": changes.pop("compression", 0)}
        with zipfile.ZipFile(path) as sound:
            members = {name: sound.read(name) for name in sound.namelist()}
        folder = next(iter(members)).partition("/")[0]
        archive(members | {f"{folder}/{name}": data for name, data in changes.items()}, **options)(
            path
        )

    return write


def pickled(code: bytes) -> Maker:
    return archive({"net/data.pkl": b"\x80\x02" + code, "net/constants.pkl": b""})


SPARSE = torch_saved(lambda torch: {"a": torch.ones((2, 2, 3, 3)).to_sparse()})
NOWHERE = torch_saved(lambda torch: {"a": torch.ones((2, 2, 3, 3), device="meta")})

TORCH: Table = {
    "objects that run": (torch_saved(lambda _: RUNS), CODE),
    "objects that run, as before 1.6": (torch_saved(lambda _: RUNS, **OLD), CODE),
    "a whole module": (
        torch_saved(lambda torch: torch.nn.Conv2d(1, 1, 3)),
        refused("torch.nn.modules.conv.Conv2d"),
    ),
    "a list": (torch_saved(lambda torch: [torch.ones(3)]), ("type list",)),
    "a tensor of exabytes": (strided(10**6, 10**6, 3, 3), ("would take",)),
    "megabytes in four bytes": (strided(900, 900, 3, 3), ("declares 29160000 bytes",)),
    "sparse values": (SPARSE, ("sparse values",)),
    "values of no device": (NOWHERE, ()),
    "a compressed archive": (repacked(compression=zipfile.ZIP_DEFLATED), ("is compressed",)),
    "bytes in another order": (repacked(byteorder=b"big"), ("big-endian",)),
    "values that are not there": (repacked(**{"data/0": b""}), ("declares 288 bytes",)),
    "a script that calls": (
        pickled(b"c__torch__.net\nNet\ncos\nsystem\nX\x04\0\0\0true\x85R."),
        refused("os.system"),
    ),
    "a storage that is a call": (pickled(b"cos\nsystem\nX\x04\0\0\0trueQ."), refused("os.system")),
    "a tensor that is a text": (
        pickled(b"ctorch._utils\n_rebuild_tensor_v2\nX\x04\0\0\0true\x85R."),
        (),
    ),
    "a memo of gigabytes": (pickled(b"Nr\xff\xff\xff\x7f."), ("type nonetype",)),
    "a key of tuples in tuples": (
        pickled(b"}K\x01" + b"2\x86" * 100 + b"K\x01s."),
        ("no spatial convolution",),
    ),
    "a storage of tuples in tuples": (
        pickled(b"(NX\1\0\0\0aK\x01" + b"2\x86" * 100 + b"tQ."),
        ("in place of a text",),
    ),
    "a set of tuples in tuples": (pickled(b"(K\x01" + b"2\x86" * 100 + b"\x91."), ()),
    "a text of exabytes": (pickled(b"\x8d" + b"\xff" * 7 + b"\x7f."), ()),
    "an archive of nothing": (array("net/data.pkl", b""), ()),
    "a pickle that fills memory": (array("net/data.pkl", MEMORY), ()),
}


def onnx_saved(change: Callable[[Any, Any], object]) -> Maker:
    def write(path: Path) -> None:
        import onnx

        node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
        model = onnx_model([node], {"w": KERNEL})
        change(model, model.graph.initializer[0])
        path.write_bytes(model.SerializeToString())

    return write


def _dims(*lengths: int) -> Maker:
    return onnx_saved(lambda _, tensor: tensor.dims.__setitem__(slice(None), lengths))


def _outside(_: Any, tensor: Any) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    tensor.external_data.add(key="location", value="../outside/secret")


def _function(model: Any, _: Any) -> None:
    from onnx.helper import make_function, make_node, make_opsetid

    inner = make_node("Conv", ["x", "w"], ["y"])
    version = make_opsetid("", 17)
    model.functions.append(make_function("own", "f", ["x", "w"], ["y"], [inner], [version]))


def _group(number: int) -> Maker:
    def change(model: Any, _: Any) -> None:
        model.graph.node[0].op_type = "ConvTranspose"
        model.graph.node[0].attribute.add(name="group", i=number, type=2)

    return onnx_saved(change)


def _name_of_bytes(path: Path) -> None:
    onnx_saved(lambda model, _: model.graph.node[0].input.__setitem__(1, "unknown"))(path)
    path.write_bytes(path.read_bytes().replace(b"unknown", b"\xffnknown"))


def _of_nodes(*words: str) -> Maker:
    """The kernel behind nodes, each of which takes what the one before it made."""

    def change(model: Any, _: Any) -> None:
        from onnx.helper import make_node

        for number, word in enumerate(words):
            kind, *inputs = word.split()
            names = [f"{number}" if name == "before" else name for name in inputs]
            model.graph.node.append(make_node(kind, names, [f"{number + 1}"]))
        model.graph.node[0].input[1] = f"{len(words)}"

    return onnx_saved(change)


def _steps(name: str, *steps: int) -> Maker:
    return onnx_saved(
        lambda model, _: model.graph.node[0].attribute.add(name=name, ints=steps, type=7)
    )


NO_TYPE = onnx_saved(lambda _, tensor: setattr(tensor, "data_type", 99))
SAME_NAME = onnx_saved(lambda model, tensor: model.graph.initializer.append(tensor))

ONNX: Table = {
    "ten thousand layers": (written(".onnx", MANY), TOO_MANY),
    "a shape of exabytes": (_dims(10**9, 10**9, 3, 3), ()),
    "a shape of more than it holds": (_dims(4, 2, 3, 4), ()),
    "a negative shape": (_dims(-4, 2, 3, 3), ("negative length",)),
    "values above": (onnx_saved(_outside), ("is in another file",)),
    "an unknown type": (NO_TYPE, ()),
    "no groups": (_group(0), ("'w' cannot be split into 0 groups",)),
    "groups that do not divide the inputs": (_group(3), ("'w' cannot be split into 3 groups",)),
    "a convolution inside of a function": (onnx_saved(_function), ("inline_local_functions",)),
    "dilations of another number": (_steps("dilations", 2), ("dilations of (2,) for 2 axes",)),
    "strides of zero": (_steps("strides", 0, 1), ("strides of (0, 1)",)),
    "a kernel that is computed": (_of_nodes("Add w w"), ("kernel that is computed by Add",)),
    "a chain without end": (
        _of_nodes("Identity w", *["DequantizeLinear before before before"] * 60),
        ("computed by DequantizeLinear",),
    ),
    "scales of another number": (_of_nodes("DequantizeLinear w w"), ("filters, but 72 scales",)),
    "a name that is no text": (_name_of_bytes, ("kernel that is not stored as an array",)),
    "a name that occurs twice": (SAME_NAME, ("two tensors with the same name",)),
}


def h5_saved(change: Callable[[Any, Any], object]) -> Maker:
    def write(path: Path) -> None:
        import h5py

        with h5py.File(path, "w") as stored:
            change(h5py, stored)

    return write


def _dataset(*channels: int, filled: object = None, **options: Any) -> Maker:
    """Return what creates the dataset of a kernel, of which a corner may be filled."""

    def change(_: Any, stored: Any) -> None:
        data = stored.create_dataset("conv2d/vars/0", (3, 3, *channels), "f4", **options)
        if filled is not None:
            data[:, :, :64, :64] = filled

    return h5_saved(change)


def _virtual(h5py: Any, stored: Any) -> None:
    layout = h5py.VirtualLayout((3, 3, 2, 4), "f4")
    layout[...] = h5py.VirtualSource("../outside/secret", "conv2d", (3, 3, 2, 4))
    stored.create_virtual_dataset("conv2d/vars/0", layout)


def _linked(h5py: Any, stored: Any) -> None:
    stored["layers"] = h5py.ExternalLink("../outside/secret", "/layers")


def _in_itself(h5py: Any, stored: Any) -> None:
    stored["a"] = h5py.SoftLink("/a")
    stored.create_group("b")["b"] = stored["/"]


def _of_brackets(_: Any, stored: Any) -> None:
    stored.attrs["model_config"] = "[" * 10_000


CHUNKS, RAW = {"chunks": (3, 3, 4, 4)}, {"external": [("../outside/secret", 0, 288)]}
ZEROS = {"chunks": (3, 3, 64, 64), "compression": "gzip", "filled": 0}


def _many_groups(_: Any, stored: Any) -> None:
    for place in range(20_001):
        stored.create_group(f"{place}")


def _nested(_: Any, stored: Any) -> None:
    stored["/".join(["g"] * 3000)] = KERNEL


H5: Table = {
    "three thousand nested groups": (h5_saved(_nested), ("a name of more than 1000",)),
    "twenty thousand groups": (h5_saved(_many_groups), ("more than 20000 groups",)),
    "terabytes that were never written": (_dataset(10**5, 10**6, **CHUNKS), ("would take",)),
    "values that were never written": (_dataset(4, 4, **CHUNKS), ("576 bytes", "holds 0")),
    "values of a virtual dataset": (h5_saved(_virtual), ("is in another file",)),
    "values in a raw file": (_dataset(2, 4, **RAW), ("is in another file",)),
    "150 MB of zeros in kB": (_dataset(4096, 4096, **ZEROS), ("more than 100 times the file's",)),
    "a link above": (h5_saved(_linked), ("empty",)),
    "links in a circle": (h5_saved(_in_itself), ("empty",)),
    "a configuration of brackets": (h5_saved(_of_brackets), ()),
}


def _configured(path: Path) -> None:
    write_keras(path, {"conv.weight": KERNEL})
    with zipfile.ZipFile(path) as sound:
        weights = sound.read("model.weights.h5")
    archive({"config.json": b"[" * 100_000, "model.weights.h5": weights})(path)


CLAIMED = array("model.weights.h5", bytes(216 * 10**6), squeezed=True)

KERAS: Table = {
    "no weights": (archive({"config.json": b"{}"}), ("is a zip archive without weights",)),
    "weights that are none": (archive({"model.weights.h5": b"weights"}), ()),
    "216 MB in 210 kB": (CLAIMED, ("more than 100 times the file's",)),
    "a configuration of brackets": (_configured, ()),
}

SMALL = (PROJECT / "tests" / "filters" / "data" / "small.tflite").read_bytes()


def patched(place: int, number: int) -> Maker:
    """The small model of TFLite with another number of four bytes."""
    return content(SMALL[:place] + struct.pack("<I", number) + SMALL[place + 4 :])


def _shape_of(name: str, *shape: int) -> Maker:
    sound, other = (struct.pack(f"<I{len(s)}i", len(s), *s) for s in ((4, 3, 5, 2), shape))
    assert SMALL.count(sound) == 1, name
    return content(SMALL.replace(sound, other))


ROOT = struct.unpack("<I", SMALL[:4])[0]

TFLITE: Table = {
    "nothing but its name": (content(b"\x08\0\0\0TFL3"), ()),
    "a root outside": (patched(0, 2**31), ()),
    "a directory outside": (patched(ROOT, 2**31), ()),
    "a directory in itself": (patched(ROOT, 0), ()),
    "a shape of exabytes": (_shape_of("conv", 2**31 - 1, 3, 5, 2**31 - 1), ("would take",)),
    "a negative shape": (_shape_of("conv", -4, 3, 5, -2), ()),
    "a shape of more than it holds": (_shape_of("conv", 4, 3, 5, 3), ("cannot reshape",)),
}


HEADER = protobuf((1, 1), (3, protobuf((1, 1))))


def bundle(
    *fields: tuple[int, int | bytes], header: bytes = HEADER, others: Any = (), **table: int
) -> Maker:
    """The index of a checkpoint whose kernel has other fields, and values that are beside it."""

    def write(path: Path) -> None:
        WRITERS[".index"](path, {"conv/kernel": KERNEL})
        kernel = bundle_entry(keras_order(KERNEL), 0) + protobuf(*fields)
        entries = {"": header, "conv/kernel": kernel} | dict(others)
        path.write_bytes(leveldb_table(entries, **table))

    return write


AXES = protobuf(*((2, protobuf((1, length))) for length in (3, 3, 10**9, 10**6)))
LONGER = protobuf(*((2, protobuf((1, length))) for length in (3, 3, 2, 5)))
OBJECTS_OF_GIGABYTES = {"_CHECKPOINTABLE_OBJECT_GRAPH": protobuf((1, 7), (5, 2**40))}

BUNDLE: Table = {
    "no values beside it": (content(leveldb_table({"": HEADER})), ("are not beside it",)),
    "more files than there are": (
        bundle(header=protobuf((1, 2), (3, b"\x08\x01"))),
        ("1 of 2 files",),
    ),
    "bytes in another order": (
        bundle(header=protobuf((1, 1), (3, b"\x08\x01"), (2, 1))),
        ("big-endian",),
    ),
    "a compressed table": (bundle(compression=1), ("a compressed index",)),
    "a block that is named a thousand times": (bundle(named=1000), ("blocks overlap",)),
    "many names": (
        bundle(others=dict.fromkeys(map(str, range(10**5)), b"")),
        ("more than 100000",),
    ),
    "long names": (bundle(others={"z" * 2000: b""}), ("a name of more than 1000",)),
    "a shape of exabytes": (bundle((2, AXES)), ("would take",)),
    "a shape of more than it holds": (bundle((2, LONGER)), ("declares 360 bytes",)),
    "values beyond the end": (bundle((4, 2**40)), ()),
    "values in no file": (bundle((3, 7)), ()),
    "values in pieces": (bundle((7, b"")), ("a variable in pieces",)),
    "an unknown type": (bundle((1, 99)), ("unknown values",)),
    "a number without end": (bundle(header=b"\x08" + b"\xff" * 40), ()),
    "a description of terabytes": (bundle(others=OBJECTS_OF_GIGABYTES), ("a description of more",)),
}


def index(shards: object) -> Maker:
    return content(json.dumps({"weight_map": shards}))


def model(topology: object = None, **entry: Any) -> Maker:
    """A model of TensorFlow.js whose values are those of a sound file beside it."""
    weight = {"name": "conv/kernel", "shape": [3, 3, 2, 4], "dtype": "float32"} | entry
    manifest = [{"paths": ["sound.npy"], "weights": [weight]}]
    return content(json.dumps({"modelTopology": topology, "weightsManifest": manifest}))


OUTSIDE = [{"paths": ["../outside/secret"], "weights": []}]

SHARDS: Table = {
    "JSON of something else": (content('{"metadata": {}}'), ("neither 'weight_map' nor",)),
    "half of it": (content('{"weight_map": {"a": "a.npz"'), ("a damaged index",)),
    "brackets": (content('{"metadata": ' + "[" * 10**6), ("a damaged index",)),
    "a list of shards": (index(["a.npz"]), ("a damaged index",)),
    "a shard above": (index({"a": "../outside/secret"}), ("no file beside it",)),
    "a shard that is not there": (index({"a": "no.npz"}), ("'no.npz', which is no file",)),
    "a shard without a name": (index({"a": ""}), ("no file beside it",)),
    "a shard that is a pipe": (index({"a": "pipe.png"}), ("no file beside it",)),
    "an index in itself": (index({"a": "bad.index.json"}), ("recursion",)),
    "values above": (content(json.dumps({"weightsManifest": OUTSIDE})), ("no file beside it",)),
    "fewer values than stated": (model(), ("cannot be read",)),
    "a shape of exabytes": (model(shape=[3, 3, 10**9, 10**6]), ("would take",)),
    "a negative length": (model(shape=[-3, 3, 2, -4]), ("negative length",)),
    "a type of objects": (model(dtype="O"), ("object values",)),
    "a topology of a list": (model(topology=[1]), ()),
}

TABLES = {".safetensors": SAFETENSORS, ".npz": NPZ, ".pt": TORCH}
TABLES |= {".onnx": ONNX, ".h5": H5, ".keras": KERAS, ".index": BUNDLE}
OWN = {".tflite": TFLITE, ".index.json": SHARDS}
"""Formats without a writer: their sound file is damaged by hand."""


def cases() -> list[Case]:
    result = []
    tables = {suffix: {**common(suffix), **table} for suffix, table in TABLES.items()} | OWN
    for suffix, table in tables.items():
        file, package = f"bad{suffix}", WRITTEN_BY.get(suffix, "")
        words = ("filters", file, "--output", "out.nc")
        for name, (make, message) in table.items():
            name = f"weights{suffix}: {name}"
            result.append(Case(name, words, (file, *message), file, make, package))
    return result
