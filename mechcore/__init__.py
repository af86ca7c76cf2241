"""The mechanics of convolution kernels: how they move information through layers.

The public names are listed here and imported on first use: reading a configuration or printing a
help text needs neither xarray nor numba. Modules are documented in their own first lines.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mechcore.version import __version__

if TYPE_CHECKING:
    from mechcore.analysis.measures import measure
    from mechcore.errors import InvalidValue, MechcoreError
    from mechcore.model.decomposition import Decomposition, decompose
    from mechcore.model.extensions import load_extensions
    from mechcore.model.kernels import kernel
    from mechcore.model.theory import Theory, theory
    from mechcore.networks.network import network
    from mechcore.plots.notebook import plot_kernel, plot_law, plot_light_cone, plot_run
    from mechcore.results.opening import open_results
    from mechcore.simulation.run import propagate

__all__ = [
    "Decomposition",
    "InvalidValue",
    "MechcoreError",
    "Theory",
    "__version__",
    "decompose",
    "kernel",
    "load_extensions",
    "measure",
    "network",
    "open_results",
    "plot_kernel",
    "plot_law",
    "plot_light_cone",
    "plot_run",
    "propagate",
    "theory",
]

_HOMES = {
    "Decomposition": "mechcore.model.decomposition",
    "InvalidValue": "mechcore.errors",
    "MechcoreError": "mechcore.errors",
    "Theory": "mechcore.model.theory",
    "decompose": "mechcore.model.decomposition",
    "kernel": "mechcore.model.kernels",
    "load_extensions": "mechcore.model.extensions",
    "measure": "mechcore.analysis.measures",
    "network": "mechcore.networks.network",
    "open_results": "mechcore.results.opening",
    "plot_kernel": "mechcore.plots.notebook",
    "plot_law": "mechcore.plots.notebook",
    "plot_light_cone": "mechcore.plots.notebook",
    "plot_run": "mechcore.plots.notebook",
    "propagate": "mechcore.simulation.run",
    "theory": "mechcore.model.theory",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'mechcore' has no attribute {name!r}"
        raise AttributeError(message)
    # Kept from now on, which also puts a function in the place of the module of the same name.
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
