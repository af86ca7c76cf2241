"""``python -m benchmarks [--quick]``: measure, and compare with earlier runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ceiling import measure_ceiling
from benchmarks.comparison import compare, measure_longer_runs
from benchmarks.experiment import measure_experiment, measure_plan, measure_starts
from benchmarks.filters import measure_banks
from benchmarks.history import HISTORY, append_run, earlier_ratios, machine, slowdowns
from benchmarks.networks import measure_networks
from benchmarks.ratio import Ratio
from benchmarks.report import write_report
from benchmarks.tracking import measure_tracking

OUT = Path(__file__).parent / "out"


def measurements(quick: bool) -> dict[str, Iterator[Ratio]]:
    """Return what is measured, by what it is about; each begins when it is asked."""
    return {
        "process": measure_starts(),
        "experiment": measure_experiment(),
        "plan": measure_plan(),
        "engine": compare(quick),
        "direct method": measure_ceiling(quick),
        "longer runs": measure_longer_runs(),
        "filters": measure_banks(quick),
        "network": measure_networks(quick),
        "tracking": measure_tracking(quick),
    }


def main() -> None:
    """Measure everything, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small kernels and short runs only")
    titles = list(measurements(quick=True))
    parser.add_argument("--only", choices=titles, nargs="+", default=titles)
    asked = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    sections = {}
    for title, ratios in measurements(asked.quick).items():
        if title in asked.only:
            print(f"{title} ...", flush=True)
            sections[title] = list(ratios)
    here = machine()
    earlier = earlier_ratios(HISTORY, here)
    values = {it.name: it.value for section in sections.values() for it in section}
    write_report(sections, earlier, OUT)
    append_run(HISTORY, here, values)
    print((OUT / "benchmarks.md").read_text())
    print("\n".join(slowdowns(values, earlier)))
    print(f"Table and figure: {OUT}; this run is the last line of {HISTORY}")


if __name__ == "__main__":
    main()
