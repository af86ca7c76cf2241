"""Judges of kernels as such: the identity of parities (C9), and what training leaves (C10)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mechcore.claims.judgement import Judgement, measured, percentage, verdict
from mechcore.claims.selection import bank_layers
from mechcore.claims.thresholds import DOMINATED, MOST_BY_CHANCE, ROUNDING
from mechcore.claims.verdict import BROKEN, HOLDS, Figure
from mechcore.claims.wording import listed_names, where_it_holds
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.paths import KERNELS_FILE
from mechcore.results.results import Results


def parity(results: Results) -> Judgement | None:
    """C9: even and odd part are orthogonal, and their energies add up."""
    rows = results.kernels
    if rows.empty:
        return None
    defect, product = rows.energy_defect.abs(), rows.parity_product.abs()
    holds = (defect <= ROUNDING) & (product <= ROUNDING)
    figures = [
        measured("largest |E² − m² − p²| / E²", defect.max(), source=KERNELS_FILE),
        measured("kernels", len(rows), source=KERNELS_FILE),
        measured("largest |⟨K_e, K_o⟩| / E²", product.max(), source=KERNELS_FILE),
    ]
    where = where_it_holds(rows, holds, ("kernel", "size"))
    return Judgement(HOLDS if holds.all() else BROKEN, figures, where)


def trained_filters(results: Results) -> Judgement | None:
    """C10: DC and gradients dominate trained filters."""
    layers = bank_layers(results, trained=True)
    rows = _decisive(layers)
    if rows.empty:
        return None
    above_chance = rows.low_frequency_share > rows.null_low_frequency_limit
    holds = above_chance & (rows.low_frequency_share > DOMINATED)
    share = percentage("of the layers pass", holds.mean())
    figures = [share, *_spectra(rows, "after training"), *_before_training(results)]
    partly = bool(holds.any() or above_chance.all())
    left_out = [f"{row.bank} {row['name']}" for _, row in layers.drop(rows.index).iterrows()]
    planned = planned_banks(results.experiment).values()
    missing = [bank.name for bank in planned if bank.trained and bank.name not in results.banks]
    passing = holds.groupby(rows.bank, sort=False).agg(["sum", "size"])
    where = ", ".join(
        f"{row['sum']} of {row['size']} layers of {bank}" for bank, row in passing.iterrows()
    )
    where += f"; {above_chance.sum()} of {len(rows)} are above chance"
    if left_out:
        reason = "are zero, or have more than half by chance"
        where += f". Not judged, because they {reason}: {listed_names(left_out)}"
    if missing:
        where += f". Not analysed yet: {listed_names(missing)}"
    return Judgement(verdict(holds, partly=partly), figures, where)


def _decisive(layers: pd.DataFrame) -> pd.DataFrame:
    """The layers that decide something: chance alone does not dominate them, nor are they zero."""
    known = layers.low_frequency_share.notna()
    return layers[known & (layers.null_low_frequency_share <= MOST_BY_CHANCE)]


def _spectra(rows: pd.DataFrame, when: str) -> Iterator[Figure]:
    """The layers of each bank with the smallest and the largest share, and what chance gives."""
    for bank, part in rows.groupby("bank", sort=False):
        source = f"filters/{bank}.nc"
        ordered = part.sort_values("low_frequency_share")
        ends = ordered.iloc[[0, -1]] if len(part) > 1 else ordered
        for row in ends.to_dict("records"):
            layer = f"{bank}, {row['name']}"
            share, chance = row["low_frequency_share"], row["null_low_frequency_share"]
            yield measured(f"share of DC and gradients {when}, {layer}", share, source=source)
            yield measured(f"share by chance, {layer}", chance, source=source)
    leading = (rows.leading == rows.low_frequencies).mean()
    yield measured(f"layers in which no other coefficient is larger {when}", leading)


def _before_training(results: Results) -> Iterator[Figure]:
    rows = _decisive(bank_layers(results, trained=False))
    if len(rows):
        yield from _spectra(rows, "before training")
        above = (rows.low_frequency_share > rows.null_low_frequency_limit).mean()
        yield measured("layers above the limit of chance before training", above)
