"""The analysis of a bank: its kernels, filters and layers, and the file that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.errors import MechcoreError
from mechcore.filters.analysis import analyse
from mechcore.filters.bank import Bank
from mechcore.filters.layers import Layer
from mechcore.filters.null import null_limit, null_share, subspace_dimensions
from mechcore.filters.summary import SHARES, kernel_table, summarise
from mechcore.filters.variables import BANK_VARIABLES
from mechcore.io.netcdf import ROOT, describe, read_groups, with_attributes, write_groups
from mechcore.io.provenance import provenance

LAYERS, SUMMARY, SKIPPED, FILTERS = "layers", "bank", "skipped", "filters"
"""Names of the groups of a file beside those of the kernels, which are named by shape."""

SLICE_COORDINATES = ("layer", "out", "in", "plane")
"""Which kernel of the bank a slice is."""


@dataclass(frozen=True)
class BankAnalysis:
    """What the analysis of a bank found."""

    attributes: dict[str, object]
    """Name and hash of the weight file, and what made the analysis."""
    slices: dict[str, xr.Dataset]
    """By shape, as ``k3x3``: the columns of `mechcore.filters.analysis.analyse` along ``slice``,
    with the coordinates layer (a row of `layers`), out, in and plane, and the taps."""
    filters: dict[str, pd.DataFrame]
    """By shape: a row for each output of each layer, see `mechcore.filters.summary.summarise`."""
    layers: pd.DataFrame
    """A row a layer: name, height, width, filters, summary; ``null_`` and the name of each share,
    its mean under untrained weights; ``null_low_frequency_limit``, which they exceed once in a
    thousand; ``low_frequencies``, the number of coefficients that are DC or a gradient;
    ``leading``, how many of these are among as many largest coefficients."""
    summary: pd.DataFrame
    """One row, of all kernels."""
    skipped: pd.DataFrame
    """Arrays of the file that are no spatial convolution: name, shape, reason."""


def analyse_bank(bank: Bank) -> BankAnalysis:
    """Analyse all kernels of a bank, and summarise them.

    Parameters
    ----------
    bank : Bank
        Of `mechcore.filters.bank.load_bank`.

    Returns
    -------
    BankAnalysis
        Kernel by kernel, and summaries of filters, layers and the bank.
    """
    slices = slices_by_shape(bank)
    kernels = pd.concat([kernel_table(group) for group in slices.values()], ignore_index=True)
    layers = np.concatenate([group.layer.values for group in slices.values()])
    skipped = [(item.name, "x".join(map(str, item.shape)), item.reason) for item in bank.skipped]
    return BankAnalysis(
        attributes=bank.origin | provenance("filters", {"layout": bank.layout}),
        slices=slices,
        filters={name: _filters(group) for name, group in slices.items()},
        layers=_layers(bank, summarise(kernels, layers, len(bank.layers)), slices),
        summary=summarise(kernels, np.zeros_like(layers), 1),
        skipped=pd.DataFrame(skipped, columns=["name", "shape", "reason"]),
    )


def slices_by_shape(bank: Bank) -> dict[str, xr.Dataset]:
    """Analyse all kernels of a bank, by their shape."""
    shapes = dict.fromkeys(layer.kernels.shape[-2:] for layer in bank.layers)
    return {_shape_name(*shape): _analysed(bank, shape) for shape in shapes}


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
    groups[LAYERS] = _as_dataset(analysis.layers, "row")
    groups[SUMMARY] = _as_dataset(analysis.summary, "row")
    groups[SKIPPED] = _as_dataset(analysis.skipped, "row")
    return {name: describe(group, BANK_VARIABLES) for name, group in groups.items()}


def read_analysis(path: Path) -> BankAnalysis:
    """Read what `write_analysis` wrote."""
    groups = read_groups(path)
    missing = [name for name in (LAYERS, SUMMARY, SKIPPED) if name not in groups]
    if missing:
        raise MechcoreError(f"{path}: no group {', '.join(missing)}: another kind of file")
    shapes = [name for name in groups if f"{name}/{FILTERS}" in groups]
    return BankAnalysis(
        attributes=dict(groups[ROOT].attrs),
        slices={name: groups[name] for name in shapes},
        filters={name: _as_table(groups[f"{name}/{FILTERS}"]) for name in shapes},
        layers=_as_table(groups[LAYERS]),
        summary=_as_table(groups[SUMMARY]),
        skipped=_as_table(groups[SKIPPED]),
    )


def _shape_name(height: int, width: int) -> str:
    return f"k{height}x{width}"


def _analysed(bank: Bank, shape: tuple[int, ...]) -> xr.Dataset:
    """All kernels of one shape, and where each comes from."""
    members = [
        (number, layer)
        for number, layer in enumerate(bank.layers)
        if layer.kernels.shape[-2:] == shape
    ]
    taps = np.concatenate([layer.kernels.reshape(-1, *shape) for _, layer in members])
    indices = np.concatenate([_indices(number, layer) for number, layer in members], axis=1)
    coordinates = dict(zip(SLICE_COORDINATES, indices, strict=True))
    return (
        analyse(taps)
        .assign(taps=(("slice", "y", "x"), taps))
        .assign_coords({name: ("slice", index) for name, index in coordinates.items()})
    )


def _indices(number: int, layer: Layer) -> NDArray[np.int32]:
    """Layer, output, input and plane of each kernel of a layer."""
    indices = np.indices(layer.kernels.shape[:3], dtype=np.int32).reshape(3, -1)
    return np.concatenate([np.full_like(indices[:1], number), indices])


def _filters(slices: xr.Dataset) -> pd.DataFrame:
    """A row for each output of each layer of one shape."""
    outputs = int(slices.out.max()) + 1
    keys = slices.layer.values.astype(np.int64) * outputs + slices.out.values
    distinct, groups = np.unique(keys, return_inverse=True)
    table = summarise(kernel_table(slices), groups, len(distinct))
    table.insert(0, "layer", distinct // outputs)
    table.insert(1, "out", distinct % outputs)
    return table


def _layers(bank: Bank, table: pd.DataFrame, slices: dict[str, xr.Dataset]) -> pd.DataFrame:
    """A row for each layer, from its summary."""
    shapes = [layer.kernels.shape[-2:] for layer in bank.layers]
    table.insert(0, "name", [layer.name for layer in bank.layers])
    table.insert(1, "height", [height for height, _ in shapes])
    table.insert(2, "width", [width for _, width in shapes])
    table.insert(3, "filters", [len(layer.kernels) for layer in bank.layers])
    for name in SHARES:
        table[f"null_{name}"] = [null_share(name, *shape) for shape in shapes]
    table["null_low_frequency_limit"] = [
        null_limit("low_frequency_share", height, width, max(effective, 1.0))
        for (height, width), effective in zip(shapes, table.effective_slices, strict=True)
    ]
    table["low_frequencies"] = [
        subspace_dimensions(*shape)["low_frequency_share"] for shape in shapes
    ]
    table["leading"] = [
        _leading(slices[_shape_name(*shape)], number) for number, shape in enumerate(shapes)
    ]
    return table


def _leading(slices: xr.Dataset, layer: int) -> int:
    """The number of low frequencies among as many coefficients of the most energy."""
    spectrum = slices.dct_energy.values[slices.layer.values == layer].sum(axis=0)
    v, u = np.indices(spectrum.shape)
    low = (v + u <= 1).ravel()
    largest = np.argsort(-spectrum.ravel(), kind="stable")[: low.sum()]
    return int(low[largest].sum())


def _as_dataset(table: pd.DataFrame, row: str) -> xr.Dataset:
    return xr.Dataset({name: (row, table[name].to_numpy()) for name in table})


def _as_table(group: xr.Dataset) -> pd.DataFrame:
    return pd.DataFrame({str(name): group[name].values for name in group.data_vars})
