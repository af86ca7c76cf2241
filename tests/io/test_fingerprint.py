"""Fingerprints: the code of a room and of those below it counts; comments and layout do not."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mechcore.io import fingerprint
from mechcore.io.fingerprint import ROOMS, SIBLINGS, code_fingerprint
from tests.helpers.projects import PROJECT


def clear_caches() -> None:
    fingerprint.code_fingerprint.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    copy = tmp_path / "mechcore"
    shutil.copytree(fingerprint.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "PACKAGE", copy)
    clear_caches()
    yield copy
    clear_caches()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    clear_caches()


def test_a_copy_has_the_same_fingerprint(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = code_fingerprint("model")
    edit(package / "model" / "kernels.py", "math.pi", "math.tau")
    assert code_fingerprint("model") != copied
    monkeypatch.setattr(fingerprint, "PACKAGE", Path(fingerprint.__file__).parents[1])
    clear_caches()
    assert code_fingerprint("model") == copied


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def dct_basis(", "# A comment.\ndef dct_basis("),
        ('"""Return a DCT-II basis vector', '"""Other words.'),
        ("    phase = math.pi * (np", "\n\n    phase = math.pi  *  (np"),
        ("vector = np.cos(phase)", "vector = (\n        np.cos(phase)\n    )"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(package: Path, old: str, new: str) -> None:
    before = code_fingerprint("model")
    edit(package / "model" / "kernels.py", old, new)
    assert code_fingerprint("model") == before


def test_a_module_counts_in_its_room_and_those_above(package: Path) -> None:
    before = {name: code_fingerprint(name) for name in ROOMS}
    for room in ROOMS[1:]:
        added = package / room / "added.py"
        added.write_text("ADDED = 1\n", encoding="utf-8")
        fingerprint.code_fingerprint.cache_clear()
        changed = {name for name in ROOMS if code_fingerprint(name) != before[name]}
        added.unlink()
        above = ROOMS[ROOMS.index(room) :]
        assert changed == {name for name in above if room not in SIBLINGS.get(name, ())}, room
    # Templates are code, too.
    (package / "report" / "templates" / "added.j2").write_text("more", encoding="utf-8")
    fingerprint.code_fingerprint.cache_clear()
    assert code_fingerprint("report") != before["report"]


def test_it_is_kept_and_found_again(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    clear_caches()
    before = code_fingerprint("model")
    (kept,) = (tmp_path / "cache" / "fingerprints").iterdir()
    for broken in (before, "", before[:-1]):
        kept.write_text(broken)
        clear_caches()
        assert code_fingerprint("model") == kept.read_text() == before
    edit(package / "model" / "kernels.py", "math.pi", "math.tau")
    assert code_fingerprint("model") != before


def test_the_rooms_are_the_layers_that_the_linter_enforces() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    names = [name for layer in layers[::-1] for name in layer.split(" | ")]
    assert names == [f"mechcore.{room}" for room in (*ROOMS, "cli")]
    beside = [[name.removeprefix("mechcore.") for name in layer.split(" | ")] for layer in layers]
    assert {
        name: tuple(layer[:place]) for layer in beside for place, name in enumerate(layer) if place
    } == SIBLINGS
