"""Numbers written as text, in the way of one country throughout a column.

``1,234`` is a thousand in London and a bit over one in Moscow, so a column is read as a
whole: one value such as ``12,5`` tells for all the others, and a column in which none
tells is refused instead of guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import polars as pl

Style = Literal["plain", "english", "european"]

SPACES: Final = r"[\s\u00a0\u2009\u202f']"
PLAIN: Final = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$"
ENGLISH: Final = r"^[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$"
EUROPEAN: Final = r"^[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?$"
PATTERNS: Final[Mapping[Style, str]] = {
    "plain": PLAIN,
    "english": ENGLISH,
    "european": EUROPEAN,
}
CODE_DIGITS: Final = 10
"""From this length on, integers of one length are phones or registry numbers."""


def tidy(texts: pl.Series) -> pl.Series:
    """Strip the spaces that group digits; text without a character becomes null."""
    bare = texts.str.replace_all(SPACES, "").str.replace("^\u2212", "-")
    return bare.set(bare == "", None)


def style_of(texts: pl.Series) -> Style | None:
    """Tell how the numbers of a tidied column are written; None if nothing tells.

    Examples
    --------
    >>> style_of(pl.Series(["1,234", "12,5"])), style_of(pl.Series(["1,234"]))
    ('european', None)
    >>> style_of(pl.Series(["1,234.50", "7"])), style_of(pl.Series(["1.234", "7"]))
    ('english', 'plain')
    >>> style_of(pl.Series(["12,5", "many", "3,75"]))  # what fits the most
    'european'
    """
    known = texts.drop_nulls()
    if not known.str.contains(",", literal=True).any():
        return "plain"
    fitting: dict[Style, int] = {
        style: int(known.str.contains(pattern).sum())
        for style, pattern in PATTERNS.items()
    }
    if fitting["english"] == fitting["european"] == len(known):
        return None
    return max(fitting, key=lambda style: fitting[style])


def plainly(texts: pl.Series, style: Style) -> pl.Series:
    """Rewrite numbers of a style as ``-1234.5``; null where it is no number."""
    fitting = texts.str.contains(PATTERNS[style]).fill_null(value=False)
    number = texts.set(~fitting, None)
    if style == "english":
        return number.str.replace_all(",", "", literal=True)
    if style == "european":
        number = number.str.replace_all(".", "", literal=True)
        return number.str.replace(",", ".", literal=True)
    return number


def are_codes(texts: pl.Series) -> bool:
    """Whether digits only name something: phones, registry and account numbers.

    Examples
    --------
    >>> are_codes(pl.Series(["0012", "1344"])), are_codes(pl.Series(["12", "1344"]))
    (True, False)
    >>> are_codes(pl.Series(["79001234567", "79007654321"]))
    True
    """
    known = texts.drop_nulls()
    if known.str.contains(r"^\+?0\d|^\+\d{7,}").any():
        return True
    if not known.str.contains(r"^\d+$").all():
        return False
    lengths = known.str.len_bytes()
    shortest, longest = lengths.min(), lengths.max()
    assert isinstance(shortest, int)
    return shortest == longest and shortest >= CODE_DIGITS
