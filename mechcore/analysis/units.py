"""Units of the columns of tables, and the files that state them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from mechcore.analysis.measures import END_SPEED
from mechcore.analysis.regressions import PREDICTORS
from mechcore.analysis.tables import write_table
from mechcore.io.atomic import replace_file

UNITS: dict[str, tuple[str, ...]] = {
    "px/layer": (
        *("speed", "speed_se", "asymptotic_speed", "asymptotic_low", "asymptotic_high"),
        *("speed_theory", "speed_linear", "velocity_x", "velocity_y", "light_speed"),
    ),
    "px/layer^(1/2)": ("diffusion_speed",),
    "px": (
        *("sigma_final", "diffusion_coefficient", "drift", "width_along", "width_across"),
        *("centroid_sensitivity", "momentum_x", "momentum_y", "size"),
        *("height", "width", "spacing_x", "spacing_y", "theoretical_field"),
        *("step", "step_untrained", "displacement", "displacement_untrained"),
        *("displacement_start", "radius", "radius_untrained"),
    ),
    "degree": ("angle", "direction", "momentum_angle"),
    "layer": ("extinct_at", "steps", "t_burn"),
    "that of the quantity": ("published", "ours", "difference", "tolerance"),
}
"""Columns by unit; any other number has none."""

OF_FITS = (
    *("slope", "slope_se", "ci_low", "ci_high", "theil_sen", "theil_sen_low", "theil_sen_high"),
    *("intercept", "worst_residual", "cross_validated_error", "estimate", "low", "high"),
)
"""Columns in the unit of what is fitted: predictors have none."""

ENDINGS: dict[str, tuple[str, ...]] = {
    "px/layer": (
        "_speed_max",
        *(f"_{of_fit}_{name}" for of_fit in OF_FITS for name in PREDICTORS),
    ),
    "px": ("_diffusion_coefficient",),
}
"""How columns end that begin with a pattern, by unit."""


def units_of(table: pd.DataFrame) -> dict[str, str]:
    """Return the units of the columns of numbers; 1 is no unit."""
    known = {name: unit for unit, names in UNITS.items() for name in names}
    # Pooled speeds are in units of the diffusion speed of each cell.
    fitted = "layer^(-1/2)" if "pool" in table else "that of the response"
    known |= dict.fromkeys(OF_FITS, fitted)
    return {
        name: "px/layer" if name.startswith(END_SPEED) else known.get(name) or _unit_by_ending(name)
        for name in map(str, table.select_dtypes("number"))
    }


def _unit_by_ending(name: str) -> str:
    return next((unit for unit, endings in ENDINGS.items() if name.endswith(endings)), "1")


def write_with_units(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, and beside it as Parquet with its units, which needs pyarrow."""
    write_table(table, path)
    if find_spec("pyarrow"):
        described = table.assign(**(table.select_dtypes("float") + 0.0))
        described.attrs = {"units": units_of(table)}
        replace_file(path.with_suffix(".parquet"), described.to_parquet)
