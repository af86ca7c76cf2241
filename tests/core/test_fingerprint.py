"""Fingerprints: the meaning of code counts, its comments and layout do not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mechcore import fingerprint
from mechcore.fingerprint import code_fingerprint, reachable_modules

CACHES = ("_tree", "_meaning", "_imports", "_texts", "_nodes", "_exists")


def forget() -> None:
    """Forget what was read, as a new process would."""
    for name in CACHES:
        getattr(fingerprint, name).cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a copy of the package that may be edited."""
    copy = tmp_path / "mechcore"
    shutil.copytree(fingerprint.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "PACKAGE", copy)
    forget()
    yield copy
    forget()


def edited(path: Path, old: str, new: str) -> None:
    """Replace a text that occurs in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    forget()


def test_a_copy_has_the_same_fingerprint(package: Path) -> None:
    copied = code_fingerprint("mechcore.simulation")
    fingerprint.PACKAGE, original = Path(fingerprint.__file__).parent, package
    forget()
    assert code_fingerprint("mechcore.simulation") == copied
    fingerprint.PACKAGE = original


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def dct_basis(", "# A comment.\ndef dct_basis("),
        ('"""Return a one-dimensional DCT-II basis vector of unit norm.', '"""Other words.'),
        ('LARGEST_SIZE = 1024\n"""A guard', 'LARGEST_SIZE = 1024\n"""Another guard'),
        ('"""Kernel families: an even', '"""Families: an even'),
        ("    phase = math.pi * (np", "\n\n    phase = math.pi  *  (np"),
        ("vector = np.cos(phase)", "vector = (\n        np.cos(phase)\n    )"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(package: Path, old: str, new: str) -> None:
    before = code_fingerprint("mechcore.simulation")
    edited(package / "kernels.py", old, new)
    assert code_fingerprint("mechcore.simulation") == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("kernels", "np.cos(phase)", "np.sin(phase)"),
        ("kernels", "LARGEST_SIZE = 1024", "LARGEST_SIZE = 1025"),
        ("activations", "LEAK = 0.01", "LEAK = 0.02"),
        ("engines/reference", "kernel[i, j] * state", "kernel[j, i] * state"),
        ("engines/sums", "TINY = 1e-290", "TINY = 1e-280"),
        ("boundaries", "mirror_period=2", "mirror_period=1"),
    ],
)
def test_code_counts_also_in_modules_that_are_imported(
    package: Path, module: str, old: str, new: str
) -> None:
    before = code_fingerprint("mechcore.simulation")
    edited(package / f"{module}.py", old, new)
    assert code_fingerprint("mechcore.simulation") != before


def test_modules_that_are_not_imported_do_not_count(package: Path) -> None:
    before = code_fingerprint("mechcore.simulation")
    edited(package / "regressions.py", "CONFIDENCE = 0.95", "CONFIDENCE = 0.9")
    edited(package / "cli" / "simulate.py", "import", "import math as _\nimport")
    assert code_fingerprint("mechcore.simulation") == before


def test_an_import_inside_a_function_counts(package: Path) -> None:
    edited(
        package / "geometry.py",
        "    quarters, rest = divmod",
        "    from mechcore.regressions import CONFIDENCE\n\n    quarters, rest = divmod",
    )
    assert "mechcore.regressions" in reachable_modules("mechcore.kernels")


def test_engines_that_are_named_in_texts_count() -> None:
    found = reachable_modules("mechcore.simulation")
    assert {"mechcore.engines.compiled", "mechcore.engines.reference"} <= found


def test_a_module_reaches_itself_and_the_result_is_closed() -> None:
    found = reachable_modules("mechcore.simulation")
    assert "mechcore.simulation" in found
    for name in found:
        assert reachable_modules(name) <= found


def test_the_order_of_names_does_not_count() -> None:
    names = ("mechcore.kernels", "mechcore.measures")
    assert code_fingerprint(*names) == code_fingerprint(*reversed(names))


def test_a_fingerprint_is_16_hexadecimal_digits() -> None:
    found = code_fingerprint("mechcore.kernels")
    assert len(found) == 16
    assert int(found, 16) >= 0


def test_simulation_reaches_neither_tracking_nor_figures() -> None:
    found = reachable_modules("mechcore.simulation")
    assert not {name for name in found if "tracking" in name or "figures" in name or "cli" in name}
