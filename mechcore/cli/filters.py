"""``mechcore filters``: the kernels of a trained network, analysed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

from mechcore.cli.options import (
    ExcludeOption,
    LayoutOption,
    OptionalOutputOption,
    SelectOption,
    WeightsArgument,
)
from mechcore.cli.outputs import check_outputs
from mechcore.errors import one_line, shortened

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = """Examples:

  mechcore filters resources/banks/digits.safetensors

  mechcore filters resnet50.pth --output resnet50.nc

  mechcore filters net.ckpt --select 'encoder.*' --exclude '*.stft.*'
"""


LONGEST_NAME = 100
"""Characters of the name of a layer; files may hold any text."""

COLUMNS = {
    "low_frequency_share": "DC+grad",
    "null_low_frequency_share": "(chance)",
    "dc_share": "DC",
    "odd_energy_ratio": "odd",
    "asymmetric_share": "asymmetric",
    "null_asymmetric_share": "(chance)",
    "symmetric": "sym",
    "mixed": "mixed",
    "antisymmetric": "antisym",
    "anisotropy": "anisotropy",
}
"""Shares of a layer's energy, of its strongest kernels by type, and its anisotropy, with headings.
"""


def command(
    weights: WeightsArgument,
    output: OptionalOutputOption = None,
    layout: LayoutOption = "auto",
    select: SelectOption = None,
    exclude: ExcludeOption = None,
) -> None:
    """Analyse the kernels of a weight file, and print a table of its layers."""
    from mechcore.filters.bank import load_bank
    from mechcore.filters.bank_file import analyse_bank, write_analysis

    check_outputs({"--output": output}, [weights], ".nc")
    analysis = analyse_bank(load_bank(weights, layout, select or (), exclude or ()))
    if output is not None:
        write_analysis(analysis, output)
    typer.echo(_printed(analysis.layers, analysis.summary))
    reasons = Counter(analysis.skipped.reason)
    for reason, count in reasons.most_common():
        typer.echo(f"skipped {count}: {reason}")


def _printed(layers: pd.DataFrame, summary: pd.DataFrame) -> str:
    """The table: shares weighted by energy of each layer and of all kernels, types of layers."""
    import pandas as pd

    names = [shortened(one_line(name), LONGEST_NAME) for name in layers.name]
    kernels = layers.height.astype(str) + "x" + layers.width.astype(str)
    parts = [layers.assign(layer=names, kernel=kernels), summary.assign(layer="all")]
    table = pd.concat([part.astype(object) for part in parts])
    table = table[["layer", "kernel", "filters", "slices", *COLUMNS]].rename(columns=COLUMNS)
    return str(table.fillna("").to_string(index=False, float_format="{:.3f}".format))
