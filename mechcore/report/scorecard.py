"""The scorecard: each claim and each control with its verdict, figures and data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mechcore.claims import verdict as verdicts
from mechcore.report.numbers import significant


@dataclass(frozen=True)
class Chip:
    """How a verdict looks: a symbol that is told apart without colour, and a class of the page."""

    symbol: str
    style: str


CHIPS = {
    verdicts.REPRODUCED: Chip("✓", "yes"),
    verdicts.IN_PART: Chip("◐", "partly"),
    verdicts.NOT_REPRODUCED: Chip("✗", "no"),
    verdicts.AT_REST: Chip("✓", "yes"),
    verdicts.MOVED: Chip("!", "moved"),
    verdicts.NOT_YET_MEASURED: Chip("○", "open"),
}
"""How each verdict looks."""


DIGITS = 4
TINY, TINY_DIGITS = 1e-6, 2
"""What is smaller is rounding, and its size is all that there is to know."""


@dataclass(frozen=True)
class Measured:
    """A figure of a claim as text, and the file that it comes from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class Score:
    """A claim or control as a row."""

    id: str
    statement: str
    verdict: str
    range: str
    test: str
    """As judged."""
    chip: Chip
    """Look of the verdict."""
    measured: list[Measured]
    """The figures."""
    section: str
    """Anchor of the figure that shows it; empty if the page has none."""
    data: list[tuple[str, str]]
    """Names of data files and where they are; no place where there is none to link to."""
    meaning: str
    """What it says if a control moves."""


@dataclass(frozen=True)
class Scorecard:
    """All verdicts."""

    claims: list[Score]
    controls: list[Score]
    """The rows."""

    @property
    def moved(self) -> list[Score]:
        """The controls that moved: something is wrong."""
        return [score for score in self.controls if score.verdict == verdicts.MOVED]

    @property
    def unmeasured(self) -> list[Score]:
        """The controls that say nothing."""
        return [score for score in self.controls if score.verdict == verdicts.NOT_YET_MEASURED]

    @property
    def rest(self) -> list[Score]:
        """The controls that are as they should be."""
        return [score for score in self.controls if score.verdict == verdicts.AT_REST]

    @property
    def tally(self) -> list[tuple[str, Chip, int]]:
        """How many claims got each verdict."""
        given = [score.verdict for score in self.claims]
        return [(name, chip, given.count(name)) for name, chip in CHIPS.items() if name in given]


def scorecard(
    claims: Sequence[verdicts.Claim], sections: Sequence[str], place: Callable[[str], str]
) -> Scorecard:
    """Return the rows of the scorecard."""
    rows = [(claim.kind, _score(claim, sections, place)) for claim in claims]
    return Scorecard(
        [row for kind, row in rows if kind == "claim"],
        [row for kind, row in rows if kind == "control"],
    )


def _score(claim: verdicts.Claim, sections: Sequence[str], place: Callable[[str], str]) -> Score:
    return Score(
        claim.id,
        claim.statement,
        claim.verdict,
        claim.range,
        claim.test,
        CHIPS[claim.verdict],
        [_measured(figure) for figure in claim.figures],
        claim.section if claim.section in sections else "",
        [(name, place(name)) for name in claim.data],
        claim.meaning,
    )


def _measured(figure: verdicts.Figure) -> Measured:
    unit = "" if figure.unit in ("", "1") or figure.value is None else f" {figure.unit}"
    digits = TINY_DIGITS if abs(figure.value or 0) < TINY else DIGITS
    return Measured(figure.name, significant(figure.value, digits) + unit, figure.source or "")
