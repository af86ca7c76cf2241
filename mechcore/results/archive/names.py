"""What the writer and the reader of an archive agree on."""

from __future__ import annotations

from pathlib import PurePosixPath

METADATA = "ro-crate-metadata.json"
"""What RO-Crate calls its description, at the root."""

EXPERIMENT = "experiment.yaml"
"""The configuration with all its defaults."""

SPECIFICATION = "https://w3id.org/ro/crate/1.1"
"""What a description conforms to."""

CHUNK = 2**20
"""Bytes that are in memory at a time: files may be larger."""

MEDIA_TYPES = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".lock": "text/plain",
    ".md": "text/markdown",
    ".nc": "application/x-netcdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
"""By suffix: those of the system differ from machine to machine."""


def media_type(name: str) -> str:
    """Return the media type of a file.

    Examples
    --------
    >>> media_type("a/b.nc"), media_type("weights.safetensors")
    ('application/x-netcdf', 'application/octet-stream')
    """
    path = PurePosixPath(name)
    if not path.suffix:
        return "text/plain"
    return MEDIA_TYPES.get(path.suffix, "application/octet-stream")
