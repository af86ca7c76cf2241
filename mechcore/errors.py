"""The errors that a user can cause, each told in one line."""

from __future__ import annotations

import difflib
import reprlib
import unicodedata
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import TypeVar

Entry = TypeVar("Entry")


INTERRUPTED = "mechcore: interrupted"
"""Last line of a command that was interrupted: no failure of what it did."""


CONTROLS = ("Cc", "Cs", "Zl", "Zp")
"""Categories of Unicode: controls, halves of characters, ends of lines and of paragraphs. Others
that do not show are part of names in some scripts."""


class MechcoreError(ValueError):
    """A mistake in what the user gave; its text is a line for each mistake, the exit code is 2."""


class Description(str):
    """Words about a value that is too long to be shown: no quotes stand around them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


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


class _Beginning(reprlib.Repr):
    """Represents the beginning of a value: a few bytes of YAML can stand for gigabytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxstring = self.maxother = self.maxlong = 4 * limit
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = limit // 3

    def repr_int(self, number: int, level: int) -> str:
        # Python refuses to write more than 4300 decimal digits.
        return super().repr_int(number, level) if number.bit_length() < 10_000 else hex(number)


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
    return shortened(" ".join(_Beginning(limit).repr(value).split()), limit)


def shortened(text: str, limit: int = 60) -> str:
    """Return a text without its middle if it is too long.

    Parameters
    ----------
    text : str
        Any text.
    limit : int, optional
        Longest text that is returned whole.

    Returns
    -------
    str
        At most so many characters.

    Examples
    --------
    >>> shortened("abcdefghij", limit=7)
    'ab...ij'
    """
    if len(text) <= limit:
        return text
    head = (limit - 3 + 1) // 2
    return f"{text[:head]}...{text[-(limit - 3 - head) :]}"


def one_line(text: str) -> str:
    r"""Return text as one line that shows on a terminal as it is.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        With escapes in place of what ends a line, gives a terminal orders or is invisible.

    Examples
    --------
    >>> one_line("a\nb")
    'a\\nb'
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def refuse_controls(key: str, text: str) -> None:
    r"""Refuse text that is more than one line, or gives a terminal orders.

    Parameters
    ----------
    key : str
        Name of the argument, for the error message.
    text : str
        A name or a path.

    Raises
    ------
    InvalidValue
        If it holds such a character.

    Examples
    --------
    >>> refuse_controls("pattern", "my cat.png")
    """
    if any(unicodedata.category(sign) in CONTROLS for sign in text):
        raise InvalidValue(key, text, "text without line breaks and control characters")


def check_path(key: str, path: str) -> None:
    """Refuse the path of a file of a configuration that cannot go through the workflow.

    Parameters
    ----------
    key : str
        Name of the argument, for the error message.
    path : str
        As it was given.

    Raises
    ------
    InvalidValue
        If it holds control characters, or braces: Snakemake would read a wildcard in them.

    Examples
    --------
    >>> check_path("weights", "my networks/digits.npz")
    """
    refuse_controls(key, path)
    if set(path) & set("{}"):
        raise InvalidValue(key, path, "a path without braces")


def closest(name: object, known: Iterable[str]) -> list[str]:
    """Return the name that was probably meant.

    Parameters
    ----------
    name : object
        What was given.
    known : iterable of str
        The names that exist.

    Returns
    -------
    list of str
        One name, or none.

    Examples
    --------
    >>> closest("reLU", ["relu", "tanh"]), closest("sobel", ["relu", "tanh"])
    (['relu'], [])
    """
    names = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(str(name)[:100].casefold(), names, n=1)
    return [names[one] for one in close]


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
    return "".join(f" (did you mean {close!r}?)" for close in closest(name, known))


def choose(table: Mapping[str, Entry], key: str, name: object, also: str = "") -> Entry:
    """Look a name up in a table of choices.

    Parameters
    ----------
    table : mapping of str to object
        The choices.
    key : str
        Name of the argument, for the error message.
    name : object
        The name to look up.
    also : str, optional
        What is allowed besides the names, for the error message.

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
    raise InvalidValue(key, name, f"one of {', '.join(table)}{also}{did_you_mean(name, table)}")


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
