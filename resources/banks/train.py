"""Train the networks of this folder: `python resources/banks/train.py [NAME ...]`.

For each network of `networks.py` this writes the trained weights, the weights before the first
step, and a card of both.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import sklearn
import torch
from networks import NETWORKS, Data, Network, Residual, with_noise
from safetensors.torch import save
from torch import Tensor, nn

FOLDER = Path(__file__).parent

SEED = 0
"""Of the initial weights, the order of the examples, and the noise that is added to them."""

TENTHS = 10
"""Parts of the training of which the mean loss is written down, to see that it levels off."""


def initialised(network: Network, seed: int) -> nn.Module:
    """Return the network before the first step, as PyTorch initialises it by default."""
    torch.manual_seed(seed)
    return network.build()


def batches(data: Data, network: Network, generator: torch.Generator) -> Iterator[list[Tensor]]:
    """Give inputs and targets without end: each example once an epoch, in an order by chance."""
    while True:
        order = torch.randperm(len(data.inputs), generator=generator)
        for chosen in torch.split(order, network.batch):
            inputs = with_noise(data.inputs[chosen], network.noise, generator)
            yield [inputs, data.targets[chosen]]


def steps_of(network: Network, data: Data) -> int:
    """Return how many steps the epochs of a network are; the last batch may be a smaller one."""
    return network.epochs * -(-len(data.inputs) // network.batch)


def train(network: Network, data: Data, seed: int, steps: int) -> tuple[nn.Module, list[float]]:
    """Train a network from the start; return it and the loss of each step."""
    model = initialised(network, seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=network.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)
    chance, losses = torch.Generator().manual_seed(seed), []
    for inputs, targets in islice(batches(data, network, chance), steps):
        optimiser.zero_grad()
        loss = network.loss(model(inputs), targets)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return model, losses


def repeatable() -> None:
    """Have PyTorch compute in the same order in every run."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)


def architecture(model: nn.Module) -> str:
    """Return the layers of a network in words, but for those that only add zeros."""
    layers = dict(model.named_children()).items()
    named = (
        described(name, layer) for name, layer in layers if not isinstance(layer, nn.ZeroPad2d)
    )
    end = "; their output is taken away from the input" if isinstance(model, Residual) else ""
    return ", ".join(named) + end


def described(name: str, layer: nn.Module) -> str:
    """Return name, kernel and channels of a layer, as far as it has them."""
    if isinstance(layer, nn.Conv2d):
        height, width = layer.kernel_size
        return f"{name} {height}x{width} {layer.in_channels} to {layer.out_channels}"
    if isinstance(layer, nn.Linear):
        return f"{name} {layer.in_features} to {layer.out_features}"
    return name


def facts_of(name: str, data: Data) -> dict[str, str]:
    """Return the facts about a network that its training does not change."""
    network = NETWORKS[name]
    scores = network.baselines(data).items()
    return {
        "network": name,
        **network.words,
        "architecture": architecture(network.build()),
        "padding": "zeros, so that images keep their size, as PyTorch's `same`: for an even kernel "
        "one more on the right and at the bottom than on the left and at the top",
        "training examples": "x".join(map(str, data.inputs.shape)),
        "test examples": "x".join(map(str, data.test_inputs.shape)),
        "augmentation": "none, so that no symmetry is put into the weights",
        "noise in training": f"standard deviation {network.noise:.4f}, new in each epoch"
        if network.noise
        else "none",
        "initialisation": "PyTorch's default",
        "seed": str(SEED),
        "optimiser": "Adam with its default settings, weight decay 0",
        "learning rate": f"{network.rate:g}, falling to 0 along a cosine",
        "batch": str(network.batch),
        "precision": "float32",
        **{f"score of {what}": f"{score:.{network.decimals}f}" for what, score in scores},
        "licence": "MIT, like mechcore; please name the authors of the data as well",
        "torch": str(torch.__version__),
        "scikit-learn": sklearn.__version__,
        "command": f"python resources/banks/train.py {name}",
    }


def by_tenth(losses: list[float]) -> str:
    """Return the mean loss of each tenth of the training, if there was any."""
    parts = np.array_split(losses, TENTHS) if losses else []
    return " ".join(f"{part.mean():.3g}" for part in parts) or "none"


def results_of(name: str, model: nn.Module, data: Data, losses: list[float]) -> dict[str, str]:
    """Return the facts about a network that its training changes."""
    network = NETWORKS[name]
    return {
        "state": "trained" if losses else "untrained",
        "epochs": str(network.epochs if losses else 0),
        "score": f"{network.score(model, data):.{network.decimals}f}",
        "training loss, mean of each tenth": by_tenth(losses),
    }


def bank_bytes(model: nn.Module, facts: dict[str, str]) -> bytes:
    """Return the weights as a safetensors file, with the facts in their own order.

    The library writes them in an order that differs from run to run, so the header is written anew:
    its length in 8 bytes, and JSON filled up with spaces to a multiple of 8.
    """
    word = 8
    content = save(model.state_dict(), metadata=facts)
    end = word + int.from_bytes(content[:word], "little")
    header = json.dumps(json.loads(content[word:end]) | {"__metadata__": facts}).encode()
    header += b" " * (-len(header) % word)
    return len(header).to_bytes(word, "little") + header + content[end:]


def card(facts: dict[str, str], trained: dict[str, str], untrained: dict[str, str]) -> str:
    """Return the page about both banks of a network."""
    name = facts["network"]
    shared = "\n".join(f"| {fact} | {text} |" for fact, text in facts.items())
    changed = "\n".join(f"| {fact} | {trained[fact]} | {untrained[fact]} |" for fact in trained)
    return f"""# {name}

A small network that {facts["task"]}.

`{name}.safetensors` holds its weights after the training, `{name}-untrained.safetensors` those
of the same seed before the first step. Both files carry as metadata what is written here.

| | {name}.safetensors | {name}-untrained.safetensors |
|---|---|---|
{changed}

| | both |
|---|---|
{shared}

The command makes the same bytes again on the same machine with the same versions. Others add up
floating-point numbers in another order, so that their weights may differ, at first in the last
digits.
"""


def write(name: str, folder: Path) -> str:
    """Train a network, write its banks and its card, and return its score."""
    network = NETWORKS[name]
    data = network.data()
    untrained = initialised(network, SEED)
    trained, losses = train(network, data, SEED, steps_of(network, data))
    facts = facts_of(name, data)
    before = results_of(name, untrained, data, [])
    after = results_of(name, trained, data, losses)
    (folder / f"{name}.safetensors").write_bytes(bank_bytes(trained, facts | after))
    (folder / f"{name}-untrained.safetensors").write_bytes(bank_bytes(untrained, facts | before))
    (folder / f"{name}.md").write_text(card(facts, after, before), encoding="utf-8")
    return after["score"]


def main() -> None:
    """Train the networks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="FOLDER")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NETWORKS)
    if unknown:
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    repeatable()
    for name in arguments.names or NETWORKS:
        print(f"{name}: {NETWORKS[name].words['score is']}: {write(name, arguments.output)}")


if __name__ == "__main__":
    main()
