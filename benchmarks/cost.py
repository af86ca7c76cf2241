"""``python -m benchmarks.cost [CONFIG ...]``: fit the cost model to the jobs of finished grids."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.io.arrays import Array
from mechcore.jobs.cost import PARTS, SECONDS, job_cost, work

CONFIGS = ("config/paper.yaml", "config/large.yaml", "config/full.yaml")

USUAL = 0.3
"""Usual residual, as a logarithm: jobs that others slowed down count less than those 30 % off."""


def main() -> None:
    """Print the seconds of each part, and how far jobs are from their estimates."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("configs", nargs="*", default=CONFIGS, help="grids that ran here")
    amounts, seconds = measured_jobs([Path(config) for config in parser.parse_args().configs])
    fitted = fit(amounts, seconds)
    print("".join(f"{name:>14}: {rate:.2g} s\n" for name, rate in zip(PARTS, fitted, strict=True)))
    ratio = seconds / (amounts @ fitted)
    low, middle, high = np.percentile(ratio, [2.5, 50, 97.5])
    print(
        f"{len(seconds)} jobs took {low:.2f} to {high:.2f} times the estimate, {middle:.2f} in the"
    )
    print(f"median; all together {seconds.sum() / (amounts @ fitted).sum():.2f} times.")


def measured_jobs(configs: list[Path]) -> tuple[Array, Array]:
    """Return the work of each cell that ran here, and the seconds that it took."""
    amounts, seconds = [], []
    for experiment in map(load_experiment, configs):
        for name, cell in expand(experiment).items():
            spent = job_cost(Path("logs") / experiment.experiment, name)["wall_seconds"]
            if spent is not None:
                amounts.append(work(cell))
                seconds.append(spent)
    return np.array(amounts), np.array(seconds)


def fit(amounts: Array, seconds: Array) -> Array:
    """Return the seconds of each part that fit the jobs best, by factors."""
    start = np.array(SECONDS)

    def off(logarithms: Array) -> Array:
        ratio: Array = amounts @ (start * np.exp(logarithms)) / seconds
        return np.log(ratio)

    # Within a factor of ten of what `make bench` says: lines are too fast to be seen in a job.
    solution = least_squares(
        off, np.zeros(len(start)), bounds=(-2.3, 2.3), loss="soft_l1", f_scale=USUAL
    )
    rates: Array = start * np.exp(solution.x)
    return rates


if __name__ == "__main__":
    main()
