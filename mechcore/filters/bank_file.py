"""The analysis of a bank: its kernels, filters and layers, and the file that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import analysis_settings
from mechcore.filters.analysis import analyse
from mechcore.filters.bank import Bank, Layer
from mechcore.filters.null import dimensions, null_limit, null_share
from mechcore.filters.summary import SHARES, kernel_table, summary
from mechcore.filters.variables import described
from mechcore.io.netcdf import ROOT, read_groups, with_attributes, write_groups
from mechcore.io.provenance import provenance

if TYPE_CHECKING:
    pass

LAYERS, WHOLE, SKIPPED, FILTERS = "layers", "bank", "skipped", "filters"
"""Names of the groups of a file beside those of the kernels, which are named by shape."""

PLACE = ("layer", "out", "in", "plane")
"""Coordinates that tell which kernel of the bank a slice is."""


@dataclass(frozen=True)
class BankAnalysis:
    """What is known of a bank."""

    attributes: dict[str, object]
    """Name and hash of the weight file, and what made the analysis."""
    slices: dict[str, xr.Dataset]
    """By shape, as ``k3x3``: the columns of `mechcore.filters.analysis.analyse` along ``slice``,
    with the coordinates layer (a row of `layers`), out, in and plane, and the taps."""
    filters: dict[str, pd.DataFrame]
    """By shape: a row for each output of each layer, see `mechcore.filters.summary.summary`."""
    layers: pd.DataFrame
    """A row a layer: name, height, width, filters, summary; ``null_`` and the name of each share,
    what kernels that point anywhere give in the mean; ``null_low_frequency_limit``, which they
    exceed once in a thousand; ``low_frequencies``, the number of coefficients that are DC or a
    gradient; ``leading``, how many of these are among as many largest coefficients."""
    whole: pd.DataFrame
    """One row, the summary of all kernels."""
    skipped: pd.DataFrame
    """Arrays of the file that are no spatial convolution: name, shape, reason."""


def analyse_bank(bank: Bank) -> BankAnalysis:
    """Analyse all kernels of a bank, and summarise them."""
    slices = slices_by_shape(bank)
    kernels = pd.concat([kernel_table(group) for group in slices.values()], ignore_index=True)
    layers = np.concatenate([group.layer.values for group in slices.values()])
    return BankAnalysis(
        origin_of(bank) | provenance("filters", analysis_settings(bank.layout)),
        slices,
        {name: _filters(group) for name, group in slices.items()},
        _layers(bank, summary(kernels, layers, len(bank.layers)), slices),
        summary(kernels, np.zeros_like(layers), 1),
        pd.DataFrame(
            [(one.name, "x".join(map(str, one.shape)), one.reason) for one in bank.skipped],
            columns=["name", "shape", "reason"],
        ),
    )


def slices_by_shape(bank: Bank) -> dict[str, xr.Dataset]:
    """Take all kernels of a bank apart."""
    shapes = dict.fromkeys(layer.kernels.shape[-2:] for layer in bank.layers)
    return {_shape_name(*shape): _analysed(bank, shape) for shape in shapes}


def origin_of(bank: Bank) -> dict[str, object]:
    """Return the attributes that tell which weights a file was made of."""
    return {"weights": bank.name, "weights_sha256": bank.sha256, "layout": bank.layout}


def write_analysis(analysis: BankAnalysis, path: Path) -> None:
    """Write an analysis as netCDF-4, one group a kernel shape, whole or not at all."""
    # Weights are noise to a compressor: a fifth smaller files would take seven times as long.
    write_groups(analysis_groups(analysis), path, compress=False)


def analysis_groups(analysis: BankAnalysis) -> dict[str, xr.Dataset]:
    """Return an analysis as the groups of its file."""
    title = f"Kernels of {analysis.attributes['weights']}"
    groups = {ROOT: with_attributes(xr.Dataset(), title).assign_attrs(analysis.attributes)}
    for name, slices in analysis.slices.items():
        groups[name] = slices
        groups[f"{name}/{FILTERS}"] = _as_dataset(analysis.filters[name], "filter")
    for name, table in (
        (LAYERS, analysis.layers),
        (WHOLE, analysis.whole),
        (SKIPPED, analysis.skipped),
    ):
        groups[name] = _as_dataset(table, "row")
    return {name: described(group) for name, group in groups.items()}


def read_analysis(path: Path) -> BankAnalysis:
    """Read what `write_analysis` wrote."""
    groups = read_groups(path)
    missing = [name for name in (LAYERS, WHOLE, SKIPPED) if name not in groups]
    if missing:
        raise MechcoreError(f"{path}: no group {', '.join(missing)}: another kind of file")
    shapes = [name for name in groups if f"{name}/{FILTERS}" in groups]
    layers, whole, skipped = (_as_table(groups[name]) for name in (LAYERS, WHOLE, SKIPPED))
    return BankAnalysis(
        dict(groups[ROOT].attrs),
        {name: groups[name] for name in shapes},
        {name: _as_table(groups[f"{name}/{FILTERS}"]) for name in shapes},
        layers,
        whole,
        skipped,
    )


def _shape_name(height: int, width: int) -> str:
    return f"k{height}x{width}"


def _analysed(bank: Bank, shape: tuple[int, ...]) -> xr.Dataset:
    """All kernels of one shape, with where each comes from."""
    members = [
        (number, layer)
        for number, layer in enumerate(bank.layers)
        if layer.kernels.shape[-2:] == shape
    ]
    taps = np.concatenate([layer.kernels.reshape(-1, *shape) for _, layer in members])
    places = np.concatenate([_places(number, layer) for number, layer in members], axis=1)
    coordinates = {name: ("slice", place) for name, place in zip(PLACE, places, strict=True)}
    found = analyse(taps).assign(taps=(("slice", "y", "x"), taps))
    return found.assign_coords(coordinates)


def _places(number: int, layer: Layer) -> NDArray[np.int32]:
    """Layer, output, input and plane of each kernel of a layer."""
    places = np.indices(layer.kernels.shape[:3], dtype=np.int32).reshape(3, -1)
    return np.concatenate([np.full_like(places[:1], number), places])


def _filters(slices: xr.Dataset) -> pd.DataFrame:
    """A row for each output of each layer of one shape."""
    outputs = int(slices.out.max()) + 1
    keys = slices.layer.values.astype(np.int64) * outputs + slices.out.values
    known, groups = np.unique(keys, return_inverse=True)
    table = summary(kernel_table(slices), groups, len(known))
    table.insert(0, "layer", known // outputs)
    table.insert(1, "out", known % outputs)
    return table


def _layers(bank: Bank, table: pd.DataFrame, slices: dict[str, xr.Dataset]) -> pd.DataFrame:
    shapes = np.array([layer.kernels.shape[-2:] for layer in bank.layers])
    table.insert(0, "name", [layer.name for layer in bank.layers])
    table.insert(1, "height", shapes[:, 0])
    table.insert(2, "width", shapes[:, 1])
    table.insert(3, "filters", [len(layer.kernels) for layer in bank.layers])
    for name in SHARES:
        table[f"null_{name}"] = [null_share(name, *shape) for shape in shapes.tolist()]
    table["null_low_frequency_limit"] = [
        null_limit("low_frequency_share", height, width, max(effective, 1.0))
        for (height, width), effective in zip(shapes.tolist(), table.effective_slices, strict=True)
    ]
    table["low_frequencies"] = [
        dimensions(*shape)["low_frequency_share"] for shape in shapes.tolist()
    ]
    table["leading"] = [
        _leading(slices[_shape_name(*shape)], number)
        for number, shape in enumerate(shapes.tolist())
    ]
    return table.reset_index(drop=True)


def _leading(slices: xr.Dataset, layer: int) -> int:
    """How many of the low frequencies are among as many coefficients of the most energy."""
    spectrum = slices.dct_energy.values[slices.layer.values == layer].sum(axis=0)
    v, u = np.indices(spectrum.shape)
    low = (v + u <= 1).ravel()
    largest = np.argsort(-spectrum.ravel(), kind="stable")[: low.sum()]
    return int(low[largest].sum())


def _as_dataset(table: pd.DataFrame, row: str) -> xr.Dataset:
    return xr.Dataset({name: (row, table[name].to_numpy()) for name in table})


def _as_table(group: xr.Dataset) -> pd.DataFrame:
    return pd.DataFrame({str(name): group[name].values for name in group.data_vars})
