"""What the kernels of a layer do, in a few numbers."""

from __future__ import annotations

import numpy as np

from mechcore.filters.analysis import analyse
from mechcore.filters.summary import kernel_table, summarise
from mechcore.io.arrays import Array
from mechcore.model.geometry import centred_coordinates

OF_LAYER = {
    "odd_energy_ratio": ("odd share of the energy of the layer", "1"),
    "asymmetric_share": ("the authors' beta^2 of the layer, weighted by energy", "1"),
    "low_frequency_share": ("share of the energy in DC and the two gradients", "1"),
    "coherence": ("length of the mean momentum of the kernels over their mean length", "1"),
    "displacement": ("distance of a kernel's centre of energy from its middle, rms, px", "1"),
    "energy": ("squared norm of all kernels", "1"),
}
"""Long names and units of the numbers of a layer."""


def layer_mechanics(kernels: Array) -> dict[str, Array]:
    """Return the numbers of a layer, and the share of each DCT component of its energy.

    ``kernels`` are (out, in, size, size), as in a network, which correlates. The share is
    ``dct_share``, (size, size) as (v, u); the numbers are those of `OF_LAYER`.

    Notes
    -----
    The displacement of a kernel K is the centre of K^2. It is never farther than c = (size - 1)/2
    px from the middle on each axis, whatever cancels in the sum of K. Kernels count by energy.
    """
    size = kernels.shape[-1]
    stack = kernels.reshape(-1, size, size)[:, ::-1, ::-1]
    slices = analyse(np.ascontiguousarray(stack))
    table = summarise(kernel_table(slices), np.zeros(len(stack), int), 1).iloc[0]
    spectrum = slices.dct_energy.values.sum(axis=0)
    numbers = {name: table[name] for name in OF_LAYER if name in table}
    numbers |= {
        "coherence": table.alignment,
        "displacement": displacement(stack),
        "dct_share": spectrum / spectrum.sum(),
    }
    return {name: np.asarray(value) for name, value in numbers.items()}


def displacement(kernels: Array) -> float:
    """Return the rms distance of the centres of energy of kernels, (n, size, size), in px.

    >>> displacement(np.array([[[0.0, 0, 0], [0, 0, 1], [0, 0, 0]]]))
    1.0
    """
    energy = np.square(kernels)
    places = centred_coordinates(kernels.shape[-1])
    moments = np.stack([energy.sum(axis=1) @ places, energy.sum(axis=2) @ places])
    total = energy.sum(axis=(1, 2))
    squares = np.square(moments).sum(axis=0)
    distances = np.divide(squares, total, out=np.zeros_like(total), where=total > 0)
    return float(np.sqrt(distances.sum() / total.sum()))
