"""The judge, on made-up results in which each claim of the paper is true, and on others.

No kernel ran for them. In `true_world` all that the paper says holds to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.analysis.measures import METRICS
from mechcore.analysis.mechanics import KERNELS, MECHANICS, NO_CONTROLS
from mechcore.analysis.regressions import regress
from mechcore.claims.criteria import CRITERIA, judge
from mechcore.claims.verdict import (
    BROKEN,
    HOLDS,
    IN_PART,
    NOT_OBSERVED,
    NOT_REPRODUCED,
    NOT_YET_MEASURED,
    OBSERVED,
    REPRODUCED,
    Claim,
)
from mechcore.experiment.banks import PlannedBank
from mechcore.experiment.config import load_experiment
from mechcore.filters.bank_file import BankAnalysis
from mechcore.results.banks import BankResults
from mechcore.results.results import Results
from tests.helpers.experiments import SMALL, run
from tests.helpers.projects import PROJECT

EXPERIMENT = load_experiment(
    {
        "experiment": "world",
        "kernels": ["dct"],
        "activations": ["identity", "relu", "modulus"],
        "sizes": [2, 3],
        "patterns": ["delta", "disc"],
        "horizons": [10],
        "published": str(PROJECT / "resources" / "published"),
        "betas": {"start": 0, "stop": 1, "count": 21},
    }
)

BETA_STAR = 0.7
LEAD = 0.01
"""px/layer by which the modulus leads: more than `EQUAL_SPEED`, and no more than `LAW` allows."""

SPEEDS = ["speed", "end_speed_10", "asymptotic_speed", "asymptotic_low", "asymptotic_high"]

Tables = dict[str, pd.DataFrame]
Change = Callable[[Tables], None]


@cache
def true_world() -> Tables:
    rows = pd.DataFrame(
        [
            {"kernel": "dct", "activation": name, "size": size, "pattern": pattern, "beta": beta}
            for name in EXPERIMENT.activations
            for size in EXPERIMENT.sizes
            for pattern in ("delta", "disc")
            for beta in EXPERIMENT.betas
        ]
    )
    rows["cell"] = [f"dct-{row.activation}-k{row.size}" for row in rows.itertuples()]
    rows = rows.assign(angle=0.0, odd_energy_ratio=rows.beta**2, beta_star=BETA_STAR)
    rows["light_speed"] = (rows["size"] - 1) / 2
    # More than any speed, or there would be no Lorentz factor.
    rows["diffusion_speed"] = 1.1 * rows.light_speed + LEAD
    rows["speed"] = rows.light_speed * rows.beta
    beyond = rows.beta > BETA_STAR
    rows.loc[beyond & (rows.activation == "modulus"), "speed"] += LEAD
    rows.loc[beyond & (rows.activation == "identity"), "speed"] = 0.0
    rows = rows.assign(**dict.fromkeys(SPEEDS, rows.speed))
    moving = rows.speed > 0
    factor = np.sqrt((1 - (rows.speed / rows.diffusion_speed) ** 2).clip(lower=0))
    rows = rows.assign(
        drift=np.where(moving, 64 * rows.speed, 0.0),
        contraction_along=factor,
        contraction_across=1.0,
        width_along=8 * rows.diffusion_speed * factor,
        width_across=8 * rows.diffusion_speed,
        diffusion_exponent=0.5,
        diffusion_coefficient=rows.diffusion_speed,
        ill_conditioned=False,
        centroid_sensitivity=1e-14,
        mixing_ratio=rows.beta,
        excess_kurtosis_x=0.0,
        excess_kurtosis_y=0.0,
    )
    known = (rows.activation == "relu") & (rows.pattern == "delta")
    kernels = rows[known].assign(
        celerity=lambda part: part.beta / np.sqrt((1 - part.odd_energy_ratio).clip(1e-300)),
        speed_linear=lambda part: part.celerity,
        energy_defect=1e-16,
        parity_product=0.0,
    )
    metrics = (*METRICS, "end_speed_10")
    columns = {"metrics": (rows, metrics), "mechanics": (rows, MECHANICS)}
    columns |= {"kernels": (kernels, KERNELS)}
    tables = {name: table.reindex(columns=list(names)) for name, (table, names) in columns.items()}
    return tables | {"layers": layers_of_a_network(), "reproduction": other_experiments()}


def other_experiments() -> pd.DataFrame:
    """The numbers of a bipolar, a translation and a Laplace experiment, and of oriented layers."""
    shift = [
        {"title": "Pixel, translation, ReLU", "quantity": "mu_x", "beta2": 0.75, "x": t, "ours": t}
        for t in (1.0, 5.0, 10.0)
    ]
    widths = [
        {"title": title, "quantity": "sigma_x", "beta2": share, "x": t, "ours": np.sqrt(t)}
        for title, share in (("Pixel, translation, ReLU", 0.0), ("Pixel, Laplace, ReLU", np.nan))
        for t in (1.0, 5.0, 10.0)
    ]
    bipolar = {"title": "Disc, bipolar, ReLU", "quantity": "mu_x", "beta2": 0.5, "x": 20.0}
    angles = np.linspace(-np.pi, np.pi, 13)
    passed = [
        {"title": "Disc, gradients, ReLU", "quantity": "printed I2/I1", "x": x, "ours": y}
        for x, y in zip(angles, 0.4 * np.abs(np.cos(angles)), strict=True)
    ]
    return pd.DataFrame([*shift, *widths, bipolar | {"ours": 0.4}, *passed])


def layers_of_a_network() -> pd.DataFrame:
    """A trained network of low frequencies, and the same before training; 2x2 says nothing."""
    layers = pd.DataFrame(
        {
            "name": ["conv1", "conv2", "conv3"],
            "inputs": 8,
            "low_frequency_share": [0.8, 0.7, 0.1],
            "null_low_frequency_share": [0.12, 1 / 3, 0.75],
            "null_low_frequency_limit": [0.2, 0.4, 0.8],
            "low_frequencies": 3,
            "leading": 3,
            "fixed": False,
        }
    )
    untrained = {"low_frequency_share": layers.null_low_frequency_share, "leading": 1}
    trained = layers.assign(bank="net", trained=True)
    return pd.concat(
        [trained, layers.assign(bank="net-untrained", trained=False, **untrained)],
        ignore_index=True,
    )


@cache
def true_fits() -> pd.DataFrame:
    return fits_of(true_world())


def fits_of(world: Tables) -> pd.DataFrame:
    return regress(world["metrics"], world["kernels"])


def results_of(world: Tables) -> Results:
    """The results of a world; its speeds are really fitted, once where none was changed."""
    fitted = ("metrics", "kernels")
    same = all(world[name].equals(true_world()[name]) for name in fitted)
    lines = true_fits() if same else fits_of(world)
    metrics = world["metrics"].astype({"ill_conditioned": bool})
    tables = (metrics, world["mechanics"], world["kernels"], lines, pd.DataFrame())
    return with_files(Results(EXPERIMENT, Path(), *tables), world)


def with_files(results: Results, world: Tables) -> Results:
    """The same results without controls, and with the banks of a world in the place of files."""
    results.__dict__["controls"] = NO_CONTROLS
    results.__dict__["reproduction"] = world["reproduction"]
    results.__dict__["banks"] = {
        str(name): BankResults(
            PlannedBank(str(name), "weights.npz", "auto", None, trained=bool(rows.trained.all())),
            BankAnalysis({}, {}, {}, rows.drop(columns=["bank", "trained"]), rows, rows),
            None,
        )
        for name, rows in world["layers"].groupby("bank", sort=False)
    }
    return results


def changed(*changes: Change) -> Tables:
    world = {name: table.copy() for name, table in true_world().items()}
    for change in changes:
        change(world)
    return world


def judged(*changes: Change) -> dict[str, Claim]:
    return {claim.id: claim for claim in judge(results_of(changed(*changes)))}


def setting(
    table: str, column: str | list[str], value: object, condition: str = "beta >= 0"
) -> Change:
    def change(world: Tables) -> None:
        chosen = world[table].eval(condition)
        world[table].loc[chosen, column] = value

    return change


def linear_in_rho(world: Tables) -> None:
    """Not the speed but its square is to be."""
    metrics = world["metrics"]
    for name in SPEEDS:
        metrics[name] = (metrics["size"] - 1) / 2 * metrics.odd_energy_ratio


def half_of_the_bipolar_moves(world: Tables) -> None:
    rows = world["reproduction"]
    moving = rows[rows.title == "Disc, bipolar, ReLU"].assign(beta2=1.0, ours=17.0)
    world["reproduction"] = pd.concat([rows, moving], ignore_index=True)


FALSE: list[tuple[str, list[Change]]] = [
    ("C2", [setting("metrics", "diffusion_exponent", 1.0)]),
    ("C2", [setting("metrics", "diffusion_exponent", np.nan)]),
    ("C2", [setting("metrics", "diffusion_coefficient", 2.0)]),
    ("C2", [setting("mechanics", "width_across", 1.0)]),
    ("C2", [setting("mechanics", "excess_kurtosis_x", -1.2)]),
    ("C2", [setting("mechanics", "excess_kurtosis_y", 3.0)]),
    ("C3", [setting("metrics", SPEEDS, 0.4, "beta == 1")]),
    ("C3", [setting("metrics", SPEEDS, np.nan, "beta == 1")]),
    ("C4", [linear_in_rho]),
    ("C5", [setting("metrics", SPEEDS, 0.5)]),
    ("C6", [setting("metrics", SPEEDS, 0.0, "activation == 'modulus'")]),
    ("C7", [setting("metrics", SPEEDS, 0.1, "size == 3")]),
    ("C8", [setting("mechanics", "contraction_along", 1.0)]),
    ("C8", [setting("mechanics", "contraction_across", 0.5)]),
    ("C10", [setting("layers", "low_frequency_share", 0.3, "trained")]),
    ("C10", [setting("layers", "null_low_frequency_limit", 0.9, "trained")]),
    ("C13", [setting("reproduction", "ours", 20.0, "x == 20")]),
    ("C14", [setting("reproduction", "ours", 9.5, "beta2 == 0.75 and x == 10")]),
    ("C15", [setting("reproduction", "ours", 0.0, "title == 'Pixel, Laplace, ReLU'")]),
]

PARTLY: dict[str, list[Change]] = {
    "C2": [setting("metrics", "diffusion_exponent", 1.0, "activation == 'modulus'")],
    "C3": [setting("metrics", SPEEDS, 0.4, "pattern == 'disc' and beta == 1")],
    "C4": [setting("metrics", "end_speed_10", 0.4)],
    "C5": [setting("metrics", SPEEDS, 0.5, "activation == 'modulus'")],
    "C6": [setting("metrics", "end_speed_10", 0.0, "activation == 'modulus'")],
    "C7": [setting("metrics", SPEEDS, 0.1, "size == 3 and activation == 'modulus'")],
    "C8": [setting("mechanics", "contraction_along", 1.0, "beta > 0.85")],
    "C10": [setting("layers", "low_frequency_share", 0.3, "trained and name == 'conv2'")],
    "C13": [half_of_the_bipolar_moves],
}

BROKEN_IDENTITY = [
    setting("kernels", "energy_defect", 0.1, "size == 3"),
    setting("kernels", "energy_defect", np.nan),
    setting("kernels", "parity_product", 0.1),
]

OF_CONTROLS = ("C1", "F1", "F2", "F3", "N1", "N2", "N3", "N4")
"""Judged in `tests.claims.test_controls`."""


OF_STUDIES = ("C12",)
"""Judged in `tests.claims.test_training`."""


def test_where_the_paper_is_right_every_claim_is_reproduced() -> None:
    for name, claim in judged().items():
        assert claim.verdict in (REPRODUCED, HOLDS) or name in OF_CONTROLS, name


def test_every_claim_has_a_world_in_which_it_is_false() -> None:
    # Networks are judged in `tests.claims.test_networks`.
    assert {*dict(FALSE), *OF_CONTROLS, *OF_STUDIES, "C9", "C11", "F4"} == set(CRITERIA)


@pytest.mark.parametrize(("crossed", "verdict"), [(0.0, NOT_OBSERVED), (0.45, OBSERVED)])
def test_malus_law_is_observed_to_fail_where_it_fails(crossed: float, verdict: str) -> None:
    def passing(world: Tables) -> None:
        rows = world["reproduction"]
        rows["ours"] = np.sqrt((1 - crossed**2) * np.cos(rows.x) ** 2 + crossed**2)

    assert judged(passing)["F3"].verdict == verdict


@pytest.mark.parametrize("change", BROKEN_IDENTITY)
def test_an_identity_that_fails_is_an_alarm(change: Change) -> None:
    assert judged(change)["C9"].verdict == BROKEN


@pytest.mark.parametrize(("name", "changes"), FALSE)
def test_false_claim_is_not_reproduced(name: str, changes: list[Change]) -> None:
    assert judged(*changes)[name].verdict == NOT_REPRODUCED


@pytest.mark.parametrize(("name", "changes"), PARTLY.items(), ids=PARTLY)
def test_claim_that_holds_somewhere_is_reproduced_in_part(name: str, changes: list[Change]) -> None:
    claim = judged(*changes)[name]
    assert claim.verdict == IN_PART
    parts = ("not for", "layers of", "slower in", "stays within", "simulations")
    assert any(words in claim.range for words in parts)


TOO_FAST = [
    setting("metrics", "speed", 2.0, "beta > 0.9"),
    setting("mechanics", "contraction_along", 0.1, "beta > 0.9"),
]
NOT_CONVERGED = setting("metrics", "asymptotic_high", 9.0, "pattern == 'disc'")
# Up to beta* nothing is judged: there ReLU does nothing, and a theorem rules.
BELOW = "beta < 0.69"
ODD = "activation == 'relu' and beta == 1 and size == 2"
WRONG = setting("metrics", SPEEDS, 0.1, ODD)
BY_ROUNDING = setting("metrics", "centroid_sensitivity", value=0.1, condition=ODD)
LEFT_OUT = "Not judged, because they are zero, or have more than half by chance: net conv3"
share = partial(setting, "layers", "low_frequency_share")
CONV2 = "name == 'conv2'"
ZEROS = "trained and name == 'conv1'"
no_training = setting("layers", "trained", value=False, condition="trained")

DECIDED: list[tuple[str, list[Change], str, str]] = [
    ("C6", [setting("metrics", SPEEDS, 0.0, BELOW)], REPRODUCED, ""),
    ("C7", [setting("metrics", SPEEDS, 0.0, BELOW)], REPRODUCED, ""),
    ("C8", [setting("mechanics", "contraction_along", 0.1, BELOW)], REPRODUCED, ""),
    ("C8", TOO_FAST, IN_PART, "8 others are faster"),
    # What has not converged, and what no width is left of, decides nothing.
    ("C3", [NOT_CONVERGED], REPRODUCED, "the speed still changes: disc$"),
    ("C5", [NOT_CONVERGED], REPRODUCED, "the speed still changes: .* disc"),
    ("C7", [NOT_CONVERGED], REPRODUCED, ""),
    ("C8", [setting("mechanics", "contraction_along", 0.0)], NOT_YET_MEASURED, ""),
    # An interval that cannot be told from the other's is no lead.
    ("C6", [setting("metrics", "asymptotic_low", -9.0)], IN_PART, "faster in 0% to 100%"),
    # Above chance in all layers.
    (
        "C10",
        [share(0.45, "trained")],
        IN_PART,
        f"^0 of 2 layers of net; 2 of 2 are above chance. {LEFT_OUT}$",
    ),
    # One layer of zeros, only layers of zeros, and weights that nobody has trained yet.
    ("C10", [share(np.nan, ZEROS)], REPRODUCED, "^1 of 1 layers of net;.* net conv1, net conv3$"),
    ("C10", [share(np.nan, "trained")], NOT_YET_MEASURED, ""),
    ("C10", [no_training], NOT_YET_MEASURED, ""),
    # A layer of little low frequency that training left as it is.
    (
        "C10",
        [share(0.3, CONV2), setting("layers", "fixed", value=True, condition=CONV2)],
        REPRODUCED,
        "^1 of 1 layers of net;.*training left them as they are: net conv2$",
    ),
    ("C3", [WRONG], NOT_REPRODUCED, ""),
    ("C3", [WRONG, BY_ROUNDING], NOT_YET_MEASURED, ""),
]
"""Claim, changes, verdict, and words of its range."""


@pytest.mark.parametrize(("name", "changes", "verdict", "words"), DECIDED)
def test_claim_is_judged_by_what_can_decide_it_and_names_the_rest(
    name: str, changes: list[Change], verdict: str, words: str
) -> None:
    claim = judged(*changes)[name]
    assert claim.verdict == verdict
    assert re.search(words, claim.range)


@pytest.mark.parametrize("setting_of_its_own", [{"density": "square"}, {"boundary": "zero"}])
def test_the_paper_is_judged_in_its_own_setting_only(setting_of_its_own: dict[str, str]) -> None:
    plan = EXPERIMENT.model_copy(update=setting_of_its_own)
    results = with_files(replace(results_of(true_world()), experiment=plan), true_world())
    claims = {claim.id: claim for claim in judge(results)}
    for name in ("C2", "C3", "C4", "C5", "C6", "C7", "C8"):
        assert claims[name].verdict == NOT_YET_MEASURED
        assert claims[name].range.endswith("on free space and with the mass |x|")
    assert claims["C9"].verdict == HOLDS


def test_banks_that_are_not_analysed_are_named() -> None:
    weights = PROJECT / "resources" / "banks" / "digits.safetensors"
    plan = load_experiment(EXPERIMENT.model_dump() | {"filter_banks": [str(weights)]})
    results = with_files(replace(results_of(true_world()), experiment=plan), true_world())
    claim = next(claim for claim in judge(results) if claim.id == "C10")
    assert claim.range.endswith("Not analysed yet: digits")


def test_weights_before_training_decide_nothing() -> None:
    claim = judged(setting("layers", "low_frequency_share", 0.99, "not trained"))["C10"]
    assert claim.verdict == REPRODUCED
    above = next(figure for figure in claim.figures if "before training" in figure.name)
    assert above.value == 100.0


def networks_of(shares: list[float]) -> Change:
    """Return a world of networks of twelve layers, in some of which low frequencies dominate."""

    def change(world: Tables) -> None:
        layer = world["layers"][lambda rows: rows.trained & (rows["name"] == "conv2")]
        parts = [
            pd.concat([layer] * 12, ignore_index=True).assign(
                bank=f"net{number}",
                name=[f"conv{depth}" for depth in range(12)],
                low_frequency_share=np.where(np.arange(12) < round(12 * passing), 0.8, 0.45),
            )
            for number, passing in enumerate(shares)
        ]
        world["layers"] = pd.concat(parts, ignore_index=True)

    return change


def none_above_chance(world: Tables) -> None:
    world["layers"]["null_low_frequency_limit"] = 0.9


CENSUSES = [
    ([0.9] * 12, [], REPRODUCED),
    # Networks differ: more than half on average, but not surely.
    ([0.0] * 5 + [1.0] * 7, [], IN_PART),
    # Rarely dominated, but always above chance.
    ([0.1] * 12, [], IN_PART),
    ([0.1] * 12, [none_above_chance], NOT_REPRODUCED),
]


@pytest.mark.parametrize(("shares", "changes", "verdict"), CENSUSES)
def test_many_networks_are_judged_by_their_mean(
    shares: list[float], changes: list[Change], verdict: str
) -> None:
    claim = judged(networks_of(shares), *changes)["C10"]
    assert claim.verdict == verdict
    assert re.match(r"\d+ of 144 layers of 12 networks; \d+ of 144 are above chance", claim.range)
    figures = {figure.name: figure.value for figure in claim.figures}
    assert "of the layers pass, mean of 12 networks" in figures
    slope = figures["change of the share over the depth"]
    assert slope is not None
    # Low frequencies dominate the first layers of each network.
    assert slope <= 1e-12


def test_verdict_changes_with_its_own_data_only() -> None:
    right, false = judged(), judged(*dict(FALSE)["C2"])
    assert {key for key in right if right[key].verdict != false[key].verdict} == {"C2"}


def test_nothing_to_judge_by_is_not_yet_measured() -> None:
    nothing = {name: table.iloc[:0] for name, table in true_world().items()}
    tables = (nothing["metrics"].astype({"ill_conditioned": bool}), nothing["mechanics"])
    fits = true_fits().iloc[:0], pd.DataFrame()
    results = Results(EXPERIMENT, Path(), *tables, nothing["kernels"], *fits)
    claims = judge(with_files(results, nothing))
    assert {claim.verdict for claim in claims} == {NOT_YET_MEASURED}
    assert all(claim.range.startswith("needs ") for claim in claims)


def test_the_largest_miss_of_the_law_is_one_of_means_over_the_angles(tmp_path: Path) -> None:
    config = SMALL | {"sizes": [3], "angles": [0, 45], "steps": 16, "horizons": [8]}
    results = Results.load(run(tmp_path, config), tmp_path)
    law = next(claim for claim in judge(results) if claim.id == "C4")
    miss = {figure.name: figure.value for figure in law.figures if "largest miss" in figure.name}
    mixed = max(value for name, value in miss.items() if "for ρ < 1, relu" in name)
    every = max(value for name, value in miss.items() if "= ρ, relu" in name)
    # Those below rho = 1 are a part of the same points.
    assert 0 < mixed <= every + 1e-12
