"""Names and units of the variables in the files of banks."""

from __future__ import annotations

from mechcore.filters.asymmetry import TYPES
from mechcore.filters.summary import MEDIANS, SHARES
from mechcore.simulation.dataset import ATTRIBUTES

BANK_VARIABLES: dict[str, tuple[str, str]] = {
    **ATTRIBUTES,
    "layer": ("row of the layer in the table of layers", "1"),
    "out": ("output of the layer, one filter each", "1"),
    "in": ("input of the filter", "1"),
    "plane": ("plane of a three-dimensional kernel", "1"),
    "v": ("sign changes of the DCT-II basis, downwards", "1"),
    "u": ("sign changes of the DCT-II basis, to the right", "1"),
    "energy": ("squared norm of the kernel, E^2", "1"),
    "odd_share": ("odd share of the kernel's energy, p^2 / E^2", "1"),
    "isotropic_share": ("share of what the symmetries of the square leave as it is", "1"),
    "asymmetric_share": ("share of the rest, odd or not: the authors' antisymmetric share", "1"),
    "anisotropic_share": ("share of the rest of the even part", "1"),
    "low_frequency_share": ("share of DC and of the two gradients", "1"),
    "dct_energy": ("energy of each DCT-II coefficient", "1"),
    "momentum_x": ("first moment of the kernel, to the right, px", "1"),
    "momentum_y": ("first moment of the kernel, downwards, px", "1"),
    "momentum_angle": ("direction of the first moment, from +x (right) to +y (down)", "degree"),
    "point_x": ("norm of the asymmetric part, times the cosine of its direction", "1"),
    "point_y": ("norm of the asymmetric part, times the sine of its direction", "1"),
    "point_z": ("norm of the isotropic part, with the sign of the sum of the taps", "1"),
    "total": ("sum of the taps", "1"),
    "velocity_x": ("first moment over the sum, to the right, px/layer", "1"),
    "velocity_y": ("first moment over the sum, downwards, px/layer", "1"),
    "no_negative_tap": ("whether the exact theory holds under ReLU", "1"),
    "rank": ("number of singular values above rounding", "1"),
    "taps": ("kernel, in the convolution convention", "1"),
    "name": ("name in the weight file", "1"),
    "shape": ("shape in the weight file", "1"),
    "reason": ("why it is no spatial convolution", "1"),
    "height": ("height of the kernels, px", "1"),
    "width": ("width of the kernels, px", "1"),
    "filters": ("number of outputs", "1"),
    "inputs": ("number of inputs of each filter", "1"),
    "fixed": ("whether the file says that training leaves it as it is", "1"),
    "spacing_x": ("distance of taps, to the right, in the input of the layer, px", "1"),
    "spacing_y": ("distance of taps, downwards, in the input of the layer, px", "1"),
    "slices": ("number of two-dimensional kernels", "1"),
    "zero_slices": ("number of kernels that are zero", "1"),
    "effective_slices": ("number of kernels of equal energy that would weigh as much", "1"),
    "dc_share": ("share of DC", "1"),
    "alignment": ("length of the mean momentum over the mean length", "1"),
    "covariance_major": ("larger eigenvalue of the covariance of point_x and point_y", "1"),
    "covariance_minor": ("smaller eigenvalue of the covariance of point_x and point_y", "1"),
    "covariance_angle": ("direction of the major axis, from +x (right) to +y (down)", "degree"),
    "anisotropy": ("difference of the eigenvalues over their sum; of a layer, the median", "1"),
    "strongest": ("number of kernels in the top tenth of channels of that of filters", "1"),
    "symmetric": (f"share of these with an asymmetric share up to {TYPES['symmetric'][1]}", "1"),
    "antisymmetric": (f"share of these with one from {TYPES['antisymmetric'][0]} on", "1"),
    "mixed": ("share of these with one in between", "1"),
    "low_frequencies": ("number of coefficients that are DC or a gradient", "1"),
    "leading": ("how many of these are among as many largest coefficients", "1"),
    "null_low_frequency_limit": ("what kernels by chance exceed once in a thousand", "1"),
}
"""Long name and unit by variable."""

for share in MEDIANS:
    long_name, unit = BANK_VARIABLES[share]
    BANK_VARIABLES[f"{share}_median"] = (f"{long_name}, median of kernels", unit)

for share in SHARES:
    long_name, unit = BANK_VARIABLES[share]
    BANK_VARIABLES[f"{share}_mean"] = (f"{long_name}, mean of kernels", unit)
    BANK_VARIABLES[f"null_{share}"] = (f"{long_name}, kernels by chance", unit)
