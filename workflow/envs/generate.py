"""Writes mechcore.yaml: what pyproject.toml depends on, in the versions of requirements.lock."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = Path(__file__).with_name("mechcore.yaml")

EXTRAS = ("report", "tracking", "keras", "onnx", "images")
"""What jobs need beside the core; only the login node runs the workflow and packs archives.
PyTorch, which trainings need, has other packages for each kind of GPU."""

HEAD = """# Written by `make lock`; a test compares it. For `snakemake --sdm conda`: the versions of
# requirements.lock.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python =3.11
"""


def environment() -> str:
    """Return the content of the file."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = (PROJECT / "requirements.lock").read_text("utf-8")
    # The first of several versions is that of the oldest Python.
    versions = dict(reversed(re.findall(r"^([\w.-]+)==(\d[\d.]*\d)", lock, re.MULTILINE)))
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(item for extra in EXTRAS for item in extras[extra])]
    names = sorted(re.split(r"[^\w-]", item)[0].lower() for item in wanted)
    lines = [f"  - {name} ={versions[name.replace('_', '-')]}\n" for name in names]
    return HEAD + "".join(lines)


if __name__ == "__main__":
    ENVIRONMENT.write_text(environment(), encoding="utf-8")
