"""Random damage of files and of configurations, as hypothesis draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

Edit = Callable[[bytearray], None]

NUMBERS = [
    number.to_bytes(width, "little")
    for width in (1, 2, 4, 8)
    for number in (0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1)
]
"""What counts, offsets and sizes overflow at."""

PLACES = st.floats(0, 1, exclude_max=True)


def _flip(place: float, value: int) -> Edit:
    def edit(data: bytearray) -> None:
        if data:
            data[int(place * len(data))] ^= value

    return edit


def _put(place: float, piece: bytes, replaced: int) -> Edit:
    def edit(data: bytearray) -> None:
        start = int(place * len(data))
        data[start : start + replaced] = piece

    return edit


def _copy(source: float, place: float, length: int) -> Edit:
    def edit(data: bytearray) -> None:
        start, target = int(source * len(data)), int(place * len(data))
        data[target:target] = data[start : start + length]

    return edit


def _cut(place: float) -> Edit:
    def edit(data: bytearray) -> None:
        del data[int(place * len(data)) :]

    return edit


def damaged(whole: bytes, tokens: Sequence[bytes] = ()) -> st.SearchStrategy[bytes]:
    """Return a strategy of a file with one to five damages.

    Tokens mean something in such a file, and are put anywhere.
    """
    pieces = st.sampled_from([*NUMBERS, *tokens]) | st.binary(max_size=8)
    edits = st.one_of(
        st.builds(_flip, PLACES, st.integers(1, 255)),
        st.builds(_put, PLACES, pieces, st.integers(0, 8)),
        st.builds(_copy, PLACES, PLACES, st.integers(1, 64)),
        st.builds(_put, PLACES, st.just(b""), st.integers(1, 64)),
        st.builds(_cut, PLACES),
    )

    def edited(chosen: list[Edit]) -> bytes:
        data = bytearray(whole)
        for edit in chosen:
            edit(data)
        return bytes(data)

    return st.builds(edited, st.lists(edits, min_size=1, max_size=5))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**12, -(10**12), 16**400])
    # Python does not write it in decimal digits, and hypothesis would.
    | st.just(4000).map(lambda exponent: 16**exponent)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["dct", "relu", "disc", "a.npy", "a.png", "a.npz", "../a", "{cell}", "\x1b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)
"""Anything that YAML can say."""


def changed(good: dict[str, Any], keys: Sequence[str]) -> st.SearchStrategy[dict[Any, Any]]:
    """Return a strategy of a configuration in which one to three keys have any value."""
    names = st.sampled_from(list(keys)) | st.text(max_size=8)
    changes = st.dictionaries(names, VALUES, min_size=1, max_size=3)
    return changes.map(lambda change: good | change)
