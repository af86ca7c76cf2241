"""`mechcore.propagate` and `simulate`: dimensions, inputs, and mistakes told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

import mechcore
from mechcore.analysis.measures import measure
from mechcore.engines import ENGINES
from mechcore.engines.trajectories import AGREEMENT, ILL_CONDITIONED, QUANTITIES, record_distance
from mechcore.errors import InvalidValue
from mechcore.experiment.cell import Cell
from mechcore.model.kernels import kernel
from mechcore.model.patterns import pattern_image
from mechcore.simulation.run import cell_kernels, propagate, simulate

GRADIENT = kernel("dct", 2, 1.0)


def test_a_single_kernel_gives_trajectories_along_t() -> None:
    run = propagate(kernel("dct", 3, 0.5), steps=7)
    assert dict(run.sizes) == {"t": 8, "kernel_y": 3, "kernel_x": 3}
    for name in QUANTITIES:
        assert run[name].dims == ("t",)
        assert run[name].dtype == np.float64
    for name in ("extinct_at", "diverged_at", "odd_energy_ratio", "beta_star", "ill_conditioned"):
        assert run[name].dims == ()
    np.testing.assert_array_equal(run.t, np.arange(8))


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_stack_equals_its_single_runs_bit_for_bit(engine: str) -> None:
    stack = np.random.default_rng(1).standard_normal((4, 3, 2))
    arguments = {"steps": 9, "snapshots": (2, 9), "window": 11, "engine": engine}
    together = propagate(stack, "leaky_relu", "disc", **arguments)
    assert together.mu_x.dims == ("kernel", "t")
    assert together.snapshot.dims == ("kernel", "snapshot_t", "y", "x")
    for index, taps in enumerate(stack):
        alone = propagate(taps, "leaky_relu", "disc", **arguments)
        part = together.sel(kernel=index).drop_vars("kernel")
        xr.testing.assert_identical(part, alone)


def test_stacks_of_one_keep_their_dimension_and_lists_are_kernels() -> None:
    assert propagate(GRADIENT[np.newaxis], steps=3).sizes["kernel"] == 1
    taps = [[-1, 1], [-1, 1]]
    xr.testing.assert_identical(propagate(taps, steps=3), propagate(np.array(taps, float), steps=3))


@pytest.mark.parametrize("taps", [np.ones((1, 4)), np.ones((5, 2)), np.ones((1, 1))])
def test_kernels_need_not_be_square(taps: np.ndarray) -> None:
    run = propagate(taps, steps=4)
    height, width = taps.shape
    # A box of n taps has variance (n^2 - 1)/12, and variances add.
    expected = [np.sqrt(4 * (n**2 - 1) / 12) for n in (width, height)]
    np.testing.assert_allclose([run.sigma_x[-1], run.sigma_y[-1]], expected, rtol=1e-12)


def test_a_pattern_may_be_an_array_or_a_file(tmp_path: Path) -> None:
    image = pattern_image("disc", radius=3)
    np.save(tmp_path / "disc.npy", image)
    PillowImage.fromarray((image > 0).astype(np.uint8)).save(tmp_path / "disc.png")
    named = propagate(GRADIENT, pattern=image, steps=5)
    assert json.loads(named.attrs["cell"])["pattern"] == "array"
    for name in ("disc.npy", "disc.png"):
        read = propagate(GRADIENT, pattern=str(tmp_path / name), steps=5)
        xr.testing.assert_equal(read, named)


def test_snapshots_have_their_place_in_the_plane() -> None:
    taps = np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 0]])
    run = propagate(taps, steps=4, snapshots=[4, 0], window=9)
    np.testing.assert_array_equal(run.snapshot_t, [0, 4])
    for layer in (0, 4):
        state = run.snapshot.sel(snapshot_t=layer)
        row, column = np.argwhere(state.values)[0]
        place = run.sel(snapshot_t=layer)
        assert place.snapshot_x + column == layer
        assert place.snapshot_y + row == 0


@pytest.mark.parametrize("boundary", ["free", "zero", "wrap", "reflect"])
@pytest.mark.parametrize("size", [2, 3])
def test_snapshots_carry_the_centroid_that_is_recorded(boundary: str, size: int) -> None:
    rule = {"boundary": boundary, "domain": None if boundary == "free" else 20}
    taps = kernel("dct", size, 0.5, 30)
    run = propagate(taps, pattern="disc", steps=4, snapshots=range(5), window=41, **rule)
    for layer in range(5):
        place = run.sel(snapshot_t=layer)
        weights = place.snapshot.values.astype(np.float64)
        x, y = (float(place[f"snapshot_{axis}"]) + np.arange(41) for axis in "xy")
        centroid = [np.average(x, weights=weights.sum(0)), np.average(y, weights=weights.sum(1))]
        # 1e-5: snapshots have 7 digits, on coordinates up to 20.
        np.testing.assert_allclose(centroid, [run.mu_x[layer], run.mu_y[layer]], atol=1e-5)


@settings(deadline=None)
@given(
    st.sampled_from(["identity", "relu", "modulus", "leaky_relu"]),
    st.sampled_from(["l2", "peak", "mass"]),
    st.floats(1e-300, 1e300),
)
def test_a_factor_of_the_kernel_changes_its_gain_alone(
    activation: str, normalise: str, factor: float
) -> None:
    taps = kernel("dct", 3, 0.9, 30)
    first, other = (
        propagate(scale * taps, activation, steps=20, normalise=normalise) for scale in (1, factor)
    )
    for name in ("mass", "mu_x", "mu_y", "sigma_x", "sigma_y"):
        # 1e-11: the rounding of the scaled taps over 20 layers.
        np.testing.assert_allclose(other[name], first[name], rtol=1e-11, atol=1e-11)
    for name in ("gain", "peak"):
        np.testing.assert_allclose(other[name][1:], factor * first[name][1:], rtol=1e-11)
    assert measure(other).speed == pytest.approx(float(measure(first).speed), rel=1e-11)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_kernels_that_take_turns_are_scaled_one_by_one(engine: str) -> None:
    taps = kernel("dct", 3, 0.9)
    run = propagate([1e-308 * taps, 1e3 * taps], steps=5, in_turns=True, engine=engine)
    plain = propagate([taps, taps], steps=5, in_turns=True, engine=engine)
    assert np.isnan(run.extinct_at)
    np.testing.assert_allclose(run.mu_x, plain.mu_x, rtol=1e-11)
    factors = np.array([1e-308, 1e3, 1e-308, 1e3, 1e-308])
    # 1e-11 of numbers without subnormals: 1e-308 times a gain has lost a digit or two.
    np.testing.assert_allclose(run.gain[1:], factors * plain.gain[1:], rtol=1e-11)


def test_attributes_tell_what_ran() -> None:
    run = propagate(GRADIENT, "modulus", "disc", 8, normalise="mass", density="square")
    expected = {"activation": "modulus", "normalise": "mass", "boundary": "free", "t_burn": 2}
    assert expected.items() <= run.attrs.items()
    assert run.attrs["density"] == "square"
    assert run.attrs["engine"] == "compiled"
    assert propagate(GRADIENT, steps=8, t_burn=0).attrs["t_burn"] == 0


def test_finite_domains_have_a_default_and_hold_the_pattern_in_their_middle() -> None:
    run = propagate(GRADIENT, steps=3, boundary="wrap", snapshots=[0], window=129)
    assert np.argwhere(run.snapshot.values[0]).tolist() == [[64, 64]]
    small = propagate(GRADIENT, "relu", "disc", 3, boundary="zero", domain=17)
    assert small.mu_x[0] == pytest.approx(0, abs=1e-14)  # rounding of a symmetric sum


def test_chaotic_runs_are_flagged_and_kernels_without_negative_taps_are_not() -> None:
    run = propagate(kernel("gaussian", 3, 0.3), steps=64)
    assert run.rounding_sensitivity < 1e-12  # 64 layers of one unit in the last place
    assert not run.ill_conditioned
    # Modulus under an alternating kernel folds the state at every layer.
    blob = pattern_image("gaussian", sigma=4)[20:21]
    run = propagate([[1.5, -2.4, 1.0]], "modulus", blob, steps=128)
    assert run.rounding_sensitivity > ILL_CONDITIONED
    assert run.ill_conditioned


@pytest.mark.parametrize(
    ("seed", "width", "activation"),
    [(500341, 5, "modulus"), (694, 3, "modulus"), (591, 5, "modulus"), (2707, 5, "leaky_relu")],
)
def test_engines_agree_where_a_run_is_not_flagged(seed: int, width: int, activation: str) -> None:
    # Found among 50 000 random rows: rounding in the state moves these more than in the kernel.
    taps = np.random.default_rng(seed).standard_normal((1, width))
    fast, slow = (propagate(taps, activation, steps=128, engine=engine) for engine in ENGINES)
    if not fast.ill_conditioned:
        records = [np.stack([run[name] for name in QUANTITIES], axis=-1) for run in (slow, fast)]
        # The agreement that is promised for runs without the flag.
        assert record_distance(*records) <= AGREEMENT


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"kernel": np.ones((0, 3, 3))}, "kernel: 'an empty stack' is not allowed, expected at"),
        ({"kernel": [[np.nan, 1]]}, "kernel: .*NaN.* expected finite taps"),
        ({"kernel": np.ones((2, 2, 2, 2))}, "kernel: .* expected a two-dimensional array"),
        ({"kernel": [np.ones((2, 2)), np.zeros((2, 2))]}, r"kernel\[1\]: .*zeros"),
        ({"activation": None}, "activation: None is not allowed, expected one of identity"),
        ({"steps": 2.5}, r"steps: 2\.5 is not allowed, expected an integer"),
        ({"steps": True}, "steps: True is not allowed"),
        ({"engine": "fast"}, "engine: 'fast' is not allowed, expected one of"),
        ({"snapshots": [-1]}, "snapshots: -1 is not allowed, expected an integer from 0 to 64"),
        ({"snapshots": [1, 1]}, r"snapshots: \[1, 1\] is not allowed, expected each layer once"),
        ({"pattern": [[1.0, -1.0]]}, "pattern: .*negative.* expected finite values >= 0"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: dict[str, object], expected: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{expected}[^\n]*$"):
        propagate(**{"kernel": GRADIENT} | arguments)  # type: ignore[arg-type]


CELL = Cell(
    kernel="gaussian",
    activation="relu",
    size=3,
    patterns=["delta", "disc"],
    angles=[0.0, 60.0],
    betas=[0.0, 0.4, 1.0],
    steps=10,
    snapshots={"layers": [10], "window": 15},
)


def test_a_cell_equals_the_single_runs_of_its_kernels() -> None:
    cell = simulate(CELL)
    assert cell.mu_x.dims == ("pattern", "angle", "beta", "t")
    assert cell.snapshot.dims == ("pattern", "angle", "beta", "snapshot_t", "y", "x")
    kernels = cell_kernels(CELL)
    for i, pattern in enumerate(("delta", "disc")):
        for j in range(2):
            for k in range(3):
                alone = propagate(kernels[j, k, 0], "relu", pattern, 10, snapshots=[10], window=15)
                part = cell.isel(pattern=i, angle=j, beta=k)
                for name in (*QUANTITIES, "snapshot", "extinct_at", "rounding_sensitivity"):
                    np.testing.assert_array_equal(part[name], alone[name], strict=True)


def test_a_cell_carries_measured_beta_and_what_was_asked_for() -> None:
    linear = CELL.model_copy(update={"mixing": "linear"})
    dataset = simulate(linear)
    np.testing.assert_array_equal(dataset.beta, CELL.betas)
    expected = [b / np.hypot(b, 1 - b) for b in CELL.betas]
    measured = dataset.measured_beta
    np.testing.assert_allclose(measured, expected, atol=1e-12)  # rounded to 12 digits
    np.testing.assert_allclose(dataset.odd_energy_ratio[0], measured**2, atol=2e-12)
    np.testing.assert_array_equal(simulate(CELL).measured_beta, CELL.betas)


def test_beta_star_of_a_cell_is_that_of_each_angle() -> None:
    cell = simulate(CELL)
    assert cell.beta_star.dims == ("angle", "beta")
    for angle in CELL.angles:
        star = cell.beta_star.sel(angle=angle)
        assert np.all(star == star[0])
        assert kernel("gaussian", 3, float(star[0]), angle).min() >= -1e-15  # one subtraction


def test_public_names_are_those_of_their_modules() -> None:
    assert mechcore.propagate is propagate
    assert mechcore.kernel is kernel
    assert dir(mechcore) == sorted(mechcore.__all__)
    for name in mechcore.__all__:
        assert getattr(mechcore, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mechcore.nothing  # noqa: B018
