"""``python -m benchmarks [--quick]``: measure, check, and write ``benchmarks/out``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.ceiling import measure_ceiling
from benchmarks.comparison import compare
from benchmarks.figure import draw
from benchmarks.filters import measure_banks
from benchmarks.networks import measure_networks
from benchmarks.report import Results, write_tables
from benchmarks.scaling import measure_scaling
from benchmarks.startup import seconds_to_first_layer
from benchmarks.tracking import measure_tracking

OUT = Path(__file__).parent / "out"

BUDGETS = {False: 0.3, True: 0.1}
"""Seconds for each time that is taken, in a full and in a quick run."""


def main() -> None:
    """Run everything, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small kernels and short runs only")
    quick: bool = parser.parse_args().quick
    start, budget = time.monotonic(), BUDGETS[quick]
    OUT.mkdir(exist_ok=True)
    print("The machine's ceiling ...", flush=True)
    ceiling = measure_ceiling(quick, budget)
    print("The engine's scaling ...", flush=True)
    scaling = measure_scaling(quick, budget)
    print("The engine and its peers ...", flush=True)
    comparison = compare(quick, budget)
    print("Banks of trained kernels ...", flush=True)
    banks = measure_banks(quick, budget)
    print("A whole network ...", flush=True)
    networks = measure_networks(quick)
    print("Tracking ...", flush=True)
    tracking = measure_tracking(quick)
    minutes = (time.monotonic() - start) / 60
    results = Results(
        comparison, ceiling, scaling, banks, networks, tracking, seconds_to_first_layer(), minutes
    )
    draw(results, write_tables(results, OUT), OUT)
    for note in comparison.notes:
        print(note)
    print(f"Tables and figure: {OUT}")


if __name__ == "__main__":
    main()
