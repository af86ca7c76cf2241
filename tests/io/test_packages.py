"""Public weights are fetched from a package, here from one in a folder, without a network."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from mechcore.cli import main

WEIGHTS = b"weights"
SOURCE = {
    "package": "public-net==1.2",
    "member": "public_net/net.bin",
    "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
    "licence": "MIT",
    "origin": "nobody, on nothing",
}


@pytest.fixture(autouse=True)
def _registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a folder with a wheel all that pip and uv know."""
    make_wheel(tmp_path / "wheels")
    for client in ("PIP", "UV"):
        monkeypatch.setenv(f"{client}_NO_INDEX", "1")
        monkeypatch.setenv(f"{client}_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))


def make_wheel(folder: Path) -> None:
    folder.mkdir()
    info = "public_net-1.2.dist-info"
    files = {
        "public_net/net.bin": WEIGHTS,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: public-net\nVersion: 1.2\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / "public_net-1.2-py3-none-any.whl", "w") as wheel:
        for name, data in (files | {f"{info}/RECORD": record.encode()}).items():
            wheel.writestr(name, data)


def fetch(output: Path, **changes: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", json.dumps(SOURCE | changes), "--output", str(output)])
    return int(ended.value.code or 0)


def test_a_member_of_a_package_is_fetched(tmp_path: Path) -> None:
    assert fetch(tmp_path / "public" / "net.bin") == 0
    assert (tmp_path / "public" / "net.bin").read_bytes() == WEIGHTS


REFUSED = [
    (
        {"package": "public-net==1.3"},
        r"public-net==1\.3: cannot be fetched \(.+\); copy public_net",
    ),
    ({"member": "public_net/other.bin"}, "holds no file public_net/other.bin"),
    ({"sha256": "0" * 64}, "has SHA-256 [0-9a-f]{64}, expected 0000"),
    ({"member": "../net.bin"}, r"member: '\.\./net\.bin' is not allowed"),
    ({"package": "--index-url=evil"}, "package"),
    ({"package": "public-net"}, "package"),
    ({"sha256": "abc"}, "sha256"),
    ({"licence": ""}, "licence"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_what_cannot_be_fetched_is_one_line_and_no_file(
    changes: dict[str, str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(tmp_path / "net.bin", **changes) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line), line
    assert not (tmp_path / "net.bin").exists()
