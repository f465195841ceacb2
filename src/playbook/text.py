"""Words in the company's languages, numbers and lists as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

Language = Literal["en", "ru"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru")
Text = Mapping[str, str]
"""A text by language; at least in the company's."""

SPACE: Final = "\N{NO-BREAK SPACE}"
OR: Final[Mapping[Language, str]] = {"en": " or ", "ru": " или "}
AND: Final[Mapping[Language, str]] = {"en": " and ", "ru": " и "}


def said(text: Text, language: Language) -> str:
    """Say a text in a language, or in the one that there is.

    Examples
    --------
    >>> said({"ru": "Звонок"}, "en"), said({"ru": "Звонок", "en": "Call"}, "en")
    ('Звонок', 'Call')
    """
    return text.get(language) or next(iter(text.values()), "")


def number(value: float, language: Language) -> str:
    r"""Write a number without needless digits.

    Examples
    --------
    >>> number(1500.0, "en"), number(0.5, "ru"), number(1234567, "ru")
    ('1,500', '0,5', '1\xa0234\xa0567')
    """
    written = f"{value:,.6f}".rstrip("0").rstrip(".")
    if language == "en":
        return written
    return written.replace(",", SPACE).replace(".", ",")


def percent(value: float, language: Language) -> str:
    r"""Write a share as percent.

    Examples
    --------
    >>> percent(0.3, "en"), percent(0.125, "ru")
    ('30%', '12,5\xa0%')
    """
    whole = number(round(value * 100, 4), language)
    return f"{whole}%" if language == "en" else f"{whole}{SPACE}%"


def many(count: int, forms: Text, language: Language) -> str:
    """Give a count with its noun in the right form, forms parted by ``|``.

    Examples
    --------
    >>> days = {"en": "day|days", "ru": "день|дня|дней"}
    >>> many(1, days, "en"), many(22, days, "ru").replace(SPACE, " ")
    ('1 day', '22 дня')
    """
    words = forms[language].split("|")
    return (
        f"{number(count, language)}{SPACE if language == 'ru' else ' '}"
        + (words[(count != 1) if language == "en" else _russian(count)])
    )


def _russian(count: int) -> int:
    if count % 10 == 1 and count % 100 != 11:
        return 0
    return 1 if count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14} else 2


def listed(words: Sequence[str], joint: str) -> str:
    """List words, the last one after a joint.

    Examples
    --------
    >>> listed(["hot"], " or "), listed(["a", "b", "c"], " or ")
    ('hot', 'a, b or c')
    """
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + joint + words[-1]
