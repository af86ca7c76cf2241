"""The description of an archive: RO-Crate 1.1, with its profile for the run of a program."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from mimetypes import MimeTypes
from pathlib import Path

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from mechcore.experiment.paths import REPORTS, RESULTS
from mechcore.io.hashes import file_sha256
from mechcore.results.archive.reading import EXPERIMENT, VERSION
from mechcore.results.sweep import Sweep

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
LICENCE = "https://spdx.org/licenses/MIT"
PAPER = "https://arxiv.org/abs/2512.24338"

MEDIA_TYPES = MimeTypes()
for _suffix in (".yaml", ".yml", ".cff"):
    MEDIA_TYPES.add_type("application/yaml", _suffix)
"""By suffix. Those of the system differ from machine to machine."""


def description(sweep: Sweep, files: Mapping[str, Path], started_from: Collection[str]) -> bytes:
    """Describe the files of an experiment, by their names in the archive, and their making."""
    crate = ROCrate(version=VERSION)
    # A term that version 1.1 of the vocabulary does not have.
    crate.metadata.extra_terms["sha256"] = "http://schema.org/sha256"
    _describe_root(crate, sweep)
    licence = _add(
        crate,
        *(LICENCE, "CreativeWork", "MIT License"),
        description="The licence of mechcore, and of what it made",
    )
    for name, path in files.items():
        entry = _add_file(crate, name, path)
        if name not in started_from:
            entry["license"] = licence
    _describe_run(crate, sweep, files, started_from)
    return b"".join(chunk for _, chunk in crate.metadata.stream())


def _add(crate: ROCrate, entity: str, kind: str, name: str, **facts: object) -> ContextEntity:
    properties = {"@type": kind, "name": name, **facts}
    return crate.add(ContextEntity(crate, entity, properties=properties))


def _add_file(crate: ROCrate, name: str, path: Path) -> ContextEntity:
    kind = MEDIA_TYPES.guess_type(name)[0] or "application/octet-stream"
    properties = {
        "name": name,
        "encodingFormat": kind if Path(name).suffix else "text/plain",
        "contentSize": str(path.stat().st_size),
        "sha256": file_sha256(path),
    }
    return crate.add_file(path, name, properties=properties)


def _describe_root(crate: ROCrate, sweep: Sweep) -> None:
    root = crate.root_dataset
    crate.name = f"Experiment {sweep.experiment}"
    crate.description = (
        f"Configuration, results and report of {sweep.experiment}, {len(sweep.records)} cells: how "
        "convolution kernels move information through layers. `mechcore verify` checks them."
    )
    crate.datePublished = _ended(sweep)
    root["identifier"] = sweep.identifier
    root["author"] = _add(crate, "#makers", "Organization", "The mechcore authors")
    root["license"] = _add(
        crate,
        *("#licences", "CreativeWork", "Licence of each file"),
        description="MIT where a file says so. Configurations, images and weights that the run "
        "started from have the licences of their authors, which this archive does not know.",
    )
    root["citation"] = _add(
        crate,
        *(PAPER, "ScholarlyArticle", "The Mechanics of CNN Filtering with Rectification"),
        identifier="arXiv:2512.24338",
    )
    root["conformsTo"] = _add(crate, PROFILE, "CreativeWork", "Process Run Crate", version="0.5")


def _describe_run(
    crate: ROCrate, sweep: Sweep, files: Mapping[str, Path], started_from: Collection[str]
) -> None:
    """Add program and run; what else is known of code and machine is in ``sweep.json``."""
    software = _add(
        crate,
        *("#mechcore", "SoftwareApplication", "mechcore"),
        softwareVersion=sweep.code.version,
    )
    software["license"], software["author"] = crate.get(LICENCE), crate.get("#makers")
    outputs = (f"{RESULTS}/", f"{REPORTS}/")
    started = min(record.started_at for record in sweep.records.values())
    crate.root_dataset["mentions"] = crate.add_action(
        software,
        "#run",
        object=[crate.get(name) for name in sorted(started_from)],
        result=[
            crate.get(name)
            for name in files
            if name.startswith(outputs) and name not in started_from
        ],
        properties={
            "name": f"Run of experiment {sweep.experiment}",
            "description": f"snakemake --configfile {EXPERIMENT}",
            "startTime": _time(started),
            "endTime": _ended(sweep),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )


def _ended(sweep: Sweep) -> str:
    return _time(max(record.finished_at for record in sweep.records.values()))


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
