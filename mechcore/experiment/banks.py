"""The banks of an experiment: weight files to analyse, and how their kernels run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator

from mechcore.experiment.cell import ActivationName, Propagation
from mechcore.experiment.config import Experiment
from mechcore.experiment.public_weights import PublicWeights
from mechcore.experiment.weight_files import parts_of
from mechcore.experiment.weights import Reading
from mechcore.io.json_models import refuse_repeats


class FilterRun(Propagation, Reading):
    """How the kernels of a bank go through layers."""

    activations: list[ActivationName] = Field(min_length=1, description="activations")
    slices_per_layer: int = Field(ge=1, description="kernels of each layer that run, by energy")

    @property
    def names(self) -> dict[str, list[str]]:
        """What it uses of the tables that users extend."""
        return super().names | {"activations": self.activations}

    @field_validator("activations")
    @classmethod
    def _no_repeats(cls, value: list[str]) -> list[str]:
        refuse_repeats("activations", value)
        return value


@dataclass(frozen=True)
class PlannedBank:
    """A weight file to analyse."""

    name: str
    weights: str
    """Path of the file."""
    reading: Reading
    untrained: str | None
    """Name of the bank of the same network before training, if there is one."""
    trained: bool
    """Claims are judged by the kernels of trained networks."""
    activations: tuple[str, ...] = ()
    """Under which its kernels run: those of trained networks, unless the experiment wants none."""
    source: PublicWeights | None = None
    """The package to fetch it from."""

    @property
    def parts(self) -> list[str]:
        """Paths of the files beside it that hold its values, if there are any."""
        # What is fetched is one file, and may not be there yet.
        return [] if self.source else [str(part) for part in parts_of(Path(self.weights))[1:]]

    @property
    def runs(self) -> dict[str, str]:
        """The names of the runs of its kernels, by activation."""
        return {activation: f"{self.name}-{activation}" for activation in self.activations}


def planned_banks(experiment: Experiment) -> dict[str, PlannedBank]:
    """Return the banks of an experiment by name."""
    banks: dict[str, PlannedBank] = {}
    activations = tuple(experiment.activations) if experiment.slices_per_layer else ()
    for bank in experiment.filter_banks:
        name, *before = bank.names
        untrained = before[0] if before else None
        planned = PlannedBank(
            name,
            bank.weights,
            bank.reading,
            untrained,
            trained=True,
            activations=activations,
            source=bank.source,
        )
        banks[name] = planned
        if untrained and bank.untrained:
            banks[untrained] = PlannedBank(
                untrained, bank.untrained, bank.reading, None, trained=False
            )
    return banks


def filter_run(experiment: Experiment, bank: PlannedBank, activation: str) -> FilterRun:
    """Return how the kernels of a bank go through layers under an activation."""
    shared = {name: getattr(experiment, name) for name in Propagation.model_fields}
    # How far a kernel moves a whole pattern is enough.
    images = [pattern for pattern in experiment.patterns if pattern.region != "row"]
    return FilterRun(
        **shared | dict(bank.reading) | {"patterns": images or experiment.patterns},
        activations=[activation],
        slices_per_layer=experiment.slices_per_layer,
    )
