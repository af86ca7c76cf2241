"""Many kernels at once: equal to one at a time, and true to the symmetries of a kernel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.experiment.banks import FilterRun
from mechcore.filters import analysis
from mechcore.filters.analysis import analyse, dct_bases
from mechcore.filters.bank import Bank
from mechcore.filters.bank_file import PLACE, analyse_bank, read_analysis, write_analysis
from mechcore.filters.layers import Layer, Skipped
from mechcore.filters.null import dimensions, null_law, null_limit
from mechcore.filters.runs import simulate_bank, strongest
from mechcore.filters.summary import SHARES, effective_number, kernel_table, summary
from mechcore.filters.velocities import filter_velocities
from mechcore.io.json_models import parsed_json, validated
from mechcore.io.netcdf import ROOT, content_hash, read_groups, write_dataset, write_groups
from mechcore.model.decomposition import decompose
from mechcore.model.kernels import kernel
from mechcore.model.theory import theory

ROUNDING = 1e-12
"""The shares of at most 64 squares round to 64 units in the last place, 1e-14."""

shapes = st.tuples(st.integers(1, 8), st.integers(1, 8))
seeds = st.integers(0, 2**32 - 1)


def deviates(shape: tuple[int, int], seed: int, count: int = 20) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((count, *shape))


@given(shapes, seeds, st.sampled_from([1e-150, 1e-3, 1.0, 1e150]))
def test_equals_the_decomposition_of_each_kernel(
    shape: tuple[int, int], seed: int, scale: float
) -> None:
    kernels = deviates(shape, seed, 5) * scale
    result = analyse(kernels)
    for index, kernel_taps in enumerate(kernels):
        row, parts = result.isel(slice=index), decompose(kernel_taps)
        assert row.beta == parts.beta
        assert row.total == parts.total
        assert [row.momentum_x, row.momentum_y] == parts.momentum_vector.tolist()
        np.testing.assert_allclose(row.odd_share, parts.odd_energy_ratio, rtol=ROUNDING)
        isotropic = (np.linalg.norm(parts.isotropic / scale) / (parts.energy / scale)) ** 2
        np.testing.assert_allclose(row.isotropic_share, isotropic, atol=ROUNDING)
        # From the spectrum: the DCT is orthogonal.
        np.testing.assert_allclose(np.sqrt(row.energy), parts.energy, rtol=ROUNDING)


@given(shapes, seeds)
def test_velocity_is_that_of_the_exact_theory(shape: tuple[int, int], seed: int) -> None:
    kernels = np.abs(deviates(shape, seed))
    result = analyse(kernels)
    assert result.no_negative_tap.all()
    velocities = np.array([theory(kernel_taps).velocity for kernel_taps in kernels])
    np.testing.assert_array_equal(result.velocity_x, velocities[:, 0])
    np.testing.assert_array_equal(result.velocity_y, velocities[:, 1])


@given(shapes, seeds)
def test_shares_add_up_and_energies_are_conserved(shape: tuple[int, int], seed: int) -> None:
    kernels = deviates(shape, seed)
    found = analyse(kernels)
    shares = found.isotropic_share + found.anisotropic_share + found.odd_share
    np.testing.assert_allclose(shares, 1.0, atol=ROUNDING)
    np.testing.assert_array_equal(found.odd_share, found.odd_energy_ratio)
    energies = np.square(kernels).sum(axis=(1, 2))
    np.testing.assert_allclose(found.energy, energies, rtol=ROUNDING)
    np.testing.assert_allclose(found.dct_energy.sum(["v", "u"]), energies, rtol=ROUNDING)


@given(st.integers(1, 8), st.integers(1, 8))
def test_bases_are_orthogonal(height: int, width: int) -> None:
    bases = dct_bases(height, width)
    np.testing.assert_allclose(bases @ bases.T, np.eye(height * width), atol=ROUNDING)


@given(shapes, seeds)
def test_mirror_turns_the_momentum_and_nothing_else(shape: tuple[int, int], seed: int) -> None:
    kernels = deviates(shape, seed)
    found, mirrored = analyse(kernels), analyse(kernels[:, :, ::-1])
    for name in ("energy", "odd_share", "isotropic_share", "low_frequency_share", "dct_energy"):
        np.testing.assert_allclose(mirrored[name], found[name], atol=ROUNDING * 64)
    np.testing.assert_allclose(mirrored.momentum_x, -found.momentum_x, atol=ROUNDING * 64)
    np.testing.assert_allclose(mirrored.momentum_y, found.momentum_y, atol=ROUNDING * 64)


@given(st.integers(2, 8), seeds)
def test_quarter_turn_turns_momentum_and_spectrum(size: int, seed: int) -> None:
    kernels = deviates((size, size), seed)
    # Rows point down, so that this turns +x to +y.
    found, turned = analyse(kernels), analyse(np.rot90(kernels, -1, axes=(1, 2)))
    np.testing.assert_allclose(turned.momentum_x, -found.momentum_y, atol=ROUNDING * 64)
    np.testing.assert_allclose(turned.momentum_y, found.momentum_x, atol=ROUNDING * 64)
    angles = (turned.momentum_angle - found.momentum_angle - 90 + 180) % 360 - 180
    np.testing.assert_allclose(angles, 0.0, atol=1e-6)
    spectrum = found.dct_energy.transpose("slice", "u", "v").values
    np.testing.assert_allclose(turned.dct_energy, spectrum, atol=ROUNDING * 64)
    for name in ("isotropic_share", "anisotropic_share", "low_frequency_share", "rank"):
        np.testing.assert_allclose(turned[name], found[name], atol=ROUNDING)


@given(st.integers(1, 7), st.integers(1, 7), seeds, st.integers(1, 3))
def test_ranks_are_those_of_numpy(height: int, width: int, seed: int, rank: int) -> None:
    random = np.random.default_rng(seed)
    low = random.standard_normal((9, height, rank)) @ random.standard_normal((9, rank, width))
    kernels = np.concatenate([low, deviates((height, width), seed), np.zeros((1, height, width))])
    np.testing.assert_array_equal(analyse(kernels)["rank"], np.linalg.matrix_rank(kernels))


def test_rank_of_single_precision_counts_what_single_precision_can_tell() -> None:
    product = np.outer([1.0, 1 / 3, 0.2], [0.3, 1.0, 0.7]).astype(np.float32)
    assert analyse(product[np.newaxis])["rank"] == 1


def test_result_does_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = deviates((3, 3), 1, 100)
    whole = analyse(kernels)
    monkeypatch.setattr(analysis, "CHUNK", 7)
    # Other sums of the same terms: matrix products of another shape.
    xr.testing.assert_allclose(analyse(kernels), whole, rtol=1e-11, atol=ROUNDING)


def test_kernels_that_were_given_are_left_as_they_are() -> None:
    for kernels in (deviates((1, 1), 0), deviates((3, 3), 0)):
        before = kernels.copy()
        analyse(kernels)
        np.testing.assert_array_equal(kernels, before)


def test_kernel_of_zeros_has_no_shares() -> None:
    found = analyse(np.zeros((1, 3, 3)))
    assert found.energy == 0
    assert found["rank"] == 0
    for name in ("odd_share", "isotropic_share", "beta", "momentum_angle", "velocity_x"):
        assert np.isnan(found[name])


def test_no_kernel_at_all_is_refused() -> None:
    with pytest.raises(InvalidValue, match="kernels"):
        analyse(np.zeros((0, 3, 3)))


@pytest.mark.parametrize(
    "kernels", [np.zeros((3, 3)), np.full((1, 2, 2), np.nan), [["a"]], np.zeros((1, 0, 3))]
)
def test_what_is_no_stack_of_kernels_is_refused(kernels: object) -> None:
    with pytest.raises(InvalidValue, match="kernels"):
        analyse(kernels)


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (5, 5), (1, 5), (3, 5)])
@pytest.mark.parametrize("share", ["odd_energy_ratio", "isotropic_share", "low_frequency_share"])
def test_law_of_chance_is_that_of_random_weights(shape: tuple[int, int], share: str) -> None:
    found = analyse(deviates(shape, 3, 20_000))[share].values
    law = null_law(share, *shape)
    # Seeded: a true law would fail so rarely, and one that is a few per cent off always.
    assert stats.kstest(found, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("spread", [0.0, 1.0], ids=["alike", "unequal"])
def test_limit_of_chance_of_many_kernels_is_passed_once_in_a_thousand(spread: float) -> None:
    random, trials, kernels = np.random.default_rng(4), 20_000, 100
    # Energies as a layer has them, directions by chance.
    energies = np.exp(spread * random.standard_normal(kernels))
    shares = random.beta(3 / 2, 6 / 2, (trials, kernels))
    found = shares @ energies / energies.sum()
    limit = null_limit("low_frequency_share", 3, 3, effective_number(energies))
    # Twenty are expected; so few or so many come by chance once in a thousand times or less. The
    # law has the mean and the variance of these sums, not all of their shape.
    assert 5 < (found > limit).sum() < 40
    law = null_law("low_frequency_share", 3, 3, effective_number(energies))
    assert found.std() == pytest.approx(law.std(), rel=0.02)


def test_one_kernel_that_holds_everything_stands_alone() -> None:
    assert effective_number(np.array([1e300, 1.0, 0.0])) == 1.0
    assert effective_number(np.full(7, 1e-300)) == pytest.approx(7, rel=ROUNDING)
    assert effective_number(np.zeros(3)) == 0.0


@given(shapes)
def test_dimensions_of_the_parts_add_up(shape: tuple[int, int]) -> None:
    parts = dimensions(*shape)
    disjoint = ("odd_energy_ratio", "isotropic_share", "anisotropic_share")
    assert sum(parts[name] for name in disjoint) == np.prod(shape)


def small_bank() -> Bank:
    random = np.random.default_rng(7)
    layers = (
        Layer("first", random.standard_normal((4, 2, 1, 3, 3)).astype(np.float32)),
        Layer("volume", random.standard_normal((3, 2, 2, 3, 3)).astype(np.float32)),
        Layer("line", np.abs(random.standard_normal((5, 1, 1, 1, 4)))),
    )
    layers[0].kernels[1] = 0
    return Bank("small.npz", "0" * 64, layers, (Skipped("bias", (4,), "vector"),))


def test_summaries_are_those_of_the_kernels() -> None:
    found = analyse_bank(small_bank())
    assert found.layers.name.tolist() == ["first", "volume", "line"]
    assert found.layers.slices.tolist() == [8, 12, 5]
    assert found.layers.zero_slices.tolist() == [2, 0, 0]
    slices = found.slices["k3x3"]
    first = slices.isel(slice=(slices.layer == 0) & (slices.energy > 0))
    row = found.layers.iloc[0]
    for name in set(SHARES) - {"dc_share"}:
        weighted = float((first[name] * first.energy).sum() / first.energy.sum())
        assert row[name] == pytest.approx(weighted, rel=ROUNDING)
        assert row[f"{name}_mean"] == pytest.approx(float(first[name].mean()), rel=ROUNDING)
    assert row.dc_share == pytest.approx(
        float(first.dct_energy[:, 0, 0].sum() / first.energy.sum()), rel=ROUNDING
    )
    whole = found.whole.iloc[0]
    assert whole.slices == 25
    assert whole.energy == pytest.approx(sum(found.layers.energy), rel=ROUNDING)


def test_filters_are_the_outputs_of_each_layer() -> None:
    found = analyse_bank(small_bank())
    filters = found.filters["k3x3"]
    assert filters[["layer", "out"]].values.tolist() == [
        *([0, out] for out in range(4)),
        *([1, out] for out in range(3)),
    ]
    assert np.isnan(filters.odd_energy_ratio[1])
    assert filters.energy.sum() == pytest.approx(found.layers.energy[:2].sum(), rel=ROUNDING)


def test_alignment_is_one_if_all_kernels_point_the_same_way() -> None:
    gradient = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    same, opposed = np.stack([gradient, 2 * gradient]), np.stack([gradient, -gradient])
    groups = np.zeros(2, dtype=int)
    for kernels, expected in ((same, 1.0), (opposed, 0.0)):
        row = summary(kernel_table(analyse(kernels)), groups, 1)
        assert row.alignment[0] == pytest.approx(expected, abs=ROUNDING)


def test_file_holds_the_analysis(tmp_path: Path) -> None:
    found = analyse_bank(small_bank())
    write_analysis(found, tmp_path / "bank.nc")
    again = read_analysis(tmp_path / "bank.nc")
    assert again.attributes["weights_sha256"] == "0" * 64
    for name, slices in found.slices.items():
        xr.testing.assert_identical(
            again.slices[name].drop_attrs(),
            slices.drop_attrs().reset_coords().set_coords(["layer", "out", "in", "plane"]),
        )
        assert {"energy", "rank", "velocity_x"} <= {
            str(one) for one in again.slices[name] if again.slices[name][one].attrs["units"]
        }
    assert again.layers.equals(found.layers)
    assert again.whole.equals(found.whole)
    assert again.skipped.equals(found.skipped)
    assert list(again.filters) == ["k3x3", "k1x4"]


def test_every_variable_of_the_file_has_a_unit(tmp_path: Path) -> None:
    write_analysis(analyse_bank(small_bank()), tmp_path / "bank.nc")
    groups = read_groups(tmp_path / "bank.nc")
    for name, group in groups.items():
        assert all("units" in group[one].attrs for one in group.variables), name


def test_file_of_another_kind_is_told(tmp_path: Path) -> None:
    write_dataset(xr.Dataset(attrs={"format_version": 1}), tmp_path / "other.nc")
    with pytest.raises(MechcoreError, match="another kind of file"):
        read_analysis(tmp_path / "other.nc")


def test_hash_of_a_file_covers_all_groups(tmp_path: Path) -> None:
    root = xr.Dataset(attrs={"format_version": 1})
    hashes = set()
    for value in (1.0, 2.0):
        write_groups({ROOT: root, "a": xr.Dataset({"x": value})}, tmp_path / "file.nc")
        hashes.add(read_groups(tmp_path / "file.nc")[ROOT].attrs["content_sha256"])
    assert len(hashes) == 2
    assert content_hash(root) not in hashes


def run_settings(**changes: object) -> FilterRun:
    chosen = {"activations": ["relu"], "patterns": ["delta"], "slices_per_layer": 3, "steps": 8}
    return validated(FilterRun, chosen | changes, "settings")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 5), seeds)
def test_strongest_kernels_of_each_layer(layers: list[int], most: int, seed: int) -> None:
    energy = np.random.default_rng(seed).integers(0, 5, len(layers)).astype(float)
    slices = xr.Dataset({"energy": ("slice", energy)}, {"layer": ("slice", layers)})
    chosen = strongest(slices, most)
    assert (np.diff(chosen) > 0).all()
    for layer in set(layers):
        members = np.flatnonzero(np.array(layers) == layer)
        picked = [place for place in members if place in chosen]
        assert len(picked) == min(most, (energy[members] > 0).sum())
        left = [energy[place] for place in members if place not in chosen]
        assert not picked or not left or min(energy[picked]) >= max(left)


def test_kernels_without_negative_taps_move_as_predicted() -> None:
    bank = Bank(
        "exact.npz",
        "0" * 64,
        (Layer("exact", np.array([[[kernel("dct", 3, 0.4, angle)]] for angle in (0, 45, 200)])),),
        (),
    )
    settings = run_settings(activations=["relu", "modulus"], patterns=["delta", "disc"])
    found = filter_velocities(analyse_bank(bank), simulate_bank(bank, settings))
    assert len(found) == 3 * 2 * 2
    assert found.no_negative_tap.all()
    for axis in "xy":
        # The engines equal the exact theory to this.
        np.testing.assert_allclose(found[f"velocity_{axis}"], found[f"predicted_{axis}"], atol=1e-9)
    assert set(found.layer) == {"exact"}


def test_kernels_without_a_positive_tap_die_under_relu() -> None:
    taps = np.array([[[[[-1.0, -1.0], [-1.0, -1.0]]]], [[[[-1.0, -1.0], [-1.0, 0.1]]]]])
    bank = Bank("a.npz", "0" * 64, (Layer("a", taps),), ())
    found = filter_velocities(analyse_bank(bank), simulate_bank(bank, run_settings()))
    assert found.extinct_at.tolist() == pytest.approx([1.0, np.nan], nan_ok=True)


def test_turned_kernels_move_in_turned_directions() -> None:
    taps = np.random.default_rng(2).standard_normal((6, 1, 1, 3, 3))
    turned = np.rot90(taps, -1, axes=(3, 4)).copy()
    tables = []
    for kernels in (taps, turned):
        bank = Bank("a.npz", "0" * 64, (Layer("a", kernels),), ())
        settings = run_settings(patterns=["disc"], slices_per_layer=6)
        tables.append(filter_velocities(analyse_bank(bank), simulate_bank(bank, settings)))
    # As between engines: other sums of the same terms.
    np.testing.assert_allclose(tables[1].velocity_x, -tables[0].velocity_y, atol=1e-9)
    np.testing.assert_allclose(tables[1].velocity_y, tables[0].velocity_x, atol=1e-9)


def test_runs_tell_which_kernel_each_is_and_are_read_back(tmp_path: Path) -> None:
    bank = small_bank()
    groups = simulate_bank(bank, run_settings(activations=["relu", "tanh"]))
    write_groups(groups, tmp_path / "runs.nc")
    again = read_groups(tmp_path / "runs.nc")
    assert set(again) == {ROOT, "k3x3", "k1x4"}
    run = again["k3x3"]
    assert dict(run.sizes) | {"t": 9, "activation": 2, "pattern": 1, "slice": 6} == dict(run.sizes)
    for place in range(run.sizes["slice"]):
        layer, *inside = (int(run[name][place]) for name in PLACE)
        taps = bank.layers[layer].kernels[tuple(inside)]
        np.testing.assert_array_equal(run.kernel_taps[place], taps)
    assert parsed_json(again[ROOT].attrs["settings"], "settings") == parsed_json(
        run_settings(activations=["relu", "tanh"]).to_json(), "settings"
    )
    found = filter_velocities(analyse_bank(bank), again)
    assert len(found) == 2 * (6 + 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"activations": ["rellu"]}, "did you mean 'relu'"),
        ({"activations": ["relu", "relu"]}, "each value once"),
        ({"slices_per_layer": 0}, "at least 1"),
        ({"betas": [0.5]}, "is not a known key"),
    ],
)
def test_mistake_in_the_settings_is_told(change: dict[str, object], told: str) -> None:
    with pytest.raises(MechcoreError, match=told):
        run_settings(**change)
