"""Measures: speeds and diffusion against numpy, scipy and the exact theory; fits with gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mechcore.analysis.lines import fit_lines
from mechcore.analysis.measures import METRICS, measure, metrics_table
from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.model.kernels import even_part, kernel
from mechcore.model.theory import theory
from mechcore.simulation.run import propagate, simulate


@given(st.integers(0, 999), st.integers(3, 50))
def test_lines_are_those_of_scipy_and_gaps_are_left_out(seed: int, count: int) -> None:
    draws = np.random.default_rng(seed)
    x = np.sort(draws.uniform(-3, 8, count))
    y = 2.5 * x - 1 + draws.standard_normal(count)
    gaps = draws.random(count) < 0.3
    gaps[:3] = False
    expected = stats.linregress(x[~gaps], y[~gaps])
    line = fit_lines(x, np.where(gaps, np.resize([math.nan, math.inf], count), y))
    # 1e-9: three points that nearly coincide in x condition the fit by up to a million.
    np.testing.assert_allclose(line.slope, expected.slope, rtol=1e-9)
    np.testing.assert_allclose(line.intercept, expected.intercept, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(line.slope_se, expected.stderr, rtol=1e-9, atol=1e-12)


def test_lines_are_fitted_along_the_last_axis() -> None:
    x = np.arange(6.0)
    slopes = np.arange(6.0).reshape(2, 3)
    y = slopes[..., np.newaxis] * x + 1
    y[1, 2, 3] = math.nan
    line = fit_lines(x, y)
    np.testing.assert_allclose(line.slope, slopes, atol=1e-14)  # small integers
    np.testing.assert_allclose(line.intercept, 1, rtol=1e-13)
    np.testing.assert_allclose(line.slope_se, 0, atol=1e-14)


@pytest.mark.parametrize("known", [0, 1, 2])
def test_fewer_than_three_points_make_no_line(known: int) -> None:
    y = np.full(5, math.nan)
    y[:known] = 1.0
    line = fit_lines(np.arange(5.0), y)
    assert np.isnan(line.slope)
    assert np.isnan(line.slope_se)
    assert np.isnan(line.intercept)


@pytest.mark.parametrize(("steps", "t_burn", "layers"), [(1, None, 2), (9, 8, 2)])
def test_too_few_layers_give_no_speed(steps: int, t_burn: int | None, layers: int) -> None:
    run = propagate(kernel("dct", 3, 0.3), steps=steps, t_burn=t_burn)
    with pytest.raises(MechcoreError, match=f"^steps: {layers} layers from t_burn = .* at least 3"):
        measure(run)


@pytest.mark.parametrize("angle", [0, 45, 90, 137.0, 180, 270])
@pytest.mark.parametrize("beta", [0.2, 0.6, 0.9])
def test_speed_is_the_slope_along_the_momentum(angle: float, beta: float) -> None:
    run = propagate(kernel("gaussian", 3, beta, angle), steps=40, t_burn=7)
    measured = measure(run)
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    along = direction[0] * run.mu_x + direction[1] * run.mu_y
    late = slice(7, None)
    slope = np.polyfit(run.t[late], along[late], 1)[0]
    # 1e-10: polyfit of displacements up to 30 px.
    assert measured.speed == pytest.approx(slope, rel=1e-10)
    expected = stats.linregress(run.t[late], along[late]).stderr
    assert measured.speed_se == pytest.approx(expected, rel=1e-6, abs=1e-9)  # small residuals
    velocity = np.polyfit(run.t[late], np.stack([run.mu_x, run.mu_y], -1)[late], 1)[0]
    np.testing.assert_allclose([measured.velocity_x, measured.velocity_y], velocity, atol=1e-11)


@pytest.mark.parametrize("angle", [0, 30, 90, 200.5, 315])
def test_direction_is_the_angle_of_the_kernel(angle: float) -> None:
    measured = measure(propagate(kernel("binomial", 4, 0.3, angle), steps=40))
    assert measured.direction == pytest.approx(angle, abs=1e-8)  # rounded to 9 digits


def test_speed_is_the_theory_where_it_holds_and_nan_elsewhere() -> None:
    slow, fast = kernel("dct", 3, 0.3, 20), kernel("dct", 3, 0.9, 20)
    measured = measure(propagate(slow, steps=30))
    assert measured.speed_theory == pytest.approx(theory(slow).speed, rel=1e-12)
    assert measured.speed == pytest.approx(float(measured.speed_theory), rel=1e-9)
    assert np.isnan(measure(propagate(fast, steps=30)).speed_theory)
    for other in ({"activation": "gelu"}, {"density": "square"}, {"boundary": "zero"}):
        assert np.isnan(measure(propagate(slow, steps=30, **other)).speed_theory)


@pytest.mark.parametrize("size", [2, 3, 6])
def test_a_kernel_at_rest_has_speed_zero_and_no_direction(size: int) -> None:
    measured = measure(propagate(even_part("dct", size), steps=40))
    assert measured.speed == pytest.approx(0, abs=1e-13)  # rounding of a symmetric state
    assert np.isnan(measured.direction)
    assert measured.speed_theory == 0


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("pattern", ["delta", "disc", "random"])
def test_dc_diffuses_with_exponent_one_half(size: int, pattern: str) -> None:
    measured = measure(propagate(even_part("dct", size), pattern=pattern, steps=50))
    # 1e-9: the exact theory, through logarithms.
    assert measured.diffusion_exponent == pytest.approx(0.5, abs=1e-9)
    coefficient = math.sqrt((size**2 - 1) / 12)
    assert measured.diffusion_coefficient == pytest.approx(coefficient, rel=1e-8)


def test_width_is_taken_along_the_motion() -> None:
    taps = kernel("gaussian", 3, 0.2, 30)
    assert theory(taps).exact
    run = propagate(taps, steps=25)
    direction = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])
    covariance = theory(taps).covariance_growth([25])[0]
    expected = math.sqrt(direction @ covariance @ direction)
    assert measure(run).sigma_final == pytest.approx(expected, rel=1e-9)  # the exact theory


def test_what_does_not_spread_has_no_exponent() -> None:
    measured = measure(propagate([[0.0, 0, 1]], steps=20))
    assert measured.speed == 1
    assert np.isnan(measured.diffusion_exponent)
    assert np.isnan(measured.diffusion_coefficient)


def test_an_extinct_run_has_no_figures() -> None:
    measured = measure(propagate(-np.ones((3, 3)), steps=10))
    for name in ("speed", "speed_se", "direction", "sigma_final", "diffusion_exponent"):
        assert np.isnan(measured[name])


def test_a_run_that_dies_late_is_measured_until_then() -> None:
    run = propagate(kernel("dct", 2, 0.5), steps=20, t_burn=2)
    cut = run.copy(deep=True)
    for name in ("mu_x", "mu_y", "sigma_x", "sigma_y", "cov_xy"):
        cut[name][10:] = math.nan
    assert measure(cut).speed == pytest.approx(float(measure(run).speed), rel=1e-12)
    assert np.isnan(measure(cut).sigma_final)


def test_the_table_has_a_row_for_each_simulation_with_what_is_measured() -> None:
    patterns = ["delta", {"name": "disc", "radius": 4}]
    axes = {"patterns": patterns, "angles": [0.0, 45.0], "betas": [0.0, 0.5, 1.0]}
    dataset = simulate(Cell(kernel="dct", activation="relu", size=2, steps=12, **axes))
    table = metrics_table(dataset)
    assert tuple(table.columns) == METRICS
    assert len(table) == 2 * 2 * 3
    assert table.pattern.tolist() == ["delta"] * 6 + ["disc-radius4"] * 6
    assert table.angle.tolist() == [0.0, 0, 0, 45, 45, 45] * 2
    assert table.beta.tolist() == [0.0, 0.5, 1.0] * 4
    assert set(table.kernel) == {"dct"}
    assert set(table["size"]) == {2}
    assert table.extinct_at.isna().all()
    figures = measure(dataset)
    for (pattern, angle, beta), row in table.set_index(["pattern", "angle", "beta"]).iterrows():
        here = figures.sel(pattern=pattern, angle=angle, beta=beta)
        for name in ("speed", "speed_se", "direction", "sigma_final", "speed_theory"):
            np.testing.assert_array_equal(row[name], here[name])
        assert row.odd_energy_ratio == pytest.approx(beta**2, abs=1e-12)  # rounded to 12 digits


def test_a_torus_is_measured_only_until_something_can_cross_its_edge() -> None:
    # From the middle of 41 px a 3x3 kernel reaches the edge at layer 21.
    run = propagate(kernel("dct", 3, 0.6), boundary="wrap", domain=41, steps=64, t_burn=4)
    free = propagate(kernel("dct", 3, 0.6), steps=20, t_burn=4)
    assert run.edge_at == 21
    # The same layers of the same run: rounding of coordinates up to 20 px.
    assert measure(run).speed == pytest.approx(float(measure(free).speed), abs=1e-12)

    small = propagate(kernel("dct", 3, 0.6), boundary="wrap", domain=5, steps=16)
    assert np.isnan(measure(small).speed)


def test_walls_are_part_of_what_is_measured() -> None:
    run = propagate(kernel("dct", 3, 0.6), boundary="zero", domain=41, steps=64)
    assert 0 < float(measure(run).speed) < 0.5


def test_a_kernel_is_no_trajectory() -> None:
    with pytest.raises(MechcoreError, match=r"dataset: an object of type ndarray is not allowed"):
        measure(np.ones((3, 3)))  # type: ignore[arg-type]


def test_what_is_measured_has_a_name_and_a_unit() -> None:
    measured = measure(propagate(kernel("dct", 3, 0.5), steps=16))
    assert all({"long_name", "units"} <= set(values.attrs) for values in measured.values())
