"""The vocabulary: what a playbook may ask about a lead, of which type, in which words.

Facts with a dot in their name are families of the company's own: ``events.visit_site``
counts a kind of event, ``days_since.visit_site`` tells how long ago the last one was,
``card.budget`` is a field of the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from leads.tables import FieldType
from playbook.text import Text

Type = Literal["number", "level", "set", "flag"]
Unit = Literal["", "share", "days", "money", "times"]
Value = float | str | bool | frozenset[str]

ALWAYS_KNOWN: Final = frozenset({"tier", "probability", "override"})
"""Facts of the prediction itself: there is no lead without them."""

OF_POINTS: Final = frozenset({"points", "fit", "engagement", "grid"})
"""Facts of the scorecard; a playbook that asks for them has a section ``points``."""

OF_MODEL: Final = frozenset(
    {"tier", "probability", "expected_money", "reasons_for", "reasons_against",
     "override"}
)  # fmt: skip
"""Facts of the prediction, which points must not ask about."""

NUMBER_OPS: Final = ("is", "at_least", "at_most", "more_than", "less_than", "known")
LEVEL_OPS: Final = ("is", "not", "known")
SET_OPS: Final = ("has", "has_not", "known")
FLAG_OPS: Final = ("is", "known")
OPS: Final[Mapping[Type, tuple[str, ...]]] = {
    "number": NUMBER_OPS,
    "level": LEVEL_OPS,
    "set": SET_OPS,
    "flag": FLAG_OPS,
}
"""What may be asked of each type; ``known`` asks whether there is a value at all."""


class Asked(NamedTuple):
    """A fact as a condition asks for it; ``within`` is a window in seconds."""

    fact: str
    within: int | None = None


Facts = Mapping[Asked, Value | None]
"""What is known of one lead; None, like absence, is not known."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to ask about: its type, unit, words, and its values where closed."""

    name: str
    type: Type
    words: Text
    unit: Unit = ""
    values: tuple[str, ...] | None = None

    @property
    def ops(self) -> tuple[str, ...]:
        """The operations that make sense for it."""
        return OPS[self.type]


def _fact(
    name: str, kind: Type, en: str, ru: str, unit: Unit = "", *values: str
) -> Fact:
    return Fact(name, kind, {"en": en, "ru": ru}, unit, values or None)


PLAIN: Final[Mapping[str, Fact]] = {
    fact.name: fact
    for fact in (
        _fact("tier", "level", "tier", "группа", "", "hot", "warm", "cold", "no_data"),
        _fact("probability", "number", "chance", "вероятность", "share"),
        _fact(
            "expected_money", "number", "expected money", "ожидаемые деньги", "money"
        ),
        _fact("stage", "level", "stage", "стадия"),
        _fact("pipeline", "level", "pipeline", "воронка"),
        _fact("source", "level", "source", "источник"),
        _fact("manager", "level", "manager", "менеджер"),
        _fact("stage_age", "number", "time in the stage", "срок на стадии", "days"),
        _fact(
            "stage_age_ratio", "number", "time in the stage", "срок на стадии", "times",
        ),
        _fact("lead_age", "number", "age of the lead", "возраст лида", "days"),
        _fact(
            "lead_age_ratio", "number", "age against the average deal",
            "возраст против среднего срока сделки", "times",
        ),
        _fact("right_person", "flag", "right person", "тот человек"),
        _fact("right_plan", "flag", "right plan", "тот план"),
        _fact("right_budget", "flag", "right budget", "тот бюджет"),
        _fact("right_timing", "flag", "right timing", "подходящий срок"),
        _fact(
            "criteria_met", "number", "of the four questions answered yes",
            "из четырёх вопросов с ответом «да»",
        ),
        _fact("quiet", "number", "no activity for", "нет активности", "days"),
        _fact("reasons_for", "set", "main reasons for", "главные причины «за»"),
        _fact(
            "reasons_against", "set", "main reasons against", "главные причины «против»"
        ),
        _fact("customer", "level", "customer", "клиент", "", "new", "returning"),
        _fact("payments", "number", "payments so far", "оплат до сих пор"),
        _fact(
            "override", "level", "tier set by a person", "группа, заданная человеком",
            "", "hot", "warm", "cold", "none",
        ),
        _fact("usage", "level", "use of the product", "использование продукта"),
        _fact(
            "trial_ends_in", "number", "trial ends in", "до конца пробного периода",
            "days",
        ),
        _fact("points", "number", "points", "баллы"),
        _fact("fit", "number", "points for fit", "баллы за соответствие"),
        _fact(
            "engagement", "number", "points for engagement", "баллы за вовлечённость"
        ),
        _fact(
            "grid", "level", "place in the grid", "клетка сетки", "",
            *(f"{letter}{digit}" for letter in "ABCD" for digit in "1234"),
        ),
    )
}  # fmt: skip
"""Facts that every company has."""

VALUES: Final[Mapping[str, Text]] = {
    "hot": {"en": "hot", "ru": "горячий"},
    "warm": {"en": "warm", "ru": "тёплый"},
    "cold": {"en": "cold", "ru": "холодный"},
    "no_data": {"en": "not enough data", "ru": "мало данных"},
    "new": {"en": "new", "ru": "новый"},
    "returning": {"en": "returning", "ru": "вернувшийся"},
    "none": {"en": "none", "ru": "нет"},
}
"""Words of the closed values; others go by their own names."""

CARD_TYPES: Final[Mapping[FieldType, tuple[Type, Unit]]] = {
    FieldType.NUMBER: ("number", ""),
    FieldType.TEXT: ("level", ""),
    FieldType.FLAG: ("flag", ""),
    FieldType.TIME: ("number", "days"),
}
"""A time on the card is asked as the days until then; the past is negative."""

FAMILIES: Final = ("events", "days_since", "card")


def family_of(name: str) -> tuple[str, str]:
    """Part a name into its family and the rest; a plain fact has no family.

    Examples
    --------
    >>> family_of("events.visit"), family_of("tier"), family_of("card.a.b")
    (('events', 'visit'), ('', 'tier'), ('card', 'a.b'))
    """
    family, dot, rest = name.partition(".")
    return (family, rest) if dot and family in FAMILIES else ("", name)


def fact_named(
    name: str, *, fields: Mapping[str, FieldType], words: Mapping[str, Text]
) -> Fact | None:
    """Find a fact by its name; None if there is none.

    Parameters
    ----------
    fields
        The card's fields and their types; a field that is not there is text.
    words
        What the company calls its fields and kinds of events.
    """
    family, rest = family_of(name)
    if not family:
        return PLAIN.get(name)
    called = words.get(rest, {"en": rest, "ru": rest})
    if family == "card":
        kind, unit = CARD_TYPES[fields.get(rest, FieldType.TEXT)]
        return Fact(name, kind, called, unit)
    if family == "events":
        return Fact(name, "number", called)
    return Fact(
        name, "number",
        {"en": f"{called['en']}: last was", "ru": f"{called['ru']}: последнее было"},
        "days",
    )  # fmt: skip
