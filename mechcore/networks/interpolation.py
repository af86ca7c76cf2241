"""Interpolation as a matrix for each axis, made by the reference evaluator."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from mechcore.networks.windows import Array

KEPT = ("mode", "coordinate_transformation_mode", "nearest_mode")
"""Attributes that say how an axis is interpolated."""


class Resize(OpRun):
    """A product with the matrix of each axis: the reference works pixel by pixel."""

    op_domain = ""

    def _run(
        self,
        x: Array,
        roi: Array | None = None,  # noqa: ARG002 - the name is that of the standard
        scales: Array | None = None,
        sizes: Array | None = None,
        **attributes: Any,
    ) -> tuple[Array]:
        across, down = matrices(x.shape, scales, sizes, attributes)
        return (np.asarray(down @ x @ across.T),)


def matrices(
    shape: tuple[int, ...], scales: Array | None, sizes: Array | None, attributes: dict[str, Any]
) -> tuple[Array, Array]:
    """Return what makes the pixels of the output from those of the input, along x and along y."""
    options = tuple((name, attributes[name]) for name in KEPT if attributes.get(name))
    across, down = (
        _matrix(
            shape[axis],
            float(scales[axis]) if scales is not None and len(scales) else 0.0,
            int(sizes[axis]) if sizes is not None and len(sizes) else 0,
            options,
        )
        for axis in (-1, -2)
    )
    return across, down


@lru_cache(maxsize=64)
def _matrix(length: int, scale: float, size: int, options: tuple[tuple[str, Any], ...]) -> Array:
    names = ["x", "", "scales"] if scale else ["x", "", "", "sizes"]
    node = helper.make_node("Resize", names, ["y"], **dict(options))
    given = np.array([1.0, scale], np.float32) if scale else np.array([length, size])
    feeds = {"x": np.eye(length), names[-1]: given}
    made = list(ReferenceEvaluator(node).run(None, feeds))
    return np.ascontiguousarray(made[0].T)
