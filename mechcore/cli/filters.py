"""``mechcore filters``: what the kernels of a trained network hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mechcore.cli.options import LayoutOption, WeightsArgument

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = """Examples:

  mechcore filters config/banks/digits.safetensors

  mechcore filters resnet50.pth --output resnet50.nc
"""


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
    from mechcore.storage import check_output

    if output is not None:
        check_output(output)
    analysis = analyse_bank(load_bank(weights, layout))
    if output is not None:
        write_analysis(analysis, output)
    for line in _lines(analysis.layers, analysis.whole):
        typer.echo(line)
    reasons = Counter(analysis.skipped.reason)
    for reason, count in reasons.most_common():
        typer.echo(f"skipped {count}: {reason}")


COLUMNS = {
    "low_frequency_share": "DC+grad",
    "null_low_frequency_share": "(chance)",
    "dc_share": "DC",
    "odd_energy_ratio": "odd",
    "isotropic_share": "isotropic",
    "anisotropic_share": "anisotropic",
}
"""Shares of a layer's energy, with headings."""


def _lines(layers: pd.DataFrame, whole: pd.DataFrame) -> Iterator[str]:
    """The table: shares weighted by energy, layer by layer and of all kernels."""
    width = max(5, *layers.name.str.len())
    heading = "  ".join(f"{text:>11}" for text in COLUMNS.values())
    yield f"{'layer':<{width}}  kernel  filters    slices  {heading}"
    for row in layers.to_dict("records"):
        size = f"{row['height']}x{row['width']}"
        shares = "  ".join(f"{row[name]:11.3f}" for name in COLUMNS)
        counts = f"{row['filters']:7d}  {row['slices']:8d}"
        yield f"{row['name']:<{width}}  {size:>6}  {counts}  {shares}"
    row = whole.to_dict("records")[0]
    shares = "  ".join(f"{row[name]:11.3f}" if name in row else " " * 11 for name in COLUMNS)
    yield f"{'all':<{width}}  {'':>6}  {'':>7}  {int(row['slices']):8d}  {shares}"
