"""Tables of simulated results, whose speeds follow laws that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mechcore.analysis.measures import METRICS
from tests.helpers.oracles import Array

BETAS = np.linspace(0, 1, 41).round(12)
"""Rounded as the betas of the tables."""


def celerity(beta: Array) -> Array:
    with np.errstate(divide="ignore"):
        return beta / np.sqrt(1 - beta**2)


def metrics_of(
    law: Callable[[Array], Array],
    size: int = 3,
    *,
    family: str = "dct",
    activation: str = "relu",
    pattern: str = "delta",
    angles: Sequence[float] = (0.0,),
    betas: Array = BETAS,
    beta_star: float = 0.6,
) -> pd.DataFrame:
    """Return the metrics of a cell and pattern whose speeds are a function of beta."""
    rows = [
        {"angle": angle, "beta": beta, "speed": speed}
        for angle in angles
        for beta, speed in zip(betas, law(betas), strict=True)
    ]
    table = pd.DataFrame(rows).reindex(columns=list(METRICS))
    speeds = {"asymptotic_speed": table.speed, "end_speed_10": table.speed}
    named = {"cell": f"{family}-{activation}-k{size}"}
    named |= {"kernel": family, "activation": activation, "size": size, "pattern": pattern}
    return table.assign(
        **named,
        **speeds,
        odd_energy_ratio=table.beta**2,
        mixing_ratio=table.beta,
        beta_star=beta_star,
    )


def kernels_of(metrics: pd.DataFrame, diffusion_speed: float | None = None) -> pd.DataFrame:
    """Return what the analysis needs of the kernels behind metrics: each family has its own."""
    table = metrics[["kernel", "size", "angle", "beta"]].drop_duplicates(ignore_index=True)
    cone = (table["size"] - 1) / 2
    speed = np.sqrt((table["size"] ** 2 - 1) / 12) if diffusion_speed is None else diffusion_speed
    of_family = table.kernel.map(lambda name: float(sum(map(ord, name)))) * table.beta
    bodies = dict.fromkeys(("energy", "rest_mass", "smallest_tap", "momentum_y"), 1.0)
    bodies |= {"celerity": celerity(table.beta.to_numpy()), "diffusion_speed": speed}
    linear = speed * bodies["celerity"]
    return table.assign(light_speed=cone, speed_linear=linear, momentum_x=of_family, **bodies)


def theory(size: int) -> Callable[[Array], Array]:
    """Return the law that holds below beta*: s times the celerity; an odd kernel has speed s."""
    speed = np.sqrt((size**2 - 1) / 12)
    return lambda beta: speed * np.where(beta < 1, celerity(np.minimum(beta, 0.999)), 1.0)
