"""Errors as a user reads them: one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mechcore.errors import MechcoreError


@contextmanager
def refused(*parts: str) -> Iterator[None]:
    """Check that an error is one line with these parts."""
    with pytest.raises(MechcoreError) as caught:
        yield
    message = str(caught.value)
    assert message.isprintable()
    assert all(part in message for part in parts), message
