"""``mechcore filters``: the kernels of a trained network, analysed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mechcore.cli.options import (
    ExcludeOption,
    FoldOption,
    LayoutOption,
    OptionalOutputOption,
    SelectOption,
    WeightFilesArgument,
)
from mechcore.cli.outputs import check_outputs
from mechcore.errors import MechcoreError, one_line, shortened
from mechcore.experiment.weight_files import bank_names, weight_files

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = """Examples:

  mechcore filters resources/banks/digits.safetensors

  mechcore filters resnet50.pth --output resnet50.nc

  mechcore filters 'runs/*/last.pth' --output analyses

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
    weights: WeightFilesArgument,
    output: OptionalOutputOption = None,
    layout: LayoutOption = "auto",
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    fold_batchnorm: FoldOption = False,
) -> None:
    """Analyse the kernels of weight files, and print a table of the layers of each.

    The output is a file; of several weight files, or a folder of them, a folder.
    """
    from mechcore.filters.bank import load_bank
    from mechcore.filters.bank_file import analyse_bank, write_analysis

    files = weight_files(weights)
    outputs = _outputs(output, files, one=files == weights)
    refused = []
    for path, target in zip(files, outputs, strict=True):
        try:
            analysis = analyse_bank(
                load_bank(path, layout, select or (), exclude or (), fold_batchnorm=fold_batchnorm)
            )
        except MechcoreError as error:
            refused.append(str(error))
            continue
        if target is not None:
            write_analysis(analysis, target)
        if len(files) > 1:
            typer.echo(f"{path}:")
        typer.echo(_printed(analysis.layers, analysis.summary))
        for reason, count in Counter(analysis.skipped.reason).most_common():
            typer.echo(f"skipped {count}: {reason}")
    if refused:
        raise MechcoreError("\n".join(refused))


def _outputs(output: Path | None, files: list[Path], *, one: bool) -> list[Path | None]:
    """Where the analysis of each file goes."""
    if output is None:
        return [None] * len(files)
    several = len(files) > 1 or not one
    outputs = [output / f"{name}.nc" for name in bank_names(files)] if several else [output]
    options = {f"--output {path.name}" if several else "--output": path for path in outputs}
    check_outputs(options, files, ".nc")
    return [*outputs]


def _printed(layers: pd.DataFrame, summary: pd.DataFrame) -> str:
    """The table: shares weighted by energy of each layer and of all kernels, types of layers."""
    import pandas as pd

    names = [shortened(one_line(name), LONGEST_NAME) for name in layers.name]
    kernels = layers.height.astype(str) + "x" + layers.width.astype(str)
    parts = [layers.assign(layer=names, kernel=kernels), summary.assign(layer="all")]
    table = pd.concat([part.astype(object) for part in parts])
    table = table[["layer", "kernel", "filters", "slices", *COLUMNS]].rename(columns=COLUMNS)
    return str(table.fillna("").to_string(index=False, float_format="{:.3f}".format))
