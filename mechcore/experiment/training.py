"""Networks that an experiment trains: the axes of the study, and the runs that they give."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mechcore.errors import InvalidValue, check_path, shown
from mechcore.experiment.naming import FILE_ID
from mechcore.experiment.weight_files import bank_names, check_weights
from mechcore.io.json_models import KeyOf, Settings, refuse_repeats
from mechcore.model.dct_groups import ALL, components

MOST_RUNS = 10_000

MOST_KERNELS = 400_000
"""Of the convolutions of a network, width x width x depth: a training takes 1.5 GB."""

DATA = {
    "digits": "handwritten digits of 8x8 pixels, to be named",
    "photographs": "patches of two photographs with noise, to be removed",
}
"""Data that ship with scikit-learn."""

IMAGES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Architecture:
    """How the convolutions of a network are connected."""

    residual: bool
    """Whether each convolution but the first is added to its input."""
    mean: bool
    """Whether a classifier sees the mean over all positions; else it sees every position."""


ARCHITECTURES = {
    "plain": Architecture(residual=False, mean=False),
    "residual": Architecture(residual=True, mean=True),
}
"""In small, what sets VGG16 and ResNet50 apart."""


def _restriction(value: object) -> str:
    """Numbers of components are written as numbers."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidValue("", value, "an integer, all, or groups such as d00-d11")
    return str(value)


def _accept_number(schema: dict[str, Any]) -> None:
    schema["anyOf"].insert(1, {"type": "integer"})


Restriction = Annotated[str, BeforeValidator(_restriction)]


class Initialisation(Settings):
    """How kernels start: He's normal law, of which some components are left or shaped.

    Each kernel keeps the energy that He's law gave it.
    """

    odd_share: float | None = Field(
        default=None,
        allow_inf_nan=False,
        ge=0,
        le=1,
        description="odd share of the energy of each kernel",
    )
    components: Restriction | None = Field(
        default=None,
        description="DCT components that are not zero, as in restrictions",
        json_schema_extra=_accept_number,
    )
    spectrum: str | None = Field(
        default=None, description="weight file whose mean DCT spectrum the kernels have"
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        chosen = [name for name, value in self if value is not None]
        if len(chosen) > 1:
            raise InvalidValue("initialisation", ", ".join(chosen), "one of them")
        if self.spectrum is not None:
            check_path("spectrum", self.spectrum)
            check_weights(Path(self.spectrum), "spectrum")
        return self

    @property
    def label(self) -> str:
        """Name, as files and figures show it."""
        for name, known in INITIALISATIONS.items():
            if self == known:
                return name
        if self.odd_share is not None:
            return f"odd{self.odd_share:g}"
        if self.components is not None:
            return f"only-{self.components}"
        return f"like-{bank_names([str(self.spectrum)])[0]}"


INITIALISATIONS = {
    "he": Initialisation(),
    "even": Initialisation(odd_share=0.0),
    "gradients": Initialisation(components="3"),
}
"""Initialisations with a name; gradients are DC and the two gradients."""


def _named(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in INITIALISATIONS:
        names = ", ".join(INITIALISATIONS)
        allowed = f"one of {names}, or a mapping such as {{odd_share: 0.5}}"
        raise InvalidValue("", value, allowed)
    return INITIALISATIONS[value]


def _accept_names(schema: dict[str, Any]) -> None:
    schema["items"] = {
        "anyOf": [{"type": "string", "enum": list(INITIALISATIONS)}, schema["items"]]
    }
    schema["default"] = ["he"]


def _accept_numbers(schema: dict[str, Any]) -> None:
    schema["items"] = {"anyOf": [{"type": "string"}, {"type": "integer"}]}


ACTIVATIONS = ("identity", "relu", "modulus", "leaky_relu", "softplus", "gelu", "tanh")
"""Activations that PyTorch computes; own ones of the grid have no gradient."""

ActivationName = Annotated[str, KeyOf(dict.fromkeys(ACTIVATIONS))]
ArchitectureName = Annotated[str, KeyOf(ARCHITECTURES)]
Start = Annotated[Initialisation, BeforeValidator(_named)]
TrainedSize = Annotated[int, Field(ge=2, le=9)]


class Learning(Settings):
    """What all runs of a study have in common."""

    data: str = Field(
        default="digits",
        description="digits, photographs, a folder of images (one folder a class), or a .npz file "
        "with images and labels",
    )
    width: int = Field(default=16, ge=1, le=1024, description="channels of each convolution")
    depth: int = Field(default=3, ge=1, le=100, description="convolutions")
    batch: int = Field(default=32, ge=1, le=100_000, description="examples of a step")
    rate: float = Field(
        default=0.05,
        allow_inf_nan=False,
        ge=1e-9,
        le=10,
        description="learning rate at first; it falls to 0 as a cosine",
    )
    momentum: float = Field(
        default=0.9, allow_inf_nan=False, ge=0, le=0.9999, description="momentum of the descent"
    )

    @model_validator(mode="after")
    def _fits_into_memory(self) -> Self:
        if self.width**2 * self.depth > MOST_KERNELS:
            kernels = f"{self.width} x {self.width} x {self.depth} kernels"
            raise InvalidValue("width", kernels, f"at most {MOST_KERNELS}")
        return self

    @field_validator("data")
    @classmethod
    def _is_there(cls, value: str) -> str:
        check_path("data", value)
        path = Path(value)
        is_archive = path.suffix == ".npz" and path.is_file()
        if value not in DATA and not path.is_dir() and not is_archive:
            raise InvalidValue("data", value, f"{', '.join(DATA)}, a folder, or a .npz file")
        return value

    @property
    def files(self) -> list[str]:
        """Paths of the files of the user's own data."""
        if self.data in DATA:
            return []
        path = Path(self.data)
        if path.is_file():
            return [self.data]
        return sorted(str(file) for file in path.rglob("*") if file.suffix.lower() in IMAGES)


class TrainingRun(Learning):
    """One training."""

    architecture: ArchitectureName
    size: TrainedSize
    activation: ActivationName
    restriction: Restriction
    initialisation: Start
    seed: int = Field(ge=0)
    epochs: int = Field(ge=1)
    cut: Restriction | None = None
    """What is left of the kernels of a trained network before it is fine-tuned."""

    @property
    def id(self) -> str:
        """Name, as files show it."""
        return f"{self.condition}-s{self.seed}"

    @property
    def named_files(self) -> list[str]:
        """Paths of the user's files that it reads."""
        spectrum = self.initialisation.spectrum
        return [*self.files, *([spectrum] if spectrum else [])]

    @property
    def condition(self) -> str:
        """What it has in common with its replicates."""
        start = self.initialisation.label if self.cut is None else f"cut-{self.cut}"
        return f"{self.architecture}-k{self.size}-{self.activation}-{self.restriction}-{start}"

    @property
    def trainable(self) -> str:
        """The components of its kernels that are trained; the others are zero."""
        return self.restriction if self.cut is None else self.cut


class Training(Learning):
    """A study: networks that differ along some axes, each trained from several seeds."""

    architectures: list[ArchitectureName] = Field(
        default=["plain"], min_length=1, description=f"{', '.join(ARCHITECTURES)}"
    )
    sizes: list[TrainedSize] = Field(default=[3], min_length=1, description="kernel sizes k")
    activations: list[ActivationName] = Field(
        default=["relu"], min_length=1, description="activations"
    )
    restrictions: list[Restriction] = Field(
        default=[ALL],
        min_length=1,
        description="DCT components that are trained, the others are zero: all, a number of the "
        "first (1, 3, 4, 6, 8, 9), or groups such as d00-d11",
        json_schema_extra=_accept_numbers,
    )
    initialisations: list[Start] = Field(
        default=[INITIALISATIONS["he"]],
        min_length=1,
        description="names, or mappings of one of odd_share, components and spectrum",
        json_schema_extra=_accept_names,
    )
    cuts: list[Restriction] = Field(
        default=[],
        description="networks of the first restriction and initialisation are cut down to these "
        "components and fine-tuned",
        json_schema_extra=_accept_numbers,
    )
    seeds: int = Field(default=5, ge=1, le=1000, description="replicates of each condition")
    epochs: int = Field(default=20, ge=1, le=100_000, description="epochs")
    epochs_after_cut: int = Field(
        default=8, ge=1, le=100_000, description="epochs of fine-tuning after a cut"
    )
    published: str | None = Field(
        default=None,
        description="table of the authors' networks, with network, components, epoch, accuracy",
    )

    @field_validator("published")
    @classmethod
    def _is_a_file(cls, value: str | None) -> str | None:
        if value is not None:
            check_path("published", value)
            if not Path(value).is_file():
                raise InvalidValue("published", value, "a file")
        return value

    @model_validator(mode="after")
    def _is_a_study(self) -> Self:
        for name in ("architectures", "sizes", "activations", "restrictions", "cuts"):
            refuse_repeats(name, getattr(self, name))
        refuse_repeats("initialisations", [start.label for start in self.initialisations])
        for size in self.sizes:
            for restriction in (*self.restrictions, *self.cuts):
                components(restriction, size)
            for start, restriction in product(self.initialisations, self.restrictions):
                _check_start(start, restriction, size)
        runs = planned_runs(self)
        if len(runs) > MOST_RUNS:
            raise InvalidValue("training", f"{len(runs)} runs", f"at most {MOST_RUNS}")
        for name in runs:
            if not re.fullmatch(FILE_ID, name):
                allowed = "a spectrum whose file has a name of letters, digits, dots and dashes"
                raise InvalidValue("run", name, allowed)
        return self


def _check_start(start: Initialisation, restriction: str, size: int) -> None:
    """Refuse a start that the restriction makes impossible."""
    kept = components(restriction, size)
    if start.components is not None and not (kept & components(start.components, size)).any():
        raise InvalidValue("components", start.components, f"some of restriction {restriction}")
    odd = [bool((v + u) % 2) for v, u in zip(*kept.nonzero(), strict=True)]
    share = start.odd_share
    if share is not None and ((share > 0 and not any(odd)) or (share < 1 and all(odd))):
        text = f"a share that components {shown(restriction)} can have"
        raise InvalidValue("odd_share", share, text)


def planned_runs(training: Training | None) -> dict[str, TrainingRun]:
    """Return the runs of a study by name."""
    if training is None:
        return {}
    shared = {name: getattr(training, name) for name in Learning.model_fields}
    axes = ("architectures", "sizes", "activations", "restrictions", "initialisations")
    runs = []
    for *place, seed in product(*(getattr(training, axis) for axis in axes), range(training.seeds)):
        values = dict(zip((axis[:-1] for axis in axes), place, strict=True))
        own = shared | values | {"seed": seed, "epochs": training.epochs}
        runs.append(TrainingRun.model_construct(**own))
        if [place[3], place[4]] == [training.restrictions[0], training.initialisations[0]]:
            own["epochs"] = training.epochs_after_cut
            runs += [TrainingRun.model_construct(**own, cut=cut) for cut in training.cuts]
    return {run.id: run for run in runs}


def trained_before(run: TrainingRun) -> str | None:
    """Return the name of the run whose weights a run starts from, if it does."""
    return None if run.cut is None else run.model_copy(update={"cut": None}).id
