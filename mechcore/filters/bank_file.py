"""The analysis of a bank: its kernels, filters and layers, and the file that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.filters.analysis import analyse
from mechcore.filters.asymmetry import covariance_axes, strongest_tenth, type_shares
from mechcore.filters.bank import Bank
from mechcore.filters.null import null_limit, null_share, subspace_dimensions
from mechcore.filters.summary import SHARES, kernel_table, medians, summarise
from mechcore.filters.variables import BANK_VARIABLES
from mechcore.io.arrays import Array
from mechcore.io.netcdf import ROOT, describe, file_attributes, read_groups, write_groups
from mechcore.io.provenance import provenance

SUMMARY, SKIPPED, FILTERS = "bank", "skipped", "filters"
"""Names of the groups of a file beside those of the kernels, which are named by shape. The table of
layers is the root: tools without groups read it."""

ABOUT = "Parity, moments, energy and rank of the convolution kernels of a network, by kernel shape"

LOW = "low_frequency_share"

SLICE_COORDINATES = ("layer", "out", "in", "plane")


@dataclass(frozen=True)
class BankAnalysis:
    """The outcome of the analysis of a bank."""

    attributes: dict[str, object]
    """Name and hash of the weight file, and what made the analysis."""
    slices: dict[str, xr.Dataset]
    """By shape, as ``k3x3``: the columns of `mechcore.filters.analysis.analyse` along ``slice``,
    with the coordinates layer (a row of `layers`), out, in and plane, and the taps."""
    filters: dict[str, pd.DataFrame]
    """By shape: a row for each output of each layer, see `mechcore.filters.summary.summarise` and
    `mechcore.filters.asymmetry.covariance_axes`."""
    layers: pd.DataFrame
    """A row a layer: name, height, width, filters, inputs of each, fixed (see
    `mechcore.filters.layers.Layer`), spacing_x and spacing_y of the
    taps, summary and medians;
    ``null_`` and the name of each share, its mean under untrained weights;
    ``null_low_frequency_limit``, which they exceed once in a thousand; ``low_frequencies``, the
    number of coefficients that are DC or a gradient; ``leading``, how many of these are among as
    many largest coefficients; ``strongest``, how many kernels
    `mechcore.filters.asymmetry.strongest_tenth` finds, and the shares of their types;
    ``anisotropy``, the median of its filters."""
    summary: pd.DataFrame
    skipped: pd.DataFrame
    """Arrays of the file that are no spatial convolution: name, shape, reason."""


def analyse_bank(bank: Bank) -> BankAnalysis:
    """Analyse all kernels of a bank, and summarise filters, layers and the bank."""
    slices = slices_by_shape(bank)
    tables = {name: kernel_table(group) for name, group in slices.items()}
    filters = {name: _filters(group, tables[name]) for name, group in slices.items()}
    kernels = pd.concat(tables.values(), ignore_index=True)
    layers = np.concatenate([group.layer.values for group in slices.values()])
    everything = np.zeros_like(layers)
    layer_summary, summary = (
        pd.concat([part(kernels, groups, count) for part in (summarise, medians)], axis=1)
        for groups, count in ((layers, len(bank.layers)), (everything, 1))
    )
    skipped = [(item.name, "x".join(map(str, item.shape)), item.reason) for item in bank.skipped]
    return BankAnalysis(
        attributes=bank.origin | provenance("filters", bank.reading.attributes),
        slices=slices,
        filters=filters,
        layers=_layers(bank, slices, filters, layer_summary),
        summary=summary,
        skipped=pd.DataFrame(skipped, columns=["name", "shape", "reason"]),
    )


def slices_by_shape(bank: Bank) -> dict[str, xr.Dataset]:
    """Analyse all kernels of a bank, by their shape."""
    shapes = dict.fromkeys(layer.kernels.shape[-2:] for layer in bank.layers)
    return {shape_name(*shape): _analysed(bank, shape) for shape in shapes}


def shape_name(height: int, width: int) -> str:
    """Return the name of the group of kernels of a shape."""
    return f"k{height}x{width}"


def write_analysis(analysis: BankAnalysis, path: Path) -> None:
    """Write an analysis as netCDF-4, one group a kernel shape, whole or not at all."""
    # Weights are noise to a compressor: a fifth smaller files would take seven times as long.
    write_groups(analysis_groups(analysis), path, compress=False)


def analysis_groups(analysis: BankAnalysis) -> dict[str, xr.Dataset]:
    """Return an analysis as the groups of its file."""
    title = f"Kernels of {analysis.attributes['weights']}"
    attributes = file_attributes(title, ABOUT) | analysis.attributes
    groups = {ROOT: _as_dataset(analysis.layers, "layers").assign_attrs(attributes)}
    for name, slices in analysis.slices.items():
        groups[name] = slices
        groups[f"{name}/{FILTERS}"] = _as_dataset(analysis.filters[name], "filter")
    groups[SUMMARY] = _as_dataset(analysis.summary, "row")
    groups[SKIPPED] = _as_dataset(analysis.skipped, "row")
    return {name: describe(group, BANK_VARIABLES) for name, group in groups.items()}


def read_analysis(path: Path) -> BankAnalysis:
    """Read what `write_analysis` wrote."""
    groups = read_groups(path)
    missing = [name for name in (SUMMARY, SKIPPED) if name not in groups]
    if missing:
        raise MechcoreError(f"{path}: no group {', '.join(missing)}: another kind of file")
    shapes = [name for name in groups if f"{name}/{FILTERS}" in groups]
    return BankAnalysis(
        attributes=dict(groups[ROOT].attrs),
        slices={name: groups[name] for name in shapes},
        filters={name: _as_table(groups[f"{name}/{FILTERS}"]) for name in shapes},
        layers=_as_table(groups[ROOT]),
        summary=_as_table(groups[SUMMARY]),
        skipped=_as_table(groups[SKIPPED]),
    )


def _analysed(bank: Bank, shape: tuple[int, ...]) -> xr.Dataset:
    """All kernels of one shape, and where each comes from."""
    stacks, places = [], []
    for number, layer in enumerate(bank.layers):
        if layer.kernels.shape[-2:] == shape:
            stacks.append(layer.kernels.reshape(-1, *shape))
            inside = np.indices(layer.kernels.shape[:3], dtype=np.int32).reshape(3, -1)
            places.append([np.full_like(inside[0], number), *inside])
    # The only layer of its shape may be as large as memory allows: it is not copied.
    taps = stacks[0] if len(stacks) == 1 else np.concatenate(stacks)
    indices = np.concatenate(places, axis=1)
    coordinates = dict(zip(SLICE_COORDINATES, indices, strict=True))
    spacing, slices = np.array([layer.spacing for layer in bank.layers]), analyse(taps)
    if np.any(spacing != 1):
        slices = _in_pixels(slices, *spacing[coordinates["layer"]].T)
    return slices.assign(taps=(("slice", "y", "x"), taps)).assign_coords(
        {name: ("slice", index) for name, index in coordinates.items()}
    )


def _in_pixels(slices: xr.Dataset, down: Array, right: Array) -> xr.Dataset:
    """Moments of kernels whose taps lie apart by these numbers of pixels."""
    for axis, factor in (("x", right), ("y", down)):
        slices[f"momentum_{axis}"] *= factor
        slices[f"velocity_{axis}"] *= factor
    angle = np.degrees(np.arctan2(slices.momentum_y, slices.momentum_x)) % 360.0
    slices["momentum_angle"] = slices.momentum_angle.where(
        (down == right) | np.isnan(slices.momentum_angle), angle
    )
    return slices


def _filters(slices: xr.Dataset, kernels: pd.DataFrame) -> pd.DataFrame:
    """A row for each output of each layer of one shape."""
    outputs = int(slices.out.max()) + 1
    keys = slices.layer.values.astype(np.int64) * outputs + slices.out.values
    distinct, groups = np.unique(keys, return_inverse=True)
    place = pd.DataFrame({"layer": distinct // outputs, "out": distinct % outputs})
    summary = summarise(kernels, groups, len(distinct))
    axes = covariance_axes(slices.point_x.values, slices.point_y.values, groups, len(distinct))
    return pd.concat([place, summary, axes], axis=1)


def _layers(
    bank: Bank,
    slices: dict[str, xr.Dataset],
    filters: dict[str, pd.DataFrame],
    summary: pd.DataFrame,
) -> pd.DataFrame:
    """A row for each layer: what it is, its summary, and what chance would give."""
    rows = []
    anisotropies = pd.concat(
        [table.groupby("layer").anisotropy.median() for table in filters.values()]
    )
    for number, layer in enumerate(bank.layers):
        height, width = layer.kernels.shape[-2:]
        effective = max(summary.effective_slices[number], 1.0)
        shape = shape_name(height, width)
        rows.append(
            {
                "name": layer.name,
                "height": height,
                "width": width,
                "filters": len(layer.kernels),
                "inputs": layer.kernels.shape[1],
                "fixed": layer.fixed,
                "spacing_x": layer.spacing[1],
                "spacing_y": layer.spacing[0],
                **summary.iloc[number],
                **{f"null_{name}": null_share(name, height, width) for name in SHARES},
                "null_low_frequency_limit": null_limit(LOW, height, width, effective),
                "low_frequencies": subspace_dimensions(height, width)[LOW],
                "leading": _leading(slices[shape], number),
                **_types(slices[shape], number, len(layer.kernels)),
                "anisotropy": anisotropies[number],
            }
        )
    return pd.DataFrame(rows).astype(dict(summary.dtypes))


def _rows_of(slices: xr.Dataset, layer: int) -> slice:
    """Where the kernels of a layer are, which are beside each other."""
    return slice(*np.searchsorted(slices.layer.values, [layer, layer + 1]))


def _leading(slices: xr.Dataset, layer: int) -> int:
    """The number of low frequencies among as many coefficients of the most energy."""
    spectrum = slices.dct_energy.values[_rows_of(slices, layer)].sum(axis=0)
    v, u = np.indices(spectrum.shape)
    low = (v + u <= 1).ravel()
    largest = np.argsort(-spectrum.ravel(), kind="stable")[: low.sum()]
    return int(low[largest].sum())


def _types(slices: xr.Dataset, layer: int, filters: int) -> dict[str, float]:
    """The types of the strongest kernels of a layer, and their number."""
    rows = _rows_of(slices, layer)
    chosen = strongest_tenth(slices.energy.values[rows].reshape(filters, -1))
    shares = slices.asymmetric_share.values[rows][chosen]
    return {"strongest": len(chosen), **type_shares(shares)}


def _as_dataset(table: pd.DataFrame, row: str) -> xr.Dataset:
    return xr.Dataset({name: (row, table[name].to_numpy()) for name in table})


def _as_table(group: xr.Dataset) -> pd.DataFrame:
    return pd.DataFrame({str(name): group[name].values for name in group.data_vars})
