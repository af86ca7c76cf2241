"""A whole network of the configuration, and the images that it sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, FiniteFloat, field_validator, model_validator

from mechcore.errors import InvalidValue, check_path, shown
from mechcore.experiment.naming import check_name
from mechcore.experiment.public_weights import PublicWeights
from mechcore.experiment.weight_files import bank_names, check_weights
from mechcore.experiment.weights import format_of
from mechcore.io.json_models import Settings, refuse_repeats
from mechcore.model.image_sets import IMAGE_SETS, image_files

REAL = tuple(name for name, entry in IMAGE_SETS.items() if entry.real)
"""The sets that a network sees unless the configuration names others."""


class NetworkInput(Settings):
    """What a network makes of its images, and how much of it is looked at."""

    mean: list[FiniteFloat] = Field(
        default=[0.0],
        min_length=1,
        description="of the images (0 to 1), one number or one per channel; is subtracted",
    )
    scale: list[FiniteFloat] = Field(
        default=[1.0], min_length=1, description="factor after that, one number or one per channel"
    )
    size: int = Field(
        default=64, ge=1, le=4096, description="side of the images where the network takes any, px"
    )
    until: str | None = Field(default=None, description="last node to analyse")


class Network(NetworkInput):
    """A network as an ONNX file."""

    source: PublicWeights | None = Field(
        default=None, description="the package that holds the file, which is fetched if missing"
    )
    model: str = Field(description="ONNX file")
    name: str | None = Field(default=None, description="name of the network; that of the file")
    images: list[str] = Field(
        default=[*REAL],
        min_length=1,
        description=f"{', '.join(IMAGE_SETS)}, or a folder of .png, .jpg and .npy files",
    )

    @field_validator("model")
    @classmethod
    def _is_a_model(cls, value: str, info: Any) -> str:
        check_path("model", value)
        # A source that was refused is reported by itself.
        if not info.data.get("source", "refused"):
            check_weights(Path(value), "model")
            if format_of(Path(value)) != "onnx":
                raise InvalidValue("model", value, "an ONNX file")
        return value

    @field_validator("images")
    @classmethod
    def _are_images(cls, value: list[str]) -> list[str]:
        for name in value:
            check_path("images", name)
            if name not in IMAGE_SETS:
                image_files(Path(name))
        refuse_repeats("images", [image_label(name) for name in value])
        return value

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        hint = "" if self.name else f"; name it: {{model: {shown(self.model)}, name: mynet}}"
        check_name("name of the network", self.label, hint)
        for name in self.images:
            check_name("name of the folder of images", image_label(name))
        if 0.0 in self.scale:
            raise InvalidValue("scale", self.scale, "numbers other than 0")
        return self

    @property
    def label(self) -> str:
        """Name of the network: as given, or that of the file without its suffix."""
        return bank_names([self.model])[0] if self.name is None else self.name

    @property
    def run_names(self) -> list[str]:
        """Names of the files of results: one a set of images."""
        return [f"{self.label}-{image_label(images)}" for images in self.images]


def image_label(name: str) -> str:
    """Return the name of a set of images in tables and of files: that of its folder.

    >>> image_label("photographs"), image_label("data/cats/")
    ('photographs', 'cats')
    """
    return name if name in IMAGE_SETS else Path(name).absolute().name
