"""The claims of the paper (C), our own findings (F) and the controls (N): statement, test, judge.

A test reads tables of results and nothing else; its thresholds are in `mechcore.claims.thresholds`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import partial

from mechcore.claims import (
    absolute_mass,
    controls,
    diffusion,
    experiments,
    kernels,
    law,
    motion,
    networks,
    training,
)
from mechcore.claims import thresholds as limits
from mechcore.claims.judgement import Judgement
from mechcore.claims.verdict import NOT_YET_MEASURED, Claim
from mechcore.experiment import paths
from mechcore.filters.null import CHANCE
from mechcore.results.results import Results


@dataclass(frozen=True)
class Criterion:
    """A claim, a finding or a control, and how it is judged."""

    statement: str
    """What the paper says, what was found, or what must hold."""
    test: str
    _: KW_ONLY
    section: str
    data: tuple[str, ...]
    needs: str
    judge: Callable[[Results], Judgement | None]
    """None where the grid holds nothing to judge by."""
    applies: Callable[[Results], bool] = lambda _: True
    """Whether an experiment asks for it at all."""
    kind: str = "claim"
    """Key of `mechcore.claims.verdict.VERDICTS`."""
    meaning: str = ""
    """What it means if a control is broken."""


def judge(results: Results) -> list[Claim]:
    """Judge all claims, findings and controls, by the reference where settings are axes."""
    results = results.reference
    asked = {name: one for name, one in CRITERIA.items() if one.applies(results)}
    return [_judged(name, criterion, results) for name, criterion in asked.items()]


def _judged(name: str, criterion: Criterion, results: Results) -> Claim:
    judgement = criterion.judge(results)
    if judgement is None:
        setting = "" if results.free else ", on free space and with the mass |x|"
        judgement = Judgement(NOT_YET_MEASURED, [], f"needs {criterion.needs}{setting}")
    return Claim(
        id=name,
        **vars(judgement),
        **{key: getattr(criterion, key) for key in COPIED},
        data=list(criterion.data),
    )


COPIED = ("kind", "statement", "test", "section", "meaning")

IN_ITS_PLACE = f"never farther than {limits.EXACT:g} px from where it must be"
CONTROL = partial(
    Criterion,
    kind="control",
    section="controls",
    data=(paths.CONTROLS_FILE,),
    needs="the controls",
    meaning="This is a theorem: something else is an error of the program.",
)
FINDING = partial(Criterion, kind="finding")
EXPERIMENT = partial(
    Criterion,
    section="published",
    data=(paths.REPRODUCTION_FILE,),
    needs="the published numbers (published)",
    applies=lambda results: results.experiment.published is not None,
)
NETWORKS = partial(
    Criterion,
    section="prediction",
    data=(paths.NETWORKS_FILE,),
    needs="a network with channels enough, on two real images or more (networks)",
    applies=lambda results: bool(results.experiment.networks),
)

CRITERIA: dict[str, Criterion] = {
    "C1": Criterion(
        "Even kernels keep the centre of mass.",
        "Noise under even kernels with taps of both signs (theory decides the others) and "
        "activations that keep zero: the centroid of |x| stays within "
        f"{limits.AT_REST_DRIFT} px of its start. In part: always so under some activation.",
        section="controls",
        data=(paths.CONTROLS_FILE,),
        needs="the controls, with kernels that have taps of both signs",
        judge=absolute_mass.centre_of_mass,
    ),
    "C2": Criterion(
        "DC kernels spread a point alike in all directions: a Gaussian whose width grows as √t.",
        f"DCT kernels with β = 0: the exponent is 1/2 to {limits.EXPONENT_ERROR}; the "
        "coefficient is s = √((k² − 1)/12), and widths along and across are equal, to "
        f"{limits.RELATIVE_ERROR:.0%}; the excess kurtosis after the last layer is at most "
        f"{limits.GAUSSIAN_KURTOSIS}.",
        section="diffusion",
        data=(paths.METRICS_FILE, paths.MECHANICS_FILE, paths.KERNELS_FILE),
        needs="DCT kernels and β = 0",
        judge=diffusion.diffusion,
    ),
    "C3": Criterion(
        "A 2x2 gradient kernel with ReLU moves a pattern by 0.5 px per layer.",
        f"DCT, k = 2, ReLU, β = 1, along the axes: {limits.GRADIENT_SPEED} px/layer to "
        f"{limits.GRADIENT_ERROR}. A point must have this speed. A wider pattern is slower at "
        "first: the interval of its asymptotic speed must contain this speed, and is judged once "
        f"it is narrower than {limits.CONVERGED:.0%} of the light speed on either side.",
        section="trajectories",
        data=(paths.METRICS_FILE,),
        needs="DCT kernels, k = 2, ReLU and β = 1",
        judge=motion.gradient,
    ),
    "C4": Criterion(
        "The squared speed is the odd share of the energy: (v/c)² = ρ.",
        "DCT, a point, ReLU and modulus: at all ρ, (v/c)² is ρ to "
        f"{limits.LAW}, for every k and T and in the limit of many layers. In part: for some.",
        section="headline",
        data=(paths.REGRESSIONS_FILE, paths.METRICS_FILE),
        needs="DCT kernels under ReLU or modulus",
        judge=law.headline,
    ),
    "C5": Criterion(
        "The mixing ratio β sets the speed.",
        "DCT, ReLU and modulus: for each cell and pattern the rank correlation of asymptotic speed "
        f"and β is at least {limits.MONOTONE}, and the speeds span at least {limits.HALF:.0%} of "
        f"the light speed. Only speeds known to {limits.CONVERGED:.0%} of the light speed count, "
        f"at least {limits.FEWEST_CASES} of them beyond β*.",
        section="speed",
        data=(paths.METRICS_FILE, paths.KERNELS_FILE),
        needs="DCT kernels under ReLU or modulus",
        judge=motion.mixing_ratio,
    ),
    "C6": Criterion(
        "The modulus moves a pattern faster than ReLU.",
        "DCT, β* < β < 1, pairs that differ in the activation alone: the modulus is faster by more "
        f"than {limits.EQUAL_SPEED} px/layer in at least {limits.MOST:.0%} of them, after each T "
        "of the paper, and in the limit of many layers without overlap of the intervals. In part: "
        "for some patterns and T.",
        section="speed",
        data=(paths.METRICS_FILE,),
        needs="DCT kernels under ReLU and modulus, and β > β*",
        judge=motion.modulus,
    ),
    "C7": Criterion(
        "3x3 kernels move a pattern faster than 2x2 kernels.",
        "DCT, β* < β < 1 (elsewhere it is a theorem), pairs that differ in k alone and whose "
        "intervals of the asymptotic speed do not overlap: 3x3 is faster in at least "
        f"{limits.MOST:.0%} of them, for each activation and pattern. In part: for some.",
        section="diffusion",
        data=(paths.METRICS_FILE, paths.MECHANICS_FILE),
        needs="DCT kernels, k = 2 and 3, and β > β*",
        judge=motion.sizes,
    ),
    "C8": Criterion(
        "ReLU contracts a moving pattern like a Lorentz transform (our test; the paper has none).",
        "DCT, ReLU, β > β*: σ(β)/σ(0) is √(1 − v²/s²) along the motion and 1 across it, both to "
        f"{limits.LORENTZ}. The diffusion speed s stands for the speed of light; simulations "
        "faster than s fail. In part: some simulations.",
        section="contraction",
        data=(paths.METRICS_FILE, paths.MECHANICS_FILE, paths.KERNELS_FILE),
        needs="DCT kernels under ReLU, β = 0 and β > β*",
        judge=diffusion.contraction,
    ),
    "C9": CONTROL(
        "Even and odd part of a kernel are orthogonal: E² = m² + p².",
        f"Every kernel of the grid: |E² − m² − p²| and the inner product of the parts at most "
        f"{limits.ROUNDING:g} E².",
        section="kernels",
        data=(paths.KERNELS_FILE,),
        needs="kernels",
        judge=kernels.parity,
    ),
    "C10": Criterion(
        "In trained filters, DC and the two gradients hold most of the energy.",
        f"A layer passes if these hold more than {limits.DOMINATED:.0%} of its energy, and a "
        f"larger share than in {1 - CHANCE:.1%} of layers with kernels of the same energies and "
        "random directions. Layers in which chance alone gives them more than "
        f"{limits.MOST_BY_CHANCE:.0%} are not judged. With {limits.CENSUS_NETWORKS} networks or "
        f"more: more than {limits.CENSUS_HALF:.0%} of the layers pass in the mean over networks, "
        "by the lower end of its 95% interval. In part: by its upper end, or more than "
        f"{limits.CENSUS_HALF:.0%} are surely above chance. With fewer networks: all layers pass. "
        "In part: some pass, or all are above chance.",
        section="spectra",
        data=(paths.CENSUS_FILE,),
        needs="the kernels of a trained network (filter_banks)",
        judge=kernels.trained_filters,
    ),
    "C11": NETWORKS(
        "In whole networks the momentum of trained kernels predicts the displacement of what the "
        "network sees.",
        "A line through the channels of each layer, from the momentum of the kernels (energy "
        "centroid) to the displacement on real images: that by the layer alone, and that by all "
        "layers up to it. For each kind of layer, in the mean over layers, images and networks: R² "
        f"is more than {limits.PREDICTED} and the slope from {limits.PREDICTED_SLOPE[0]} to "
        f"{limits.PREDICTED_SLOPE[1]}, each by its 95% interval over images (and networks, of "
        f"{limits.CENSUS_NETWORKS} or more). Layers with fewer than {limits.FEWEST_CHANNELS} "
        "channels are not judged. In part: for some kind R² is more than that of all copies whose "
        "kernels are mirrored at random, and the slope is positive.",
        judge=networks.displacements,
    ),
    "C12": Criterion(
        "DC and the two gradients are enough for kernels once a network is fine-tuned.",
        "Trained networks are cut to N DCT components and fine-tuned. Accuracy above chance, "
        "relative to the network of the same seed with all components after the same fine-tuning: "
        "in every architecture, by the 95% interval over seeds, N = 3 keeps at least "
        f"{limits.ENOUGH:.0%} and N = 1 less. In part: N = 3 keeps it in some architecture.",
        section="cuts",
        data=(paths.TRAINING_FILE,),
        needs="classifiers that are cut to 1, 3 and all components, from three seeds (training)",
        judge=training.few_components,
        applies=lambda results: results.experiment.training is not None,
    ),
    "C13": EXPERIMENT(
        "Bipolar kernels, turned by 180° after each layer, keep a pattern in place.",
        "A disc under DCT, k = 3, ReLU: after an even number of layers no centroid is farther than "
        f"{limits.ONE_LAYER:g} px from its start. In part: at some β².",
        judge=experiments.bipolar,
    ),
    "C14": EXPERIMENT(
        "A translation kernel with |a|² = ¾ |K|² moves a point by one pixel per layer.",
        f"ReLU, k = 3: t px after t layers, to {limits.EXACT:g} px. A theorem: this kernel is a "
        "shift.",
        judge=experiments.translation,
    ),
    "C15": EXPERIMENT(
        "With ReLU a Laplace kernel spreads a point like an even kernel without negative taps.",
        "The widths are those under the mean of the four neighbours (translation at β = 0), to "
        f"{limits.EXACT:g} px. For a point a theorem: ReLU always removes what the negative tap "
        "makes.",
        judge=experiments.laplace,
    ),
    "F1": FINDING(
        "Even kernels with taps of both signs move the |x| of noise, but not its signed centroid.",
        f"Observed if more than {limits.OBSERVED_SHARE:.0%} of the centroids of |x| move more than "
        f"{limits.AT_REST_DRIFT} px, without rectification as well as under the other activations "
        "that keep zero, while no signed centroid without rectification moves more than "
        f"{limits.EXACT:g} px.",
        section="controls",
        data=(paths.CONTROLS_FILE,),
        needs="the controls, with kernels that have taps of both signs",
        judge=absolute_mass.noise_moves,
    ),
    "F2": FINDING(
        "Beyond β*, |x| also moves without rectification.",
        f"Identity, β* < β < 1: observed if more than {limits.OBSERVED_SHARE:.0%} of the centroids "
        f"move more than {limits.AT_REST_DRIFT} px.",
        section="speed",
        data=(paths.MECHANICS_FILE, paths.METRICS_FILE, paths.KERNELS_FILE),
        needs="the identity, and β > β*",
        judge=absolute_mass.identity_beyond_beta_star,
    ),
    "F3": EXPERIMENT(
        "Two oriented layers break the law of Malus, cos² of the angle between them: crossed "
        "layers still pass energy.",
        "Gradients with ReLU and modulus: observed if in each experiment the energy after the "
        f"second layer, relative to the largest, differs from cos² by more than {limits.LAW} "
        "somewhere.",
        kind="finding",
        judge=experiments.malus,
    ),
    "F4": NETWORKS(
        "In whole networks the centroid of the positive taps predicts what a layer displaces.",
        "As C11, for the displacement by the layer alone: observed if for each kind of layer R² is "
        f"more than {limits.PREDICTED} and the slope from {limits.PREDICTED_SLOPE[0]} to "
        f"{limits.PREDICTED_SLOPE[1]}, each by its 95% interval.",
        kind="finding",
        judge=networks.positive_taps,
    ),
    "N1": CONTROL(
        "Without rectification the signed centroid moves by exactly M₁/M₀ per layer.",
        f"Every family, several β, noise of both signs, M₀ ≠ 0: {IN_ITS_PLACE}, as long as at "
        "least a thousandth of the mass has not cancelled. Where no tap is negative, |x| as well.",
        judge=controls.linear_motion,
    ),
    "N2": CONTROL(
        "Even kernels leave the signed centroid of any pattern in place.",
        f"Every family, β = 0, noise of both signs, M₀ ≠ 0: {IN_ITS_PLACE}.",
        judge=controls.linear_rest,
    ),
    "N3": CONTROL(
        "Even kernels leave symmetric patterns in place, whatever the activation.",
        f"Every family, β = 0, and the grid's own symmetric patterns: {IN_ITS_PLACE}.",
        data=(paths.CONTROLS_FILE, paths.MECHANICS_FILE, paths.METRICS_FILE),
        judge=controls.symmetric_rest,
    ),
    "N4": CONTROL(
        "A shift kernel moves a point by exactly one pixel per layer, whatever the activation.",
        "Translation, k = 3, |a|² = ¾ |K|², every activation that keeps zero (softplus fills the "
        f"light cone): {IN_ITS_PLACE}.",
        judge=controls.shift,
    ),
}
