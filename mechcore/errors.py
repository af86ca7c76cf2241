"""The errors that a user can cause, one line each."""

from __future__ import annotations

import difflib
import re
import reprlib
import unicodedata
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import TypeVar

Entry = TypeVar("Entry")

INTERRUPTED = "mechcore: interrupted"
"""Last line of a command that the user interrupted, which is no failure."""

CONTROLS = ("Cc", "Cs", "Zl", "Zp")
"""Controls, surrogates, line and paragraph separators: names in some scripts need the others."""


FORMULA = ("=", "@", "+", "-")
"""Starts of what a spreadsheet runs."""


class MechcoreError(ValueError):
    """A mistake in the user's input: one line for each mistake; the exit code is 2."""


class InvalidValue(MechcoreError):  # noqa: N818 - it reads as a sentence, not as an error
    """A value that is not allowed.

    Parameters
    ----------
    key : str
        Name of the argument, option or configuration key.
    value : object
        What was given.
    allowed : str
        What would have been accepted, as a phrase that follows "expected".
    description : str, optional
        Words that stand for a value that is too long to be shown.

    Examples
    --------
    >>> str(InvalidValue("beta", 1.5, "a number from 0 to 1"))
    'beta: 1.5 is not allowed, expected a number from 0 to 1'
    """

    def __init__(self, key: str, value: object, allowed: str, *, description: str = "") -> None:
        super().__init__(f"{key}: {description or shown(value)} is not allowed, expected {allowed}")


class _ShortRepr(reprlib.Repr):
    """Represents only the start of a value: a few bytes of YAML can stand for gigabytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxstring = self.maxother = self.maxlong = 4 * limit
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = limit // 3

    def repr_int(self, number: int, level: int) -> str:
        # Python refuses to write more than 4300 decimal digits.
        return super().repr_int(number, level) if number.bit_length() < 10_000 else hex(number)


def shown(value: object, limit: int = 60) -> str:
    """Return the representation of a value as one short line."""
    return shortened(" ".join(_ShortRepr(limit).repr(value).split()), limit)


def shortened(text: str, limit: int = 60) -> str:
    """Return a text without its middle if it is longer than the limit."""
    if len(text) <= limit:
        return text
    head = (limit - 3 + 1) // 2
    return f"{text[:head]}...{text[-(limit - 3 - head) :]}"


def one_line(text: str) -> str:
    """Return text with escapes for what ends a line, controls a terminal or is invisible."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def without_credentials(text: str) -> str:
    """Return a text in which no address has a password, nor the value of a query.

    Examples
    --------
    >>> without_credentials("no host http://ada:secret@tracking:5000/?token=secret")
    'no host http://***@tracking:5000/?token=***'
    """
    return re.sub(r"[^\s'\"]+", lambda found: _without_account(found[0]), text)


def _without_account(word: str) -> str:
    start, _, rest = word.rpartition("@")
    scheme, found, _ = start.partition("://")
    known = f"{scheme}://" if found else ""
    shown = f"{known}***@{rest}" if ":" in start else word
    return re.sub(r"([?&][^=&]*=)[^&]*", r"\1***", shown) if ":/" in shown else shown


def harmless(name: str) -> str:
    r"""Return a name from outside as one line that starts no formula of a spreadsheet.

    Examples
    --------
    >>> print(harmless("conv\x00"), harmless("=1+1"))
    conv\x00 \x3d1+1
    """
    return one_line(f"\\x{ord(name[0]):x}{name[1:]}" if name.startswith(FORMULA) else name)


def refuse_controls(key: str, text: str) -> None:
    """Refuse text that has several lines or controls a terminal."""
    if any(unicodedata.category(sign) in CONTROLS for sign in text):
        raise InvalidValue(key, text, "text without line breaks and control characters")


def check_path(key: str, path: str) -> None:
    """Refuse a path that cannot go through the workflow."""
    refuse_controls(key, path)
    # Snakemake would read a wildcard, or a variable.
    if set(path) & set("{}") or re.search("<[a-z][a-z0-9_]*>", path):
        raise InvalidValue(key, path, "a path without braces, and without a word as in <results>")


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a suggestion for a misspelt name, or an empty text."""
    names = {candidate.casefold(): candidate for candidate in known}
    # The text of other types may be endless.
    start = name[:100].casefold() if isinstance(name, str) else ""
    close = difflib.get_close_matches(start, names, n=1)
    return "".join(f" (did you mean {names[match]!r}?)" for match in close)


def choose(table: Mapping[str, Entry], key: str, name: object, also: str = "") -> Entry:
    """Return an entry of a table; an error lists the names, ``also``, and the closest name."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise InvalidValue(key, name, f"one of {', '.join(table)}{also}{did_you_mean(name, table)}")


def checked_integer(key: str, value: object, lowest: int, highest: int) -> int:
    """Return an integer, also one of numpy, or refuse what is not an integer in a range."""
    integral = isinstance(value, Integral) and not isinstance(value, bool)
    if not integral or not lowest <= int(value) <= highest:  # type: ignore[call-overload]
        raise InvalidValue(key, value, f"an integer from {lowest} to {highest}")
    return int(value)  # type: ignore[call-overload,no-any-return]
