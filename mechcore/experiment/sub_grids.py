"""Parts of a grid that a configuration leaves out, or keeps alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from mechcore.errors import InvalidValue, shortened
from mechcore.experiment.cell import (
    AXES,
    ActivationName,
    Angle,
    Beta,
    BoundaryName,
    Cell,
    DensityName,
    EngineName,
    KernelName,
    NormalisationName,
    PatternSettings,
    Seed,
    Shared,
    Size,
    Steps,
)
from mechcore.io.json_models import Settings, refuse_repeats

OF_CELLS = {"kernels": "kernel", "activations": "activation", "sizes": "size"}
OF_CELLS |= {name: name for name in AXES}
"""Axes of which each cell has one value: as the grid names them, and as the cell does."""

WITHIN_CELLS = ("patterns", "angles", "betas")
"""Axes that each cell has as a whole."""


def _accept_one(schema: dict[str, Any]) -> None:
    """One value is written as it is, or as a list."""
    values = schema.pop("anyOf")[0]
    one = values["items"]
    schema["anyOf"] = [*one.get("anyOf", [one]), values]
    schema.pop("default", None)


def _axis(description: str) -> Any:
    return Field(default=None, min_length=1, description=description, json_schema_extra=_accept_one)


class SubGrid(Settings):
    """Some values of some axes; all values of the others."""

    kernels: list[KernelName] | None = _axis("kernel families")
    activations: list[ActivationName] | None = _axis("activations")
    sizes: list[Size] | None = _axis("kernel sizes")
    patterns: list[str] | None = _axis("patterns by name, or with their arguments as disc-radius4")
    angles: list[Angle] | None = _axis("angles in degrees")
    betas: list[Beta] | None = _axis("mixing ratios")
    boundary: list[BoundaryName] | None = _axis("boundaries")
    normalise: list[NormalisationName] | None = _axis("normalisations")
    density: list[DensityName] | None = _axis("mass densities")
    engine: list[EngineName] | None = _axis("engines")
    steps: list[Steps] | None = _axis("numbers of layers")
    seed: list[Seed] | None = _axis("seeds")

    @field_validator("*", mode="before")
    @classmethod
    def _one_as_list(cls, value: object) -> object:
        return value if isinstance(value, list) else [value]

    @field_validator(*AXES)
    @classmethod
    def _no_repeats(cls, value: list[Any] | None, info: ValidationInfo) -> list[Any] | None:
        refuse_repeats(str(info.field_name), value or [])
        return value

    @model_validator(mode="after")
    def _is_a_part(self) -> Self:
        if not self.axes or len(self.within) > 1:
            axes, within = ", ".join(type(self).model_fields), ", ".join(WITHIN_CELLS)
            raise InvalidValue("", self.axes, f"some of {axes}, and only one of {within}")
        return self

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values of the axes that it names."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: values for name, values in named.items() if values is not None}

    @property
    def within(self) -> list[str]:
        """The axes within cells that it names."""
        return [name for name in WITHIN_CELLS if name in self.axes]

    def has(self, cell: Cell) -> bool:
        """Return whether it has some simulation of a cell, if only by the axes of cells."""
        return self._has(cell, OF_CELLS)

    def has_some(self, settings: Shared) -> bool:
        """Return whether it may have cells of such settings."""
        return self._has(settings, {name: name for name in AXES})

    def has_all(self, settings: Shared) -> bool:
        """Return whether it has every cell of such settings."""
        return set(self.axes) <= {*AXES} and self.has_some(settings)

    def _has(self, settings: Shared, axes: Mapping[str, str]) -> bool:
        return all(
            getattr(settings, of_cell) in self.axes.get(axis, [getattr(settings, of_cell)])
            for axis, of_cell in axes.items()
        )


def check_on_grid(key: str, parts: Sequence[SubGrid], grid: Mapping[str, Sequence[Any]]) -> None:
    """Refuse values that the grid does not have."""
    for place, part in enumerate(parts):
        for axis, values in part.axes.items():
            for value in values:
                if not any(_is(value, known) for known in grid[axis]):
                    names = ", ".join(f"{getattr(known, 'label', known)}" for known in grid[axis])
                    raise InvalidValue(
                        f"{key}[{place}].{axis}", value, f"one of {shortened(names, 200)}"
                    )


def leave_out(
    settings: Shared, include: Sequence[SubGrid] | None, exclude: Sequence[SubGrid]
) -> bool:
    """Return whether parts leave no cell of such settings, whatever its kernel is."""
    included = include is None or any(part.has_some(settings) for part in include)
    return not included or any(part.has_all(settings) for part in exclude)


def check_one_axis_within(key: str, parts: Sequence[SubGrid]) -> None:
    """Refuse parts that together leave cells with something else than values of their axes."""
    within = sorted({axis for part in parts for axis in part.within})
    if len(within) > 1:
        names = " and ".join(within)
        raise InvalidValue(key, names, f"values of only one of {', '.join(WITHIN_CELLS)}")


def remaining(
    cell: Cell, include: Sequence[SubGrid] | None, exclude: Sequence[SubGrid]
) -> dict[str, list[Any]] | None:
    """Return what is left of the axes within a cell; None if nothing of it is left."""
    axes: dict[str, list[Any]] = {axis: getattr(cell, axis) for axis in WITHIN_CELLS}
    kept = None if include is None else [part for part in include if part.has(cell)]
    if kept is not None and all(part.within for part in kept):
        if not kept:
            return None
        (axis,) = kept[0].within
        wanted = [value for part in kept for value in part.axes[axis]]
        axes[axis] = [known for known in axes[axis] if _among(known, wanted)]
    for part in exclude:
        if part.has(cell):
            if not part.within:
                return None
            (axis,) = part.within
            axes[axis] = [known for known in axes[axis] if not _among(known, part.axes[axis])]
    return axes if all(axes.values()) else None


def _among(known: object, values: Sequence[object]) -> bool:
    return any(_is(value, known) for value in values)


def _is(value: object, known: object) -> bool:
    """Whether a value that a user writes is one of the grid."""
    if isinstance(known, PatternSettings):
        return value in (known.name, known.label)
    if isinstance(known, float) and isinstance(value, int | float):
        return math.isclose(value, known, abs_tol=1e-9)
    return value == known
