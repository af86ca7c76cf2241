"""Statistics of a study: intervals cover what they should, lines and pairs are within seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mechcore.results.training_tests import (
    TEST_COLUMNS,
    effect_interval,
    mean_interval,
    relative_scores,
    study_tests,
)

STUDIES = 2000
COVERAGE = 0.015
"""Three standard errors of a share of 95% of 2000."""


@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_cover_in_95_of_100_studies(seeds: int, rng: np.random.Generator) -> None:
    draws = rng.normal(0.3, 0.2, (STUDIES, seeds))
    means = np.array([mean_interval(values) for values in draws])
    effects = np.array([effect_interval(values) for values in draws])
    for intervals, truth in ((means, 0.3), (effects, 0.3 / 0.2)):
        covered = (intervals[:, 1] <= truth) & (truth <= intervals[:, 2])
        assert covered.mean() == pytest.approx(0.95, abs=COVERAGE)


@pytest.mark.parametrize("values", [[], [0.5], [0.4, 0.5]])
def test_few_replicates_have_no_interval(values: list[float]) -> None:
    assert np.isnan(mean_interval(np.array(values))[1:]).all()
    assert np.isnan(effect_interval(np.array(values))).all()


def test_replicates_that_are_equal_have_no_effect_size() -> None:
    assert mean_interval(np.full(4, 0.5)) == (0.5, 0.5, 0.5)
    assert np.isnan(effect_interval(np.full(4, 0.5))).all()


@dataclass(frozen=True)
class Truth:
    """What a made-up study is drawn from."""

    starts: tuple[str, ...] = ("he", "even", "gradients")
    slope: float = 0.2
    noise: float = 0.01

    def table(self, rng: np.random.Generator, seeds: int = 6) -> pd.DataFrame:
        rows = []
        for seed in range(seeds):
            level = 0.9 + 0.05 * rng.standard_normal()
            for share, start in zip((0.4, 0.0, 0.7), self.starts, strict=True):
                score = level + self.slope * share + self.noise * rng.standard_normal()
                rows.append(self.row(seed, start, 9, score) | {"odd_energy_ratio_start": share})
            for number, kept in ((1, 0.5), (3, 0.9), (9, 1.0)):
                row = self.row(seed, "he", number, 0.1 + kept * (level - 0.1))
                rows.append(
                    row | {"fine_tuned": True, "score_start": 0.1, "restriction": f"{number}"}
                )
        return pd.DataFrame(rows)

    def row(self, seed: int, start: str, number: int, score: float) -> dict[str, object]:
        place = {"architecture": "plain", "size": 3, "activation": "relu", "restriction": "all"}
        return place | {
            "initialisation": start,
            "fine_tuned": False,
            "components": number,
            "seed": seed,
            "measure": "accuracy",
            "chance": 0.1,
            "score": score,
            "score_start": 0.3,
            "score_mean": score,
            "odd_energy_ratio_start": 0.4,
            "low_frequency_share_start": 1 / 3,
        }


def test_slopes_are_those_within_seeds(rng: np.random.Generator) -> None:
    tests = study_tests(Truth().table(rng))
    line = tests[(tests.kind == "line") & (tests.compared == "odd_energy_ratio_start")].iloc[0]
    # The levels of seeds differ by more than the slope: only lines within seeds find it.
    assert line.low < 0.2 < line.high
    assert line.high - line.low < 0.1
    assert line.seeds == 6


def test_initialisations_are_compared_in_pairs(rng: np.random.Generator) -> None:
    table = Truth().table(rng)
    tests = study_tests(table)
    [row] = tests[(tests.compared == "all even − all he") & (tests.response == "score")].to_dict(
        "records"
    )
    even, he = (
        table[~table.fine_tuned & (table.initialisation == name)].score.to_numpy()
        for name in ("even", "he")
    )
    expected = stats.ttest_rel(even, he)
    interval = expected.confidence_interval()
    np.testing.assert_allclose(
        [row["estimate"], row["low"], row["high"], row["p"]],
        [np.mean(even - he), interval.low, interval.high, expected.pvalue],
        rtol=1e-9,
    )


def test_cut_networks_are_compared_with_the_whole_one(rng: np.random.Generator) -> None:
    tests = study_tests(Truth().table(rng))
    assert {*tests[(tests.kind == "pair") & tests.fine_tuned].compared} == {"1 − 9", "3 − 9"}


def test_by_chance_few_of_many_tests_are_significant(rng: np.random.Generator) -> None:
    truth = Truth(slope=0.0, noise=0.05)
    pairs = [
        tests[(tests.kind == "pair") & ~tests.fine_tuned & (tests.response == "score")]
        for tests in (study_tests(truth.table(rng)) for _ in range(30))
    ]
    wrong = np.mean([(part.p_adjusted < 0.05).any() for part in pairs])
    # At most 5%, of 30 studies.
    assert wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 30)


def test_relative_scores_are_above_chance_and_of_one_seed(rng: np.random.Generator) -> None:
    relative = relative_scores(Truth().table(rng))
    kept = relative.groupby("components").after
    np.testing.assert_allclose(kept.mean(), [0.5, 0.9, 1.0], atol=1e-12)
    np.testing.assert_allclose(kept.std(), 0.0, atol=1e-12)


def test_without_the_whole_network_nothing_is_relative(rng: np.random.Generator) -> None:
    table = Truth().table(rng)
    relative = relative_scores(table[table.components != 9])
    assert relative.empty


def test_a_study_of_one_condition_has_no_tests(rng: np.random.Generator) -> None:
    table = Truth().table(rng, seeds=2)
    tests = study_tests(table[~table.fine_tuned & (table.initialisation == "he")])
    assert tests.empty
    assert [*tests[~tests.fine_tuned]] == [*TEST_COLUMNS]
