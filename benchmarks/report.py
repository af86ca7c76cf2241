"""The tables and the figure of a run."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.ceiling import Ceiling
from benchmarks.comparison import ENGINE, Comparison
from benchmarks.filters import BankTiming
from benchmarks.networks import NetworkTiming
from benchmarks.scaling import Cost
from benchmarks.tracking import TrackingCost
from benchmarks.workloads import COMPARED, LAYERS

PACKAGES = ("mechcore", "numpy", "numba", "scipy", "torch", "jax")
"""Distributions whose versions matter."""

Row = Sequence[object]


@dataclass(frozen=True)
class Results:
    """All that was measured."""

    comparison: Comparison
    ceiling: Ceiling
    scaling: Sequence[Cost]
    banks: Sequence[BankTiming]
    networks: Sequence[NetworkTiming]
    tracking: TrackingCost
    start: float
    minutes: float = np.nan


def write_tables(results: Results, folder: Path) -> pd.DataFrame:
    """Write the tables as CSV and all as Markdown; return the one of the peers."""
    peers = peer_table(results.comparison)
    shares = [
        (s.size, s.multiply_adds, s.seconds, s.rate, s.dgemm_rate, s.share)
        for s in results.ceiling.shares
    ]
    columns = ["k", "multiply_adds", "seconds", "rate", "dgemm_rate", "share"]
    tables = {
        "peers": peers,
        "ceiling": pd.DataFrame(shares, columns=columns),
        "scaling": pd.DataFrame([vars(cost) for cost in results.scaling]),
        "banks": pd.DataFrame([vars(timing) for timing in results.banks]),
        "networks": pd.DataFrame([vars(timing) for timing in results.networks]),
        "tracking": pd.DataFrame([vars(results.tracking)]),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    text = "\n\n".join(_sections(results, peers)) + "\n"
    (folder / "benchmarks.md").write_text(text, encoding="utf-8")
    return peers


def peer_table(comparison: Comparison) -> pd.DataFrame:
    """Return one row for each method, precision and size, with its time over the engine's."""
    table = pd.DataFrame([vars(timing) for timing in comparison.timings])
    table = table.rename(columns={"size": "k"})
    engine = table[table["method"] == ENGINE].set_index(["workload", "k"])["seconds"]
    keys = pd.MultiIndex.from_frame(table[["workload", "k"]])
    return table.assign(ratio=table["seconds"].to_numpy() / engine.loc[keys].to_numpy())


def fastest(
    peers: pd.DataFrame, workload: str, dtype: str, by_hand: bool | None = None
) -> pd.DataFrame:
    """Return the fastest peer of each size, by size: of all, or of those by hand or not."""
    chosen = peers["workload"].eq(workload) & peers["dtype"].eq(dtype) & peers["method"].ne(ENGINE)
    if by_hand is not None:
        chosen &= peers["by_hand"].eq(by_hand)
    best = peers[chosen].sort_values("seconds").drop_duplicates("k")
    return best.sort_values("k").set_index("k")


def _sections(results: Results, peers: pd.DataFrame) -> Iterable[str]:
    yield "# Benchmarks"
    yield _machine(results)
    yield (
        f"All do the same work: T = {LAYERS} layers, 21 kernels (β from 0 to 1), ReLU, l2, "
        "centroid and width at each layer, free space. Every peer's result is checked against the "
        "engine's. Compilation and warm-up are not counted; the fastest of several runs is. A "
        "ratio is the peer's time over the engine's. Peers *by hand* are what a specialist would "
        "write for this problem with the same libraries: domains that grow in stages, or passes "
        "along rows and columns."
    )
    for workload in COMPARED.values():
        yield f"## Peers, workload *{workload.name}* ({workload.summary})"
        yield _fastest_table(peers, workload.name)
        yield _full_table(peers, workload.name)
    yield _remarks(results.comparison)
    yield "## Share of the machine's ceiling"
    yield _ceiling_table(results.ceiling)
    yield "## Scaling of the engine"
    yield _scaling_table(results.scaling)
    yield "## Banks of trained kernels"
    yield _bank_table(results.banks)
    yield "## A whole network"
    yield _network_table(results.networks)
    yield "## Tracking"
    yield _tracking_text(results.tracking)
    yield (
        f"From the start of a process to its first layer, with machine code on disk: "
        f"{_digits(results.start)} s, imports included."
    )


def _machine(results: Results) -> str:
    packages = [f"{name} {_version(name)}" for name in PACKAGES if _version(name)]
    lines = [
        f"- {datetime.now(UTC):%Y-%m-%d}, {results.minutes:.0f} minutes, one thread on one core",
        f"- {_processor()}, {platform.system()} {platform.machine()}",
        f"- Python {platform.python_version()}, {', '.join(packages)}",
    ]
    return "\n".join(lines)


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def _markdown(header: Row, rows: Iterable[Row]) -> str:
    aligned = ["---", *["---:"] * (len(header) - 1)]
    lines = [header, aligned, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _digits(value: float, digits: int = 3) -> str:
    """A number with some significant digits, never as a power of ten; a dash for none."""
    if not np.isfinite(value):
        return "–"
    decimals = digits - 1 - int(np.floor(np.log10(abs(value)))) if value else 0
    return f"{value:,.{max(decimals, 0)}f}"


def _fastest_table(peers: pd.DataFrame, workload: str) -> str:
    engine = peers[peers["workload"].eq(workload) & peers["method"].eq(ENGINE)].set_index("k")
    kinds = [(dtype, by_hand) for by_hand in (False, True) for dtype in ("float64", "float32")]
    best = [fastest(peers, workload, *kind) for kind in kinds]
    rows = []
    for size, seconds in engine["seconds"].items():
        cells = [str(size), _digits(1e3 * seconds)]
        rows.append(cells + [cell for table in best for cell in _winner(table, size)])
    header = ["k", "engine, ms"]
    for dtype, by_hand in kinds:
        header += [f"fastest {dtype} {'by hand' if by_hand else 'peer'}", "which"]
    return _markdown(header, rows)


def _winner(best: pd.DataFrame, size: object) -> list[str]:
    """Ratio and name of the fastest peer of a size."""
    rows = best[best.index == size]
    cells = zip(rows["ratio"], rows["method"], strict=True)
    return next(([f"{_digits(ratio)} ×", name] for ratio, name in cells), ["–", "–"])


def _full_table(peers: pd.DataFrame, workload: str) -> str:
    """Milliseconds by method and size."""
    chosen = peers[peers["workload"].eq(workload)]
    order = pd.MultiIndex.from_frame(chosen[["method", "dtype"]].drop_duplicates())
    wide = chosen.pivot_table(index=["method", "dtype"], columns="k", values="seconds").loc[order]
    rows = [
        [f"{method}, {dtype}", *(_digits(1e3 * value) for value in wide.loc[(method, dtype)])]
        for method, dtype in wide.index
    ]
    return _markdown(["ms", *(f"k = {size}" for size in wide.columns)], rows)


def _remarks(comparison: Comparison) -> str:
    lines = [
        "A dash: a peer that takes long runs at some k only, and a form of a library not where "
        "another form of it is the faster one.",
        f"The engine before and after all peers: {100 * np.median(comparison.drifts):.0f} % apart "
        f"in the median, {100 * max(comparison.drifts):.0f} % at most; the shorter time counts.",
        *comparison.notes,
    ]
    return "\n".join(f"- {line}" for line in lines)


def _ceiling_table(ceiling: Ceiling) -> str:
    rate = ceiling.shares[0].dgemm_rate
    text = (
        f"Ceiling: numpy's matrix product in float64, {rate / 1e9:.1f}e9 multiply-adds a second "
        f"(with the code that OpenBLAS chooses by itself: {ceiling.plain_rate / 1e9:.1f}e9). "
        "Engine: method `direct` without trimming, kernels of full rank, a point as pattern; "
        "only multiply-adds of occupied pixels count, ReLU, norm and moments are extra."
    )
    rows = [
        [s.size, _digits(1e3 * s.seconds), f"{s.rate / 1e9:.1f}e9", f"{100 * s.share:.0f} %"]
        for s in ceiling.shares
    ]
    return text + "\n\n" + _markdown(["k", "ms", "multiply-adds a second", "share"], rows)


def _scaling_table(scaling: Sequence[Cost]) -> str:
    rows = []
    for (axis, workload, method), costs in _series(scaling).items():
        values = sorted(costs)
        low, high = _pair(axis, values)
        text = f"{axis}: {low} → {high}"
        if axis == "processes":
            outcome = f"throughput {_digits(costs[low] / costs[high])} ×"
        else:
            outcome = f"{_digits(costs[high] / costs[low])} ×"
        seconds = [_digits(1e3 * costs[value]) for value in (low, high)]
        rows.append([f"{workload}, {method}", text, *seconds, outcome])
    header = ["workload, method", "from → to", "ms", "ms", "ratio"]
    remark = "Batch and processes: time of one simulation; else of a batch of 21."
    return remark + "\n\n" + _markdown(header, rows)


def _network_table(networks: Sequence[NetworkTiming]) -> str:
    header = (
        *("MobileNetV2, image (px)", "layers", "units", "moments of all (s)", "peak (MB)"),
        *("a gradient each (s)", "ratio"),
    )
    rows = [
        (
            *(f"{one.side} x {one.side}", one.layers, f"{one.units:,}"),
            *map(_digits, (one.seconds, one.megabytes, one.by_gradients)),
            _digits(one.by_gradients / one.seconds),
        )
        for one in networks
    ]
    return _markdown(header, rows)


def _bank_table(banks: Sequence[BankTiming]) -> str:
    text = (
        "All kernels taken apart (`mechcore.filters.analysis`): energies, spectra, momenta, ranks. "
        "Beside it a file of them to its table of layers, in seconds per million slices and over "
        "the kernels alone; SciPy's DCT and NumPy's ranks alone; and one kernel at a time."
    )
    rows = [
        [
            f"{bank.size}x{bank.size}",
            f"{bank.slices:,}",
            _digits(bank.seconds),
            _digits(1e6 * bank.seconds / bank.slices),
            _digits(1e6 * bank.whole_file / bank.slices),
            f"{_digits(bank.whole_file / bank.seconds)} ×",
            f"{_digits(bank.libraries / bank.seconds)} ×",
            f"{_digits(bank.one_by_one / bank.seconds)} ×",
            f"{bank.megabytes:.0f}",
        ]
        for bank in banks
    ]
    header = ["kernels", "how many", "s", "µs each", "file, s per million", "file"]
    header += ["SciPy, NumPy", "one at a time", "MB"]
    return text + "\n\n" + _markdown(header, rows)


def _tracking_text(cost: TrackingCost) -> str:
    return (
        f"{cost.cells} cells with curves of 41 points into a new SQLite store, on all cores, start "
        f"of Python and previews included: {_digits(cost.first)} s; once more, with nothing new: "
        f"{_digits(cost.second)} s. The same numbers with a request each, without previews: "
        f"{_digits(cost.one_by_one / cost.first)} × as long. A cell takes "
        f"{cost.store_bytes / 1e3:.0f} kB in the store and {cost.artifact_bytes / 1e3:.0f} kB "
        "beside it; trajectories are linked, not copied."
    )


def _series(scaling: Sequence[Cost]) -> dict[tuple[str, str, str], dict[int, float]]:
    series: dict[tuple[str, str, str], dict[int, float]] = {}
    for cost in scaling:
        key = cost.axis, cost.workload, cost.method
        series.setdefault(key, {})[cost.value] = cost.seconds
    return series


def _pair(axis: str, values: Sequence[int]) -> tuple[int, int]:
    """The two values whose ratio the table shows."""
    first = {"k": 5, "T": 64}.get(axis, values[0])
    return (first if first in values[:-1] else values[0]), values[-1]
