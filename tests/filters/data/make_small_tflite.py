"""Made small.tflite with tflite 2.18.0 and flatbuffers: python make_small_tflite.py.

It holds an operator of each kind that has a kernel, one of them quantised, one of half precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    import flatbuffers
    import tflite

    builder = flatbuffers.Builder(4096)
    random = np.random.default_rng(3)
    weights = {
        "conv": random.integers(-8, 8, (4, 3, 5, 2)).astype(np.int8),
        "half": random.integers(0, 9, (1, 3, 3, 6)).astype(np.float16),
        "up": random.integers(0, 9, (3, 3, 3, 2)).astype(np.float32),
    }
    stated = {"Scale": np.float32([0.5, 0.25, 2, 1]), "ZeroPoint": np.int64([1, 0, -1, 0])}
    kinds = {"Conv2D": 3, "Dequantize": 6, "DepthwiseConv2D": 4, "TransposeConv": 67}

    def table(name: str, **fields: Any) -> int:
        getattr(tflite, f"{name}Start")(builder)
        for field, value in fields.items():
            getattr(tflite, f"{name}Add{field}")(builder, value)
        return int(getattr(tflite, f"{name}End")(builder))

    def numbers(values: Sequence[int], dtype: Any = np.int32) -> int:
        return int(builder.CreateNumpyVector(np.asarray(values, dtype)))

    def tables(start: Callable[..., object], items: Sequence[int]) -> int:
        start(builder, len(items))
        for item in reversed(items):
            builder.PrependUOffsetTRelative(item)
        return int(builder.EndVector())

    def tensor(name: str, shape: Sequence[int], kind: int, buffer: int = 0, **fields: int) -> int:
        named = {"Name": builder.CreateString(name), "Shape": numbers(shape)}
        return table("Tensor", **named, Type=kind, Buffer=buffer, **fields)

    def operator(code: int, inputs: Sequence[int], output: int, **options: int) -> int:
        ends = {"Inputs": numbers(inputs), "Outputs": numbers([output])}
        return table("Operator", OpcodeIndex=code, **ends, **options)

    contents = [b"", *(values.tobytes() for values in weights.values())]
    data = [numbers(list(content), np.uint8) for content in contents]
    buffers = [table("Buffer", Data=place) for place in data]
    scales = {name: builder.CreateNumpyVector(values) for name, values in stated.items()}
    quantised = table("QuantizationParameters", **scales, QuantizedDimension=0)
    conv, half, up = (values.shape for values in weights.values())
    tensors = [
        tensor("x", (1, 9, 9, 2), 0),
        tensor("conv", conv, 9, 1, Quantization=quantised),
        tensor("half", half, 1, 2),
        tensor("whole", half, 0),
        tensor("up", up, 0, 3),
    ]
    wide = table("Conv2DOptions", StrideW=1, StrideH=2, DilationWFactor=3, DilationHFactor=1)
    deep = table("DepthwiseConv2DOptions", StrideW=1, StrideH=1, DilationHFactor=2)
    large = table("TransposeConvOptions", StrideW=2, StrideH=4)
    operators = [
        operator(1, [2], 3),
        operator(0, [0, 1], 0, BuiltinOptionsType=1, BuiltinOptions=wide),
        operator(2, [0, 3], 0, BuiltinOptionsType=2, BuiltinOptions=deep),
        operator(3, [0, 4, 0], 0, BuiltinOptionsType=49, BuiltinOptions=large),
    ]
    held = {
        "Tensors": tables(tflite.SubGraphStartTensorsVector, tensors),
        "Operators": tables(tflite.SubGraphStartOperatorsVector, operators),
    }
    graphs = tables(tflite.ModelStartSubgraphsVector, [table("SubGraph", **held)])
    codes = [table("OperatorCode", BuiltinCode=code) for code in kinds.values()]
    parts = {
        "OperatorCodes": tables(tflite.ModelStartOperatorCodesVector, codes),
        "Subgraphs": graphs,
        "Buffers": tables(tflite.ModelStartBuffersVector, buffers),
    }
    builder.Finish(table("Model", Version=3, **parts), b"TFL3")
    Path(__file__).with_name("small.tflite").write_bytes(builder.Output())


if __name__ == "__main__":
    main()
