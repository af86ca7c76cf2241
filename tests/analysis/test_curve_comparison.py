"""Models: curves are recovered, told apart, and their light speeds known as well as they can be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from mechcore.analysis.beta_ranges import DOMAINS
from mechcore.analysis.curve_comparison import FEWEST_TO_VALIDATE, compare_models
from mechcore.analysis.curves import MODELS, tanh_rate, tanh_shape
from mechcore.analysis.tables import MODEL_COLUMNS
from tests.helpers.oracles import Array
from tests.helpers.simulated import BETAS, celerity, kernels_of, metrics_of, theory

Curve = Callable[[Array, float, float], Array]

CURVES: dict[str, Curve] = {
    "saturating": lambda phi, a, c: c * np.tanh(a * phi / c),
    "Lorentz": lambda phi, a, c: a * phi / np.sqrt(1 + (a * phi / c) ** 2),
}

LAWS: dict[str, Callable[[Array], Array]] = {
    "linear in odd_energy_ratio": lambda beta: 0.1 + 0.8 * beta**2,
    "linear in beta": lambda beta: 0.1 + 0.8 * beta,
    "linear in celerity": lambda beta: 0.1 + 0.8 * finite_celerity(beta),
    **{
        name: lambda beta, curve=curve: curve(finite_celerity(beta), 0.8, 1.2)
        for name, curve in CURVES.items()
    },
}


def finite_celerity(beta: Array) -> Array:
    return celerity(np.minimum(beta, 0.9999))


def compared(law: Callable[[Array], Array], **options: object) -> pd.DataFrame:
    metrics = metrics_of(law, **options)  # type: ignore[arg-type]
    return compare_models(metrics, kernels_of(metrics)).set_index(["domain", "model"])


def noise(seed: int, scale: float) -> Callable[[Array], Array]:
    return lambda beta: scale * np.random.default_rng(seed).standard_normal(len(beta))


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("level", [0.3, 0.8, -0.8])
@pytest.mark.parametrize("limit", [0.4, 1.2, 30.0])
def test_a_curve_is_recovered(name: str, level: float, limit: float) -> None:
    table = compared(lambda beta: CURVES[name](finite_celerity(beta), level, limit))
    for domain in DOMAINS:
        fit = table.loc[(domain, name)]
        # 1e-6: a limit of 30 bends the speeds below beta* by 1e-5, known to 1e-16.
        assert fit.level == pytest.approx(level, rel=1e-6)
        assert fit.light_speed == pytest.approx(limit, rel=1e-6)
        assert fit.delta_aic == 0


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("seed", range(5))
def test_curves_and_their_errors_are_those_of_scipy(name: str, seed: int) -> None:
    def law(beta: Array) -> Array:
        return CURVES[name](finite_celerity(beta), 0.8, 1.2) + noise(seed, 0.02)(beta)

    metrics = metrics_of(law)
    odd = metrics.beta < 1
    phi, speed = celerity(metrics.beta[odd].to_numpy()), metrics.speed[odd].to_numpy()
    expected, covariance = optimize.curve_fit(CURVES[name], phi, speed, [0.7, 1.0], xtol=1e-14)
    table = compare_models(metrics, kernels_of(metrics)).set_index(["domain", "model"])
    curve = table.loc[("all beta", name)]
    # Golden section finds a minimum to the root of the rounding; 1e-4: derivatives by differences.
    np.testing.assert_allclose([curve.level, curve.light_speed], expected, rtol=1e-6)
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose([curve.level_se, curve.light_speed_se], errors, rtol=1e-4)


@pytest.mark.parametrize("name", CURVES)
def test_intervals_of_the_light_speed_hold_it(name: str) -> None:
    def law(seed: int) -> pd.DataFrame:
        clean = LAWS[name]
        return metrics_of(lambda beta: clean(beta) + noise(seed, 0.02)(beta), seed + 2)

    metrics = pd.concat([law(seed) for seed in range(300)])
    table = compare_models(metrics, kernels_of(metrics))
    fits = table[(table.domain == "all beta") & (table.model == name)]
    held = (fits.light_speed - 1.2).abs() < 2.02 * fits.light_speed_se  # t, 38 degrees of freedom
    # 0.91 to 0.99: three standard errors of 1.3% each way.
    assert 0.91 <= held.mean() <= 0.99


def test_a_straight_line_in_celerity_has_no_light_speed() -> None:
    table = compared(lambda beta: 0.8 * finite_celerity(beta))
    for domain in DOMAINS:
        for name in CURVES:
            fit = table.loc[(domain, name)]
            assert fit.light_speed == np.inf
            assert np.isnan(fit.light_speed_se)
            assert fit.level == pytest.approx(0.8, rel=1e-12)
            # None of the three wins: the curves hold the line.
            assert fit.delta_aic == table.loc[(domain, "linear in celerity")].delta_aic == 0


def test_a_step_shows_its_limit_but_not_how_it_rises() -> None:
    table = compared(lambda beta: np.full_like(beta, 0.5))
    for name in CURVES:
        fit = table.loc[("beta > beta*", name)]
        assert fit.light_speed == pytest.approx(0.5, rel=1e-5)  # the steepest curve that is tried
        assert np.isnan(fit.level)
        assert np.isnan(fit.light_speed_se)
        assert np.isnan(fit.r2)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", range(3))
def test_both_criteria_pick_the_model_that_made_the_data(name: str, seed: int) -> None:
    law = LAWS[name]
    table = compared(lambda beta: law(beta) + noise(seed, 1e-3)(beta)).loc["all beta"]
    assert table.aic.idxmin() == name
    assert table.cross_validated_error.idxmin() == name
    # The size of the noise; the outer blocks are extrapolated.
    assert 0.5e-3 < table.cross_validated_error[name] < 1e-2


def test_held_out_blocks_are_predicted_by_the_others() -> None:
    table = compared(theory(3)).loc["beta <= beta*"]
    beta = BETAS[BETAS <= 0.6]
    speed, errors = theory(3)(beta), []
    for held_out in np.split(np.arange(25), 5):
        line = np.polyfit(np.delete(beta, held_out), np.delete(speed, held_out), 1)
        errors.append(speed[held_out] - np.polyval(line, beta[held_out]))
    expected = np.sqrt(np.mean(np.square(errors)))
    assert table.loc["linear in beta"].cross_validated_error == pytest.approx(expected, rel=1e-9)


def test_models_are_compared_on_common_samples() -> None:
    metrics = pd.concat(
        [
            metrics_of(theory(3), angles=[0, 45]),
            metrics_of(theory(5), 5, betas=np.linspace(0, 1, 7)),
        ]
    )
    table = compare_models(metrics, kernels_of(metrics))
    assert tuple(table.columns) == MODEL_COLUMNS
    assert len(table) == 2 * len(DOMAINS) * len(MODELS)
    assert (table.groupby(["cell", "pattern", "domain"]).n.nunique() == 1).all()
    assert set(table.n[table.domain == "all beta"]) == {40, 6}
    fitted = table[table.n >= 3].groupby(["cell", "pattern", "domain"])
    assert (fitted.delta_aic.min() == 0).all()
    assert table[table.n < 3].delta_aic.isna().all()
    assert list(table.model[:5]) == list(MODELS)


def test_lines_are_those_of_the_regressions() -> None:
    from mechcore.analysis.regressions import regress

    metrics = metrics_of(theory(3))
    fits = regress(metrics).set_index(["domain", "predictor"])
    table = compare_models(metrics, kernels_of(metrics)).set_index(["domain", "model"])
    for domain in DOMAINS:
        line, fit = table.loc[(domain, "linear in celerity")], fits.loc[(domain, "celerity")]
        for ours, theirs in (("level", "slope"), ("r2", "r2"), ("n", "n")):
            assert line[ours] == pytest.approx(fit[theirs], rel=1e-9)


def test_light_cone_and_diffusion_speed_are_means_over_the_angles() -> None:
    metrics = metrics_of(theory(3), angles=[0, 45])
    kernels = kernels_of(metrics).assign(light_speed=lambda table: 1 + (table.angle > 0))
    table = compare_models(metrics, kernels)
    assert (table.light_cone == 1.5).all()
    np.testing.assert_allclose(table.diffusion_speed, np.sqrt(2 / 3))
    holed = kernels.assign(diffusion_speed=kernels.diffusion_speed.where(kernels.angle > 0))
    assert compare_models(metrics, holed).diffusion_speed.isna().all()
    assert compare_models(metrics, kernels[:0]).light_cone.isna().all()


def test_extinct_simulations_have_no_figures() -> None:
    table = compared(lambda beta: np.full_like(beta, np.nan))
    assert (table.n == 0).all()
    figures = ["level", "level_se", "light_speed", "r2", "aic", "delta_aic", "worst_residual"]
    assert table[[*figures, "cross_validated_error"]].isna().all(axis=None)


@pytest.mark.parametrize("speeds", [0.0, 1e-17])
def test_states_at_rest_have_no_light_speed(speeds: float) -> None:
    table = compared(lambda beta: speeds * (-1) ** np.arange(len(beta)))
    assert table.light_speed.isna().all()
    assert table.r2.isna().all()
    assert (table.delta_aic == 0).all()


@pytest.mark.parametrize("count", [2, FEWEST_TO_VALIDATE - 1, FEWEST_TO_VALIDATE])
def test_few_points_are_fitted_but_not_cross_validated_and_two_are_not_fitted(count: int) -> None:
    table = compared(LAWS["Lorentz"], betas=np.linspace(0, 0.9, count)).loc["all beta"]
    assert (table.n == count).all()
    figures = table[["level", "aic", "r2", "worst_residual"]]
    assert figures.notna().all(axis=None) == (count > 2)
    assert table.cross_validated_error.notna().all() == (count >= FEWEST_TO_VALIDATE)


def test_holes_are_left_out() -> None:
    def law(beta: Array) -> Array:
        return np.where((beta > 0.3) & (beta < 0.5), np.nan, LAWS["saturating"](beta))

    fit = compared(law).loc[("all beta", "saturating")]
    assert fit.n == 40 - 7
    assert fit.light_speed == pytest.approx(1.2, rel=1e-6)  # the search for the bend


@given(st.floats(1e-9, 1e3))
def test_the_shape_of_tanh_and_its_rate(z: float) -> None:
    square = np.array([z**2])
    np.testing.assert_allclose(tanh_shape(square), np.tanh(z) / z, rtol=1e-12)  # of a quotient
    step = 1e-4 * (z**2 + 1e-2)
    difference = (tanh_shape(square + step) - tanh_shape(square)) / step
    np.testing.assert_allclose(tanh_rate(square + step / 2), difference, rtol=1e-5, atol=1e-12)
