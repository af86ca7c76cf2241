"""The weight banks of `resources/banks` are what the script makes, and do what their cards say."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.helpers.projects import PROJECT

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors")
pytest.importorskip("sklearn")

FOLDER = PROJECT / "resources" / "banks"
NAMES = ("digits", "denoiser")
STATES = {"trained": "", "untrained": "-untrained"}
LARGEST = 200_000
"""Bytes of a bank, which is part of the repository."""

KERNELS = {2, 3, 5}
STEPS = 3


def module_of(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


networks, train = module_of("networks"), module_of("train")


@pytest.fixture(autouse=True, scope="module")
def _repeatable() -> Iterator[None]:
    """Compute as the script does, and leave PyTorch to others as it was."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    train.repeatable()
    yield
    torch.set_num_threads(before[0])
    torch.use_deterministic_algorithms(before[1])


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def data(name: str) -> Any:
    return networks.NETWORKS[name].data()


def path_of(name: str, state: str) -> Path:
    return FOLDER / f"{name}{STATES[state]}.safetensors"


def bank(name: str, state: str) -> tuple[dict[str, Any], dict[str, str]]:
    with safetensors.safe_open(path_of(name, state), framework="pt") as file:
        return {layer: file.get_tensor(layer) for layer in file.keys()}, file.metadata()  # noqa: SIM118


def differing(first: dict[str, Any], second: dict[str, Any]) -> set[str]:
    assert first.keys() == second.keys()
    return {layer for layer, weights in first.items() if not torch.equal(weights, second[layer])}


def test_the_seed_decides_the_weights(name: str, data: Any) -> None:
    network = networks.NETWORKS[name]
    first, again, other = (
        train.train(network, data, seed, STEPS)[0].state_dict() for seed in (1, 1, 2)
    )
    assert not differing(first, again)
    assert differing(first, other) == set(first)


@pytest.mark.parametrize("state", STATES)
def test_the_weights_reach_the_score_of_their_metadata(name: str, data: Any, state: str) -> None:
    network = networks.NETWORKS[name]
    weights, facts = bank(name, state)
    model = network.build()
    model.load_state_dict(weights)
    # The last digit that is written: another machine adds up in another order.
    unit = 10.0**-network.decimals
    assert network.score(model, data) == pytest.approx(float(facts["score"]), rel=0, abs=unit)


def test_a_trained_network_is_better_than_no_network(name: str, data: Any) -> None:
    baselines = networks.NETWORKS[name].baselines(data)
    trained, untrained = (float(bank(name, state)[1]["score"]) for state in STATES)
    assert trained > max(*baselines.values(), untrained)
    if name == "digits":
        assert trained >= 0.98
    else:
        (blurred,) = (score for fact, score in baselines.items() if "best Gaussian filter" in fact)
        assert trained > blurred + 2


def test_untrained_weights_are_the_start_of_the_training(name: str) -> None:
    (trained, _), (untrained, facts) = (bank(name, state) for state in STATES)
    fresh = train.initialised(networks.NETWORKS[name], int(facts["seed"])).state_dict()
    assert not differing(untrained, fresh)
    assert differing(trained, untrained) == set(trained)


def test_a_bank_has_kernels_of_every_size_in_the_order_of_depth(name: str) -> None:
    tensors, _ = bank(name, "trained")
    sides = {tuple(tensor.shape[2:]) for tensor in tensors.values() if tensor.ndim == 4}
    assert sides == {(side, side) for side in KERNELS}
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())
    weights = [layer for layer in tensors if layer.endswith("weight")]
    built = [layer for layer in networks.NETWORKS[name].build().state_dict() if layer in weights]
    assert sorted(weights) == built


@pytest.mark.parametrize("state", STATES)
def test_a_bank_is_small_and_holds_nothing_but_weights_and_facts(name: str, state: str) -> None:
    content = path_of(name, state).read_bytes()
    assert len(content) < LARGEST
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    model = networks.NETWORKS[name].build()
    model.load_state_dict(bank(name, state)[0])
    assert train.bank_bytes(model, header["__metadata__"]) == content


def test_a_card_says_what_the_metadata_say(name: str) -> None:
    card = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    facts = {state: bank(name, state)[1] for state in STATES}
    assert facts["trained"].keys() == facts["untrained"].keys()
    for fact, text in facts["trained"].items():
        other = facts["untrained"][fact]
        row = [fact, text] if text == other else [fact, text, other]
        assert f"| {' | '.join(row)} |" in card


def test_a_photograph_is_tested_where_it_was_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    height, width = 40, networks.TEST_COLUMNS + 2 * networks.PATCH
    columns = np.broadcast_to(np.arange(width)[:, None], (height, width, len(networks.GREY)))
    photographs = SimpleNamespace(images=[columns, columns])
    monkeypatch.setattr(networks, "load_sample_images", lambda: photographs)
    data = networks.denoiser_data()
    # Each pixel is the number of its column; the weights of the colours add up to one.
    learned, tested = (images * networks.WHITE for images in (data.inputs, data.test_targets))
    assert learned.min().item() == pytest.approx(0, abs=1e-3)
    assert learned.max() < width - networks.TEST_COLUMNS - 0.5
    assert tested.min() > width - networks.TEST_COLUMNS - 0.5


def test_a_digit_is_tested_that_was_not_learned() -> None:
    data = networks.digits_data()
    learned, tested = (
        {image.numpy().tobytes() for image in images} for images in (data.inputs, data.test_inputs)
    )
    assert not learned & tested
