"""``mechcore network``: how far and where each layer of a network moves what it sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mechcore.cli.options import OptionalOutputOption
from mechcore.cli.outputs import check_outputs
from mechcore.errors import InvalidValue, MechcoreError, choose, one_line, shortened
from mechcore.io.atomic import replace_file

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

EXAMPLES = """Examples:

  mechcore network net.onnx

  mechcore network net.onnx --pattern disc --output net.nc

  mechcore network net.onnx --images photographs --figure net.png --table layers.csv

  mechcore network net.onnx --images faces --mean 0.5 --scale 2 --until /layer4/Add_1
"""

TABLES: dict[str, Callable[[pd.DataFrame], str]] = {
    ".csv": lambda table: table.to_csv(index=False, lineterminator="\n"),
    ".json": lambda table: table.to_json(orient="records", indent=1),
}
PICTURES = {".png": "write_png", ".svg": "write_svg"}
"""What a table is as a text, and how a picture is written (`mechcore.report.figures.style`)."""

LONGEST_NAME = 48
"""Characters of the name of a layer."""

COLUMNS = {
    "layer": "layer",
    "kind": "kind",
    "channels": "channels",
    "theoretical_field": "field",
    "own_momentum": "momentum",
    "path_step": "step",
    "energy_displacement": "by kernels",
    "path_displacement": "displaced",
    "radius": "radius",
    "cancelled": "cancelled",
    "explained_step": "R2 of step",
    "explained_path": "R2 of displaced",
}
"""What is printed of each layer, and its headings; lengths are px."""

MOST_IMAGES = 16
"""Of a set or a folder."""


def command(
    model: Annotated[Path, typer.Argument(help="Network in the format ONNX.")],
    images: Annotated[
        str | None,
        typer.Option(help="photographs, digits, disc, noise, or a folder; values are 0 to 1."),
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Instead of images: delta, disc, ... amid zeros.")
    ] = None,
    mean: Annotated[float, typer.Option(help="Subtracted from the values of images.")] = 0.0,
    scale: Annotated[float, typer.Option(help="Multiplies what is left.")] = 1.0,
    until: Annotated[
        str | None, typer.Option(help="Last node to analyse; without it the whole network.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of images where the network leaves it open, px.")
    ] = None,
    output: OptionalOutputOption = None,
    table: Annotated[Path | None, typer.Option(help="Layers to write: .csv or .json.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Picture to draw: .png or .svg.")] = None,
) -> None:
    """Measure how far and where each layer of a network moves what it sees.

    Without images or a pattern, by its kernels alone.
    """
    if images is not None and pattern is not None:
        raise MechcoreError("--images and --pattern: expected one of them")
    check_outputs({"--output": output, "--table": table, "--figure": figure}, [model])
    for option, path, known in (("--table", table, TABLES), ("--figure", figure, PICTURES)):
        if path is not None:
            choose(known, option, path.suffix)
    if output is not None and output.suffix != ".nc":
        raise InvalidValue("--output", str(output), "a file that ends in .nc")

    data = _measured(model, images, pattern, (mean, scale), until, size)
    from mechcore.networks.dataset import layer_means

    layers = layer_means(data)
    typer.echo(_printed(layers))
    if output is not None:
        _write(data, model, output)
    if table is not None:
        text = TABLES[table.suffix](layers)
        replace_file(table, lambda draft: draft.write_text(text, encoding="utf-8"))
    if figure is not None:
        _draw(data, layers, figure)


def _measured(
    model: Path,
    images: str | None,
    pattern: str | None,
    normalisation: tuple[float, float],
    until: str | None,
    size: int | None,
) -> xr.Dataset:
    try:
        from mechcore.networks.network import image_shape, load_model, network, require_images
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        advice = "pip install 'mechcore[onnx]'"
        raise MechcoreError(f"networks need the package onnx: {advice}") from error

    loaded = load_model(model)
    if images is None:
        return network(loaded, pattern=pattern, until=until, size=size)

    from mechcore.model.image_sets import image_set

    channels, height, width = image_shape(loaded, size)
    require_images(loaded, MOST_IMAGES, (channels, height, width))
    mean, scale = normalisation
    values = image_set(images, MOST_IMAGES, (height, width), channels) - mean
    values *= scale
    return network(loaded, values, until=until)


def _printed(layers: pd.DataFrame) -> str:
    shown = layers[[name for name in COLUMNS if name in layers]].rename(columns=COLUMNS)
    names = [shortened(one_line(name), LONGEST_NAME) for name in layers.layer]
    shown = shown.assign(layer=names)
    return str(shown.to_string(index=False, float_format="{:.3f}".format, na_rep=""))


def _write(data: xr.Dataset, model: Path, path: Path) -> None:
    from mechcore.io.hashes import file_sha256
    from mechcore.io.netcdf import file_attributes, write_dataset
    from mechcore.networks.measurement_file import ABOUT

    made_of = {"model": model.name, "model_sha256": file_sha256(model, "model")}
    title = file_attributes(f"Displacements in the network {model.name}", ABOUT)
    write_dataset(data.assign_attrs(data.attrs | title | made_of), path)


def _draw(data: xr.Dataset, layers: pd.DataFrame, path: Path) -> None:
    from mechcore.report.figures import style
    from mechcore.report.figures.network_depth import draw_network

    with style.paper_style():
        drawn = draw_network(data, layers)
    getattr(style, PICTURES[path.suffix])(drawn, path)
