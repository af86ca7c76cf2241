"""The names of cells and of metrics, which files, tables, MLflow and the workflow share."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mechcore.errors import InvalidValue

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Names of experiments, banks and networks: they become files, so they hold neither slashes nor
spaces."""

FILE_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
"""Regular expression of names that become files, for wildcards of the workflow."""

ENTRY_ID = r"[A-Za-z0-9_]+"
"""Regular expression of the names of kernels and activations."""

CELL_ID = rf"{ENTRY_ID}-{ENTRY_ID}-k[0-9]+(-[a-z]+[0-9]*)*"
"""Regular expression of the names, for the wildcard of the workflow."""


def cell_name(
    kernel: str,
    activation: str,
    size: int,
    boundary: str = "free",
    axes: Mapping[str, object] | None = None,
) -> str:
    """Return the name of a cell: with its boundary unless that is free space, and with its axes.

    Examples
    --------
    >>> cell_name("dct", "relu", 3), cell_name("dct", "relu", 3, "wrap")
    ('dct-relu-k3', 'dct-relu-k3-wrap')
    >>> cell_name("dct", "relu", 3, axes={"boundary": "free", "steps": 200})
    'dct-relu-k3-free-steps200'
    """
    named = {} if boundary == "free" else {"boundary": boundary}
    parts = [
        value if isinstance(value, str) else f"{axis}{value}"
        for axis, value in {**named, **(axes or {})}.items()
    ]
    return "-".join([kernel, activation, f"k{size}", *parts])


def metric_name(group: object, name: str) -> str:
    """Return the name of a metric of a group, which a search of MLflow takes without quotes.

    Examples
    --------
    >>> metric_name("gaussian-sigma2.5", "speed_max")
    'gaussian_sigma2_5_speed_max'
    """
    return f"{re.sub('[^A-Za-z0-9]+', '_', str(group)).strip('_')}_{name}"


def check_name(key: str, value: str, hint: str = "") -> None:
    """Refuse a name that cannot be that of a file."""
    if not NAME.fullmatch(value):
        allowed = "letters, digits, dots, dashes and underscores, at most 64"
        raise InvalidValue(key, value, allowed + hint)
