"""Energy, momentum, drift and widths, against the exact theory and against states built by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from mechcore.analysis.measures import metrics_table
from mechcore.analysis.mechanics import (
    KERNELS,
    MECHANICS,
    SIMULATION,
    drift,
    energy_defect,
    growth,
    kernels_table,
    mechanics_table,
    parity_product,
)
from mechcore.experiment.cell import Cell
from mechcore.model.decomposition import decompose
from mechcore.model.geometry import light_speed
from mechcore.model.kernels import kernel
from mechcore.model.theory import theory
from mechcore.simulation.run import propagate, simulate
from tests.helpers.oracles import PARITIES


def cell(**settings: object) -> Cell:
    given = {
        "kernel": "dct",
        "activation": "relu",
        "size": 3,
        "angles": [0.0, 90.0],
        "betas": [0.0, 0.2, 0.4],
        "steps": 30,
    }
    return Cell.model_validate(given | settings)


@pytest.mark.parametrize(("family", "size"), [(name, k) for name, k in PARITIES if k in (2, 3, 8)])
def test_energy_is_rest_mass_and_momentum_and_parts_are_orthogonal(family: str, size: int) -> None:
    for beta in (0.0, 0.3, 0.9, 1.0):
        parts = decompose(kernel(family, size, beta, 30))
        assert abs(energy_defect(parts)) < 1e-14  # sums of 64 squares
        assert abs(parity_product(parts)) < 1e-14


def test_parts_that_are_no_parts_are_found_out() -> None:
    whole = decompose(np.array([[1.0, 2.0, 4.0]]))
    broken = type(whole)(whole.kernel, whole.even, whole.odd + 1, whole.isotropic + 1, whole.even)
    assert abs(energy_defect(broken)) > 0.1
    assert abs(parity_product(broken)) > 0.1


@pytest.mark.parametrize("activation", ["relu", "modulus"])
def test_width_contracts_along_the_motion_as_in_theory_and_not_across(activation: str) -> None:
    table = mechanics_table(simulate(cell(activation=activation)))
    for _, row in table.iterrows():
        expected = theory(kernel("dct", 3, row.beta)).contraction
        # The exact theory, over 30 layers.
        assert row.contraction_along == pytest.approx(expected, rel=1e-9)
        assert row.contraction_across == pytest.approx(1.0, rel=1e-9)
        assert row.width_across == pytest.approx(math.sqrt(30 * 2 / 3), rel=1e-9)


def test_velocity_is_a_vector_along_the_momentum() -> None:
    table = mechanics_table(simulate(cell(betas=[0.4]))).set_index("angle")
    speed = theory(kernel("dct", 3, 0.4)).speed
    assert table.velocity_x[0.0] == pytest.approx(speed, rel=1e-9)
    assert table.velocity_y[90.0] == pytest.approx(speed, rel=1e-9)
    assert table.velocity_y[0.0] == pytest.approx(0.0, abs=1e-12)
    assert table.drift[0.0] == pytest.approx(30 * speed, rel=1e-9)


def test_drift_is_the_farthest_place_and_not_the_last() -> None:
    run = propagate(kernel("dct", 2, 0.0), steps=4)
    run = run.assign(
        mu_x=("t", [1.0, 4.0, 1.0, np.nan, 1.0]), mu_y=("t", [2.0, 6.0, 2.0, 9.0, 2.0])
    )
    assert drift(run) == 5.0


def test_what_cannot_be_followed_has_no_drift() -> None:
    run = propagate(kernel("dct", 3, 0.0), boundary="wrap", domain=1, steps=4)
    assert run.edge_at == 1
    assert np.isnan(drift(run))


def test_width_that_shrinks_has_not_grown_and_that_of_a_dead_state_is_not_known() -> None:
    run = propagate(kernel("dct", 2, 0.0), steps=4)
    assert growth(run) == pytest.approx(1.0, rel=1e-12)
    shrunk = run.assign(sigma_x=run.sigma_x[::-1].values * xr.ones_like(run.sigma_x))
    assert growth(shrunk) == 0
    assert np.isnan(growth(propagate(-np.ones((3, 3)), steps=4)))


def test_rows_are_those_of_the_metrics() -> None:
    dataset = simulate(cell(patterns=["delta", {"name": "disc", "radius": 4}], steps=6))
    table, metrics = mechanics_table(dataset), metrics_table(dataset)
    assert tuple(table.columns) == MECHANICS
    keys = list(SIMULATION)
    assert table[keys].equals(metrics[keys])


def test_without_a_kernel_at_rest_there_is_no_contraction() -> None:
    table = mechanics_table(simulate(cell(betas=[0.2, 0.4])))
    assert table.contraction_along.isna().all()
    assert table.width_along.notna().all()


def test_on_a_torus_only_layers_before_the_edge_count() -> None:
    free = mechanics_table(simulate(cell(betas=[0.4], angles=[0.0], steps=20)))
    closed = cell(betas=[0.4], angles=[0.0], steps=64, boundary="wrap", domain=41)
    actual = mechanics_table(simulate(closed))
    # From the middle of 41 px a 3x3 kernel reaches the edge at layer 21; rounding of places.
    for name in ("drift", "width_along", "width_across", "excess_kurtosis_x"):
        assert actual[name].item() == pytest.approx(free[name].item(), rel=1e-9)


def test_table_of_kernels_holds_what_is_known_without_running() -> None:
    dataset = simulate(cell(kernel="gaussian", betas=[0.0, 0.3, 1.0]))
    table = kernels_table(dataset)
    assert tuple(table.columns) == KERNELS
    assert len(table) == 6
    for _, row in table.iterrows():
        taps = kernel("gaussian", 3, row.mixing_ratio, row.angle)
        parts = decompose(taps)
        assert row.energy == pytest.approx(parts.energy)
        assert row.smallest_tap == taps.min()
        np.testing.assert_allclose([row.momentum_x, row.momentum_y], parts.momentum_vector)
        # One even part for all betas, also for an odd kernel, which has none of its own.
        still = theory(kernel("gaussian", 3, 0.3, row.angle))
        assert row.diffusion_speed == pytest.approx(still.diffusion_speed)
        assert row.light_speed == light_speed(3, row.angle)
        # 1e-14: theory reads the angle off the taps.
        assert still.light_speed == pytest.approx(row.light_speed, rel=1e-14)
    assert table.beta_star.equals(dataset.beta_star.to_dataframe().reset_index().beta_star)


def test_zero_sum_kernels_have_no_diffusion_speed() -> None:
    table = kernels_table(simulate(cell(kernel="highpass", steps=3)))
    assert table.diffusion_speed.isna().all()
