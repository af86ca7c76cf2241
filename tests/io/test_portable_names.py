"""Names that are safe on every system."""

from __future__ import annotations

import pytest

from mechcore.io.portable_names import is_portable


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        *[("results/a.nc", True), ("a b.nc", True), ("...", True), (".hidden", True)],
        *[("..", False), ("a/../b", False), ("a/./b", False), ("/a", False), ("a//b", False)],
        *[("C:/a", False), ("a\\b", False), ("a\nb", False), ("", False), ("a/", False)],
    ],
)
def test_a_name_leads_below_the_folder_on_every_system(name: str, portable: bool) -> None:
    assert is_portable(name) is portable
