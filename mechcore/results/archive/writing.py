"""Writes an archive: whole or not at all, the same bytes for the same files."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

import yaml

from mechcore.experiment.config import Experiment
from mechcore.io.atomic import check_output, replace_file
from mechcore.results.archive.crate import description
from mechcore.results.archive.files import finished_files, input_files, project_files, sound_sweep
from mechcore.results.archive.reading import EXPERIMENT, METADATA

START = (1980, 1, 1, 0, 0, 0)
"""The first date that zip files know. The dates of files would make archives differ."""

COMPRESSED = {".nc", ".png", ".safetensors", ".npz", ".keras"}
"""Files that would not become smaller."""


def pack(
    experiment: Experiment, results: Path, page: Path, output: Path, original: Path | None = None
) -> int:
    """Write an archive of a finished experiment, and return the number of its files."""
    check_output(output)
    made = finished_files(experiment, results, page)
    inputs = input_files(experiment)
    sweep = sound_sweep(experiment, results)
    with TemporaryDirectory(prefix="mechcore-") as temporary:
        config = Path(temporary, EXPERIMENT)
        text = yaml.safe_dump(experiment.to_mapping(), sort_keys=False, default_flow_style=None)
        config.write_text(text, encoding="utf-8")
        started_from = {EXPERIMENT: config, **inputs}
        if original is not None:
            started_from[f"config/{original.name}"] = original
        files = dict(sorted((made | project_files(sweep) | started_from).items()))
        metadata = description(sweep, files, started_from)
        replace_file(output, lambda draft: _write(draft, files, metadata))
    return len(files) + 1


def _write(draft: Path, files: Mapping[str, Path], metadata: bytes) -> None:
    with zipfile.ZipFile(draft, "w") as archive:
        for name, path in files.items():
            entry = archive.open(_header(name), "w", force_zip64=True)
            with path.open("rb") as source, entry:
                copyfileobj(source, entry)
        archive.writestr(_header(METADATA), metadata)


def _header(name: str) -> zipfile.ZipInfo:
    header = zipfile.ZipInfo(name, START)
    header.external_attr = (stat.S_IFREG | 0o644) << 16
    stored = Path(name).suffix in COMPRESSED
    header.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    return header
