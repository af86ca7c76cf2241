"""The scorecard: each claim and each control with its verdict, figures and data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mechcore.claims.verdict import (
    AT_REST,
    IN_PART,
    MOVED,
    NOT_REPRODUCED,
    NOT_YET_MEASURED,
    REPRODUCED,
    Claim,
    Figure,
)
from mechcore.report.numbers import significant


@dataclass(frozen=True)
class Chip:
    """How a verdict looks: a symbol that needs no colour, and a class of the page."""

    symbol: str
    style: str


CHIPS = {
    REPRODUCED: Chip("✓", "yes"),
    IN_PART: Chip("◐", "partly"),
    NOT_REPRODUCED: Chip("✗", "no"),
    AT_REST: Chip("✓", "yes"),
    MOVED: Chip("!", "moved"),
    NOT_YET_MEASURED: Chip("○", "open"),
}

DIGITS = 4
TINY, TINY_DIGITS = 1e-6, 2
"""A smaller number is rounding, of which only the size matters."""


@dataclass(frozen=True)
class ShownFigure:
    """A figure of a claim as text, and the file that it comes from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class Score:
    """A claim or control as the page shows it."""

    claim: Claim
    chip: Chip
    figures: list[ShownFigure]
    section: str
    """Anchor of the figure that shows it; empty if the page has none."""
    links: dict[str, str]
    """Names of data files, and where they are; empty where there is nothing to link to."""


@dataclass(frozen=True)
class Scorecard:
    """All verdicts."""

    claims: list[Score]
    controls: list[Score]

    @property
    def moved(self) -> list[Score]:
        """The controls that moved: something is wrong."""
        return self._controls(MOVED)

    @property
    def unmeasured(self) -> list[Score]:
        """The controls that say nothing."""
        return self._controls(NOT_YET_MEASURED)

    @property
    def at_rest(self) -> list[Score]:
        """The controls that are as they should be."""
        return self._controls(AT_REST)

    @property
    def tally(self) -> list[tuple[str, Chip, int]]:
        """How many claims got each verdict."""
        verdicts = [score.claim.verdict for score in self.claims]
        return [
            (name, chip, verdicts.count(name)) for name, chip in CHIPS.items() if name in verdicts
        ]

    def _controls(self, verdict: str) -> list[Score]:
        return [score for score in self.controls if score.claim.verdict == verdict]


def scorecard(
    claims: Sequence[Claim], sections: Collection[str], links: Mapping[str, str]
) -> Scorecard:
    """Return the rows of the scorecard."""
    scores = [_score(claim, sections, links) for claim in claims]
    return Scorecard(
        [score for score in scores if score.claim.kind == "claim"],
        [score for score in scores if score.claim.kind == "control"],
    )


def _score(claim: Claim, sections: Collection[str], links: Mapping[str, str]) -> Score:
    return Score(
        claim,
        CHIPS[claim.verdict],
        [_shown(figure) for figure in claim.figures],
        claim.section if claim.section in sections else "",
        {name: links.get(name, "") for name in claim.data},
    )


def _shown(figure: Figure) -> ShownFigure:
    unit = "" if figure.unit in ("", "1") or figure.value is None else f" {figure.unit}"
    digits = TINY_DIGITS if abs(figure.value or 0) < TINY else DIGITS
    return ShownFigure(figure.name, significant(figure.value, digits) + unit, figure.source or "")
