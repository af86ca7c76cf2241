"""What the jobs that analyse a bank, and run its kernels, are told."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from mechcore.activations import ACTIVATIONS
from mechcore.cells import Propagation
from mechcore.errors import choose
from mechcore.settings import refuse_repeats


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

    Parameters
    ----------
    layout : str
        Order of the axes of the weight file.

    Returns
    -------
    dict
        By name.

    Examples
    --------
    >>> analysis_settings("torch")
    {'layout': 'torch'}
    """
    return {"layout": layout}
