"""``mechcore filters``: the kernels of a trained network, analysed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mechcore.cli.options import LayoutOption, WeightsArgument
from mechcore.cli.outputs import check_outputs
from mechcore.errors import one_line, shortened

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = """Examples:

  mechcore filters resources/banks/digits.safetensors

  mechcore filters resnet50.pth --output resnet50.nc
"""


LONGEST_NAME = 100
"""Characters of the name of a layer; files may hold any text."""

COLUMNS = {
    "low_frequency_share": "DC+grad",
    "null_low_frequency_share": "(chance)",
    "dc_share": "DC",
    "odd_energy_ratio": "odd",
    "isotropic_share": "isotropic",
    "anisotropic_share": "anisotropic",
}
"""Shares of a layer's energy, with headings."""


def command(
    weights: WeightsArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Analysis of every kernel to write.")
    ] = None,
    layout: LayoutOption = "auto",
) -> None:
    """Analyse the kernels of a weight file, and print a table of its layers."""
    from mechcore.filters.bank import load_bank
    from mechcore.filters.bank_file import analyse_bank, write_analysis

    check_outputs({"--output": output}, [weights], ".nc")
    analysis = analyse_bank(load_bank(weights, layout))
    if output is not None:
        write_analysis(analysis, output)
    for line in _lines(analysis.layers, analysis.summary):
        typer.echo(line)
    reasons = Counter(analysis.skipped.reason)
    for reason, count in reasons.most_common():
        typer.echo(f"skipped {count}: {reason}")


def _lines(layers: pd.DataFrame, summary: pd.DataFrame) -> Iterator[str]:
    """The table: shares weighted by energy, layer by layer and of all kernels."""
    names = [shortened(one_line(name), LONGEST_NAME) for name in layers.name]
    width = max(5, *map(len, names))
    heading = "  ".join(f"{text:>11}" for text in COLUMNS.values())
    yield f"{'layer':<{width}}  kernel  filters    slices  {heading}"
    for name, row in zip(names, layers.to_dict("records"), strict=True):
        size = f"{row['height']}x{row['width']}"
        shares = "  ".join(f"{row[share]:11.3f}" for share in COLUMNS)
        counts = f"{row['filters']:7d}  {row['slices']:8d}"
        yield f"{name:<{width}}  {size:>6}  {counts}  {shares}"
    row = summary.to_dict("records")[0]
    shares = "  ".join(f"{row[name]:11.3f}" if name in row else " " * 11 for name in COLUMNS)
    yield f"{'all':<{width}}  {'':>6}  {'':>7}  {int(row['slices']):8d}  {shares}"
