"""Numbers in words, in English and Russian: durations, rates, weekdays, plurals."""

from __future__ import annotations

import math
import re
from typing import Final, Literal

from model.features.catalog import Feature

Language = Literal["en", "ru"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru")

YES_NO_KINDS: Final = frozenset({"card_flag", "card_filled", "contact_phone"})
HOUR_KINDS: Final = frozenset(
    {
        "event_recency", "event_gap", "payment_recency", "payment_gap", "stage_age",
        "lead_age",
    }
)  # fmt: skip
"""Kinds of features that are durations in hours."""
DAY_KINDS: Final = frozenset({"card_time_age"})
"""Kinds of features that are durations in days."""

CURRENCY: Final = re.compile("[A-Z]{3}")

UNKNOWN: Final = {"en": "not known", "ru": "нет данных"}
YES: Final = {"en": "yes", "ru": "да"}
NO: Final = {"en": "no", "ru": "нет"}
UNDER: Final = {"en": "under", "ru": "менее"}
OVER: Final = {"en": "over", "ru": "более"}
WEEKDAYS: Final = {
    "en": (
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ),
    "ru": (
        "понедельник", "вторник", "среда", "четверг", "пятница", "суббота",
        "воскресенье",
    ),
}  # fmt: skip
MONTHS: Final = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August",
        "September", "October", "November", "December",
    ),
    "ru": (
        "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август",
        "сентябрь", "октябрь", "ноябрь", "декабрь",
    ),
}  # fmt: skip
DURATIONS: Final = {
    "minute": (("minute", "minutes"), ("минута", "минуты", "минут")),
    "hour": (("hour", "hours"), ("час", "часа", "часов")),
    "day": (("day", "days"), ("день", "дня", "дней")),
}


def plural(count: int, *forms: str) -> str:
    """Choose the form of a Russian noun that goes with a count.

    Examples
    --------
    >>> [plural(n, "лид", "лида", "лидов") for n in (1, 3, 5, 11, 21, 112)]
    ['лид', 'лида', 'лидов', 'лидов', 'лид', 'лидов']
    """
    one, few, many = forms
    if count % 100 in range(11, 15):
        return many
    if count % 10 == 1:
        return one
    return few if count % 10 in (2, 3, 4) else many


def number(value: float, language: Language) -> str:
    """Write a number with three figures, whole ones in full.

    Examples
    --------
    >>> number(1234567.0, "en"), number(0.03456, "en"), number(1.5, "ru")
    ('1,234,567', '0.0346', '1,5')
    """
    whole = value == int(value) if math.isfinite(value) else False
    text = f"{value:,.0f}" if whole or abs(value) >= 1000 else f"{value:.3g}"
    if language == "en":
        return text
    return text.replace(",", "\u00a0").replace(".", ",")


def percent(rate: float, language: Language) -> str:
    r"""Write a rate as a percentage that is never rounded to nothing or to certainty.

    In Russian a space that does not break keeps the sign with its number.

    Examples
    --------
    >>> percent(0.3149, "en"), percent(0.002, "en"), percent(0.999, "ru")
    ('31%', 'under 1%', 'более 99\xa0%')
    """
    sign = "\u00a0%" if language == "ru" else "%"
    if 0 < rate < 0.01:
        return f"{UNDER[language]} 1{sign}"
    if 0.99 < rate < 1:
        return f"{OVER[language]} 99{sign}"
    return f"{rate * 100:.0f}{sign}"


def duration(hours: float, language: Language) -> str:
    """Write a duration in the unit a person would choose.

    Examples
    --------
    >>> duration(0.5, "en"), duration(26.0, "ru"), duration(24 * 21.0, "ru")
    ('30 minutes', '26 часов', '21 день')
    """
    if hours < 59.5 / 60:
        unit, count = "minute", round(hours * 60)
    elif hours < 47.5:
        unit, count = "hour", round(hours)
    else:
        unit, count = "day", round(hours / 24)
    english, russian = DURATIONS[unit]
    if language == "en":
        word = english[abs(count) != 1]
    else:
        word = plural(abs(count), *russian)
    return f"{number(count, language)} {word}"


def value_words(
    feature: Feature, value: float, text: str | None, language: Language
) -> str:
    """Write a feature's value in words.

    Parameters
    ----------
    feature
        Says what the value is.
    value, text
        The value as a number (NaN is not known), or the level of a text feature (None
        is not known); the other one is not looked at.
    language
        The language of the words.
    """
    if feature.is_text:
        return UNKNOWN[language] if text is None else text
    if math.isnan(value):
        return UNKNOWN[language]
    if feature.kind in YES_NO_KINDS:
        return YES[language] if value else NO[language]
    if feature.kind in HOUR_KINDS:
        return duration(value, language)
    if feature.kind in DAY_KINDS:
        return duration(value * 24, language)
    said = _on_the_clock(feature, value, language) or number(value, language)
    is_money = CURRENCY.fullmatch(feature.unit)
    return f"{said}\u00a0{feature.unit}" if is_money else said


def _on_the_clock(feature: Feature, value: float, language: Language) -> str | None:
    if feature.kind == "hour":
        return f"{int(value):02}:00"
    if feature.kind == "weekday" and 1 <= value <= 7:
        return WEEKDAYS[language][int(value) - 1]
    if feature.kind == "month" and 1 <= value <= 12:
        return MONTHS[language][int(value) - 1]
    return None
