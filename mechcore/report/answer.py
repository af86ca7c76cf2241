"""The answer on the first screen: two sentences with the numbers that carry it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mechcore.claims.verdict import NOT_YET_MEASURED, VERDICTS, Claim
from mechcore.report.published import PublishedPart

LAW = "C4"
"""The claim that the question of the page is about."""


def law_sentence(claims: Sequence[Claim]) -> str:
    """Return where the law holds; empty if nobody asked."""
    law = next((claim for claim in claims if claim.id == LAW), None)
    if law is None:
        return ""
    subject = "A test of the law" if law.verdict == NOT_YET_MEASURED else "The law"
    return f"{subject} {law.range}."


def tally_sentence(claims: Sequence[Claim], published: PublishedPart | None) -> str:
    """Return how many of the paper's numbers agree, and how its claims fare."""
    counts = Counter(claim.verdict for claim in claims if claim.kind == "claim")
    parts = [f"{counts[name]} {name}" for name in VERDICTS["claim"] if counts[name]]
    tally = f"of {counts.total()} claims: {', '.join(parts)}" if parts else ""
    return f"{published.count}; {tally}" if published else tally
