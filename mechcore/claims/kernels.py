"""Judges of kernels as such: the identity of parities (C9), and what training leaves (C10)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.pooled import fit_clustered
from mechcore.claims import thresholds as limits
from mechcore.claims.judgement import Judgement, measured, percentage, verdict, with_interval
from mechcore.claims.verdict import BROKEN, HOLDS, Figure
from mechcore.claims.wording import listed_names, where_it_holds
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.paths import CENSUS_FILE, KERNELS_FILE
from mechcore.filters.census import mean_share
from mechcore.results.results import Results

DOMINATED_LAYER, ABOVE_CHANCE = "dominated", "above chance"
NOT_ABOVE, NOT_JUDGED, NOT_TRAINED = "not above chance", "not judged", "not trained"
"""What DC and the gradients are in a layer."""

UNDECIDED = {
    NOT_JUDGED: "they are zero, or have more than half by chance",
    NOT_TRAINED: "their files say that training left them as they are",
}
"""Layers that decide nothing, and why."""


def parity(results: Results) -> Judgement | None:
    """C9: even and odd part are orthogonal, and their energies add up."""
    rows = results.kernels
    if rows.empty:
        return None
    defect, product = rows.energy_defect.abs(), rows.parity_product.abs()
    holds = (defect <= limits.ROUNDING) & (product <= limits.ROUNDING)
    figures = [
        measured("largest |E² − m² − p²| / E²", defect.max(), source=KERNELS_FILE),
        measured("kernels", len(rows), source=KERNELS_FILE),
        measured("largest |⟨K_e, K_o⟩| / E²", product.max(), source=KERNELS_FILE),
    ]
    where = where_it_holds(rows, holds, ("kernel", "size"))
    return Judgement(HOLDS if holds.all() else BROKEN, figures, where)


def layer_verdicts(layers: pd.DataFrame) -> pd.Series:
    """Return what low frequencies are in each layer, by the columns of its table."""
    share, chance = layers.low_frequency_share, layers.null_low_frequency_share
    above = share > layers.null_low_frequency_limit
    # Nothing is known of zeros, and where chance dominates, the layer decides nothing.
    cases = {
        NOT_TRAINED: layers.fixed.astype(bool),
        NOT_JUDGED: share.isna() | (chance > limits.MOST_BY_CHANCE),
        DOMINATED_LAYER: above & (share > limits.DOMINATED),
        ABOVE_CHANCE: above,
    }
    verdicts = np.select(list(cases.values()), list(cases), NOT_ABOVE)
    return pd.Series(verdicts, layers.index, dtype=object)


def trained_filters(results: Results) -> Judgement | None:
    """C10: DC and gradients dominate trained filters."""
    census = results.census
    layers = pd.DataFrame(census[census.trained.astype(bool)])
    verdicts = layer_verdicts(layers)
    rows = layers[~verdicts.isin(UNDECIDED)]
    if rows.empty:
        return None
    holds = verdicts[rows.index] == DOMINATED_LAYER
    above = holds | (verdicts[rows.index] == ABOVE_CHANCE)
    if rows.network.nunique() < limits.CENSUS_NETWORKS:
        decided = verdict(holds, partly=bool(holds.any() or above.all()))
        figures = [percentage("of the layers pass", holds.mean(), CENSUS_FILE)]
    else:
        decided, figures = _by_networks(rows, holds, above)
    leading = (rows.leading == rows.low_frequencies).mean()
    figures += [
        percentage("of the layers have no larger coefficient", leading, CENSUS_FILE),
        *_before_training(census),
    ]
    where = _where(rows, holds, above)
    return Judgement(decided, figures, where + _left_out(layers, verdicts) + _missing(results))


def _by_networks(
    rows: pd.DataFrame, holds: pd.Series, above: pd.Series
) -> tuple[str, list[Figure]]:
    """The verdict on networks of which these are a sample."""
    passing, chance = mean_share(holds, rows.network), mean_share(above, rows.network)
    partly = max(passing.high, chance.low) > limits.CENSUS_HALF
    decided = verdict(pd.Series([passing.low > limits.CENSUS_HALF]), partly=partly)
    number = rows.network.nunique()
    figures = [
        *with_interval(f"of the layers pass, mean of {number} networks", passing, "%", CENSUS_FILE),
        *with_interval("of the layers are above chance", chance, "%", CENSUS_FILE),
        *_over_depth(rows),
    ]
    return decided, figures


def _over_depth(rows: pd.DataFrame) -> list[Figure]:
    """How the share changes from the first layer of a network to its last."""
    line = fit_clustered(rows.depth.to_numpy(), rows.low_frequency_share.to_numpy(), rows.network)
    ends = [line[name] for name in ("slope", "ci_low", "ci_high")]
    return with_interval("change of the share over the depth", ends, "1", CENSUS_FILE)


def _before_training(census: pd.DataFrame) -> list[Figure]:
    verdicts = layer_verdicts(pd.DataFrame(census[~census.trained.astype(bool)]))
    judged = verdicts[~verdicts.isin(UNDECIDED)]
    if judged.empty:
        return []
    above = (judged != NOT_ABOVE).mean()
    return [percentage("of the layers are above chance before training", above, CENSUS_FILE)]


def _where(rows: pd.DataFrame, holds: pd.Series, above: pd.Series) -> str:
    """Which layers pass."""
    passing = holds.groupby(rows.network, sort=False).agg(["sum", "size"])
    names = [f"{row['sum']} of {row['size']} layers of {name}" for name, row in passing.iterrows()]
    if len(passing) >= limits.CENSUS_NETWORKS:
        names = [f"{holds.sum()} of {len(rows)} layers of {len(passing)} networks"]
    return f"{', '.join(names)}; {above.sum()} of {len(rows)} are above chance"


def _left_out(layers: pd.DataFrame, verdicts: pd.Series) -> str:
    """Which layers are not judged, and why."""
    text = ""
    for verdict_left_out, reason in UNDECIDED.items():
        rows = layers[verdicts == verdict_left_out]
        names = [f"{row.network} {row.layer}" for row in rows.itertuples()]
        text += f". Not judged, because {reason}: {listed_names(names)}" if names else ""
    return text


def _missing(results: Results) -> str:
    """Which banks are not there yet."""
    planned = planned_banks(results.experiment).values()
    missing = [bank.name for bank in planned if bank.trained and bank.name not in results.banks]
    return f". Not analysed yet: {listed_names(missing)}" if missing else ""
