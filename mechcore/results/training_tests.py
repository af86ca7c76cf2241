"""What a study says, with its seeds as replicates: lines, paired comparisons, relative accuracies.

Runs of one seed have the same draws and the same order of examples, so they are compared in pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import scipy

from mechcore.analysis.intervals import CONFIDENCE, Interval
from mechcore.io.arrays import Array
from mechcore.results.trainings import PLACE

FEWEST_SEEDS = 3
"""An interval over two replicates is 13 standard errors wide."""

RESPONSES = ("score", "score_mean")

LINES = {
    True: ("components",),
    False: ("components", "odd_energy_ratio_start", "low_frequency_share_start"),
}
"""What scores are fitted against: of networks that were cut, and of those that were not."""

TEST_COLUMNS = (
    *("kind", *PLACE, "fine_tuned", "response", "compared", "seeds"),
    *("estimate", "low", "high", "p", "p_adjusted", "effect", "effect_low", "effect_high"),
)
"""Columns of ``training_tests.csv``: the mean over seeds of a slope or a difference, and its
interval of 95%; p, and p adjusted for all tests of its kind (Benjamini and Hochberg); the mean over
the standard deviation of seeds, with its interval."""


def mean_interval(values: Array) -> Interval:
    """Return the mean of replicates and Student's interval of the mean of all there could be.

    >>> [round(end, 3) for end in mean_interval(np.array([1.0, 2.0, 3.0]))]
    [2.0, -0.484, 4.484]
    """
    mean = float(np.mean(values)) if len(values) else np.nan
    if len(values) < FEWEST_SEEDS:
        return Interval(mean, np.nan, np.nan)
    quantile = scipy.special.stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)
    half = float(quantile * np.std(values, ddof=1) / np.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def effect_interval(values: Array) -> Interval:
    """Return the mean of paired differences over their standard deviation, with its interval.

    Notes
    -----
    Cohen's d of pairs. Its interval inverts the noncentral t distribution of ``d sqrt(n)``. NaN
    without spread.

    References
    ----------
    G. Cumming and S. Finch, A Primer on Confidence Intervals for Effect Sizes (2001).
    """
    n = len(values)
    spread = np.std(values, ddof=1) if n >= FEWEST_SEEDS else 0.0
    # Replicates may be equal.
    if spread <= np.finfo(float).eps:
        return Interval(np.nan, np.nan, np.nan)
    t = float(np.mean(values) / spread * np.sqrt(n))
    tails = (1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2
    ends = [scipy.special.nctdtrinc(n - 1, tail, t) for tail in tails]
    return Interval(*(float(value) / np.sqrt(n) for value in (t, *ends)))


def study_tests(table: pd.DataFrame) -> pd.DataFrame:
    """Return all tests of a study, see `TEST_COLUMNS`."""
    # Half a second, which those that read no study need not wait.
    from scipy.stats import false_discovery_control

    rows = [*_lines(table), *_pairs(table)]
    # Without any, of too few conditions, a column would have no type, and select no rows.
    tests = pd.DataFrame(rows, columns=list(TEST_COLUMNS)).astype({"fine_tuned": bool})
    for _, of_kind in tests.groupby("kind"):
        known = of_kind.p.dropna()
        tests.loc[known.index, "p_adjusted"] = false_discovery_control(known)
    return tests


def relative_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies above chance, relative to the network with all components.

    A row for each network that was cut: its place, components and seed, ``before`` and ``after``
    fine-tuning. Both are relative to the network of the same seed of which nothing was cut, at the
    same time; without it there is no row.
    """
    cut = table[table.fine_tuned & (table.measure == "accuracy")]
    keys = [*PLACE, "seed"]
    whole = cut[cut.components == cut["size"] ** 2].set_index(keys)
    columns = {"before": "score_start", "after": "score"}
    relative = cut[[*keys, "components"]].copy()
    for name, column in columns.items():
        full = whole[column].reindex(pd.MultiIndex.from_frame(cut[keys])).to_numpy()
        relative[name] = (cut[column] - cut.chance) / (full - cut.chance)
    return relative.dropna(subset="after").reset_index(drop=True)


def _lines(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The slopes of scores over the conditions of each seed."""
    for keys, rows in table.groupby([*PLACE, "fine_tuned"], sort=False):
        cut = bool(keys[-1])
        for response in RESPONSES:
            for predictor in LINES[cut]:
                slopes = [
                    _slope(of_seed, predictor, response) for _, of_seed in rows.groupby("seed")
                ]
                known = np.array([slope for slope in slopes if np.isfinite(slope)])
                if len(known):
                    yield _test("line", keys, response, predictor, known)


def _slope(rows: pd.DataFrame, predictor: str, response: str) -> float:
    x, y = rows[predictor].to_numpy(float), rows[response].to_numpy(float)
    deviation = x - x.mean()
    spread = deviation @ deviation
    return float(deviation @ y / spread) if spread > 1e-12 else np.nan


def _pairs(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Each condition minus the first one or, of networks that were cut, the whole one."""
    for keys, rows in table.groupby([*PLACE, "fine_tuned"], sort=False):
        cut = bool(keys[-1])
        # Networks that were cut are named by what is left, the others by how they start.
        conditions = rows.restriction if cut else rows.restriction + " " + rows.initialisation
        names = list(dict.fromkeys(conditions))
        base = conditions.to_numpy()[rows.components.argmax()] if cut else names[0]
        for response in RESPONSES:
            scores = {name: rows[conditions == name].set_index("seed")[response] for name in names}
            for name in names:
                if name != base:
                    # Accuracies are counts over the same number: equal ones differ by rounding.
                    difference = (scores[name] - scores[base]).dropna().round(12).to_numpy(float)
                    yield _test("pair", keys, response, f"{name} − {base}", difference)


def _test(
    kind: str, keys: tuple[object, ...], response: str, compared: str, values: Array
) -> dict[str, object]:
    mean, effect = mean_interval(values), effect_interval(values)
    p = np.nan
    if np.isfinite(effect.value):
        t = -abs(effect.value) * np.sqrt(len(values))
        p = float(2 * scipy.special.stdtr(len(values) - 1, t))
    return {
        "kind": kind,
        **dict(zip((*PLACE, "fine_tuned"), keys, strict=True)),
        "response": response,
        "compared": compared,
        "seeds": len(values),
        **dict(zip(("estimate", "low", "high"), mean, strict=True)),
        "p": p,
        **dict(zip(("effect", "effect_low", "effect_high"), effect, strict=True)),
    }
