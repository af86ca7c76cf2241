"""The report: verdicts, a player, figures, statistics and how to reproduce them, on one page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mechcore.analysis.tables import DIGITS
from mechcore.claims.criteria import judge
from mechcore.claims.verdict import BROKEN, HOLDS, NOT_YET_MEASURED, Claim, read_claims
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import CLAIMS_FILE
from mechcore.io.atomic import check_output, replace_file
from mechcore.report.data_files import ALIASES, write_data
from mechcore.report.grid_map import STATES, commands, state_counts, template_cell, tile_map
from mechcore.report.numbers import significant
from mechcore.report.pictures import Section, draw_sections
from mechcore.report.player import player_data
from mechcore.report.published import published_part
from mechcore.report.reproduction import Provenance, config_text, current_provenance
from mechcore.report.scorecard import figure_text, scorecard
from mechcore.report.statistics import chapters
from mechcore.report.verification import certificate_of
from mechcore.results.results import Results
from mechcore.verification.certificate import Certificate

FILM_STRIP = "strip"
"""The section that replaces the player on paper; on a screen it is below the player."""

PUBLISHED = "published"
"""The section that is part of the one about the published numbers."""

PLACED = (FILM_STRIP, PUBLISHED)
"""Sections that have places of their own on the page."""

SCRIPTS = ("player.js.j2", "grid_map.js.j2", "space.js.j2", "folds.js.j2")

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
    provenance: Provenance = field(default_factory=current_provenance)


def write_report(
    experiment: Experiment,
    folder: Path,
    output: Path,
    logs: Path | None = None,
    *,
    partial: bool = False,
) -> None:
    """Draw all figures and write the report; ``partial`` measures and judges what is finished."""
    readme = output.parent / "README.md"
    for path in (output, readme):
        check_output(path)
    if partial:
        results = Results.measured(experiment, folder)
        claims = judge(results)
    else:
        results = Results.load(experiment, folder)
        claims = read_claims(folder / CLAIMS_FILE)
    # If anything below fails, no page is better than an old one among new figures.
    for path in (output, readme):
        path.unlink(missing_ok=True)
    sections = draw_sections(results, output.parent)
    links = write_data(results, claims, output.parent, partial=partial)
    content = Content(claims, sections, links, certificate_of(results), logs)
    _write(output, render(results, content))
    _write(readme, summary(results, content))


def render(results: Results, content: Content) -> str:
    """Return the page."""
    environment = _environment()
    tiles = tile_map(results, content.logs)
    script = "\n".join(environment.get_template(name).render() for name in SCRIPTS)
    return environment.get_template("report.html.j2").render(
        _shared(results, content),
        strip=next((part for part in content.sections if part.name == FILM_STRIP), None),
        sections=[part for part in content.sections if part.name not in PLACED],
        player=player_data(results),
        tiles=tiles,
        states=STATES,
        state_counts=state_counts(tiles),
        commands=commands(results.experiment),
        cell_template=template_cell(results.experiment),
        planned=len(results.cells),
        finished=len(results.finished),
        chapters=chapters(results),
        config=config_text(results.experiment),
        claims_file=CLAIMS_FILE,
        aliases=ALIASES,
        script=script,
        script_digest=_digest(script),
    )


def summary(results: Results, content: Content) -> str:
    """Return the report as Markdown, for viewers that show it beside code."""
    template = _environment().get_template("summary.md.j2")
    sections = [part for part in content.sections if part.name != PUBLISHED]
    return template.render(_shared(results, content), sections=sections, digits=DIGITS)


def _shared(results: Results, content: Content) -> dict[str, object]:
    """What the page and its summary are both made of."""
    sections = [section.name for section in content.sections]
    card = scorecard(content.claims, sections, content.links)
    return {
        "experiment": results.experiment,
        "counts": counts(results),
        "card": card,
        "broken": card.controls_that(BROKEN),
        "holding": card.controls_that(HOLDS),
        "unmeasured": card.controls_that(NOT_YET_MEASURED),
        "published": published_part(results),
        "published_figures": next((s for s in content.sections if s.name == PUBLISHED), None),
        "links": content.links,
        "certificate": content.certificate,
        "provenance": content.provenance,
    }


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
