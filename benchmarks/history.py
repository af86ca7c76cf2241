"""The ratios of earlier runs, a line each; maintainers commit the lines that are to be kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from benchmarks.ratio import in_words
from mechcore.io.code_state import state_by_git
from mechcore.io.environment import current_environment

HISTORY = Path(__file__).with_name("history.jsonl")

SLOWER = 1.3
"""Times the median of earlier runs: on a busy machine, ratios vary by a fifth."""


def machine() -> str:
    """Return the kind of this machine; ratios of other kinds are others."""
    here = current_environment()
    return f"{here.processor}, {here.cores} cores"


def earlier_ratios(history: Path, machine: str) -> pd.DataFrame:
    """Return a row for each earlier run on machines of this kind, a column for each ratio."""
    lines = history.read_text(encoding="utf-8").splitlines() if history.is_file() else []
    runs = [run for run in map(json.loads, lines) if run["machine"] == machine]
    return pd.DataFrame([run["ratios"] for run in runs])


def append_run(history: Path, machine: str, ratios: Mapping[str, float]) -> None:
    """Add a run as the last line."""
    state = state_by_git()
    run = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": state.commit[:9] + ("+" if state.dirty == "true" else ""),
        "machine": machine,
        "ratios": {name: float(f"{value:.4g}") for name, value in ratios.items()},
    }
    with history.open("a", encoding="utf-8") as file:
        file.write(json.dumps(run) + "\n")


def slowdowns(ratios: Mapping[str, float], earlier: pd.DataFrame) -> list[str]:
    """Return a line for each ratio that is much worse than its median in earlier runs."""
    change = relative_to_median(ratios, earlier)
    return [
        f"SLOWER: {name}, {factor:.2f} times its median of {earlier[name].count()} earlier runs "
        f"(now {in_words(ratios[name])})"
        for name, factor in change.items()
        if factor > SLOWER
    ]


def relative_to_median(ratios: Mapping[str, float], earlier: pd.DataFrame) -> dict[str, float]:
    """Return the ratios over their medians in earlier runs, as far as there are any."""
    medians = earlier.median()
    return {name: ratios[name] / medians[name] for name in ratios if name in medians}
