"""The first screen of the page: a question, its answer and the figure that carries it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mechcore.claims.verdict import NOT_YET_MEASURED, VERDICTS, Claim
from mechcore.report.census import CLAIM as CENSUS
from mechcore.report.census import CensusPart
from mechcore.report.pictures import Section
from mechcore.report.published import PublishedPart
from mechcore.results.results import Results

AUTHORS = "Frija-Altarac and Toews (arXiv:2512.24338)"
"""The templates make it a link."""


def law_sentence(claim: Claim) -> str:
    """Return where the law holds."""
    subject = "A test of the law" if claim.verdict == NOT_YET_MEASURED else "The law"
    return f"{subject} {claim.range}."


def verdict_sentence(claim: Claim) -> str:
    """Return the verdict and where it holds."""
    where = claim.range[:1].upper() + claim.range[1:]
    return f"Claim {claim.id} is {claim.verdict}. {where}."


@dataclass(frozen=True)
class Opening:
    """What a page is about."""

    question: str
    context: str
    """What a reader must know, and what the paper claims."""
    claim: str
    """The claim that answers the question."""
    sections: tuple[str, ...]
    """The sections of figures that come first, the very first on the first screen."""
    applies: Callable[[Results, CensusPart | None], bool]
    answer: Callable[[Claim], str] = verdict_sentence
    with_film: bool = False


OPENINGS = (
    Opening(
        "Do DC and gradients dominate the kernels of trained networks?",
        f"A kernel is a sum of DCT components. {AUTHORS} claim that training leaves most of its "
        "energy in three of them: DC, which spreads an image, and the two gradients, which move "
        "it. Random kernels of 3×3 taps would have a third of their energy there.",
        CENSUS,
        ("census",),
        lambda _, census: census is not None,
    ),
    Opening(
        "Does the momentum of trained kernels predict where a network moves what it sees?",
        f"{AUTHORS} measure single kernels: their odd part moves an image. In a network, each "
        "channel mixes many kernels. What a unit sees of an image has a centre; its distance from "
        "the unit is the displacement, measured here on images and set against the kernels.",
        "C11",
        ("prediction", "displacement", "fields", "depth"),
        lambda results, _: bool(results.experiment.networks),
    ),
    Opening(
        "How many DCT components does a network need?",
        f"A kernel is a sum of DCT components, k² of them. {AUTHORS} cut the kernels of trained "
        "networks to a few and train them further. Here small networks are trained from several "
        "seeds, cut and fine-tuned, and their kernels are measured at every epoch.",
        "C12",
        ("cuts", "learning"),
        lambda results, _: results.experiment.training is not None,
    ),
    Opening(
        "How fast does a convolution kernel move an image?",
        f"The odd part of a kernel moves an image; the even part spreads it. {AUTHORS} claim that "
        "with rectification (v/c)² = ρ: the square of the speed v of a point, measured in units of "
        "the largest possible speed c = (k − 1)/2 px per layer, is the odd share ρ = β² of the "
        "kernel’s energy.",
        "C4",
        ("headline",),
        lambda _, __: True,
        law_sentence,
        with_film=True,
    ),
)
"""What a page may be about; the first that applies opens it."""


def opening_of(results: Results, census: CensusPart | None) -> Opening:
    """Return what the page of an experiment is about."""
    return next(opening for opening in OPENINGS if opening.applies(results, census))


def in_order(opening: Opening, sections: Sequence[Section]) -> tuple[Section | None, list[Section]]:
    """Return the section of the first screen, and the others, those that it is about first."""
    named = {section.name: section for section in sections}
    first = [named.pop(name) for name in opening.sections if name in named]
    ordered = [*first, *named.values()]
    return (ordered[0], ordered[1:]) if first else (None, ordered)


def answers(
    opening: Opening,
    claims: Sequence[Claim],
    census: CensusPart | None,
    published: PublishedPart | None,
) -> list[str]:
    """Return the answer, with the numbers that carry it, and how all claims fare."""
    if census:
        return [census.answer]
    claim = next((claim for claim in claims if claim.id == opening.claim), None)
    parts = [opening.answer(claim) if claim else "", tally_sentence(claims, published)]
    return list(filter(None, parts))


def tally_sentence(claims: Sequence[Claim], published: PublishedPart | None) -> str:
    """Return how many of the paper's numbers agree, and how its claims fare."""
    counts = Counter(claim.verdict for claim in claims if claim.kind == "claim")
    parts = [f"{counts[name]} {name}" for name in VERDICTS["claim"] if counts[name]]
    tally = f"of {counts.total()} claims: {', '.join(parts)}." if parts else ""
    return f"{published.count}; {tally}" if published else tally
