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
    """Judge all claims, findings and controls."""
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

IN_ITS_PLACE = f"Never farther than {limits.EXACT:g} px from where it must be"
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

CRITERIA: dict[str, Criterion] = {
    "C1": Criterion(
        "Even kernels keep the centre of mass.",
        "Even kernels with taps of both signs, as theory decides the others, on noise, under "
        "activations that keep zero: the centroid of |x| is never farther than "
        f"{limits.AT_REST_DRIFT} px from its start. In part: true of an activation in all cases.",
        section="controls",
        data=(paths.CONTROLS_FILE,),
        needs="the controls, with kernels that have taps of both signs",
        judge=absolute_mass.centre_of_mass,
    ),
    "C2": Criterion(
        "DC diffuses isotropically, towards a Gaussian, σ ~ √t.",
        f"DC kernels (β = 0): exponent 1/2 within {limits.EXPONENT_ERROR}, coefficient "
        "s = √((k² − 1)/12) and equal widths along and across within "
        f"{limits.RELATIVE_ERROR:.0%}, excess kurtosis at the last layer at most "
        f"{limits.GAUSSIAN_KURTOSIS}.",
        section="diffusion",
        data=(paths.METRICS_FILE, paths.MECHANICS_FILE, paths.KERNELS_FILE),
        needs="DCT kernels and β = 0",
        judge=diffusion.diffusion,
    ),
    "C3": Criterion(
        "A gradient with ReLU moves at 0.5 px/layer (k = 2).",
        f"DCT, k = 2, ReLU, β = 1, along the axes: {limits.GRADIENT_SPEED} within "
        f"{limits.GRADIENT_ERROR} px/layer. A point must have this speed; the interval of the "
        "asymptotic speed of a wider pattern, which moves more slowly at first, must reach it, and "
        f"decides once it is known to {limits.CONVERGED:.0%} of the light speed.",
        section="trajectories",
        data=(paths.METRICS_FILE,),
        needs="DCT kernels, k = 2, ReLU and β = 1",
        judge=motion.gradient,
    ),
    "C4": Criterion(
        "The square of the speed is the odd share of the energy: (v/c)² = ρ.",
        "DCT, a point, ReLU and modulus: over all ρ the line y = x misses no (v/c)² by more than "
        f"{limits.LAW} c², at every k and T, and in the limit of many layers. In part: at some.",
        section="headline",
        data=(paths.REGRESSIONS_FILE, paths.METRICS_FILE),
        needs="DCT kernels under ReLU or modulus",
        judge=law.headline,
    ),
    "C5": Criterion(
        "The mixing ratio controls the speed.",
        "DCT, ReLU and modulus: in each cell and pattern the rank correlation of the asymptotic "
        f"speed with β is at least {limits.MONOTONE}, and speeds span at least {limits.HALF:.0%} "
        f"of the light speed. Decided by speeds that are known to {limits.CONVERGED:.0%} of it, at "
        f"least {limits.FEWEST_CASES} of them beyond β*.",
        section="speed",
        data=(paths.METRICS_FILE, paths.KERNELS_FILE),
        needs="DCT kernels under ReLU or modulus",
        judge=motion.mixing_ratio,
    ),
    "C6": Criterion(
        "The modulus moves the centre of mass faster than ReLU.",
        "DCT, pairs that differ in the activation only, β* < β < 1: faster by more than "
        f"{limits.EQUAL_SPEED} px/layer in at least {limits.MOST:.0%} of them, after each of the "
        "paper's numbers of layers T, and in the limit of many layers by more than the intervals "
        "of both. In part: for some patterns and T.",
        section="speed",
        data=(paths.METRICS_FILE,),
        needs="DCT kernels under ReLU and modulus, and β > β*",
        judge=motion.modulus,
    ),
    "C7": Criterion(
        "3x3 kernels move more than 2x2.",
        "DCT, pairs that differ in k only, β* < β < 1 (elsewhere it is a theorem), whose "
        f"asymptotic speeds differ by more than their intervals: 3x3 is faster in at least "
        f"{limits.MOST:.0%} of the pairs of each activation and pattern. In part: for some "
        "activations and patterns.",
        section="diffusion",
        data=(paths.METRICS_FILE, paths.MECHANICS_FILE),
        needs="DCT kernels, k = 2 and 3, and β > β*",
        judge=motion.sizes,
    ),
    "C8": Criterion(
        "ReLU acts like a Lorentz transform on widths (a test of our own; the paper has none).",
        "DCT, ReLU, β > β*: σ(β)/σ(0) along the motion is √(1 − v²/s²) and across it 1, both "
        f"within {limits.LORENTZ}, with the diffusion speed s in place of the speed of light; "
        "simulations faster than s fail. In part: in some simulations.",
        section="contraction",
        data=(paths.METRICS_FILE, paths.MECHANICS_FILE, paths.KERNELS_FILE),
        needs="DCT kernels under ReLU, β = 0 and β > β*",
        judge=diffusion.contraction,
    ),
    "C9": CONTROL(
        "Even and odd part are orthogonal, and E² = m² + p²: an identity that the code checks.",
        f"Every kernel of the grid: |E² − m² − p²| and the inner product of the parts at most "
        f"{limits.ROUNDING:g} E².",
        section="kernels",
        data=(paths.KERNELS_FILE,),
        needs="kernels",
        judge=kernels.parity,
    ),
    "C10": Criterion(
        "Trained CNN filters are dominated by DC and gradients in the DCT domain.",
        "Judged are layers in which kernels by chance have at most "
        f"{limits.MOST_BY_CHANCE:.0%} of their energy in DC and the two gradients. A layer passes "
        f"if these hold more than {limits.DOMINATED:.0%} of its energy, and more than "
        f"{1 - CHANCE:.1%} of layers whose kernels have the same energies and directions by "
        "chance. In part: some layers pass, or all are above chance.",
        section="spectra",
        data=(paths.BANK_FILES,),
        needs="the kernels of a trained network (filter_banks)",
        judge=kernels.trained_filters,
    ),
    "C13": EXPERIMENT(
        "Bipolar kernels, turned by 180° after each layer, keep a pattern in place.",
        "A disc under DCT, k = 3, ReLU: after an even number of layers no centroid is farther than "
        f"{limits.ONE_LAYER:g} px from its start. In part: at some β².",
        judge=experiments.bipolar,
    ),
    "C14": EXPERIMENT(
        "A translation kernel moves a point one pixel a layer at |a|² = ¾ |K|².",
        f"ReLU, k = 3: t px after t layers, to {limits.EXACT:g} px. A theorem, as this "
        "kernel is a shift.",
        judge=experiments.translation,
    ),
    "C15": EXPERIMENT(
        "Under ReLU a Laplace kernel spreads a point like an even kernel without negative taps.",
        "Widths are those of the mean of the four neighbours (translation at β = 0), to "
        f"{limits.EXACT:g} px. Of a point a theorem, as the negative tap is always "
        "rectified away.",
        judge=experiments.laplace,
    ),
    "F1": FINDING(
        "Even kernels with taps of both signs move the |x| of noise, while its signed centroid "
        "stays.",
        f"Observed if more than {limits.OBSERVED_SHARE:.0%} of the centroids of |x| come farther "
        f"than {limits.AT_REST_DRIFT} px from their start, without rectification as well as under "
        "the other activations that keep zero, and no signed centroid without rectification "
        f"farther than {limits.EXACT:g} px.",
        section="controls",
        data=(paths.CONTROLS_FILE,),
        needs="the controls, with kernels that have taps of both signs",
        judge=absolute_mass.noise_moves,
    ),
    "F2": FINDING(
        "Beyond β*, |x| moves without rectification, too.",
        f"Identity, β* < β < 1: observed if more than {limits.OBSERVED_SHARE:.0%} of the centroids "
        f"come farther than {limits.AT_REST_DRIFT} px from their start.",
        section="speed",
        data=(paths.MECHANICS_FILE, paths.METRICS_FILE, paths.KERNELS_FILE),
        needs="the identity, and β > β*",
        judge=absolute_mass.identity_beyond_beta_star,
    ),
    "F3": EXPERIMENT(
        "Two oriented layers do not pass energy by Malus' law, cos² of the angle between them: "
        "crossed layers still pass some.",
        "Gradients under ReLU and modulus: observed if the energy after the second layer, relative "
        f"to the largest, misses cos² by more than {limits.LAW} in each experiment.",
        kind="finding",
        judge=experiments.malus,
    ),
    "N1": CONTROL(
        "Without rectification the signed centroid moves by exactly M₁/M₀ a layer.",
        f"Every family, several β, noise of both signs, M₀ ≠ 0: {IN_ITS_PLACE}, as long as a "
        "thousandth of the mass has not cancelled. Where no tap is negative, the same of |x|.",
        judge=controls.linear_motion,
    ),
    "N2": CONTROL(
        "Even kernels leave the signed centroid of any pattern in place.",
        f"The same, β = 0: {IN_ITS_PLACE}.",
        judge=controls.linear_rest,
    ),
    "N3": CONTROL(
        "Even kernels leave symmetric patterns in place, whatever the activation.",
        f"Every family, β = 0, and the grid's own symmetric patterns: {IN_ITS_PLACE}.",
        data=(paths.CONTROLS_FILE, paths.MECHANICS_FILE, paths.METRICS_FILE),
        judge=controls.symmetric_rest,
    ),
    "N4": CONTROL(
        "A shift kernel moves a point by exactly one pixel a layer, whatever the activation.",
        "Translation, k = 3, |a|² = ¾ |K|², every activation that keeps zero (softplus fills the "
        f"light cone): {IN_ITS_PLACE}.",
        judge=controls.shift,
    ),
}
