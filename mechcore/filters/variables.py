"""Names and units of what the files of banks hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import xarray as xr

from mechcore.simulation.dataset import ATTRIBUTES

if TYPE_CHECKING:
    pass


OF_BANKS: dict[str, tuple[str, str]] = {
    "layer": ("row of the layer in the group `layers`", "1"),
    "out": ("output of the layer, one filter each", "1"),
    "in": ("input of the filter", "1"),
    "plane": ("plane of a three-dimensional kernel", "1"),
    "v": ("sign changes of the DCT-II basis, downwards", "1"),
    "u": ("sign changes of the DCT-II basis, to the right", "1"),
    "energy": ("squared norm of the kernel, E^2", "1"),
    "odd_share": ("odd share of the kernel's energy, p^2 / E^2", "1"),
    "isotropic_share": ("share of what the symmetries of the square leave as it is", "1"),
    "anisotropic_share": ("share of the rest of the even part", "1"),
    "low_frequency_share": ("share of DC and of the two gradients", "1"),
    "dct_energy": ("energy of each DCT-II coefficient", "1"),
    "momentum_x": ("first moment of the kernel, to the right", "pixel"),
    "momentum_y": ("first moment of the kernel, downwards", "pixel"),
    "momentum_angle": ("direction of the first moment, from +x (right) to +y (down)", "degree"),
    "total": ("sum of the taps", "1"),
    "velocity_x": ("first moment over the sum, to the right", "pixel layer-1"),
    "velocity_y": ("first moment over the sum, downwards", "pixel layer-1"),
    "no_negative_tap": ("whether the exact theory holds under ReLU", "1"),
    "rank": ("number of singular values above rounding", "1"),
    "taps": ("kernel, in the convolution convention", "1"),
    "name": ("name in the weight file", "1"),
    "shape": ("shape in the weight file", "1"),
    "reason": ("why it is no spatial convolution", "1"),
    "height": ("height of the kernels", "pixel"),
    "width": ("width of the kernels", "pixel"),
    "filters": ("number of outputs", "1"),
    "slices": ("number of two-dimensional kernels", "1"),
    "zero_slices": ("number of kernels that are zero", "1"),
    "effective_slices": ("number of kernels of equal energy that would weigh as much", "1"),
    "dc_share": ("share of DC", "1"),
    "alignment": ("length of the mean momentum over the mean length", "1"),
    "low_frequencies": ("number of coefficients that are DC or a gradient", "1"),
    "leading": ("how many of these are among as many largest coefficients", "1"),
    "null_low_frequency_limit": ("what kernels by chance exceed once in a thousand", "1"),
}
"""The same of the kernels of trained networks."""


DERIVATIONS = {"*_mean": ", mean of kernels", "null_*": ", kernels by chance"}
"""What the names of summaries add to that of a share."""


DERIVED = re.compile(r"_mean$|^null_(?!low_frequency_limit)")


def described(dataset: xr.Dataset) -> xr.Dataset:
    """Name the variables of a bank, or of trajectories of its kernels, in place."""
    table = ATTRIBUTES | OF_BANKS
    for name in map(str, dataset.variables):
        kind = DERIVED.sub("", name)
        if kind in table:
            long_name, unit = table[kind]
            derivation = DERIVATIONS.get(name.replace(kind, "*"), "")
            dataset[name].attrs.update(long_name=long_name + derivation, units=unit)
    return dataset
