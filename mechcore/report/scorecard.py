"""The scorecard: each claim, finding and control with its verdict, figures and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mechcore.claims import verdict as verdicts
from mechcore.claims.verdict import VERDICTS, Claim, Figure
from mechcore.experiment.paths import APPENDIX_FILE
from mechcore.report.numbers import significant
from mechcore.report.pictures import Section


class Chip(NamedTuple):
    """How a verdict looks: a symbol that needs no colour, and a class of the page."""

    symbol: str
    style: str


CHIPS = {
    verdicts.REPRODUCED: Chip("✓", "yes"),
    verdicts.IN_PART: Chip("◐", "partly"),
    verdicts.NOT_REPRODUCED: Chip("✗", "no"),
    verdicts.OBSERVED: Chip("✓", "yes"),
    verdicts.NOT_OBSERVED: Chip("✗", "no"),
    verdicts.HOLDS: Chip("✓", "yes"),
    verdicts.BROKEN: Chip("!", "broken"),
    verdicts.NOT_YET_MEASURED: Chip("○", "open"),
}

DIGITS = 4
TINY, TINY_DIGITS = 1e-6, 2
"""A smaller number is rounding, of which only the size matters."""


@dataclass(frozen=True)
class Score:
    """A claim, finding or control as the page shows it."""

    claim: Claim
    chip: Chip
    figure: str
    """Where the figure is that shows it; empty if there is none."""
    links: dict[str, str]
    """Names of data files, and where they are; empty where there is nothing to link to."""


def scorecard(
    claims: Sequence[Claim], sections: Sequence[Section], links: Mapping[str, str]
) -> dict[str, list[Score]]:
    """Return claims, findings and controls by their kind."""
    places = {one.name: f"{'' if one.main else APPENDIX_FILE}#{one.name}" for one in sections}
    card: dict[str, list[Score]] = {kind: [] for kind in VERDICTS}
    for claim in claims:
        data = {name: links.get(name, "") for name in claim.data}
        score = Score(claim, CHIPS[claim.verdict], places.get(claim.section, ""), data)
        card[claim.kind].append(score)
    return card


def figure_text(figure: Figure) -> str:
    """Return a figure of a claim with its unit."""
    unit = "" if figure.unit in ("", "1") or figure.value is None else f" {figure.unit}"
    digits = TINY_DIGITS if abs(figure.value or 0) < TINY else DIGITS
    return significant(figure.value, digits) + unit
