"""The final report: figures, measured findings, regressions and how to reproduce, on one page."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from mechcore import figures, provenance
from mechcore.config import Experiment
from mechcore.figures import Entry, Evidence, FigureData
from mechcore.report.findings import Finding, counts, findings
from mechcore.report.fit_table import FitGroup, fit_groups
from mechcore.storage import replace_file
from mechcore.tables import write_table

HEAVIEST_SVG = 350_000
"""A larger vector figure (bytes) is shown as PNG, so that the page loads on a phone."""

MOST_FITS_OPEN = 60
"""A longer table of regressions is folded, one fold for each kernel family."""

MIME_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it."""

    stem: str
    source: str
    alt: str
    caption: str
    width: int


@dataclass(frozen=True)
class Section:
    """The figures of one kind; a note where there are none."""

    name: str
    title: str
    pictures: list[Picture]
    absent: str


@dataclass(frozen=True)
class Provenance:
    """What made the results."""

    commit: str | None
    dirty: bool | None
    versions: dict[str, str]


def write_report(experiment: Experiment, results: Path, output: Path) -> None:
    """Draw all figures and write the report.

    Parameters
    ----------
    experiment : Experiment
        What was planned.
    results : Path
        Folder with ``trajectories``, ``metrics.csv`` and ``regressions.csv``.
    output : Path
        The page; figures and their data are written beside it as SVG, PNG and CSV.

    Raises
    ------
    MechcoreError
        If a result is missing or damaged, or the folder cannot be written.
    """
    evidence = Evidence.load(experiment, results)
    sections = [_section(entry, evidence, output.parent) for entry in figures.ENTRIES]
    for name, table in (("metrics", evidence.metrics), ("regressions", evidence.regressions)):
        write_table(table, output.parent / f"{name}.csv")
    page = render(evidence, sections, findings(evidence))
    replace_file(output, lambda draft: draft.write_text(page, encoding="utf-8"))


def render(evidence: Evidence, sections: list[Section], found: list[Finding]) -> str:
    """Return the page.

    Parameters
    ----------
    evidence : Evidence
        The results.
    sections : list of Section
        The figures.
    found : list of Finding
        What was measured.

    Returns
    -------
    str
        HTML, the same for the same results and code.
    """
    groups: list[FitGroup] = fit_groups(evidence.regressions)
    return _template().render(
        experiment=evidence.experiment,
        counts=counts(evidence),
        findings=found,
        sections=sections,
        fit_groups=groups,
        fits_open=sum(len(group.rows) for group in groups) <= MOST_FITS_OPEN or len(groups) == 1,
        provenance=_provenance(),
        config=config_text(evidence.experiment),
    )


def config_text(experiment: Experiment) -> str:
    """Return the resolved configuration as YAML that runs the same experiment.

    Parameters
    ----------
    experiment : Experiment
        The checked configuration.

    Returns
    -------
    str
        YAML.
    """
    resolved = json.loads(experiment.to_json())
    # What names the experiment comes first; the model lists what cells share first.
    first = ("experiment", "kernels", "activations", "sizes")
    ordered = {key: resolved[key] for key in (*first, *(k for k in resolved if k not in first))}
    text: str = yaml.safe_dump(ordered, sort_keys=False, default_flow_style=None, width=76)
    return text


def _section(entry: Entry, evidence: Evidence, folder: Path) -> Section:
    pictures = [_picture(entry, evidence, topic, folder) for topic in entry.topics(evidence)]
    return Section(entry.name, entry.title, pictures, entry.absent)


def _picture(entry: Entry, evidence: Evidence, topic: str, folder: Path) -> Picture:
    stem = f"{entry.name}-{topic}"
    data = FigureData(evidence, topic, entry.table(evidence, topic))
    write_table(data.table, folder / f"{stem}.csv")
    with figures.paper_style():
        figure = entry.draw(data)
    figures.save(figure, folder / stem)
    return Picture(
        stem=stem,
        source=_embedded(folder / stem, entry.raster),
        alt=entry.alt(data),
        caption=entry.caption(data),
        width=round(96 * figure.get_figwidth()),
    )


def _embedded(stem: Path, raster: bool) -> str:
    """A data URI: unlike inline SVG it keeps the ids of figures apart, and takes alt text."""
    vector = stem.with_name(f"{stem.name}.svg")
    light = vector.stat().st_size <= HEAVIEST_SVG
    file = vector if light and not raster else stem.with_name(f"{stem.name}.png")
    data = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"data:{MIME_TYPES[file.suffix]};base64,{data}"


def _provenance() -> Provenance:
    return Provenance(
        provenance.git_commit(), provenance.git_is_dirty(), provenance.library_versions()
    )


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("mechcore"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
