"""The claims of the paper, the tests that they are put to, and every threshold of these tests.

Thresholds are written down here before the figures are drawn. A test reads tables of results and
nothing else: what it returns follows from the data.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mechcore.evidence import Evidence
from mechcore.fits import FEWEST_POINTS
from mechcore.regressions import PREDICTORS
from mechcore.verdicts import (
    AT_REST,
    CONTROLS_FILE,
    MOVED,
    NOT_YET_MEASURED,
    SYMBOLS,
    Claim,
    Criterion,
    Figure,
    Judgement,
    extent,
    groups,
    largest,
    trajectories_of,
    verdict,
)

PAPER = "dct"
"""The family of the paper: even part DC, odd part the gradient."""

RECTIFIERS = ("relu", "modulus")
"""The activations of the paper."""

AT_REST_DRIFT = 0.1
"""px. A centroid that never was farther from its start than a tenth of a pixel has not moved."""

EQUAL_SPEED = 1e-3
"""px/layer. Speeds that differ by less take a thousand layers to come a pixel apart."""

ROUNDING = 1e-12
"""Share of a kernel's energy. Sums over at most 31 x 31 taps round to less than 1000 units in the
last place, 2e-13."""

EXPONENT_ERROR = 0.02
RELATIVE_ERROR = 0.02
"""A law holds that is met to two per cent; of an exponent 1/2, two hundredths are four per cent."""

GAUSSIAN_KURTOSIS = 0.15
"""Excess kurtosis of a marginal. A uniform kernel has -1.2 to -2, and a sum of T of them a T-th."""

GRADIENT_SPEED = 0.5
GRADIENT_ERROR = 0.005
"""px/layer. The paper's figure and its last digit."""

LINEAR = 0.05
"""Share of the light speed. A line that misses no point by more than this describes the speeds."""

MONOTONE = 0.9
HALF = 0.5
"""Rank correlation of speed with the mixing ratio; share of the light speed that speeds span."""

MOST, SOME = 0.9, 0.1
"""Shares of pairs of simulations in which a comparison holds: wholly, and in part."""

LORENTZ = 0.05
"""Width relative to the width at rest. A factor that is missed by more is another factor."""


def judge(evidence: Evidence) -> list[Claim]:
    """Judge all claims and controls.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    list of Claim
        In the order of `CRITERIA`.
    """
    return [_judged(name, criterion, evidence) for name, criterion in CRITERIA.items()]


def _judged(name: str, criterion: Criterion, evidence: Evidence) -> Claim:
    found = criterion.judge(evidence)
    if found is None:
        found = Judgement(NOT_YET_MEASURED, [], f"needs {criterion.needs}")
    return Claim(
        name,
        "control" if name.startswith("N") else "claim",
        criterion.statement,
        found.figures,
        criterion.test,
        found.verdict,
        found.range,
        criterion.section,
        list(criterion.data),
    )


def _centre_of_mass(evidence: Evidence) -> Judgement | None:
    even = _sound(evidence.controls[evidence.controls.beta == 0])
    if even.empty:
        return None
    still = even.drift <= AT_REST_DRIFT
    grid = _sound(evidence.simulations[evidence.simulations.beta == 0])
    positive, negative = even[even.smallest_tap >= 0], even[even.smallest_tap < 0]
    figures = [
        _largest_control(positive, "drift on noise, kernels without negative taps"),
        _largest_control(negative, "drift on noise, kernels with negative taps"),
        _largest(evidence, grid, "drift", "drift at β = 0 on the grid's own patterns", "px"),
    ]
    return Judgement(verdict(still), figures, extent(groups(even, still, ("activation", "kernel"))))


def _diffusion(evidence: Evidence) -> Judgement | None:
    rows = _of(evidence, activations=None)
    rows = rows[(rows.beta == 0) & (rows.pattern == evidence.point)]
    if rows.empty:
        return None
    rows = rows.assign(
        exponent_error=(rows.diffusion_exponent - 0.5).abs(),
        coefficient_error=(rows.diffusion_coefficient / rows.diffusion_speed - 1).abs(),
        anisotropy=(rows.width_across / rows.width_along - 1).abs(),
        non_gaussian=rows[["excess_kurtosis_x", "excess_kurtosis_y"]]
        .abs()
        .max(axis=1, skipna=False),
    )
    holds = (rows.exponent_error <= EXPONENT_ERROR) & (rows.coefficient_error <= RELATIVE_ERROR)
    holds &= (rows.anisotropy <= RELATIVE_ERROR) & (rows.non_gaussian <= GAUSSIAN_KURTOSIS)
    figures = [*_coefficients(evidence, rows), *_deviations(evidence, rows[holds])]
    return Judgement(verdict(holds), figures, extent(groups(rows, holds, ("activation", "size"))))


def _coefficients(evidence: Evidence, rows: pd.DataFrame) -> Iterator[Figure]:
    """The coefficient of sqrt(t) in px, which is also the unit of length in which it is 1."""
    first = rows[rows.activation == rows.activation.iloc[0]].drop_duplicates("size")
    for _, row in first[first["size"] <= 3].iterrows():
        name = f"coefficient of √t, k = {row['size']}: the length in which it is 1"
        source = trajectories_of(row, evidence.experiment.boundary)
        yield Figure(name, float(row.diffusion_coefficient), "px", source)


def _deviations(evidence: Evidence, rows: pd.DataFrame) -> Iterator[Figure]:
    for column, name in (
        ("exponent_error", "largest deviation of the exponent from 1/2, where it holds"),
        ("coefficient_error", "largest deviation of the coefficient from s, where it holds"),
        ("anisotropy", "largest anisotropy of the width, where it holds"),
        ("non_gaussian", "largest excess kurtosis at the last layer, where it holds"),
    ):
        yield _largest(evidence, rows, column, name, "1")


def _gradient(evidence: Evidence) -> Judgement | None:
    rows = _of(evidence, activations=("relu",))
    rows = rows[(rows["size"] == 2) & (rows.beta == 1)]
    oblique, rows = rows[rows.angle % 90 != 0], rows[rows.angle % 90 == 0]
    if rows.empty:
        return None
    holds = (rows.speed - GRADIENT_SPEED).abs() <= GRADIENT_ERROR
    figures = [
        Figure(
            f"speed of {row.pattern} at {row.angle:g}°",
            _number(row.speed),
            "px/layer",
            trajectories_of(row, evidence.experiment.boundary),
        )
        for _, row in rows[rows.angle == rows.angle.iloc[0]].iterrows()
    ]
    gap = rows.assign(gap=(rows.speed - GRADIENT_SPEED).abs())
    figures.append(_largest(evidence, gap, "gap", "largest deviation from 0.5", "px/layer"))
    if len(oblique):
        figures.append(_largest(evidence, oblique, "speed", "largest, off the axes", "px/layer"))
    return Judgement(verdict(holds), figures, extent(groups(rows, holds, ("pattern", "angle"))))


def _linearity(evidence: Evidence) -> Judgement | None:
    rows = _models_of_paper(evidence)
    lines = rows[rows.model.str.startswith("linear in") & rows.share.notna()]
    literal = lines[_is_line(lines, "odd_energy_ratio", "all beta")]
    if literal.empty:
        return None
    below = lines[_is_line(lines, "celerity", "beta <= beta*")]
    holds = literal.share <= LINEAR
    exact = below.share <= LINEAR
    where = extent(groups(below, exact, ("activation", "size"))) if len(below) else "not measured"
    return Judgement(
        verdict(holds, partly=bool(holds.any() or (len(exact) and exact.all()))),
        [*_misses(evidence, lines), *_winners(rows), *_small_beta(evidence)],
        f"in ρ over all β: {extent(groups(literal, holds, ('activation', 'size')))}. "
        f"In the celerity γβ for β ≤ β*: {where}",
    )


def _misses(evidence: Evidence, lines: pd.DataFrame) -> Iterator[Figure]:
    """How far the worst line misses, for each predictor and domain."""
    for domain, told in (("all beta", "all β"), ("beta <= beta*", "β ≤ β*")):
        for predictor in PREDICTORS:
            part = lines[_is_line(lines, predictor, domain)]
            name = f"worst miss of a line in {SYMBOLS[predictor]}, {told}"
            yield _largest(evidence, part, "share", name, "of the light speed")


def _winners(rows: pd.DataFrame) -> Iterator[Figure]:
    """In how many fits each line is the best of the three by AIC, below beta*."""
    below = rows[(rows.domain == "beta <= beta*") & rows.model.str.startswith("linear in")]
    below = below[np.isfinite(below.aic)]
    if below.empty:
        return
    best = below.loc[below.groupby(["cell", "pattern"]).aic.idxmin(), "model"]
    for predictor in PREDICTORS:
        share = float((best == f"linear in {predictor}").mean())
        yield Figure(
            f"share of fits, β ≤ β*, in which the line in {SYMBOLS[predictor]} has the lowest AIC",
            share,
            "1",
        )
    errors = below.groupby("model").cross_validated_error.median()
    for predictor in PREDICTORS:
        error = _number(errors.get(f"linear in {predictor}"))
        name = f"median cross-validated error of the line in {SYMBOLS[predictor]}, β ≤ β*"
        yield Figure(name, error, "px/layer")


def _small_beta(evidence: Evidence) -> Iterator[Figure]:
    """Up to which beta a speed in proportion to beta is right, the slope taken at the smallest."""
    rows = _of(evidence, activations=("relu",))
    rows = rows[(rows["size"] == evidence.size) & (rows.pattern == evidence.point)]
    rows = rows[(rows.angle == evidence.angle) & (rows.beta > 0)].sort_values("beta")
    if rows.empty:
        return
    slope = rows.speed.iloc[0] / rows.beta.iloc[0]
    good = ((rows.speed / (slope * rows.beta) - 1).abs() <= LINEAR).cummin()
    yield Figure(
        f"β up to which speed is proportional to β within 5 %, ReLU, k = {evidence.size}",
        _number(rows.beta[good].max()),
        "1",
        trajectories_of(rows.iloc[0], evidence.experiment.boundary),
    )


def _control_of_speed(evidence: Evidence) -> Judgement | None:
    rows = _of(evidence, activations=RECTIFIERS)
    if rows.empty:
        return None
    keys = ["kernel", "activation", "size", "pattern"]
    figures_of = ["speed", "light_speed"]
    means = rows.groupby([*keys, "beta"], sort=False)[figures_of].mean().reset_index()
    by_case = means.groupby(keys, sort=False)[["beta", *figures_of]]
    cases: pd.DataFrame = by_case.apply(_steering).reset_index()
    if cases.correlation.isna().all():
        return None
    holds = (cases.correlation >= MONOTONE) & (cases.span >= HALF)
    middle = cases.groupby("activation", sort=False)[["correlation", "span", "fastest"]].median()
    figures = [
        Figure(f"{told}, median, {activation}", _number(row[column]), "1")
        for activation, row in middle.iterrows()
        for column, told in (
            ("correlation", "rank correlation of speed and β"),
            ("span", "range of speeds over light speed"),
            ("fastest", "β of the largest speed"),
        )
    ]
    return Judgement(verdict(holds), figures, extent(groups(cases, holds, ("activation", "size"))))


def _steering(case: pd.DataFrame) -> pd.Series:
    """How well the mixing ratio steers the speed in one cell and pattern."""
    known = case[np.isfinite(case.speed)]
    if len(known) < FEWEST_POINTS:
        return pd.Series({"correlation": np.nan, "span": np.nan, "fastest": np.nan})
    varied = known.speed.nunique() > 1
    return pd.Series(
        {
            # A speed that is the same everywhere has no ranks, and is steered by nothing.
            "correlation": known.beta.rank().corr(known.speed.rank()) if varied else 0.0,
            "span": float(np.ptp(known.speed) / known.light_speed.mean()),
            "fastest": float(known.beta[known.speed.idxmax()]),
        }
    )


def _modulus(evidence: Evidence) -> Judgement | None:
    pairs = _pairs(evidence, "activation", RECTIFIERS, RECTIFIERS)
    if pairs.empty:
        return None
    pairs = pairs.assign(lead=pairs.speed_second - pairs.speed_first)
    beyond = pairs[pairs.beta > pairs.beta_star]
    if beyond.empty:
        return None
    faster, slower = beyond.lead > EQUAL_SPEED, beyond.lead < -EQUAL_SPEED
    share = float(faster.mean())
    below = pairs[pairs.beta <= pairs.beta_star].assign(gap=lambda rows: rows.lead.abs())
    figures = [
        Figure("share of pairs beyond β* in which the modulus is faster", share, "1"),
        Figure("share in which it is slower", float(slower.mean()), "1"),
        _largest(evidence, beyond, "lead", "largest lead of the modulus", "px/layer"),
        _largest(evidence, below, "gap", "largest difference up to β*", "px/layer"),
    ]
    outcome = verdict(pd.Series([share >= MOST]), partly=share >= SOME)
    where = [_told_lead(str(name), rows) for name, rows in beyond.groupby("pattern", sort=False)]
    return Judgement(outcome, figures, f"for β > β*: {'; '.join(where)}")


def _told_lead(pattern: str, pairs: pd.DataFrame) -> str:
    """Where the modulus leads, pattern by pattern."""
    faster, slower = pairs[pairs.lead > EQUAL_SPEED], pairs[pairs.lead < -EQUAL_SPEED]
    span = f" (β from {faster.beta.min():g} to {faster.beta.max():g})" if len(faster) else ""
    return (
        f"{pattern}: faster in {len(faster)} of {len(pairs)} pairs{span}, slower in {len(slower)}"
    )


def _sizes(evidence: Evidence) -> Judgement | None:
    pairs = _pairs(evidence, "size", (2, 3), RECTIFIERS)
    still, moving = pairs[pairs.beta == 0], pairs[pairs.beta > 0]
    if still.empty or moving.empty:
        return None
    wider = still.width_along_second > still.width_along_first
    faster = moving.speed_second > moving.speed_first + EQUAL_SPEED
    share = float(faster.mean())
    ratio = (still.width_along_second / still.width_along_first).median()
    figures = [
        Figure("width of 3x3 over 2x2 at β = 0, median", _number(ratio), "1"),
        Figure("share of pairs with β > 0 in which 3x3 is faster", share, "1"),
        Figure("speed of 3x3 over 2x2, median", _ratio(moving), "1"),
    ]
    outcome = verdict(
        pd.Series([bool(wider.all()) and share >= MOST]),
        partly=bool(wider.all()) or share >= MOST,
    )
    most = faster.groupby([moving.activation, moving.pattern], sort=False).mean() >= MOST
    return Judgement(outcome, figures, f"moves more, as a rule: {extent(most)}")


def _lorentz(evidence: Evidence) -> Judgement | None:
    rows = _of(evidence, activations=("relu",))
    rows = rows[np.isfinite(rows.diffusion_speed) & np.isfinite(rows.speed) & (rows.beta > 0)]
    if rows.empty or rows.contraction_along.isna().all():
        return None
    share = rows.speed / rows.diffusion_speed
    # A width that has shrunk since layer 0 has not grown at all.
    factor = np.sqrt((1 - share**2).clip(lower=0))
    rows = rows.assign(
        gap=(rows.contraction_along.fillna(0.0) - factor).abs(),
        across=(rows.contraction_across.fillna(0.0) - 1).abs(),
        relative_speed=share,
        regime=np.where(rows.beta <= rows.beta_star, "β ≤ β*", "β > β*"),
    )
    holds = (rows.gap <= LORENTZ) & (rows.across <= LORENTZ)
    below, beyond = rows[rows.regime == "β ≤ β*"], rows[rows.regime != "β ≤ β*"]
    figures = [
        _largest(evidence, below, "gap", "largest miss of the factor, β ≤ β*", "1"),
        _largest(evidence, beyond, "gap", "largest miss of the factor, β > β*", "1"),
        _largest(evidence, beyond, "across", "largest change of the width across, β > β*", "1"),
        _largest(evidence, beyond, "relative_speed", "largest v/s", "1"),
        _difference_of_relu(evidence),
    ]
    whole = bool(holds[below.index].all()) and len(below) > 0
    where = extent(groups(rows, holds, ("regime", "size")))
    return Judgement(verdict(holds, partly=whole), figures, where)


def _difference_of_relu(evidence: Evidence) -> Figure:
    """What rectification adds to the contraction as long as no tap is negative."""
    pairs = _pairs(evidence, "activation", ("identity", "relu"), ("identity", "relu"))
    pairs = pairs[pairs.beta <= pairs.beta_star] if len(pairs) else pairs
    name = "largest difference of contraction between ReLU and identity, β ≤ β*"
    if pairs.empty:
        return Figure(name, None, "1")
    gap = (pairs.contraction_along_second - pairs.contraction_along_first).abs()
    return _largest(evidence, pairs.assign(gap=gap), "gap", name, "1")


def _parity(evidence: Evidence) -> Judgement | None:
    rows = evidence.kernels
    if rows.empty:
        return None
    rows = rows.assign(
        defect=rows.energy_defect.abs(), product=rows.parity_product.abs(), all_betas="all β"
    )
    holds = (rows.defect <= ROUNDING) & (rows["product"] <= ROUNDING)
    figures = [
        Figure("kernels", float(len(rows)), "1", "kernels.csv"),
        Figure("largest |E² − m² − p²| / E²", _number(rows.defect.max()), "1", "kernels.csv"),
        Figure("largest |⟨K_e, K_o⟩| / E²", _number(rows["product"].max()), "1", "kernels.csv"),
    ]
    return Judgement(verdict(holds), figures, extent(groups(rows, holds, ("kernel", "size"))))


def _at_beta_zero(evidence: Evidence) -> Judgement | None:
    rows = evidence.simulations[evidence.simulations.beta == 0]
    return _control(evidence, rows, ("kernel", "activation"))


def _identity_beyond(evidence: Evidence) -> Judgement | None:
    rows = evidence.simulations[evidence.simulations.activation == "identity"]
    rows = rows[rows.beta > rows.beta_star]
    found = _control(
        evidence,
        rows.assign(part=np.where(rows.beta == 1, "β = 1", "β* < β < 1")),
        ("kernel", "part"),
    )
    if found is None:
        return None
    speeds = rows.assign(pace=rows.speed.abs() / rows.light_speed)
    pure, mixed = speeds[speeds.beta == 1], speeds[speeds.beta < 1]
    figures = [
        _largest(evidence, mixed, "pace", "largest speed, β* < β < 1", "of the light speed"),
        _largest(evidence, pure, "pace", "largest speed, β = 1", "of the light speed"),
    ]
    return Judgement(found.verdict, [*found.figures, *figures], found.range)


def _even_on_noise(evidence: Evidence, family: str) -> Judgement | None:
    rows = evidence.controls
    rows = rows[(rows.kernel == family) & (rows.beta == 0)]
    return _control(evidence, rows, ("activation", "size"), CONTROLS_FILE)


def _control(
    evidence: Evidence, rows: pd.DataFrame, by: tuple[str, str], source: str | None = None
) -> Judgement | None:
    """Whether all these simulations stayed where they were."""
    known = rows[np.isfinite(rows.drift)]
    rows = _sound(known)
    if rows.empty:
        return None
    still = rows.drift <= AT_REST_DRIFT
    farthest = _largest(evidence, rows, "drift", "largest drift", "px")
    figures = [
        Figure("simulations", float(len(rows)), "1"),
        Figure("of them moved", float((~still).sum()), "1"),
        Figure("left out, as rounding decides them", float(len(known) - len(rows)), "1"),
        Figure(farthest.name, farthest.value, farthest.unit, source or farthest.source),
    ]
    return Judgement(AT_REST if still.all() else MOVED, figures, extent(groups(rows, still, by)))


def _sound(rows: pd.DataFrame) -> pd.DataFrame:
    """The simulations that a change in the last digit of their kernel does not move."""
    return pd.DataFrame(rows[~rows.ill_conditioned.astype(bool)])


def _not_yet(evidence: Evidence) -> Judgement | None:  # noqa: ARG001
    return None


def _of(evidence: Evidence, activations: tuple[str, ...] | None) -> pd.DataFrame:
    """The simulations of the paper's kernels that rounding does not decide."""
    rows = _sound(evidence.simulations)
    rows = rows[rows.kernel == PAPER]
    chosen = rows if activations is None else rows[rows.activation.isin(activations)]
    return pd.DataFrame(chosen)


def _pairs(
    evidence: Evidence, axis: str, values: tuple[object, object], activations: tuple[str, ...]
) -> pd.DataFrame:
    """Simulations that differ in one axis only, as ``_first`` and ``_second``."""
    rows = _of(evidence, activations)
    keys = [name for name in ("kernel", "activation", "size") if name != axis]
    keys += ["pattern", "angle", "beta"]
    first, second = (rows[rows[axis] == value] for value in values)
    figures = ["speed", "width_along", "contraction_along"]
    pairs = first.merge(second[[*keys, *figures]], on=keys, suffixes=("_first", "_second"))
    return pairs.dropna(subset=["speed_first", "speed_second"])


def _ratio(pairs: pd.DataFrame) -> float | None:
    moving = pairs[pairs.speed_first > EQUAL_SPEED]
    return _number((moving.speed_second / moving.speed_first).median())


def _models_of_paper(evidence: Evidence) -> pd.DataFrame:
    """The fits of the paper's kernels, with the worst miss as a share of the light speed."""
    cells = {
        name: cell
        for name, cell in evidence.cells.items()
        if cell.kernel == PAPER and cell.activation in RECTIFIERS
    }
    rows = evidence.models[evidence.models.cell.isin(cells)]
    return rows.assign(
        kernel=PAPER,
        activation=[cells[name].activation for name in rows.cell],
        size=[cells[name].size for name in rows.cell],
        share=rows.worst_residual / rows.light_cone,
    )


def _is_line(rows: pd.DataFrame, predictor: str, domain: str) -> pd.Series:
    return (rows.model == f"linear in {predictor}") & (rows.domain == domain)


def _largest(evidence: Evidence, rows: pd.DataFrame, column: str, name: str, unit: str) -> Figure:
    return largest(rows, column, name, unit, evidence.experiment.boundary)


def _largest_control(rows: pd.DataFrame, name: str) -> Figure:
    return Figure(name, _number(rows.drift.max()), "px", CONTROLS_FILE)


def _number(value: object) -> float | None:
    """A number as JSON knows it: there is no NaN and no infinity."""
    number = np.nan if value is None else float(value)  # type: ignore[arg-type]
    return float(number) if np.isfinite(number) else None


CRITERIA: dict[str, Criterion] = {
    "C1": Criterion(
        "Even kernels keep the centre of mass.",
        "Even kernels of every family, on noise, which has no symmetry that would keep it in "
        f"place: the centroid is never farther than {AT_REST_DRIFT} px from its start.",
        "controls",
        (CONTROLS_FILE, "mechanics.csv"),
        "the controls",
        _centre_of_mass,
    ),
    "C2": Criterion(
        "DC diffuses isotropically, towards a Gaussian, σ ~ √t.",
        f"DC kernels (β = 0): exponent 1/2 within {EXPONENT_ERROR}, coefficient s = √((k² − 1)/12) "
        f"and equal widths along and across within {RELATIVE_ERROR:.0%}, excess kurtosis at the "
        f"last layer at most {GAUSSIAN_KURTOSIS}.",
        "diffusion",
        ("metrics.csv", "mechanics.csv", "kernels.csv"),
        "DCT kernels and β = 0",
        _diffusion,
    ),
    "C3": Criterion(
        "A gradient with ReLU moves at 0.5 px/layer (k = 2).",
        f"DCT, k = 2, ReLU, β = 1, along the axes: speed {GRADIENT_SPEED} within {GRADIENT_ERROR} "
        "px/layer.",
        "trajectories",
        ("metrics.csv",),
        "DCT kernels, k = 2, ReLU and β = 1",
        _gradient,
    ),
    "C4": Criterion(
        "Speed is linear in the odd share of the kernel's energy.",
        "DCT, ReLU and modulus: a straight line in ρ over all β misses no point by more than "
        f"{LINEAR:.0%} of the light speed. In part: true in some cells, or in all of them for the "
        "celerity γβ = p/m up to β*.",
        "linearity",
        ("models.csv", "regressions.csv"),
        "DCT kernels under ReLU or modulus",
        _linearity,
    ),
    "C5": Criterion(
        "The mixing ratio controls the speed.",
        "DCT, ReLU and modulus: in each cell and pattern the rank correlation of speed with β is "
        f"at least {MONOTONE}, and speeds span at least {HALF:.0%} of the light speed.",
        "speed",
        ("metrics.csv",),
        "DCT kernels under ReLU or modulus",
        _control_of_speed,
    ),
    "C6": Criterion(
        "The modulus moves the centre of mass faster than ReLU.",
        f"DCT, pairs that differ in the activation only, β > β*: faster by more than {EQUAL_SPEED} "
        f"px/layer in at least {MOST:.0%} of them; in part from {SOME:.0%} on.",
        "rectifiers",
        ("metrics.csv",),
        "DCT kernels under ReLU and modulus, and β > β*",
        _modulus,
    ),
    "C7": Criterion(
        "3x3 kernels diffuse and move more than 2x2.",
        "DCT, ReLU and modulus, pairs that differ in k only: wider at β = 0 in all of them, and "
        f"faster in at least {MOST:.0%} of those with β > 0; in part if one of the two is true.",
        "sizes",
        ("metrics.csv", "mechanics.csv"),
        "DCT kernels, k = 2 and 3, with β = 0 and larger",
        _sizes,
    ),
    "C8": Criterion(
        "ReLU acts like a Lorentz transform.",
        "DCT, ReLU, β > 0: σ(β)/σ(0) along the motion is √(1 − v²/s²) and across it 1, both within "
        f"{LORENTZ}, the diffusion speed s in the place of light. In part: true for all β ≤ β*.",
        "contraction",
        ("metrics.csv", "mechanics.csv", "kernels.csv"),
        "DCT kernels under ReLU, β = 0 and larger",
        _lorentz,
    ),
    "C9": Criterion(
        "Even and odd part are orthogonal, and E² = m² + p².",
        "Every kernel of the grid: |E² − m² − p²| and the inner product of the parts at most "
        f"{ROUNDING:g} E².",
        "energy",
        ("kernels.csv",),
        "kernels",
        _parity,
    ),
    "C10": Criterion(
        "Trained CNN filters are dominated by DC and gradients in the DCT domain.",
        "Share of energy per layer against untrained weights.",
        "",
        (),
        "the filters of a trained network",
        _not_yet,
    ),
    "N1": Criterion(
        "At β = 0 no pattern of the grid moves, whatever the activation.",
        f"Never farther than {AT_REST_DRIFT} px from its start.",
        "controls",
        ("mechanics.csv",),
        "β = 0",
        _at_beta_zero,
    ),
    "N2": Criterion(
        "Even random kernels do not move noise.",
        f"Never farther than {AT_REST_DRIFT} px from its start.",
        "controls",
        (CONTROLS_FILE,),
        "the controls",
        lambda evidence: _even_on_noise(evidence, "random"),
    ),
    "N3": Criterion(
        "Even kernels without DC (highpass) do not move noise.",
        f"Never farther than {AT_REST_DRIFT} px from its start.",
        "controls",
        (CONTROLS_FILE,),
        "the controls",
        lambda evidence: _even_on_noise(evidence, "highpass"),
    ),
    "N4": Criterion(
        "Beyond β*, without rectification (identity), nothing moves.",
        f"Never farther than {AT_REST_DRIFT} px from its start.",
        "speed",
        ("mechanics.csv", "metrics.csv"),
        "the identity, and β > β*",
        _identity_beyond,
    ),
}
"""Claims (C) and negative controls (N) by number. A new one is one entry and one function."""
