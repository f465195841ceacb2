"""Numbers in words, in English and Russian: durations, rates, weekdays, plurals."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, Literal

from model.features.catalog import OTHER_CODE, Feature, Kind

Language = Literal["en", "ru"]
Phrase = Mapping[Language, str]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru")

YES_NO_KINDS: Final = frozenset(
    {"card_flag", "card_filled", "card_answer", "contact_phone"}
)
HOUR_KINDS: Final = frozenset(
    {
        "event_recency", "event_gap", "payment_recency", "payment_gap", "stage_age",
        "lead_age",
    }
)  # fmt: skip
"""Kinds of features that are durations in hours."""
DAY_KINDS: Final = frozenset({"card_time_age"})
"""Kinds of features that are durations in days."""

MEASURED_KINDS: Final = frozenset({"event_sum", "payment_sum"})
"""Kinds of features whose unit the company tells, or its payments."""

CURRENCY: Final = re.compile("[A-Z]{3}")
SIGNS: Final = {"RUB": "₽", "USD": "$", "EUR": "€", "GBP": "£", "KZT": "₸"}
"""Signs of currencies that a Russian reader knows; others go by their codes."""

HOURS: Final = {"seconds": 1 / 3600, "minutes": 1 / 60, "hours": 1.0, "days": 24.0}
"""How many hours the units of time are."""

RATIO_KINDS: Final = frozenset(
    {
        "event_gap_relative",
        "payment_gap_relative",
        "stage_age_relative",
        "lead_age_relative",
    }
)
"""Kinds of features that are measured by what is usual."""

UNCOMPARED_KINDS: Final[tuple[Kind, ...]] = ("stage_age_relative", "lead_age_relative")
"""Kinds of features that are not known where nobody knows what is usual."""

UNKNOWN: Final[Phrase] = {"en": "not known", "ru": "нет данных"}
NONE_YET: Final[Phrase] = {"en": "none so far", "ru": "пока не было"}
TOO_FEW: Final[Phrase] = {"en": "too few so far", "ru": "пока слишком мало"}
NOT_USUAL: Final[Phrase] = {
    "en": "the usual time is not known", "ru": "обычное время неизвестно",
}  # fmt: skip
EMPTY: Final[Phrase] = {"en": "not filled in", "ru": "не заполнено"}
ABSENT: Final[Mapping[Kind, Phrase]] = {
    "event_recency": NONE_YET,
    "payment_recency": NONE_YET,
    **dict.fromkeys(
        ("event_gap", "event_gap_relative", "payment_gap", "payment_gap_relative"),
        TOO_FEW,
    ),
    **dict.fromkeys(
        (
            "card_number", "card_text", "card_flag", "card_time_age",
            "card_text_length", "card_answer", "contact_mail",
        ),
        EMPTY,
    ),
    **dict.fromkeys(UNCOMPARED_KINDS, NOT_USUAL),
    "stage": {"en": "not in the funnel yet", "ru": "ещё не в воронке"},
}  # fmt: skip
"""What it means that a value is not known, where that says more."""

RARE: Final[Phrase] = {"en": "a rare one", "ru": "редкое значение"}
SAME: Final[Phrase] = {"en": "about the same", "ru": "примерно так же"}
FAR_BELOW: Final[Phrase] = {"en": "far below", "ru": "намного меньше"}
ADDRESSES: Final[Mapping[str, Phrase]] = {
    "free": {"en": "a free mailbox", "ru": "бесплатная почта"},
    "corporate": {"en": "of a company", "ru": "корпоративная почта"},
    "none": {"en": "none", "ru": "нет адреса"},
}
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
DATE_MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        "Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ),
    "ru": (
        "января", "февраля", "марта", "апреля", "мая", "июня",
        "июля", "августа", "сентября", "октября", "ноября", "декабря",
    ),
}  # fmt: skip
"""Months as a date names them."""
DURATIONS: Final = {
    "second": (("second", "seconds"), ("секунда", "секунды", "секунд")),
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
    return counted(unit, count, language)


def counted(unit: str, count: int, language: Language) -> str:
    """Write a number of units of time.

    Examples
    --------
    >>> counted("day", 1, "en"), counted("day", 22, "ru")
    ('1 day', '22 дня')
    """
    english, russian = DURATIONS[unit]
    if language == "en":
        word = english[abs(count) != 1]
    else:
        word = plural(abs(count), *russian)
    return f"{number(count, language)} {word}"


def money_sign(currency: str, language: Language) -> str:
    """Give the sign of a currency, or its code.

    Examples
    --------
    >>> money_sign("RUB", "ru"), money_sign("RUB", "en"), money_sign("UZS", "ru")
    ('₽', 'RUB', 'UZS')
    """
    return SIGNS.get(currency, currency) if language == "ru" else currency


def measured(value: float, unit: str, language: Language) -> str:
    r"""Write a value with its unit: a time as a person would say it, money with sign.

    Examples
    --------
    >>> measured(998.0, "seconds", "en"), measured(45.0, "seconds", "ru")
    ('17 minutes', '45 секунд')
    >>> measured(14970.0, "RUB", "ru"), measured(5.2, "", "ru")
    ('14\xa0970\xa0₽', '5,2')
    """
    if unit in HOURS:
        if round(value * HOURS[unit] * 3600) < 60:
            return counted("second", round(value * HOURS[unit] * 3600), language)
        return duration(value * HOURS[unit], language)
    said = number(value, language)
    is_money = CURRENCY.fullmatch(unit)
    return f"{said}\u00a0{money_sign(unit, language)}" if is_money else said


def value_words(
    feature: Feature, value: float, text: str | None, language: Language
) -> str:
    """Write a feature's value in words.

    Parameters
    ----------
    feature
        Says what the value is.
    value, text
        The value as encoded (NaN is not known, 0 a rare level), and the level of a
        text feature (None is not known).
    language
        The language of the words.
    """
    if math.isnan(value):
        return ABSENT.get(feature.kind, UNKNOWN)[language]
    if feature.is_text:
        return _level(feature, value, text, language)
    if feature.kind in YES_NO_KINDS:
        return YES[language] if value else NO[language]
    if feature.kind in HOUR_KINDS | DAY_KINDS:
        days = 24 if feature.kind in DAY_KINDS else 1
        return duration(value * days, language)
    if feature.kind in RATIO_KINDS:
        return against_usual(value, language)
    if feature.kind == "event_trend":
        return change(value, language)
    if feature.kind in MEASURED_KINDS:
        return measured(value, feature.unit, language)
    return _on_the_clock(feature, value, language) or number(value, language)


def _level(feature: Feature, value: float, text: str | None, language: Language) -> str:
    """Name a level; one that few leads have is not named, for it may name a person."""
    if value == OTHER_CODE or text is None:
        return RARE[language]
    if feature.kind == "contact_mail" or feature.of == "email_kind":
        return ADDRESSES.get(text, RARE)[language]
    return text


def says_nothing(feature: Feature, value: float) -> bool:
    """Tell a value that says nothing of the lead: what is usual is not known.

    A field not filled in, or nothing so far, does say something of it.
    """
    return feature.kind in UNCOMPARED_KINDS and math.isnan(value)


def against_usual(ratio: float, language: Language) -> str:
    r"""Compare with the usual, as a person would say it.

    Examples
    --------
    >>> [against_usual(ratio, "en") for ratio in (0.4, 1.02, 1.7, 2.08)]
    ['60% below', 'about the same', '70% above', '2.1 times as much']
    >>> against_usual(0.4, "ru"), against_usual(5.25, "ru")
    ('на 60\xa0% меньше', 'больше в 5,2 раза')
    """
    if 0.95 <= ratio <= 1.05:
        return SAME[language]
    if ratio < 0.01:
        return FAR_BELOW[language]
    if ratio >= 2:
        times = number(round(ratio, 1), language)
        return f"{times} times as much" if language == "en" else _times(times)
    part = percent(abs(ratio - 1), language)
    if language == "en":
        return f"{part} {'above' if ratio > 1 else 'below'}"
    return f"на {part} {'больше' if ratio > 1 else 'меньше'}"


def _times(times: str) -> str:
    whole = times.replace("\u00a0", "")
    form = plural(int(whole), "раз", "раза", "раз") if whole.isdigit() else "раза"
    return f"больше в {times} {form}"


def change(difference: float, language: Language) -> str:
    """Write a change of a count with its direction.

    Examples
    --------
    >>> change(3.0, "en"), change(-1.0, "ru"), change(0.0, "en")
    ('3 more', 'на 1 меньше', 'about the same')
    """
    if difference == 0:
        return SAME[language]
    many = number(abs(difference), language)
    if language == "en":
        return f"{many} {'more' if difference > 0 else 'fewer'}"
    return f"на {many} {'больше' if difference > 0 else 'меньше'}"


def _on_the_clock(feature: Feature, value: float, language: Language) -> str | None:
    if feature.kind == "hour":
        return f"{int(value):02}:00"
    if feature.kind == "weekday" and 1 <= value <= 7:
        return WEEKDAYS[language][int(value) - 1]
    if feature.kind == "month" and 1 <= value <= 12:
        return MONTHS[language][int(value) - 1]
    return None
