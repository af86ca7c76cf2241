"""The claims of the paper, the tests that they are put to, and every threshold of these tests.

Thresholds are written down here before the figures are drawn. A test reads tables of results and
nothing else: what it returns follows from the data.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS, EVERYWHERE, UP_TO_BETA_STAR, within_theory
from mechcore.analysis.lines import FEWEST_POINTS
from mechcore.claims.selection import (
    alive,
    finite_number,
    layers_of_banks,
    lines_of_paper,
    models_of_paper,
    paired_simulations,
    simulations_of_paper,
    sound,
)
from mechcore.claims.verdict import (
    AT_REST,
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
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.paths import BANK_FILES, CONTROLS_FILE, METRICS_FILE
from mechcore.experiment.representative import PAPER_ACTIVATIONS
from mechcore.filters.null import CHANCE
from mechcore.results.results import Results

AT_REST_DRIFT = 0.1
"""px. A centroid that never was farther from its start than a tenth of a pixel has not moved."""

EQUAL_SPEED = 1e-3
"""px/layer. Speeds that differ by less take a thousand layers to come a pixel apart."""

EXACT = 1e-9
"""The engines equal the exact theory to this."""

ROUNDING = 1e-12
"""Share of a kernel's energy. Sums over at most 31 x 31 taps round to less than 1000 units in the
last place, 2e-13."""

EXPONENT_ERROR = 0.02
RELATIVE_ERROR = 0.02
"""A law holds that is met to two per cent; of an exponent 1/2, two hundredths are four per cent."""

DEVIATIONS = {
    "exponent_error": "deviation of the exponent from 1/2",
    "coefficient_error": "relative deviation of the coefficient from s",
    "anisotropy": "anisotropy of the width",
    "non_gaussian": "excess kurtosis at the last layer",
}
"""What keeps a state from diffusing like a Gaussian, and how texts write it."""

GAUSSIAN_KURTOSIS = 0.15
"""Excess kurtosis of a marginal. A uniform kernel has -1.2 to -2, and a sum of T of them a T-th."""

GRADIENT_SPEED = 0.5
GRADIENT_ERROR = 0.005
"""px/layer. The paper's figure and its last digit."""

LINEAR = 0.05
"""Share of the light speed. A line that misses no point by more than this describes the speeds."""

STEERING = {
    "correlation": "rank correlation of speed and β",
    "mixed": "the same with β = 1 left out",
    "span": "range of speeds over light speed",
    "fastest": "β of the largest speed",
}
"""How well the mixing ratio steers the speed, and how texts write it."""

MONOTONE = 0.9
HALF = 0.5
"""Rank correlation of speed with the mixing ratio; share of the light speed that speeds span."""

MOST, SOME = 0.9, 0.1
"""Shares of pairs of simulations in which a comparison holds: wholly, and in part."""

JUDGED_DOMAINS = (EVERYWHERE, UP_TO_BETA_STAR)
"""Where lines are put to the test."""

DOMINATED = 0.5
NOT_BY_NATURE = 0.5
"""Share of a layer's energy that dominates it. Where random weights would have more than half in
DC and the two gradients, as of the four taps of 2x2, nothing can be said."""

MOST_NAMES = 6
"""Layers that are named where a claim fails in them; networks have hundreds."""

LORENTZ = 0.05
"""Width relative to the width at rest. A factor that is missed by more is another factor."""


def judge(results: Results) -> list[Claim]:
    """Judge all claims and controls."""
    return [_judged(name, criterion, results) for name, criterion in CRITERIA.items()]


def _judged(name: str, criterion: Criterion, results: Results) -> Claim:
    found = criterion.judge(results)
    if found is None:
        found = Judgement(NOT_YET_MEASURED, [], f"needs {criterion.needs}{_setting(results)}")
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
        criterion.meaning,
    )


def _setting(results: Results) -> str:
    return "" if results.free else ", on free space and with the mass |x|"


def _centre_of_mass(results: Results) -> Judgement | None:
    even = alive(sound(results.controls[results.controls.beta == 0]))
    if even.empty or not results.free:
        return None
    still = even.drift <= AT_REST_DRIFT
    grid = sound(results.simulations[results.simulations.beta == 0])
    positive, negative = even[even.smallest_tap >= 0], even[even.smallest_tap < 0]
    figures = [
        _largest_control(positive, "drift on noise, kernels without negative taps"),
        _largest_control(negative, "drift on noise, kernels with negative taps"),
        largest(grid, "drift", "drift at β = 0 on the grid's own patterns", "px"),
    ]
    return Judgement(verdict(still), figures, extent(groups(even, still, ("activation", "kernel"))))


def _diffusion(results: Results) -> Judgement | None:
    rows = simulations_of_paper(results)
    rows = rows[(rows.beta == 0) & (rows.pattern == results.point)]
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
    figures = [*_coefficients(rows), *_deviations(rows, holds)]
    return Judgement(verdict(holds), figures, extent(groups(rows, holds, ("activation", "size"))))


def _coefficients(rows: pd.DataFrame) -> Iterator[Figure]:
    """The coefficient of sqrt(t) in px, which is also the unit of length in which it is 1."""
    first = rows[rows.activation == rows.activation.iloc[0]].drop_duplicates("size")
    for _, row in first[first["size"] <= 3].iterrows():
        name = f"coefficient of √t, k = {row['size']}: the length in which it is 1"
        source = trajectories_of(row)
        yield Figure(name, finite_number(row.diffusion_coefficient), "px", source)


def _deviations(rows: pd.DataFrame, holds: pd.Series) -> Iterator[Figure]:
    for part, told in ((rows[holds], "where it holds"), (rows[~holds], "where not")):
        for column, name in DEVIATIONS.items():
            if len(part):
                yield largest(part, column, f"largest {name}, {told}", "1")


def _gradient(results: Results) -> Judgement | None:
    rows = simulations_of_paper(results, ("relu",))
    rows = rows[(rows["size"] == 2) & (rows.beta == 1)]
    oblique, rows = rows[rows.angle % 90 != 0], rows[rows.angle % 90 == 0]
    if rows.empty:
        return None
    holds = (rows.speed - GRADIENT_SPEED).abs() <= GRADIENT_ERROR
    figures = [
        Figure(
            f"speed of {row.pattern} at {row.angle:g}°",
            finite_number(row.speed),
            "px/layer",
            trajectories_of(row),
        )
        for _, row in rows[rows.angle == rows.angle.iloc[0]].iterrows()
    ]
    gap = rows.assign(gap=(rows.speed - GRADIENT_SPEED).abs())
    figures.append(largest(gap, "gap", "largest deviation from 0.5", "px/layer"))
    where = f"along the axes: {extent(groups(rows, holds, ('pattern', 'angle')))}"
    if len(oblique):
        figures.append(largest(oblique, "speed", "largest, off the axes", "px/layer"))
        where += f". Off the axes, where light is faster, up to {oblique.speed.max():.4g} px/layer"
    return Judgement(verdict(holds), figures, where)


def _linearity(results: Results) -> Judgement | None:
    lines, models = lines_of_paper(results), models_of_paper(results)
    holds = lines.share <= LINEAR
    literal = holds[_is_fit(lines, "odd_energy_ratio", EVERYWHERE)]
    if literal.empty:
        return None
    below = [holds[_is_fit(lines, name, UP_TO_BETA_STAR)] for name in ("beta", "celerity")]
    partly = bool(literal.any()) or any(len(part) > 0 and bool(part.all()) for part in below)
    figures = [*_misses(lines), *_predictions(models), *_small_beta(results)]
    where = [_told_lines(lines, models, domain) for domain in JUDGED_DOMAINS]
    return Judgement(verdict(literal, partly=partly), figures, ". ".join(where))


def _misses(lines: pd.DataFrame) -> Iterator[Figure]:
    """How far the worst line misses, for each predictor and domain."""
    for domain in JUDGED_DOMAINS:
        for predictor, symbol in SYMBOLS.items():
            part = lines[_is_fit(lines, predictor, domain)]
            name = f"worst miss of a line in {symbol}, {DOMAIN_SYMBOLS[domain]}"
            yield largest(part, "share", name, "of the light speed")


def _predictions(models: pd.DataFrame) -> Iterator[Figure]:
    """How well lines foretell blocks of betas that they were not fitted to."""
    for domain in JUDGED_DOMAINS:
        for predictor, symbol in SYMBOLS.items():
            part = models[(models.model == f"linear in {predictor}") & (models.domain == domain)]
            name = f"median cross-validated error of a line in {symbol}, {DOMAIN_SYMBOLS[domain]}"
            error = finite_number(part.cross_validated_error.median())
            yield Figure(name, error, "px/layer", "models.csv")


def _told_lines(lines: pd.DataFrame, models: pd.DataFrame, domain: str) -> str:
    """Which measure of the odd share is linear in a domain, and by how much the others miss."""
    told = []
    for predictor, symbol in SYMBOLS.items():
        part = lines[_is_fit(lines, predictor, domain)]
        good = int((part.share <= LINEAR).sum())
        miss = f" ({part.share.max():.2g})" if len(part) else ""
        told.append(f"in {symbol} {good} of {len(part)}{miss}")
    held = f"lines that hold (worst miss in light speeds) {', '.join(told)}"
    return f"{DOMAIN_SYMBOLS[domain]}: {held}{_told_best(models, domain)}"


def _told_best(models: pd.DataFrame, domain: str) -> str:
    """Which of the three lines has the lowest AIC, and how often."""
    rows = models[(models.domain == domain) & np.isfinite(models.aic)]
    if rows.empty:
        return ""
    best = rows.model[rows.groupby(["cell", "pattern"]).aic.idxmin()].value_counts()
    symbol = SYMBOLS[str(best.index[0]).removeprefix("linear in ")]
    return f"; lowest AIC of the three: {symbol} in {best.iloc[0]} of {best.sum()}"


def _small_beta(results: Results) -> Iterator[Figure]:
    """Up to which beta a speed in proportion to beta is right, the slope taken at the smallest."""
    rows = simulations_of_paper(results, ("relu",))
    rows = rows[(rows["size"] == results.size) & (rows.pattern == results.point)]
    rows = rows[(rows.angle == results.angle) & (rows.beta > 0)].sort_values("beta")
    if rows.empty:
        return
    slope = rows.speed.iloc[0] / rows.beta.iloc[0]
    good = ((rows.speed / (slope * rows.beta) - 1).abs() <= LINEAR).cummin()
    yield Figure(
        f"β up to which speed is proportional to β within 5 %, ReLU, k = {results.size}",
        finite_number(rows.beta[good].max()),
        "1",
        trajectories_of(rows.iloc[0]),
    )


def _control_of_speed(results: Results) -> Judgement | None:
    rows = simulations_of_paper(results, PAPER_ACTIVATIONS)
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
    middle = cases.groupby("activation", sort=False)[list(STEERING)].median()
    figures = [
        Figure(f"{told}, median, {activation}", finite_number(row[column]), "1", METRICS_FILE)
        for activation, row in middle.iterrows()
        for column, told in STEERING.items()
    ]
    where = extent(groups(cases, holds, ("activation", "size")))
    mixed = ", ".join(f"{row.mixed:.3g} for {name}" for name, row in middle.iterrows())
    where += f". With β = 1 left out the median rank correlation is {mixed}"
    return Judgement(verdict(holds), figures, where)


def _steering(case: pd.DataFrame) -> pd.Series:
    """How well the mixing ratio steers the speed in one cell and pattern."""
    known = case[np.isfinite(case.speed)]
    if len(known) < FEWEST_POINTS:
        return pd.Series(dict.fromkeys(STEERING, np.nan))
    return pd.Series(
        {
            "correlation": _rank_correlation(known),
            "mixed": _rank_correlation(known[known.beta < 1]),
            "span": float(np.ptp(known.speed) / known.light_speed.mean()),
            "fastest": float(known.beta[known.speed.idxmax()]),
        }
    )


def _rank_correlation(rows: pd.DataFrame) -> float:
    """Spearman's, of speed with beta; a speed that never changes is steered by nothing."""
    if rows.speed.nunique() < 2:
        return 0.0
    return float(rows.beta.rank().corr(rows.speed.rank()))


def _modulus(results: Results) -> Judgement | None:
    pairs = paired_simulations(results, "activation", PAPER_ACTIVATIONS, PAPER_ACTIVATIONS)
    if pairs.empty:
        return None
    pairs = pairs.assign(lead=pairs.speed_second - pairs.speed_first)
    beyond = pairs[~within_theory(pairs)]
    if beyond.empty:
        return None
    faster, slower = beyond.lead > EQUAL_SPEED, beyond.lead < -EQUAL_SPEED
    share = float(faster.mean())
    below = pairs[within_theory(pairs)].assign(gap=lambda rows: rows.lead.abs())
    figures = [
        Figure("share of pairs beyond β* in which the modulus is faster", share, "1", METRICS_FILE),
        Figure("share in which it is slower", float(slower.mean()), "1", METRICS_FILE),
        largest(beyond, "lead", "largest lead of the modulus", "px/layer"),
        largest(below, "gap", "largest difference up to β*", "px/layer"),
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


def _sizes(results: Results) -> Judgement | None:
    pairs = paired_simulations(results, "size", (2, 3), PAPER_ACTIVATIONS)
    still = pairs[pairs.beta == 0].dropna(subset=["width_along_first", "width_along_second"])
    moving = pairs[pairs.beta > 0]
    if still.empty or moving.empty:
        return None
    wider = still.width_along_second > still.width_along_first
    faster = moving.speed_second > moving.speed_first + EQUAL_SPEED
    share = float(faster.mean())
    ratio = (still.width_along_second / still.width_along_first).median()
    figures = [
        Figure(
            "width of 3x3 over 2x2 at β = 0, median", finite_number(ratio), "1", "mechanics.csv"
        ),
        Figure("share of pairs with β > 0 in which 3x3 is faster", share, "1", METRICS_FILE),
        Figure(
            "speed of 3x3 over 2x2, median (of their light speeds: 2)",
            _ratio(moving),
            "1",
            METRICS_FILE,
        ),
    ]
    outcome = verdict(
        pd.Series([bool(wider.all()) and share >= MOST]),
        partly=bool(wider.all()) or share >= MOST,
    )
    most = faster.groupby([moving.activation, moving.pattern], sort=False).mean() >= MOST
    return Judgement(outcome, figures, f"moves more, as a rule: {extent(most)}")


def _lorentz(results: Results) -> Judgement | None:
    rows = simulations_of_paper(results, ("relu",))
    rows = rows.dropna(subset=["diffusion_speed", "speed", "contraction_along"])
    rows = rows[rows.beta > 0]
    if rows.empty:
        return None
    share = rows.speed / rows.diffusion_speed
    # Beyond s there is no factor: such a simulation has no gap, and fails.
    factor = np.sqrt((1 - share**2).clip(lower=0).where(share <= 1 + EXACT))
    rows = rows.assign(
        gap=(rows.contraction_along - factor).abs(),
        across=(rows.contraction_across - 1).abs(),
        relative_speed=share,
    )
    holds = (rows.gap <= LORENTZ) & (rows.across <= LORENTZ)
    inside = within_theory(rows)
    below, beyond = rows[inside], rows[~inside]
    figures = [
        largest(below, "gap", "largest miss of the factor, β ≤ β*", "1"),
        largest(beyond, "gap", "largest miss of the factor, β > β*", "1"),
        largest(beyond, "across", "largest change of the width across, β > β*", "1"),
        largest(beyond, "relative_speed", "largest v/s", "1"),
        _difference_of_relu(results),
    ]
    whole = bool(holds[inside].all()) and len(below) > 0
    return Judgement(verdict(holds, partly=whole), figures, _told_lorentz(rows, holds, inside))


def _told_lorentz(rows: pd.DataFrame, holds: pd.Series, inside: pd.Series) -> str:
    """Where the factor is met: by the kernel alone, and where ReLU acts."""
    faster = int((rows.relative_speed[~inside] > 1 + EXACT).sum())
    return (
        f"β ≤ β*, where no tap is negative and ReLU does nothing: {int(holds[inside].sum())} of "
        f"{int(inside.sum())} simulations. β > β*, where it acts: {int(holds[~inside].sum())} of "
        f"{int((~inside).sum())}; {faster} are faster than s, and have no such factor"
    )


def _difference_of_relu(results: Results) -> Figure:
    """What rectification adds to the contraction as long as no tap is negative."""
    pairs = paired_simulations(results, "activation", ("identity", "relu"), ("identity", "relu"))
    pairs = pairs[within_theory(pairs)]
    name = "largest difference of contraction between ReLU and identity, β ≤ β*"
    if pairs.empty:
        return Figure(name, None, "1")
    gap = (pairs.contraction_along_second - pairs.contraction_along_first).abs()
    return largest(pairs.assign(gap=gap), "gap", name, "1")


def _parity(results: Results) -> Judgement | None:
    rows = results.kernels
    if rows.empty:
        return None
    rows = rows.assign(
        defect=rows.energy_defect.abs(), product=rows.parity_product.abs(), all_betas="all β"
    )
    holds = (rows.defect <= ROUNDING) & (rows["product"] <= ROUNDING)
    figures = [
        Figure("kernels", float(len(rows)), "1", "kernels.csv"),
        Figure("largest |E² − m² − p²| / E²", finite_number(rows.defect.max()), "1", "kernels.csv"),
        Figure(
            "largest |⟨K_e, K_o⟩| / E²", finite_number(rows["product"].max()), "1", "kernels.csv"
        ),
    ]
    return Judgement(verdict(holds), figures, extent(groups(rows, holds, ("kernel", "size"))))


def _at_beta_zero(results: Results) -> Judgement | None:
    rows = results.simulations[results.simulations.beta == 0]
    return _control(rows, ("kernel", "activation"))


def _identity_beyond(results: Results) -> Judgement | None:
    rows = results.simulations[results.simulations.activation == "identity"]
    # Kernels without a beta* have negative taps at every beta.
    rows = rows[(rows.beta > 0) & ~within_theory(rows)]
    found = _control(
        rows.assign(part=np.where(rows.beta == 1, "β = 1", "β* < β < 1")),
        ("kernel", "part"),
    )
    if found is None:
        return None
    speeds = rows.assign(pace=rows.speed.abs() / rows.light_speed)
    pure, mixed = speeds[speeds.beta == 1], speeds[speeds.beta < 1]
    figures = [
        largest(mixed, "pace", "largest speed, β* < β < 1", "of the light speed"),
        largest(pure, "pace", "largest speed, β = 1", "of the light speed"),
    ]
    return Judgement(found.verdict, [*found.figures, *figures], found.range)


def _even_on_noise(results: Results, family: str) -> Judgement | None:
    rows = results.controls
    rows = rows[(rows.kernel == family) & (rows.beta == 0)]
    return _control(rows, ("activation", "size"), CONTROLS_FILE)


def _control(
    rows: pd.DataFrame, by: tuple[str, str], source: str | None = None
) -> Judgement | None:
    """Whether all these simulations stayed where they were."""
    known = alive(rows)
    rows = sound(known)
    if rows.empty:
        return None
    still = rows.drift <= AT_REST_DRIFT
    table = source or "mechanics.csv"
    figures = [
        Figure("simulations", float(len(rows)), "1", table),
        Figure("of them moved", float((~still).sum()), "1", table),
        largest(rows, "drift", "largest drift", "px", source),
        largest(rows.assign(pace=_pace(rows)), "pace", "largest speed", "px/layer", source),
    ]
    where = extent(groups(rows, still, by)) + _left_out(known[known.ill_conditioned.astype(bool)])
    return Judgement(AT_REST if still.all() else MOVED, figures, where)


def _pace(rows: pd.DataFrame) -> pd.Series:
    """The speed of the fitted motion, in any direction."""
    if "velocity_x" in rows:
        return pd.Series(np.hypot(rows.velocity_x, rows.velocity_y), rows.index)
    return rows.speed


def _left_out(rows: pd.DataFrame) -> str:
    """The simulations that are no results, as rounding decides where they go."""
    if rows.empty:
        return ""
    counts = (rows.kernel + " " + rows.activation).value_counts(sort=False)
    told = ", ".join(f"{name} ({count})" for name, count in counts.items())
    return (
        f". Left out, as rounding decides them: {told}, which drift up to {rows.drift.max():.3g} px"
    )


def _is_fit(rows: pd.DataFrame, predictor: str, domain: str) -> pd.Series:
    return (rows.predictor == predictor) & (rows.domain == domain)


def _low_frequencies(results: Results) -> Judgement | None:
    layers = layers_of_banks(results, trained=True)
    rows = _telling(layers)
    if rows.empty:
        return None
    beyond_chance = rows.low_frequency_share > rows.null_low_frequency_limit
    holds = beyond_chance & (rows.low_frequency_share > DOMINATED)
    figures = [*_spectra(rows, "after training"), *_before_training(results)]
    told = [_told_layers(bank, part, holds) for bank, part in rows.groupby("bank", sort=False)]
    told.append(f"above chance in {beyond_chance.sum()} of {len(rows)} layers")
    partly = bool(holds.any() or beyond_chance.all())
    said = "; ".join(told) + _silent(layers.drop(rows.index)) + _waiting(results)
    return Judgement(verdict(holds, partly=partly), figures, said)


def _telling(layers: pd.DataFrame) -> pd.DataFrame:
    """The layers that say something: low frequencies are not most of the taps, nor all is zero."""
    known = layers.low_frequency_share.notna()
    return layers[known & (layers.null_low_frequency_share <= NOT_BY_NATURE)]


def _told_layers(bank: object, rows: pd.DataFrame, holds: pd.Series) -> str:
    """How many layers of a bank, and the first that the claim fails in."""
    fails = rows.name[~holds[rows.index]].tolist()
    told = f"{bank}: {len(rows) - len(fails)} of {len(rows)} layers"
    return f"{told}, not {_names(fails)}" if fails else told


def _silent(rows: pd.DataFrame) -> str:
    """The layers that are left out."""
    names = [f"{row['bank']} {row['name']}" for row in rows.to_dict("records")]
    reason = "chance gives them more than half, or they are zero"
    return f". Left out, as {reason}: {_names(names)}" if names else ""


def _waiting(results: Results) -> str:
    """The banks that are not analysed."""
    planned = planned_banks(results.experiment).values()
    names = [bank.name for bank in planned if bank.trained and bank.name not in results.banks]
    return f". Not analysed yet: {_names(names)}" if names else ""


def _names(names: list[str]) -> str:
    rest = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{rest}"


def _spectra(rows: pd.DataFrame, when: str) -> Iterator[Figure]:
    """The layers of each bank with the smallest and the largest share, and what chance gives."""
    for bank, part in rows.groupby("bank", sort=False):
        source = f"filters/{bank}.nc"
        ordered = part.sort_values("low_frequency_share")
        ends = ordered.iloc[[0, -1]] if len(part) > 1 else ordered
        for row in ends.to_dict("records"):
            where = f"{when}, {bank}, {row['name']}"
            share = finite_number(row["low_frequency_share"])
            yield Figure(f"share of DC and gradients {where}", share, "1", source)
            chance = finite_number(row["null_low_frequency_share"])
            yield Figure(f"share by chance, {bank}, {row['name']}", chance, "1", source)
    leading = finite_number((rows.leading == rows.low_frequencies).mean())
    yield Figure(f"layers in which no other coefficient is larger {when}", leading, "1")


def _before_training(results: Results) -> Iterator[Figure]:
    rows = _telling(layers_of_banks(results, trained=False))
    if len(rows):
        above = finite_number((rows.low_frequency_share > rows.null_low_frequency_limit).mean())
        yield from _spectra(rows, "before training")
        yield Figure("layers above the limit of chance before training", above, "1")


def _ratio(pairs: pd.DataFrame) -> float | None:
    moving = pairs[pairs.speed_first > EQUAL_SPEED]
    return finite_number((moving.speed_second / moving.speed_first).median())


def _largest_control(rows: pd.DataFrame, name: str) -> Figure:
    return Figure(name, finite_number(rows.drift.max()), "px", CONTROLS_FILE)


OF_BOTH_SIGNS = (
    "Mass is |x|. Under taps of both signs, with rectification or without, the |x| of a pattern "
    "without symmetry need not stay where it is: that even kernels keep the centre of mass does "
    "not extend to these kernels."
)

CRITERIA: dict[str, Criterion] = {
    "C1": Criterion(
        "Even kernels keep the centre of mass.",
        "Even kernels of every family, on noise, which has no symmetry that would keep it in "
        f"place: the centroid is never farther than {AT_REST_DRIFT} px from its start.",
        "controls",
        (CONTROLS_FILE, "mechanics.csv", "metrics.csv"),
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
        f"{LINEAR:.0%} of the light speed. In part: true in some cells, or in all of them for "
        "β = p/E or the celerity γβ = p/m, up to β*.",
        "linearity",
        ("regressions.csv", "models.csv", "metrics.csv"),
        "DCT kernels under ReLU or modulus",
        _linearity,
    ),
    "C5": Criterion(
        "The mixing ratio controls the speed.",
        "DCT, ReLU and modulus: in each cell and pattern the rank correlation of speed with β is "
        f"at least {MONOTONE}, and speeds span at least {HALF:.0%} of the light speed.",
        "speed",
        ("metrics.csv", "kernels.csv"),
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
        f"{LORENTZ}, the diffusion speed s in the place of light; what is faster than s fails. In "
        "part: true for all β ≤ β*.",
        "contraction",
        ("metrics.csv", "mechanics.csv", "kernels.csv"),
        "DCT kernels under ReLU, β = 0 and larger",
        _lorentz,
    ),
    "C9": Criterion(
        "Even and odd part are orthogonal, and E² = m² + p².",
        "A check of the code, on every kernel of the grid: |E² − m² − p²| and the inner product "
        f"of the parts at most {ROUNDING:g} E².",
        "energy",
        ("kernels.csv",),
        "kernels",
        _parity,
    ),
    "C10": Criterion(
        "Trained CNN filters are dominated by DC and gradients in the DCT domain.",
        f"Judged are layers in which kernels by chance have at most {NOT_BY_NATURE:.0%} of their "
        "energy in DC and the two gradients. A layer passes if these hold more than "
        f"{DOMINATED:.0%} of its energy, and more than {1 - CHANCE:.1%} of layers whose kernels "
        "have the same energies and directions by chance. In part: some layers pass, or all are "
        "above chance.",
        "spectra",
        (BANK_FILES,),
        "the kernels of a trained network (filter_banks)",
        _low_frequencies,
    ),
    "N1": Criterion(
        "At β = 0 no pattern of the grid moves, whatever the activation.",
        f"Never farther than {AT_REST_DRIFT} px from its start.",
        "controls",
        ("mechanics.csv", "metrics.csv"),
        "β = 0",
        _at_beta_zero,
        "Kernel and pattern are symmetric, so nothing can move: motion is an error of the program.",
    ),
    "N2": Criterion(
        "Even random kernels do not move noise.",
        f"Never farther than {AT_REST_DRIFT} px from its start.",
        "controls",
        (CONTROLS_FILE,),
        "the controls",
        lambda results: _even_on_noise(results, "random"),
        OF_BOTH_SIGNS,
    ),
    "N3": Criterion(
        "Even kernels without DC (highpass) do not move noise.",
        f"Never farther than {AT_REST_DRIFT} px from its start.",
        "controls",
        (CONTROLS_FILE,),
        "the controls",
        lambda results: _even_on_noise(results, "highpass"),
        OF_BOTH_SIGNS,
    ),
    "N4": Criterion(
        "Beyond β*, without rectification (identity), nothing moves.",
        f"Never farther than {AT_REST_DRIFT} px from its start.",
        "speed",
        ("mechanics.csv", "metrics.csv", "kernels.csv"),
        "the identity, and β > β*",
        _identity_beyond,
        "Between β* and 1 taps have both signs, and the mass |x| of the linear system moves by "
        "itself: motion beyond β* is not the work of rectification alone. An odd kernel (β = 1) "
        "leaves a symmetric pattern in place.",
    ),
}
"""Claims (C) and negative controls (N) by number. A new one is one entry and one function."""
