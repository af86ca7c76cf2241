"""Numbers as text, with the digits that their errors justify."""

from __future__ import annotations

import math

NOTHING = "–"

SMALLEST = 1e-5
"""Two digits of anything smaller do not fit into the most decimal places."""

MOST_PLACES = 6

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def with_error(value: float, error: float) -> str:
    """Return a value and its standard error, to two digits of the error.

    >>> with_error(0.58516, 0.0271)
    '0.585 ± 0.027'
    """
    if not math.isfinite(value):
        return NOTHING
    if not math.isfinite(error):
        return significant(value)
    places = decimal_places(error)
    return f"{fixed(value, places)} ± {error:.{places}f}"


def interval(low: float, high: float, error: float) -> str:
    """Return an interval, with the digits of a standard error.

    >>> interval(0.5312, 0.6391, 0.031)
    '0.531 … 0.639'
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    places = decimal_places(error)
    return f"{fixed(low, places)} … {fixed(high, places)}"


def decimal_places(error: float) -> int:
    """Return how many decimal places show two digits of an error."""
    if not math.isfinite(error) or error <= 0:
        return MOST_PLACES
    return min(max(1 - math.floor(math.log10(error)), 0), MOST_PLACES)


def fixed(value: float, places: int) -> str:
    """Return a number with so many decimal places.

    >>> fixed(-1.25, 1), fixed(-0.001, 1)
    ('−1.2', '0.0')
    """
    # z turns -0.0, which rounding can leave, into 0.0.
    return f"{value:z.{places}f}".replace("-", "−") if math.isfinite(value) else NOTHING


def two_digits(error: float) -> str:
    """Return an error to two digits, in decimals as long as these are few.

    >>> two_digits(0.4), two_digits(0.0271), two_digits(3.14e-9)
    ('0.40', '0.027', '3.1 × 10⁻⁹')
    """
    return fixed(error, decimal_places(error)) if error >= SMALLEST else significant(error, 2)


def significant(value: float | None, digits: int = 4) -> str:
    """Return a number with so many digits, powers of ten written out.

    >>> significant(0.81649658), significant(-2.5e-13), significant(None), significant(126000)
    ('0.8165', '−2.5 × 10⁻¹³', '–', '126000')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == round(value) and abs(value) < 1e9:
        return f"{value:z.0f}".replace("-", "−")
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    power = f" × 10{str(int(exponent)).translate(SUPERSCRIPTS)}" if exponent else ""
    return mantissa.replace("-", "−") + power
