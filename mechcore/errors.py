"""The errors that a user can cause, each told in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import TypeVar

Entry = TypeVar("Entry")


INTERRUPTED = "mechcore: interrupted"
"""Last line of a command that was interrupted: no failure of what it did."""


class MechcoreError(ValueError):
    """A mistake in what the user gave; its text is a line for each mistake, the exit code is 2."""


class InvalidValue(MechcoreError):  # noqa: N818 - it is told as a sentence, not as an error
    """A value that is not allowed.

    Parameters
    ----------
    key : str
        Name of the argument, option or configuration key.
    value : object
        What was given.
    allowed : str
        What would have been accepted, as a phrase that follows "expected".

    Examples
    --------
    >>> str(InvalidValue("beta", 1.5, "a number from 0 to 1"))
    'beta: 1.5 is not allowed, expected a number from 0 to 1'
    """

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"{key}: {shown(value)} is not allowed, expected {allowed}")


def shown(value: object, limit: int = 60) -> str:
    """Return a value as one short line, whatever it holds.

    Parameters
    ----------
    value : object
        Anything that has a ``repr``.
    limit : int, optional
        Longest text that is returned whole.

    Returns
    -------
    str
        The representation, on one line, shortened in the middle.

    Examples
    --------
    >>> shown("x" * 100, limit=12)
    "'xxxx...xxx'"
    """
    text = " ".join(repr(value).split())
    if len(text) <= limit:
        return text
    head = (limit - 3 + 1) // 2
    return f"{text[:head]}...{text[-(limit - 3 - head) :]}"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a suggestion for a misspelt name, or an empty text.

    Parameters
    ----------
    name : object
        What was given.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        `` (did you mean 'relu'?)`` or an empty string.

    Examples
    --------
    >>> did_you_mean("rellu", ["relu", "tanh"])
    " (did you mean 'relu'?)"
    """
    close = difflib.get_close_matches(str(name)[:100], list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def choose(table: Mapping[str, Entry], key: str, name: object) -> Entry:
    """Look a name up in a table of choices.

    Parameters
    ----------
    table : mapping of str to object
        The choices.
    key : str
        Name of the argument, for the error message.
    name : object
        The name to look up.

    Returns
    -------
    object
        The entry of the table.

    Raises
    ------
    InvalidValue
        If the name is not in the table; the message lists the names and suggests the closest.

    Examples
    --------
    >>> choose({"relu": 1}, "activation", "relu")
    1
    """
    if isinstance(name, str) and name in table:
        return table[name]
    raise InvalidValue(key, name, f"one of {', '.join(table)}{did_you_mean(name, table)}")


def checked_integer(key: str, value: object, lowest: int, highest: int) -> int:
    """Check that a value is an integer in a range.

    Parameters
    ----------
    key : str
        Name of the argument, for the error message.
    value : object
        What was given; numpy's integers count, booleans do not.
    lowest, highest : int
        The range.

    Returns
    -------
    int
        The value.

    Raises
    ------
    InvalidValue
        If it is none.

    Examples
    --------
    >>> checked_integer("size", 3, 2, 11)
    3
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not lowest <= int(value) <= highest:  # type: ignore[call-overload]
        raise InvalidValue(key, value, f"an integer from {lowest} to {highest}")
    return int(value)  # type: ignore[call-overload,no-any-return]
