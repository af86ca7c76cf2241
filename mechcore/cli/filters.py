"""``mechcore filters``: the kernels of a trained network, analysed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from mechcore.errors import MechcoreError, choose, harmless, one_line, shortened
from mechcore.experiment.weight_files import bank_names, weight_files
from mechcore.experiment.weights import Reading
from mechcore.io.atomic import replace_file
from mechcore.io.json_models import validated

if TYPE_CHECKING:
    import pandas as pd

    from mechcore.filters.bank_file import BankAnalysis

EXAMPLES = """Examples:

  mechcore filters resources/banks/digits.safetensors

  mechcore filters resnet50.pth --output resnet50.nc

  mechcore filters 'runs/*/last.pth' --output analyses

  mechcore filters net.ckpt --select 'encoder.*' --exclude '*.stft.*'

  mechcore filters net.onnx --table layers.csv --figure layers.png

  mechcore filters --series run/epoch1.pt run/epoch2.pt run/epoch3.pt
"""


LONGEST_NAME = 100
"""Characters of the name of a layer; files may hold any text."""

COLUMNS = {
    "low_frequency_share": "DC+grad",
    "low_frequency_share_median": "(median)",
    "null_low_frequency_share": "(chance)",
    "null_low_frequency_limit": "(limit)",
    "verdict": "DC+grad are",
    "dc_share": "DC",
    "odd_energy_ratio": "odd",
    "odd_energy_ratio_median": "(median)",
    "asymmetric_share": "asymmetric",
    "null_asymmetric_share": "(chance)",
    "symmetric": "sym",
    "mixed": "mixed",
    "antisymmetric": "antisym",
    "anisotropy": "anisotropy",
}
"""With headings: shares of a layer's energy, medians of its kernels beside them, the types of its
strongest kernels, and its anisotropy."""


SERIES = ("energy", "low_frequency_share", "dc_share", "odd_energy_ratio", "alignment")
"""What a series of checkpoints shows of all kernels together."""


def command(
    weights: WeightFilesArgument,
    output: OptionalOutputOption = None,
    layout: LayoutOption = "auto",
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    fold_batchnorm: FoldOption = False,
    table: Annotated[Path | None, typer.Option(help="Layers to write: .csv or .json.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Picture to draw: .png or .svg.")] = None,
    series: Annotated[
        bool, typer.Option("--series", help="The files are one network as it is trained.")
    ] = False,
) -> None:
    """Analyse the kernels of weight files, and print a table of the layers of each.

    The output is a file; of several weight files, or a folder of them, a folder.
    """
    stated = {"layout": layout, "select": select or [], "exclude": exclude or []}
    reading = validated(Reading, stated | {"fold_batchnorm": fold_batchnorm}, "options")
    files = weight_files(weights)
    outputs = _outputs(output, files, one=files == weights)
    for option, path, writers in (("--table", table, TABLES), ("--figure", figure, PICTURES)):
        if path is not None:
            check_outputs({option: path}, files)
            choose(writers, option, path.suffix)

    from mechcore.analysis.tables import joined
    from mechcore.filters.census import JUDGED, network_layers

    refused: list[str] = []
    layers, summaries, clouds = [], {}, {}
    for path, name, analysis in _analysed(files, outputs, reading, refused):
        layers.append(_judged(network_layers(analysis.layers, harmless(name), trained=True)))
        summaries[name] = analysis.summary.iloc[0]
        if figure:
            clouds[name] = _cloud(analysis)
        if not series:
            _print_one(path if len(files) > 1 else None, layers[-1], analysis)
    if series and summaries:
        typer.echo(_printed_series(summaries))
    if layers and table:
        text = TABLES[table.suffix](joined(layers, JUDGED))
        replace_file(table, lambda draft: draft.write_text(text, encoding="utf-8"))
    if layers and figure:
        _draw(joined(layers, JUDGED), clouds, figure)
    if refused:
        raise MechcoreError("\n".join(refused))


def _analysed(
    files: list[Path], outputs: list[Path | None], reading: Reading, refused: list[str]
) -> Iterator[tuple[Path, str, BankAnalysis]]:
    """Analyse and write file after file; what is refused does not stop the others."""
    from mechcore.filters.bank import load_bank
    from mechcore.filters.bank_file import analyse_bank, write_analysis

    for path, name, target in zip(files, bank_names(files), outputs, strict=True):
        try:
            analysis = analyse_bank(load_bank(path, **dict(reading)))
        except MechcoreError as error:
            refused.append(str(error))
            continue
        if target is not None:
            write_analysis(analysis, target)
        yield path, name, analysis


def _judged(layers: pd.DataFrame) -> pd.DataFrame:
    from mechcore.claims.kernels import layer_verdicts

    return layers.assign(verdict=layer_verdicts(layers))


def _print_one(path: Path | None, layers: pd.DataFrame, analysis: BankAnalysis) -> None:
    """Print the layers of a file, under its name if there are several."""
    if path is not None:
        typer.echo(f"{path}:")
    typer.echo(_printed(layers, analysis.summary))
    for reason, count in Counter(analysis.skipped.reason).most_common():
        typer.echo(f"skipped {count}: {reason}")


def _printed_series(summaries: dict[str, pd.Series]) -> str:
    """The table of checkpoints, in the order of their files."""
    import pandas as pd

    rows = pd.DataFrame(summaries).T[[*SERIES]].astype(float)
    rows.insert(4, "odd energy", rows.energy * rows.odd_energy_ratio)
    return str(rows.rename(columns=COLUMNS).to_string(float_format="{:.4g}".format))


TABLES: dict[str, Callable[[pd.DataFrame], str]] = {
    ".csv": lambda layers: layers.to_csv(index=False, lineterminator="\n"),
    ".json": lambda layers: layers.to_json(orient="records", indent=1),
}
PICTURES = {".png": "write_png", ".svg": "write_svg"}
"""What a table is as a text, and how a picture is written (`mechcore.report.figures.style`)."""


def _cloud(analysis: BankAnalysis) -> pd.DataFrame:
    from mechcore.report.figures.one_picture import cloud_of

    return cloud_of(analysis)


def _draw(layers: pd.DataFrame, clouds: dict[str, pd.DataFrame], path: Path) -> None:
    """Draw the layers and kernels of all files, a row each."""
    from mechcore.report.figures import style
    from mechcore.report.figures.one_picture import draw_one_picture
    from mechcore.report.figures.trained_layers import with_parts

    with style.paper_style():
        panels = draw_one_picture(with_parts(layers.rename(columns={"network": "bank"})), clouds)
    getattr(style, PICTURES[path.suffix])(panels.figure, path)


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

    names = [shortened(one_line(name), LONGEST_NAME) for name in layers.layer]
    kernels = layers.height.astype(str) + "x" + layers.width.astype(str)
    parts = [layers.assign(layer=names, kernel=kernels), summary.assign(layer="all")]
    table = pd.concat([part.astype(object) for part in parts])
    table = table[["layer", "kernel", "filters", "slices", *COLUMNS]].rename(columns=COLUMNS)
    return str(table.fillna("").to_string(index=False, float_format="{:.3f}".format))
