"""Writes mechcore.yaml: what pyproject.toml depends on, in the versions of requirements.lock."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = Path(__file__).with_name("mechcore.yaml")

NOT_IN_JOBS = {"snakemake", "rocrate"}
"""Only the login node runs the workflow and packs archives."""

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
    names = [re.split(r"[^\w-]", dependency)[0] for dependency in project["dependencies"]]
    lines = [
        f"  - {name.lower()} ={versions[name.lower().replace('_', '-')]}\n"
        for name in names
        if name not in NOT_IN_JOBS
    ]
    return HEAD + "".join(lines)


if __name__ == "__main__":
    ENVIRONMENT.write_text(environment(), encoding="utf-8")
