"""The report: a page with the answer, the verdicts and the main figures, and an appendix."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from mechcore.analysis.tables import DIGITS
from mechcore.claims.criteria import judge
from mechcore.claims.verdict import BROKEN, HOLDS, Claim, read_claims
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import APPENDIX_FILE, CLAIMS_FILE, PAGE_FILE
from mechcore.io.atomic import check_output, replace_file
from mechcore.io.code_state import CodeState, code_state
from mechcore.io.environment import library_versions
from mechcore.report.cells import STATES, cell_data, cell_map, states_of
from mechcore.report.census import census_part
from mechcore.report.config_text import config_text
from mechcore.report.data_files import ALIASES, write_data
from mechcore.report.film import film_of
from mechcore.report.first_screen import AUTHORS, answers, in_order, opening_of
from mechcore.report.numbers import significant
from mechcore.report.pictures import Section, draw_sections
from mechcore.report.published import published_part
from mechcore.report.scorecard import figure_text, scorecard
from mechcore.report.statistics import chapters
from mechcore.report.verification import certificate_of
from mechcore.results.results import Results
from mechcore.verification.certificate import Certificate

SUMMARY_FILE = "README.md"
"""The report in short, for viewers that show it beside code."""

PAPER = '<a href="https://arxiv.org/abs/2512.24338">{}</a>'

SCRIPTS = ("film.js.j2", "cells.js.j2", "space.js.j2", "folds.js.j2")

MARKUP = re.compile(r"[\\`*_\[\]|~$]")
"""Characters that start something in Markdown, with the tables and formulas of code hosts."""


@dataclass(frozen=True)
class Content:
    """What goes into the page besides the results."""

    claims: Sequence[Claim]
    sections: Sequence[Section]
    links: Mapping[str, str]
    """Names of data files, and where the page links to; empty where there is no such file."""
    certificate: Certificate | None = None
    """None if nothing was verified."""
    logs: Path | None = None
    code: CodeState = field(default_factory=code_state)


def write_report(
    experiment: Experiment,
    folder: Path,
    output: Path,
    logs: Path | None = None,
    *,
    partial: bool = False,
) -> None:
    """Draw all figures and write the report; ``partial`` measures and judges what is finished."""
    paths = [output, output.with_name(APPENDIX_FILE), output.with_name(SUMMARY_FILE)]
    for path in paths:
        check_output(path)
    if partial:
        results = Results.measured(experiment, folder)
        claims = judge(results)
    else:
        results = Results.load(experiment, folder)
        claims = read_claims(folder / CLAIMS_FILE)
    # If anything below fails, no page is better than an old one among new figures.
    for path in paths:
        path.unlink(missing_ok=True)
    sections = draw_sections(results.reference, output.parent)
    links = write_data(results, claims, output.parent, partial=partial)
    content = Content(claims, sections, links, certificate_of(results), logs)
    for path, text in zip(paths, render(results, content, output.name), strict=True):
        _write(path, text)


def render(results: Results, content: Content, page: str = PAGE_FILE) -> tuple[str, str, str]:
    """Return the page, which has this name, its appendix and its summary in Markdown."""
    environment, parts = _environment(), _parts(results, content)
    script = "\n".join(environment.get_template(name).render() for name in SCRIPTS)
    names = {"page": page, "appendix": APPENDIX_FILE}
    shared = {**parts, **names, "script": script, "script_digest": _digest(script)}
    templates = ("page.html.j2", "appendix.html.j2", "summary.md.j2")
    page, appendix, summary = (environment.get_template(name).render(shared) for name in templates)
    return page, appendix, summary


def _parts(results: Results, content: Content) -> dict[str, object]:
    """What the templates show."""
    published, states = published_part(results), states_of(results, content.logs)
    card = scorecard(content.claims, content.sections, content.links)
    census = census_part(results, content.claims)
    opening = opening_of(results, census)
    lead, rest = in_order(opening, [section for section in content.sections if section.main])
    return {
        "opening": opening,
        "context": linked(opening.context),
        "answers": answers(opening, content.claims, census, published),
        "census": census,
        "experiment": results.experiment,
        "counts": counts(results),
        "combinations": len({tuple(cell.axes.items()) for cell in results.cells.values()}),
        "film": film_of(results) if opening.with_film else None,
        "lead": lead,
        "main": rest,
        "others": [section for section in content.sections if not section.main],
        "card": card,
        "broken": [score for score in card["control"] if score.claim.verdict == BROKEN],
        "holding": sum(score.claim.verdict == HOLDS for score in card["control"]),
        "published": published,
        "links": content.links,
        "aliases": ALIASES,
        "claims_file": CLAIMS_FILE,
        "certificate": content.certificate,
        "code": content.code,
        "versions": library_versions(),
        "config": config_text(results.experiment),
        "cells": cell_data(results, states),
        "states": STATES,
        "map": cell_map(results),
        "cell_states": states,
        "planned": len(results.cells),
        "finished": len(results.finished),
        "chapters": chapters(results),
        "digits": DIGITS,
    }


def counts(results: Results) -> dict[str, str]:
    """Return the size of an experiment."""
    cells = f"{len(results.finished)} of {len(results.cells)}"
    return {"cells": cells, "simulations": f"{len(results.metrics):,}"}


def linked(text: str) -> Markup:
    """Return a text as HTML in which the paper is a link."""
    return Markup(str(escape(text)).replace(AUTHORS, PAPER.format(AUTHORS)))  # noqa: S704 - escaped


def markdown(text: object) -> str:
    r"""Return text that Markdown shows as it is.

    >>> markdown("beta* of a|b")
    'beta\\* of a\\|b'
    """
    return MARKUP.sub(r"\\\g<0>", " ".join(str(text).split()))


def sentence(text: str) -> str:
    """Return text with a capital at its start; the symbol of a quantity stays as it is.

    >>> sentence("all of it"), sentence("β <= 0.5")
    ('All of it', 'β <= 0.5')
    """
    return text[:1].upper() + text[1:] if text[:1].isascii() else text


def _digest(script: str) -> str:
    """What makes a browser run this script, and none that a name might smuggle in."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _write(path: Path, text: str) -> None:
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mechcore.report"),
        # Markdown may hold HTML as well.
        autoescape=select_autoescape(("html.j2", "md.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"markdown": markdown, "sentence": sentence, "figure_text": figure_text}
    environment.filters["rough"] = lambda value: significant(value, 2)
    environment.filters["digits"] = lambda value: significant(value, 9)
    return environment
