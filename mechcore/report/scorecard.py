"""The scorecard: each claim, finding and control with its verdict, figures and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mechcore.claims.verdict import (
    BROKEN,
    HOLDS,
    IN_PART,
    NOT_OBSERVED,
    NOT_REPRODUCED,
    NOT_YET_MEASURED,
    OBSERVED,
    REPRODUCED,
    VERDICTS,
    Claim,
    Figure,
)
from mechcore.experiment.paths import APPENDIX_FILE
from mechcore.report.numbers import significant
from mechcore.report.pictures import Section


@dataclass(frozen=True)
class Chip:
    """How a verdict looks: a symbol that needs no colour, and a class of the page."""

    symbol: str
    style: str


CHIPS = {
    REPRODUCED: Chip("✓", "yes"),
    IN_PART: Chip("◐", "partly"),
    NOT_REPRODUCED: Chip("✗", "no"),
    OBSERVED: Chip("✓", "yes"),
    NOT_OBSERVED: Chip("✗", "no"),
    HOLDS: Chip("✓", "yes"),
    BROKEN: Chip("!", "broken"),
    NOT_YET_MEASURED: Chip("○", "open"),
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


@dataclass(frozen=True)
class Scorecard:
    """All verdicts."""

    claims: list[Score]
    findings: list[Score]
    controls: list[Score]

    def controls_that(self, verdict: str) -> list[Score]:
        """Return the controls with a verdict."""
        return [score for score in self.controls if score.claim.verdict == verdict]


def scorecard(
    claims: Sequence[Claim], sections: Sequence[Section], links: Mapping[str, str]
) -> Scorecard:
    """Return the rows of the scorecard."""
    places = {one.name: f"{'' if one.main else APPENDIX_FILE}#{one.name}" for one in sections}
    kinds: dict[str, list[Score]] = {kind: [] for kind in VERDICTS}
    for claim in claims:
        data = {name: links.get(name, "") for name in claim.data}
        score = Score(claim, CHIPS[claim.verdict], places.get(claim.section, ""), data)
        kinds[claim.kind].append(score)
    return Scorecard(kinds["claim"], kinds["finding"], kinds["control"])


def figure_text(figure: Figure) -> str:
    """Return a figure of a claim with its unit."""
    unit = "" if figure.unit in ("", "1") or figure.value is None else f" {figure.unit}"
    digits = TINY_DIGITS if abs(figure.value or 0) < TINY else DIGITS
    return significant(figure.value, digits) + unit
