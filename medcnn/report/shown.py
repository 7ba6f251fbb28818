"""How numbers are shown: rounded for people, with the exact value beside for machines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from medcnn.inference.certainty import Certainty
from medcnn.published.studies import decimals
from medcnn.report.baseline import FEWEST_GROUPS
from medcnn.results.base import Record

NO_BREAK = "\N{NO-BREAK SPACE}"
UNDEFINED = Markup('<abbr title="not defined">&ndash;</abbr>')
P_VALUE_FLOOR = 0.001
_BYTES = ("bytes", "kB", "MB", "GB")
_TIMES = ("", "k", "M", "G")


def number(value: float | None, digits: int = 3) -> Markup:
    """A figure; a dash where it is not defined."""
    return UNDEFINED if value is None else exact(value, f"{value:.{digits}f}")


def as_published(value: float | None) -> Markup:
    """A published figure with the decimals that were published."""
    return number(value, 0 if value is None else decimals(value))


def signed(value: float | None, digits: int = 3) -> Markup:
    """A difference with its sign, unless it is rounded to nothing."""
    if value is None:
        return UNDEFINED
    rounded = round(value, digits)
    return exact(value, f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}")


def percent(value: float | None, digits: int = 1) -> Markup:
    """A share as a percentage."""
    return UNDEFINED if value is None else exact(value, f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%")


def chance(value: float, certainty: Certainty) -> Markup:
    """A probability as a percentage, never surer than the images that calibrated it can support."""
    sign, limit = certainty.beyond(value), certainty.limit(value)
    return exact(value, f"{sign}{NO_BREAK if sign else ''}{100 * limit:.1f}{NO_BREAK}%")


def p_value(value: float | None) -> Markup:
    """A p-value to three decimals; those below are only said to be below."""
    if value is None:
        return UNDEFINED
    return exact(value, f"{value:.3f}" if value >= P_VALUE_FLOOR else f"< {P_VALUE_FLOOR}")


def count(value: int | None) -> Markup:
    """A whole number with thousands set apart."""
    return UNDEFINED if value is None else exact(value, f"{value:,}")


def size(value: int) -> Markup:
    """A number of bytes in a unit that fits."""
    return exact(value, _scaled(value, _BYTES))


def times(value: int | None) -> Markup:
    """How often something is done, in thousands, millions or milliards (G)."""
    return UNDEFINED if value is None else exact(value, _scaled(value, _TIMES).strip())


def bounds(block: Record, key: str) -> tuple[float, float] | None:
    """The ends of a figure's interval, if it has one and there are groups enough to believe it."""
    low, high = block.get(f"{key}_low"), block.get(f"{key}_high")
    few = block.get("groups", FEWEST_GROUPS) < FEWEST_GROUPS
    return None if few or low is None or high is None else (low, high)


def interval(block: Record, key: str, digits: int = 3) -> Markup:
    """The confidence interval of a figure: ``<key>_low`` to ``<key>_high``; nothing where it has none.

    Where there are few independent groups the interval is of no use, and words stand for it.
    """
    if block.get("groups", FEWEST_GROUPS) < FEWEST_GROUPS:
        return Markup('<span class="ci">too few groups</span>')
    ends = bounds(block, key)
    if ends is None:
        return Markup("")
    low, high = ends
    return Markup('<span class="ci">{}&ndash;{}</span>').format(number(low, digits), number(high, digits))


def breakable(text: str) -> Markup:
    """A path or a name that may go on in a new line after its slashes and underscores, and nowhere within a word."""
    return Markup(re.sub("([/_])", r"\1<wbr>", str(escape(text))))  # noqa: S704 (escaped)


def exact(value: float, text: str) -> Markup:
    """A value as it stands in its JSON file, shown as text."""
    return Markup('<data value="{}">{}</data>').format(value, text)


def _scaled(value: int, units: Sequence[str]) -> str:
    amount, unit = float(value), 0
    while amount >= 1000 and unit < len(units) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.3g}\N{NO-BREAK SPACE}{units[unit]}"


FILTERS = (number, as_published, signed, percent, chance, p_value, count, size, times, bounds, interval, breakable)
"""What the templates show numbers and names with, under their own names."""
