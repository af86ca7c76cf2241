"""The description of an archive: RO-Crate 1.1, and its profile for the run of a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from mechcore.results.archive.names import EXPERIMENT, METADATA, SPECIFICATION, media_type
from mechcore.results.diff import flattened
from mechcore.results.sweep import Sweep

Entity = dict[str, object]

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
SHA256 = {"sha256": "http://schema.org/sha256"}
"""What the terms mean; a term that this version of the vocabulary does not have yet."""

COMPLETED = "http://schema.org/CompletedActionStatus"

LICENCE: Entity = {
    "@id": "https://spdx.org/licenses/MIT",
    "@type": "CreativeWork",
    "name": "MIT License",
    "description": "The licence of mechcore, and of what it made",
}
LICENCES: Entity = {
    "@id": "#licences",
    "@type": "CreativeWork",
    "name": "Licence of each file",
    "description": "MIT where a file says so. Configurations, images and weights that the run "
    "started from have the licences of their authors, which this archive does not know.",
}
MAKERS: Entity = {"@id": "#makers", "@type": "Organization", "name": "The mechcore authors"}
PAPER: Entity = {
    "@id": "https://arxiv.org/abs/2512.24338",
    "@type": "ScholarlyArticle",
    "name": "The Mechanics of CNN Filtering with Rectification",
    "identifier": "arXiv:2512.24338",
    "datePublished": "2025",
    "author": [{"@id": "#Frija-Altarac"}, {"@id": "#Toews"}],
}
AUTHORS: list[Entity] = [
    {
        "@id": f"#{family}",
        "@type": "Person",
        "name": f"{given} {family}",
        "givenName": given,
        "familyName": family,
    }
    for given, family in (("Liam", "Frija-Altarac"), ("Matthew", "Toews"))
]
"""As ``CITATION.cff`` has them."""


@dataclass(frozen=True)
class Entry:
    """A file in an archive."""

    name: str
    """Path with slashes."""
    size: int
    """Bytes."""
    sha256: str
    """Hash of its content."""


def description(sweep: Sweep, entries: Sequence[Entry], made_of: Iterable[str]) -> str:
    """Return the metadata file of an archive."""
    started_from = list(made_of)
    graph: list[Entity] = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "conformsTo": {"@id": SPECIFICATION},
            "about": {"@id": "./"},
        },
        _root(sweep, entries),
        _run(sweep, entries, started_from),
        *_software(sweep),
        *_properties("environment", sweep.environment.model_dump()),
        *(LICENCE, LICENCES, MAKERS, PAPER, *AUTHORS),
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        *(_file(entry, licensed=entry.name not in started_from) for entry in entries),
    ]
    content = {"@context": [CONTEXT, SHA256], "@graph": graph}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _root(sweep: Sweep, entries: Sequence[Entry]) -> Entity:
    cells = len(sweep.records)
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Experiment {sweep.experiment}",
        "description": f"Configuration, results and report of {sweep.experiment}, {cells} cells: "
        "how convolution kernels move information through layers. `mechcore verify` checks them.",
        "identifier": sweep.identifier,
        "datePublished": _ended(sweep),
        "license": {"@id": LICENCES["@id"]},
        "author": {"@id": MAKERS["@id"]},
        "citation": {"@id": PAPER["@id"]},
        "conformsTo": {"@id": PROFILE},
        "mentions": {"@id": "#run"},
        "hasPart": [_reference(entry.name) for entry in entries],
    }


def _run(sweep: Sweep, entries: Sequence[Entry], started_from: Sequence[str]) -> Entity:
    started = min(record.started_at for record in sweep.records.values())
    made = [one.name for one in entries if one.name.startswith(("results/", "reports/"))]
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run of experiment {sweep.experiment}",
        "description": f"snakemake --configfile {EXPERIMENT}",
        "instrument": {"@id": "#mechcore"},
        "object": [_reference(name) for name in started_from],
        "result": [_reference(name) for name in made if name not in started_from],
        "startTime": _time(started),
        "endTime": _ended(sweep),
        "actionStatus": COMPLETED,
        "additionalProperty": _references("environment", sweep.environment.model_dump()),
    }


def _software(sweep: Sweep) -> list[Entity]:
    code = sweep.code.model_dump()
    software: Entity = {
        "@id": "#mechcore",
        "@type": "SoftwareApplication",
        "name": "mechcore",
        "softwareVersion": sweep.code.version,
        "license": {"@id": LICENCE["@id"]},
        "author": {"@id": MAKERS["@id"]},
        "additionalProperty": _references("code", code),
    }
    return [software, *_properties("code", code)]


def _properties(kind: str, values: Mapping[str, object]) -> list[Entity]:
    """Facts, each an entity of its own with a single value, as RO-Crate wants it."""
    facts = {
        name: " ".join(value) if isinstance(value, list) else value
        for name, value in flattened(values).items()
    }
    return [
        {"@id": f"#{kind}-{name}", "@type": "PropertyValue", "name": name, "value": value}
        for name, value in facts.items()
    ]


def _references(kind: str, values: Mapping[str, object]) -> list[Entity]:
    return [{"@id": one["@id"]} for one in _properties(kind, values)]


def _file(entry: Entry, *, licensed: bool) -> Entity:
    licence = {"license": {"@id": LICENCE["@id"]}} if licensed else {}
    return {
        **_reference(entry.name),
        "@type": "File",
        "name": entry.name,
        "encodingFormat": media_type(entry.name),
        "contentSize": str(entry.size),
        "sha256": entry.sha256,
        **licence,
    }


def _reference(name: str) -> Entity:
    # Identifiers are parts of web addresses.
    return {"@id": quote(name)}


def _ended(sweep: Sweep) -> str:
    return _time(max(record.finished_at for record in sweep.records.values()))


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
