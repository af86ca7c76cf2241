"""Hashes of files and settings."""

from __future__ import annotations

import json

import pytest

from mechcore.errors import MechcoreError
from mechcore.io.hashes import file_sha256, settings_sha256


@pytest.mark.parametrize(
    ("path", "reason"), [("/nowhere/a.npy", "No such file"), ("/", "folder"), ("/dev/zero", "devi")]
)
def test_a_file_that_cannot_be_read_to_its_end_is_refused(path: str, reason: str) -> None:
    with pytest.raises(MechcoreError, match=f"^pattern: cannot read '{path}': .*{reason}"):
        file_sha256(path, "pattern")


def test_the_hash_of_settings_depends_on_their_values_alone() -> None:
    settings = {"experiment": "small", "betas": [0.0, 1e-05, 1.0], "sizes": [2]}
    turned = dict(reversed(settings.items()))
    assert settings_sha256(turned) == settings_sha256(settings)
    assert settings_sha256(settings | {"seed": 1}) != settings_sha256(settings)
    assert settings_sha256(json.loads(json.dumps(settings))) == settings_sha256(settings)
