"""Hashes of settings, and versions of libraries."""

from __future__ import annotations

import json
import subprocess
import sys

from mechcore.io.provenance import COMPUTING, settings_sha256

SETTINGS: dict[str, object] = {"betas": [0.0, 1e-05, 1.0], "steps": 8, "kernels": ["dct"]}


def test_the_hash_of_settings_is_of_their_values() -> None:
    assert settings_sha256(dict(reversed(SETTINGS.items()))) == settings_sha256(SETTINGS)
    assert settings_sha256(SETTINGS | {"seed": 1}) != settings_sha256(SETTINGS)
    # What JSON holds of a number, a reader gets back.
    assert settings_sha256(json.loads(json.dumps(SETTINGS))) == settings_sha256(SETTINGS)


def test_versions_are_told_without_loading_the_libraries() -> None:
    code = (
        "import sys; from mechcore.io.provenance import COMPUTING, versions; "
        "found = versions(COMPUTING);"
        "print(sorted({'netCDF4', 'numba', 'xarray', 'scipy'} & set(sys.modules)), *found)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["[]", "python", *COMPUTING]
