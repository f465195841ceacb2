from __future__ import annotations

import pytest

from model.features.catalog import Feature, Kind, Words
from model.features.phrases import Language, duration, percent, value_words


def feature(kind: Kind, unit: str = "") -> Feature:
    """Make a feature of a kind."""
    return Feature("x", kind, "x", Words("X", "Икс"), unit=unit)


@pytest.mark.parametrize(
    ("kind", "value", "language", "expected"),
    [
        ("event_count", 3.0, "en", "3"),
        ("event_recency", 0.25, "en", "15 minutes"),
        ("event_recency", 1.0, "en", "1 hour"),
        ("event_recency", 21.0, "ru", "21 час"),
        ("event_recency", 72.0, "ru", "3 дня"),
        ("card_time_age", 11.0, "ru", "11 дней"),
        ("contact_phone", 1.0, "ru", "да"),
        ("card_flag", 0.0, "en", "no"),
        ("hour", 9.0, "en", "09:00"),
        ("weekday", 7.0, "ru", "воскресенье"),
        ("month", 1.0, "en", "January"),
        ("card_number", 1234.5, "ru", "1\u00a0234"),
        ("card_number", 0.125, "ru", "0,125"),
        ("card_number", float("nan"), "ru", "не заполнено"),
        ("event_recency", float("nan"), "en", "none so far"),
        ("stage_age_relative", float("nan"), "en", "the usual time is not known"),
        ("stage_age_relative", 1.7, "ru", "на 70\u00a0% больше"),
        ("stage_age_relative", 0.0, "en", "far below"),
        ("event_trend", -2.0, "ru", "на 2 меньше"),
    ],
)
def test_values_are_said_as_a_person_would(
    kind: Kind, value: float, language: Language, expected: str
) -> None:
    """Durations, clocks, yes and no, and numbers are in the words of the language."""
    assert value_words(feature(kind), value, None, language) == expected


@pytest.mark.parametrize(
    ("kind", "unit", "value", "language", "expected"),
    [
        ("payment_sum", "RUB", 1500.0, "ru", "1\u00a0500\u00a0₽"),
        ("payment_sum", "RUB", 1500.0, "en", "1,500\u00a0RUB"),
        ("event_sum", "seconds", 998.0, "ru", "17 минут"),
        ("event_sum", "seconds", 59.4, "en", "59 seconds"),
        ("event_sum", "minutes", 1.0, "en", "1 minute"),
        ("event_sum", "days", 3.0, "ru", "3 дня"),
        ("event_sum", "", 998.0, "ru", "998"),
        ("event_days", "days", 1.0, "en", "1"),
    ],
)
def test_what_is_measured_is_said_with_its_unit(
    kind: Kind, unit: str, value: float, language: Language, expected: str
) -> None:
    """Money carries its sign, a time is said as one; how many days stays a count."""
    assert value_words(feature(kind, unit), value, None, language) == expected


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.0, "0"), (0.004, "менее 1"), (0.996, "более 99")]
)
def test_rates_are_never_rounded_to_certainty(rate: float, expected: str) -> None:
    """Only a rate of nought reads as 0 %."""
    assert percent(rate, "ru") == f"{expected}\u00a0%"


def test_a_duration_rolls_over_to_the_next_unit() -> None:
    """59.9 minutes are an hour, not 60 minutes."""
    assert duration(59.9 / 60, "en") == "1 hour"
