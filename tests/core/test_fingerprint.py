"""Fingerprints: the meaning of code counts, its comments and layout do not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mechcore import fingerprint, gists
from mechcore.fingerprint import code_fingerprint, reachable_modules

CACHES = ("_gist", "_meaning", "_imports", "_exists")


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


def test_what_is_remembered_is_what_a_source_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gists, "user_cache_dir", lambda name: tmp_path / name)
    found = []
    for damage in (None, None, "{", "[]", '{"key": [1, 2]}', '{"key": 1}'):
        if damage is not None:
            gists._memory().write_text(damage)
        gists._known.cache_clear()
        forget()
        found.append(code_fingerprint("mechcore.simulation"))
        assert [path.name for path in (tmp_path / "mechcore").iterdir()] == [gists._memory().name]
    gists._known.cache_clear()
    assert len(set(found)) == 1


def test_a_source_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gists, "user_cache_dir", lambda name: tmp_path / name)
    source = b"import mechcore.errors"
    for _ in range(2):
        gists._known.cache_clear()
        assert gists.gist_of(source).modules == ["mechcore.errors"]
        gists.remember()
        monkeypatch.setattr(gists, "_read", None)
    gists._known.cache_clear()


def test_docstrings_are_no_texts() -> None:
    source = '"""{0}"""\nclass A:\n    """{0}"""\n    def f(self):\n        """{0}"""\n'
    found = [
        gists._read(source.format(text).encode())
        for text in ("mechcore.errors", "page.html.j2", "Other words.")
    ]
    assert found[0] == found[1] == found[2]


def test_what_cannot_be_remembered_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gists, "user_cache_dir", lambda name: tmp_path / name)
    # As on a full disk: a draft can be begun, and does not get its name.
    gists._memory().mkdir(parents=True)
    gists._known.cache_clear()
    gists.gist_of(b"import mechcore.errors")
    gists.remember()
    assert list(gists._memory().parent.iterdir()) == [gists._memory()]
    gists._known.cache_clear()


def test_a_home_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(gists, "user_cache_dir", lambda name: tmp_path / "file" / name)
    gists._known.cache_clear()
    forget()
    assert len(code_fingerprint("mechcore.simulation")) == 16
    gists._known.cache_clear()
