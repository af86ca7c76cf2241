"""What the jobs that analyse a bank, and run its kernels, are told."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from mechcore.errors import choose
from mechcore.experiment.cell import Propagation
from mechcore.io.json_models import refuse_repeats
from mechcore.model.activations import ACTIVATIONS


class FilterRun(Propagation):
    """How the kernels of a bank go through layers."""

    activations: list[str] = Field(min_length=1, description="activations")
    slices_per_layer: int = Field(ge=1, description="kernels of each layer that run, by energy")
    layout: str = Field(default="auto", description="order of the axes of the weight file")

    @field_validator("activations")
    @classmethod
    def _known_activations(cls, value: list[str]) -> list[str]:
        for name in value:
            choose(ACTIVATIONS, "activations", name)
        refuse_repeats("activations", value)
        return value


def analysis_settings(layout: str) -> dict[str, Any]:
    """Return what the analysis of a bank is told besides the weights, as JSON holds it.

    Examples
    --------
    >>> analysis_settings("torch")
    {'layout': 'torch'}
    """
    return {"layout": layout}
