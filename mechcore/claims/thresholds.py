"""The thresholds of all claims, findings and controls, written down before any figure was drawn."""

AT_REST_DRIFT = 0.1
"""px. A centroid that was never farther from its start than a tenth of a pixel has not moved."""

OBSERVED_SHARE = 0.5
"""A finding is observed if more than this share of the simulations show it."""

STEADY = 1e-6
"""px. A centroid that a change in the last digit of the kernel moves by less has a speed that is
good to a millionth of a pixel over all layers."""

CONVERGED = 0.1
"""Share of the light speed. An asymptotic speed whose interval reaches farther is not known yet."""

FEWEST_CASES = 5
"""Simulations or pairs: fewer decide nothing about a group."""

EXACT = 1e-9
"""px. What theory fixes is met to rounding: sums over 1e4 pixels round to 1e-14 of a reach of 100
px, times 1000 where a signed mass cancels (`mechcore.analysis.mechanics.SOUND_SHARE`)."""

EQUAL_SPEED = 1e-3
"""px/layer. Speeds that differ by less take a thousand layers to come a pixel apart."""

ENGINE_ERROR = 1e-9
"""The engines equal the exact theory to within this."""

ROUNDING = 1e-12
"""Share of a kernel's energy. Sums over at most 31 x 31 taps round to less than 1000 units in the
last place, 2e-13."""

EXPONENT_ERROR = 0.02
RELATIVE_ERROR = 0.02
"""A law holds if it is met to two per cent; for an exponent of 1/2, 0.02 is four per cent."""

GAUSSIAN_KURTOSIS = 0.15
"""Excess kurtosis of a marginal. A uniform kernel has -1.2 to -2, and a sum of T of them a T-th."""

GRADIENT_SPEED = 0.5
GRADIENT_ERROR = 0.005
"""px/layer. The paper's figure and its last digit."""

LAW = 0.05
"""In c^2. The law (v/c)^2 = rho holds if it misses no point by more than this twentieth."""

ONE_LAYER = 1.0
"""px. What a layer of 3x3 kernels can displace at most."""

CROSSED = 0.05
"""Cosine of the angle between layers that count as crossed."""

MONOTONE = 0.9
"""Rank correlation of speed with the mixing ratio."""

HALF = 0.5
"""Share of the light speed that speeds span."""

MOST = 0.9
"""Share of pairs in which a comparison must hold."""

LORENTZ = 0.05
"""Width relative to the width at rest. A factor that is missed by more is another factor."""

DOMINATED = 0.5
"""Share of a layer's energy that dominates it."""

MOST_BY_CHANCE = 0.5
"""Share of a layer's energy. Where random weights would have more in DC and the two gradients, as
in the four taps of 2x2, the layer decides nothing."""

CENSUS_NETWORKS = 10
"""Networks: of fewer, an interval over networks covers too little
(`mechcore.filters.census.mean_share`)."""

CENSUS_HALF = 0.5
"""Share of the layers of a network: more than half of them are most."""

ENOUGH = 0.9
"""Share of the accuracy above chance that the network with all components has. Few components are
enough if they keep nine tenths of it; fine-tuned with three, the authors' networks kept 92% (VGG16)
and 94% (ResNet50), with one 6% and 45%."""

PREDICTED = 0.5
"""Share of the variance over the channels of a layer: a prediction explains more than half."""

PREDICTED_SLOPE = (0.5, 2.0)
"""px of displacement per px of momentum. Beyond a factor of two the momentum tells the direction,
but not the distance."""

FEWEST_CHANNELS = 8
"""Channels of a layer. A line through both axes of n channels explains 1/(2n - 3) by chance: of
fewer, more than a thirteenth."""
