"""Trains one network, and measures it before the first epoch and after each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mechcore.errors import MechcoreError
from mechcore.experiment.training import TrainingRun
from mechcore.io.arrays import Array
from mechcore.io.fingerprint import code_fingerprint
from mechcore.training.array_files import read_arrays, write_arrays
from mechcore.training.data import NOISE, SPLIT_SEED, Data, Part
from mechcore.training.mechanics import layer_mechanics
from mechcore.training.network import Network, Weights

Examples = tuple[Tensor, Tensor]
"""Inputs and targets."""


def train(
    run: TrainingRun,
    data: Data,
    start: Weights | None = None,
    state_file: Path | None = None,
    report: Callable[[str], object] = str,
) -> tuple[Weights, dict[str, Array]]:
    """Return the weights of a trained network, and what was measured along the epochs from 0.

    With ``start`` its kernels are those of a trained network, cut to the components that are
    trained. ``state_file`` keeps the state after each epoch: if it is that of the same run, the
    training goes on from there, and ends with the weights of one that was never stopped.
    ``report`` gets a line after each epoch.
    """
    with _repeatable():
        trainer = _Trainer(run, data, start)
        made_by = trainer.made_by()
        known = read_arrays(state_file, made_by) if state_file else None
        if known:
            trainer.restore(known)
        while trainer.epoch < run.epochs:
            trainer.advance()
            if state_file:
                write_arrays(trainer.state(), made_by, state_file)
            report(trainer.line())
        return trainer.network.weights(), trainer.history


@contextmanager
def _repeatable() -> Iterator[None]:
    """Compute in the same order in every run, and leave PyTorch as it was."""
    # Where there is a GPU, its library wants to know before it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


class _Trainer:
    """A network, its optimiser and what was measured."""

    def __init__(self, run: TrainingRun, data: Data, start: Weights | None) -> None:
        self.run, self.data = run, data
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = Network(run, data, start).to(self.device)
        self.optimiser = torch.optim.SGD(
            self.network.parameters(), lr=run.rate, momentum=run.momentum
        )
        noise = np.random.default_rng(SPLIT_SEED)
        self.train, self.test = (self._examples(part, noise) for part in data)
        self.history: dict[str, Array] = {}
        self._measure()

    @property
    def epoch(self) -> int:
        return len(self.history["score"]) - 1

    def made_by(self) -> dict[str, object]:
        """What decides on the numbers: a state of something else is no use."""
        code = {"core": code_fingerprint("training"), "torch": str(torch.__version__)}
        return {"run": self.run.to_mapping(), "device": self.device, **code}

    def advance(self) -> None:
        """Train for an epoch: each example once, in an order by chance."""
        generator = np.random.default_rng([self.run.seed, self.epoch + 1])
        order = torch.from_numpy(generator.permutation(len(self.data.train.images)))
        inputs, targets = self._examples(self.data.train, generator)
        batches = torch.split(order.to(self.device), self.run.batch)
        for step, chosen in enumerate(batches):
            done = (self.epoch + step / len(batches)) / self.run.epochs
            self.optimiser.param_groups[0]["lr"] = self.run.rate * (1 + np.cos(np.pi * done)) / 2
            self.optimiser.zero_grad()
            loss = self._loss(self.network(inputs[chosen]), targets[chosen])
            loss.backward()
            self.optimiser.step()
        self._measure()

    def state(self) -> dict[str, Array]:
        """What a training needs to go on as if it had not been stopped.

        The order and the noise of an epoch follow from the seed and its number: no generator has a
        state that must be kept.
        """
        arrays = {f"history/{name}": values for name, values in self.history.items()}
        for name, value in self.network.named_parameters():
            arrays[f"parameters/{name}"] = _array(value)
            arrays[f"momenta/{name}"] = _array(self.optimiser.state[value]["momentum_buffer"])
        return arrays

    def restore(self, state: dict[str, Array]) -> None:
        with torch.no_grad():
            for name, value in self.network.named_parameters():
                value.copy_(torch.from_numpy(state[f"parameters/{name}"]))
                buffer = torch.from_numpy(state[f"momenta/{name}"]).to(self.device)
                self.optimiser.state[value]["momentum_buffer"] = buffer
        self.history = {name: state[f"history/{name}"] for name in self.history}

    def line(self) -> str:
        loss, score = (self.history[name][-1] for name in ("test_loss", "score"))
        return f"epoch {self.epoch} of {self.run.epochs}: loss {loss:.4g}, score {score:.4g}"

    def _examples(self, part: Part, generator: np.random.Generator) -> Examples:
        images = torch.from_numpy(part.images).to(self.device)
        if part.labels is not None:
            return images, torch.from_numpy(part.labels).to(self.device)
        noise = torch.from_numpy(NOISE * generator.standard_normal(part.images.shape))
        return images + noise.to(self.device), images

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if self.data.classes:
            return functional.cross_entropy(outputs, targets)
        return functional.mse_loss(outputs, targets)

    def _measure(self) -> None:
        numbers = self._scores() | self._mechanics()
        for name, value in numbers.items():
            row = np.asarray(value, dtype=np.float64)[np.newaxis]
            before = self.history.get(name)
            self.history[name] = row if before is None else np.concatenate([before, row])

    def _scores(self) -> dict[str, float]:
        with torch.no_grad():
            train_loss = self._loss(self.network(self.train[0]), self.train[1]).item()
            outputs, targets = self.network(self.test[0]), self.test[1]
            loss = self._loss(outputs, targets).item()
        if not np.isfinite([train_loss, loss]).all():
            raise MechcoreError(
                f"{self.run.id}: the loss is no longer finite, expected a rate below "
                f"{self.run.rate:g}"
            )
        if self.data.classes:
            score = (outputs.argmax(dim=1) == targets).double().mean().item()
        else:
            score = -10 * np.log10(loss)
        return {"train_loss": train_loss, "test_loss": loss, "score": score}

    def _mechanics(self) -> dict[str, Array]:
        layers = [layer_mechanics(kernels) for kernels in self.network.kernels()]
        return {name: np.stack([layer[name] for layer in layers]) for name in layers[0]}


def _array(value: Tensor) -> Array:
    array: Array = value.detach().cpu().numpy().copy()
    return array
