"""Units of the columns of tables."""

from __future__ import annotations

import pandas as pd

from mechcore.analysis.measures import END_SPEED

UNITS: dict[str, tuple[str, ...]] = {
    "px/layer": (
        *("speed", "speed_se", "asymptotic_speed", "asymptotic_low", "asymptotic_high"),
        *("speed_theory", "speed_linear", "velocity_x", "velocity_y", "light_speed"),
    ),
    "px/layer^(1/2)": ("diffusion_speed",),
    "px": (
        *("sigma_final", "diffusion_coefficient", "drift", "width_along", "width_across"),
        *("centroid_sensitivity", "momentum_x", "momentum_y", "size"),
    ),
    "degree": ("angle", "direction", "momentum_angle"),
    "layer": ("extinct_at", "steps"),
    "that of the response": ("slope", "intercept", "worst_residual", "cross_validated_error"),
}
"""Columns by unit; any other number has none."""


def units_of(table: pd.DataFrame) -> dict[str, str]:
    """Return the units of the columns of numbers; 1 is no unit."""
    known = {name: unit for unit, names in UNITS.items() for name in names}
    return {
        name: "px/layer" if name.startswith(END_SPEED) else known.get(name, "1")
        for name in map(str, table.select_dtypes("number"))
    }
