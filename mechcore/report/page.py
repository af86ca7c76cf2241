"""The final report: verdicts, a player, figures, statistics and how to reproduce, on one page."""

from __future__ import annotations

import base64
import functools
import gc
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mechcore.analysis.tables import DIGITS
from mechcore.claims.verdict import Claim, read_claims
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import CLAIMS_FILE
from mechcore.io.atomic import check_output, replace_file
from mechcore.report.coverage import STATES, commands, family_maps, state_counts, template_cell
from mechcore.report.data_files import ALIASES, copied_files, write_data
from mechcore.report.films import film_data
from mechcore.report.pictures import Section, draw_sections, drawn_files
from mechcore.report.reproduction import config_text, current_provenance
from mechcore.report.scorecard import Scorecard, scorecard
from mechcore.report.statistics import chapters
from mechcore.report.verification import Verification, verification_of
from mechcore.results.results import Results

__all__ = ["Content", "config_text", "render", "summary", "write_report"]

FILM_STRIP = "strip"
"""The section that stands in place of the player on paper, and beneath it on a screen."""

PAGE = "report.html.j2"
SUMMARY = "summary.md.j2"
STYLE = "style.css.j2"
MACROS = "pictures.html.j2"
TOP = ("alarm.html.j2", "header.html.j2")
CHAPTERS = (
    "scorecard.html.j2",
    "look.html.j2",
    "coverage.html.j2",
    "figures.html.j2",
    "statistics.html.j2",
    "verification.html.j2",
    "reproduce.html.j2",
)
SCRIPTS = ("player.js.j2", "coverage.js.j2", "page.js.j2")
"""The templates. All are named here: an edit of one that no module names would go unnoticed by
`mechcore.io.fingerprint`, and the workflow would keep the old page."""


MARKUP = re.compile(r"[\\`*_\[\]|~$]")
"""Characters that start something in Markdown, with the tables and formulas of code hosts."""


@dataclass(frozen=True)
class Content:
    """What goes into the page besides the results."""

    claims: Sequence[Claim]
    """The verdicts."""
    sections: Sequence[Section]
    """The figures."""
    places: Mapping[str, str]
    """Names of data files to what the page links to."""
    verification: Verification | None = None
    """What was checked of the results; None if nothing was."""
    logs: Path | None = None
    """Folder of the logs of the experiment."""


def write_report(
    experiment: Experiment,
    folder: Path,
    output: Path,
    logs: Path | None = None,
    *,
    partial: bool = False,
) -> list[Path]:
    """Draw all figures and write the report.

    Notes
    -----
    A page that was there stays if results cannot be read. Once figures are drawn anew it is gone
    until the new one is whole.
    """
    makers = {output: render, output.parent / "README.md": summary}
    for path in makers:
        check_output(path)
    results, claims = _measured(experiment, folder) if partial else _read(experiment, folder)
    # If anything below fails, no page is better than an old one among new figures.
    for path in makers:
        path.unlink(missing_ok=True)
    with _results_kept():
        sections = draw_sections(results, output.parent)
        places = write_data(results, claims, output.parent)
        content = Content(claims, sections, places, verification_of(results), logs)
        texts = {path: make(results, content) for path, make in makers.items()}
    for path, text in texts.items():
        replace_file(path, functools.partial(Path.write_text, data=text, encoding="utf-8"))
    return [*texts, *drawn_files(sections, output.parent), *copied_files(places, output.parent)]


def render(results: Results, content: Content) -> str:
    """Return the page."""
    environment = _environment()
    families = family_maps(results, content.logs)
    script = "\n".join(environment.get_template(name).render() for name in SCRIPTS)
    return environment.get_template(PAGE).render(
        templates={"style": STYLE, "macros": MACROS, "top": TOP, "chapters": CHAPTERS},
        experiment=results.experiment,
        counts=counts(results),
        card=_card(content),
        film=film_data(results),
        strip=next((one for one in content.sections if one.name == FILM_STRIP), None),
        sections=[one for one in content.sections if one.name != FILM_STRIP],
        coverage=families,
        states=STATES,
        tally=state_counts(families),
        commands=commands(results.experiment),
        cell_template=template_cell(results.experiment),
        planned=len(results.cells),
        finished=len(results.finished),
        chapters=chapters(results),
        places=content.places,
        verification=content.verification,
        provenance=current_provenance(),
        config=config_text(results.experiment),
        claims_file=CLAIMS_FILE,
        aliases=ALIASES,
        script=script,
        script_digest=_digest(script),
    )


def summary(results: Results, content: Content) -> str:
    """Return the report as Markdown, for viewers that show it beside code."""
    return (
        _environment()
        .get_template(SUMMARY)
        .render(
            experiment=results.experiment,
            counts=counts(results),
            card=_card(content),
            sections=content.sections,
            verification=content.verification,
            provenance=current_provenance(),
            digits=DIGITS,
        )
    )


def _card(content: Content) -> Scorecard:
    sections = [section.name for section in content.sections]
    return scorecard(content.claims, sections, lambda name: content.places.get(name, ""))


def counts(results: Results) -> dict[str, str]:
    """Return the size of an experiment."""
    metrics = results.metrics
    numbers = {
        "simulations": len(metrics),
        "extinct": int(metrics.extinct_at.notna().sum()),
        "ill-conditioned": int(metrics.ill_conditioned.sum()),
    }
    cells = f"{len(results.finished)} of {len(results.cells)}"
    return {"cells": cells} | {name: f"{number:,}" for name, number in numbers.items()}


def _read(experiment: Experiment, folder: Path) -> tuple[Results, list[Claim]]:
    return Results.load(experiment, folder), read_claims(folder / CLAIMS_FILE)


def _measured(experiment: Experiment, folder: Path) -> tuple[Results, list[Claim]]:
    from mechcore.claims.criteria import judge

    results = Results.measured(experiment, folder)
    return results, judge(results)


def markdown(text: object) -> str:
    r"""Return text that Markdown shows as it is.

    Examples
    --------
    >>> markdown("beta* of a|b")
    'beta\\* of a\\|b'
    """
    return MARKUP.sub(r"\\\g<0>", " ".join(str(text).split()))


def sentence(text: str) -> str:
    """Return text with a capital at its start; the sign of a quantity stays as it is.

    Examples
    --------
    >>> sentence("all of it"), sentence("β <= 0.5")
    ('All of it', 'β <= 0.5')
    """
    return text[:1].upper() + text[1:] if text[:1].isascii() else text


@contextmanager
def _results_kept() -> Iterator[None]:
    """Millions of numbers stay to the end: looking for garbage among them takes seconds."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _digest(script: str) -> str:
    """What lets a browser run this script and no other that a name might smuggle in."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mechcore.report"),
        # Markdown may hold markup as well.
        autoescape=select_autoescape(("html.j2", "md.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = markdown
    environment.filters["sentence"] = sentence
    return environment
