"""Weights that are public: the package that holds them, and what may be done with them."""

from __future__ import annotations

from pydantic import Field, field_validator

from mechcore.errors import InvalidValue
from mechcore.io.json_models import Settings
from mechcore.io.portable_names import is_portable


class PublicWeights(Settings):
    """A file of a published package, which is fetched and not part of the project."""

    package: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+]+$",
        description="package and version, as facenet-pytorch==2.6.0",
    )
    member: str = Field(description="path of the file in the package")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file")
    licence: str = Field(min_length=1, description="licence of the weights")
    origin: str = Field(min_length=1, description="who trained the network, and for what")

    @field_validator("member")
    @classmethod
    def _is_inside(cls, value: str) -> str:
        if not is_portable(value):
            raise InvalidValue("member", value, "a path inside of the package")
        return value
