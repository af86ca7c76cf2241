"""Training: what is frozen stays so, gradients are right, and no kill changes a bit."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mechcore.errors import MechcoreError
from mechcore.experiment.training import ACTIVATIONS as NAMES
from mechcore.experiment.training import TrainingRun
from mechcore.filters.bank import load_bank
from mechcore.io.arrays import Array
from mechcore.model import activations as model_activations
from mechcore.model.dct_groups import components, dct_bases
from mechcore.training.array_files import read_weights
from mechcore.training.data import Data, Part
from mechcore.training.trajectory import read_trajectory, write_training
from tests.helpers.studies import few_digits, training_run

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mechcore.training.network import ACTIVATIONS, Network  # noqa: E402
from mechcore.training.train import train  # noqa: E402

FROZEN = 1e-12
"""What the project promises: kernels of size 1 are sums of 9 products in float64."""


@pytest.fixture(scope="module")
def data() -> Data:
    return few_digits()


@pytest.fixture(scope="module")
def trained(data: Data) -> tuple[dict[str, Array], dict[str, Array]]:
    return train(training_run(), data)


def frozen(history: dict[str, Array], run: TrainingRun) -> Array:
    """The shares of the components that are not trained, at each epoch."""
    return history["dct_share"][..., ~components(run.trainable, run.size)]


@pytest.mark.parametrize(
    "changes",
    [
        {"restriction": "1"},
        {"restriction": "d01-d11", "architecture": "residual", "activation": "tanh"},
        {"restriction": "3", "size": 2, "activation": "modulus"},
        {"restriction": "6", "size": 5, "epochs": 1},
        {"cut": "3"},
    ],
)
def test_what_is_frozen_stays_zero_at_every_epoch(
    changes: dict[str, object], data: Data, trained: tuple[dict[str, Array], Any]
) -> None:
    run = training_run(**changes)
    weights, history = train(run, data, trained[0] if run.cut else None)
    assert frozen(history, run).max() <= FROZEN**2
    bases = dct_bases(run.size)[~components(run.trainable, run.size)]
    for number in (1, 2):
        along = np.tensordot(weights[f"conv{number}.weight"], bases, ([2, 3], [1, 2]))
        assert np.abs(along).max() <= FROZEN
    # And the rest was trained.
    assert np.ptp(history["energy"], axis=0).min() > 1e-6


def test_a_cut_keeps_the_other_components_of_the_trained_network(
    data: Data, trained: tuple[dict[str, Array], Any]
) -> None:
    before = trained[0]
    network = Network(training_run(cut="4"), data, before)
    kept = dct_bases(3)[components("4", 3)]
    for number, kernels in enumerate(network.kernels(), start=1):
        old, new = (
            np.tensordot(part, kept, ([2, 3], [1, 2]))
            for part in (before[f"conv{number}.weight"], kernels)
        )
        np.testing.assert_allclose(new, old, atol=FROZEN)
    np.testing.assert_array_equal(network.weights()["linear.weight"], before["linear.weight"])


def test_weights_of_another_network_are_refused(
    data: Data, trained: tuple[dict[str, Array], Any]
) -> None:
    with pytest.raises(MechcoreError, match="start: weights of the shapes"):
        Network(training_run(cut="3", width=4), data, trained[0])


def plain_training(run: TrainingRun, data: Data) -> dict[str, Array]:
    """The same training with layers of PyTorch, whose kernels are their own parameters."""
    start = Network(run, data, None).weights()
    channels = [data.channels, *[run.width] * run.depth]
    layers = [
        torch.nn.Conv2d(*pair, run.size, padding=run.size // 2, dtype=torch.float64)
        for pair in pairwise(channels)
    ]
    linear = torch.nn.Linear(start["linear.weight"].shape[1], 10, dtype=torch.float64)
    names = [f"conv{number}" for number in range(1, run.depth + 1)]
    modules = dict(zip(names, layers, strict=True)) | {"linear": linear}
    for name, module in modules.items():
        tensors = {part: torch.from_numpy(start[f"{name}.{part}"]) for part in ("weight", "bias")}
        module.load_state_dict(tensors)
    parameters = [value for module in modules.values() for value in module.parameters()]
    optimiser = torch.optim.SGD(parameters, lr=run.rate, momentum=run.momentum)
    inputs, targets = map(torch.from_numpy, data.train)
    for epoch in range(run.epochs):
        order = np.random.default_rng([run.seed, epoch + 1]).permutation(len(inputs))
        batches = torch.split(torch.from_numpy(order), run.batch)
        for step, chosen in enumerate(batches):
            done = (epoch + step / len(batches)) / run.epochs
            optimiser.param_groups[0]["lr"] = run.rate * (1 + np.cos(np.pi * done)) / 2
            state = inputs[chosen]
            for layer in layers:
                state = torch.relu(layer(state))
            scores = linear(torch.nn.functional.max_pool2d(state, 2).flatten(1))
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(scores, targets[chosen]).backward()
            optimiser.step()
    return {
        f"{name}.{part}": value.detach().numpy()
        for name, module in modules.items()
        for part, value in module.named_parameters()
    }


def test_all_components_together_are_plain_training(
    data: Data, trained: tuple[dict[str, Array], Any]
) -> None:
    for name, values in plain_training(training_run(), data).items():
        # Descent turns with the basis; 14 steps multiply rounding by less than a thousand.
        np.testing.assert_allclose(trained[0][name], values, atol=1e-12)


@pytest.mark.parametrize("activation", [*ACTIVATIONS])
@pytest.mark.parametrize("architecture", ["plain", "residual"])
def test_gradients_are_those_of_finite_differences(
    architecture: str, activation: str, rng: np.random.Generator
) -> None:
    run = training_run(architecture=architecture, activation=activation, restriction="3", width=2)
    data = Data(*(Part(rng.random((3, 1, 4, 4)), np.array([0, 1, 2])) for _ in "ab"))
    network = Network(run, data, None)
    images, labels = torch.from_numpy(data.train.images), torch.from_numpy(data.train.labels)

    def loss() -> Any:
        return torch.nn.functional.cross_entropy(network(images), labels)

    loss().backward()
    step = 1e-6
    with torch.no_grad():
        for parameter in network.parameters():
            place = tuple(rng.integers(size) for size in parameter.shape)
            values = []
            for sign in (1, -1):
                parameter[place] += sign * step
                values.append(loss().item())
                parameter[place] -= sign * step
            slope = (values[0] - values[1]) / (2 * step)
            # Rounding of the losses, 1e-16 over the step, and its square.
            assert parameter.grad[place].item() == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_every_activation_of_a_study_is_that_of_the_grid(rng: np.random.Generator) -> None:
    assert tuple(ACTIVATIONS) == NAMES
    values = 3 * rng.standard_normal(50)
    for name, function in ACTIVATIONS.items():
        # Both round to a few units in the last place.
        expected = model_activations.ACTIVATIONS[name].array(values)
        np.testing.assert_allclose(function(torch.from_numpy(values)), expected, atol=1e-14)


def files(folder: Path, run: TrainingRun, data: Data, **options: Any) -> dict[str, bytes]:
    write_training(run, data, *train(run, data, **options), folder / "net.nc")
    return {path.name: path.read_bytes() for path in sorted(folder.glob("net.*"))}


@pytest.mark.parametrize("task", ["digits", "photographs"])
def test_one_seed_gives_equal_files(task: str, data: Data, tmp_path: Path) -> None:
    if task == "photographs":
        images = np.random.default_rng(0).random((40, 1, 6, 6))
        data = Data(Part(images, None), Part(images[:10], None))
    first, again, other = (
        files(tmp_path / name, training_run(seed=seed, data=task), data)
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    )
    assert first.keys() == {"net.md", "net.nc", "net.safetensors"}
    assert first == again
    assert all(first[name] != other[name] for name in first)


class Killed(Exception):  # noqa: N818 - it is what happens
    """Stands for the end of a process after an epoch."""


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_training_goes_on_after_every_epoch(
    epoch: int, data: Data, trained: tuple[Any, Any], tmp_path: Path
) -> None:
    def end(line: str) -> None:
        if line.startswith(f"epoch {epoch} "):
            raise Killed

    state = tmp_path / "state.safetensors"
    with pytest.raises(Killed):
        train(training_run(), data, None, state, end)
    lines: list[str] = []
    weights, history = train(training_run(), data, None, state, lines.append)
    assert len(lines) == 2 - epoch
    for name, values in (trained[0] | trained[1]).items():
        np.testing.assert_array_equal((weights | history)[name], values)


@pytest.mark.parametrize("change", [{"seed": 1}, {"rate": 0.01}])
def test_a_state_of_another_training_is_not_used(
    change: dict[str, object], data: Data, tmp_path: Path
) -> None:
    state = tmp_path / "state.safetensors"
    train(training_run(**change), data, None, state)
    lines: list[str] = []
    train(training_run(), data, None, state, lines.append)
    assert len(lines) == 2
    state.write_bytes(state.read_bytes()[:1000])
    train(training_run(epochs=1), data, None, state, lines.append)
    assert len(lines) == 3


KILLS = """
import json, os, random, signal, sys, time
from pathlib import Path
from mechcore.cli import main
import mechcore.cli.train, mechcore.training.train, mechcore.training.trajectory
import sklearn.datasets, xarray

def attempt(seconds, output):
    child = os.fork()
    if child == 0:
        # Its default action ends the process at once, as SIGKILL does.
        signal.setitimer(signal.ITIMER_REAL, seconds)
        words = ["train", sys.argv[1], "--output", f"{output}.nc", "--state", f"{output}.state"]
        try:
            main(words)
        except SystemExit as end:
            os._exit(end.code or 0)
    return os.waitpid(child, 0)[1]

began = time.monotonic()
assert attempt(1000, "undisturbed") == 0
whole = time.monotonic() - began
chance, kills = random.Random(0), 0
# More each time, so that there is an end on a machine of any speed.
while attempt(whole * (0.2 + 0.1 * kills) * chance.uniform(0.5, 1.0), "killed"):
    kills += 1
    assert kills < 40
print(kills)
"""


def test_kills_at_any_moment_change_no_bit(tmp_path: Path) -> None:
    run = training_run(epochs=6)
    words = [sys.executable, "-c", KILLS, run.to_json()]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout.splitlines()[-1]) >= 2
    for suffix in (".nc", ".safetensors", ".md"):
        contents = {
            (tmp_path / name).with_suffix(suffix).read_bytes() for name in ("undisturbed", "killed")
        }
        assert len(contents) == 1


def test_weights_are_a_bank(data: Data, tmp_path: Path) -> None:
    run = training_run()
    write_training(run, data, *train(run, data), tmp_path / "net.nc")
    trajectory = read_trajectory(tmp_path / "net.nc", run)
    assert dict(trajectory.sizes) == {"epoch": 3, "layer": 2, "v": 3, "u": 3}
    layers = load_bank(tmp_path / "net.safetensors").layers
    assert [layer.name for layer in layers] == ["conv1.weight", "conv2.weight"]
    weights = read_weights(tmp_path / "net.safetensors")["conv2.weight"]
    # Networks correlate, banks convolve.
    np.testing.assert_array_equal(layers[1].kernels[:, :, 0], weights[..., ::-1, ::-1])
    with pytest.raises(MechcoreError, match="settings"):
        read_trajectory(tmp_path / "net.nc", training_run(seed=1))


def test_a_training_that_diverges_is_one_line(data: Data) -> None:
    run = training_run(rate=10.0, activation="identity", epochs=9)
    with pytest.raises(MechcoreError, match="no longer finite, expected a rate below 10"):
        train(run, data)


def test_training_raises_the_accuracy_above_chance(data: Data) -> None:
    score = train(training_run(epochs=8, width=12), data)[1]["score"]
    assert score[0] < 0.3
    assert score[-1] > 0.5
