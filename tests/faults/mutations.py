"""Random damage of files and of configurations, as hypothesis draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

NUMBERS = [
    number.to_bytes(width, "little")
    for width in (1, 2, 4, 8)
    for number in (0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1)
]
"""What counts, offsets and sizes overflow at."""


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """Draw a file with one to five damages.

    Tokens mean something in such a file, and are put anywhere.
    """
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 5))):
        start, length = draw(st.integers(0, len(data))), draw(st.integers(1, 64))
        match draw(st.sampled_from(["flip", "put", "copy", "delete", "cut"])):
            case "flip":
                mask = draw(st.integers(1, 255))
                data[start : start + 1] = [byte ^ mask for byte in data[start : start + 1]]
            case "put":
                piece = draw(st.sampled_from([*NUMBERS, *tokens]) | st.binary(max_size=8))
                data[start : start + draw(st.integers(0, 8))] = piece
            case "copy":
                source = draw(st.integers(0, len(data)))
                data[start:start] = data[source : source + length]
            case "delete":
                del data[start : start + length]
            case "cut":
                del data[start:]
    return bytes(data)


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


def changes(keys: Sequence[str]) -> st.SearchStrategy[dict[Any, Any]]:
    """Return a strategy of one to three keys with any value."""
    names = st.sampled_from(list(keys)) | st.text(max_size=8)
    return st.dictionaries(names, VALUES, min_size=1, max_size=3)
