"""The features a company could have, declared from what was found in its data.

The most frequent kinds of events are looked at closely, the rest briefly: dozens of
features that a person can read, not hundreds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from model.features.catalog import OTHER_KINDS, Feature, Kind, Words
from model.features.wording import UNITS, ChangedBy, Noun, noun_of, title_of, words_of

DAY: Final = 86_400
WEEK: Final = 7 * DAY
MONTH: Final = 30 * DAY
QUARTER: Final = 90 * DAY
"""Windows, in seconds."""

LOOKED_AT_CLOSELY: Final = 8

Spec = tuple[Kind, str, int | None]
"""A kind, the end of the feature's name, and the window."""

BRIEFLY: Final[tuple[Spec, ...]] = (
    ("event_count", "count", None),
    ("event_count", "count_7d", WEEK),
    ("event_recency", "recency_hours", None),
)
CLOSELY: Final[tuple[Spec, ...]] = (
    *BRIEFLY,
    ("event_count", "count_30d", MONTH),
    ("event_days", "days_30d", MONTH),
    ("event_trend", "trend_7d", WEEK),
    ("event_gap", "gap_hours", None),
    ("event_gap_relative", "gap_relative", None),
)
VALUES: Final[tuple[Spec, ...]] = (
    ("event_sum", "sum", None),
    ("event_sum", "sum_30d", MONTH),
)
TOGETHER: Final[tuple[Spec, ...]] = (
    *CLOSELY,
    ("event_count", "count_1d", DAY),
    ("event_days", "days_7d", WEEK),
    ("event_trend", "trend_30d", MONTH),
    ("kinds_distinct", "kinds", None),
    ("kinds_distinct", "kinds_7d", WEEK),
)
PAYMENTS: Final[tuple[Spec, ...]] = (
    ("payment_count", "count", None),
    ("payment_count", "count_30d", MONTH),
    ("payment_count", "count_90d", QUARTER),
    ("payment_days", "days_30d", MONTH),
    ("payment_sum", "sum", None),
    ("payment_sum", "sum_90d", QUARTER),
    ("payment_recency", "recency_hours", None),
    ("payment_gap", "gap_hours", None),
    ("payment_gap_relative", "gap_relative", None),
    ("refund_count", "refunds", None),
)
STAGES: Final[tuple[Spec, ...]] = (
    ("stage_age", "age_hours", None),
    ("stage_age_relative", "age_relative", None),
    ("stage_position", "position", None),
    ("stage_moves", "moves", None),
    ("stage_moves_back", "moves_back", None),
    ("stage", "", None),
)
CLOCK: Final[tuple[Kind, ...]] = ("hour", "weekday", "month")

NOBODY: Final = Words("", "")

QUESTIONS: Final[Mapping[str, Words]] = {
    "right_person": Words("the right person", "тот человек"),
    "right_plan": Words("the right plan", "тот план"),
    "right_budget": Words("the right budget", "тот бюджет"),
}

CARD_ENDS: Final[Mapping[str, str]] = {
    "card_time_age": ".age_days",
    "card_text_length": ".length",
    "card_filled": ".filled",
    "contact_phone": ".present",
    "contact_mail": ".kind",
}


FILLED_BY_SELLERS: Final = frozenset({"contact_phone", "contact_mail", "card_filled"})


@dataclass(frozen=True)
class Found:
    """What was found in a company's data.

    ``event_kinds`` from the most frequent down; ``fields`` maps a card field to the
    kinds of features it gives. Leads that are not ``dated`` have no age and no clock;
    ``months`` tells whether every month was seen in more than one year. ``titles`` is
    what the company calls kinds of events and card fields, by their names, ``units``
    what the values of such a kind are measured in. ``criteria`` names the card field of
    each question of the 50 % group that is asked, ``cycles`` tells whether the average
    time to a deal is known.
    """

    event_kinds: tuple[str, ...] = ()
    valued_kinds: frozenset[str] = frozenset()
    other_events: bool = False
    currency: str = ""
    stages: bool = False
    fields: Mapping[str, tuple[Kind, ...]] = field(default_factory=dict)
    owner: bool = False
    dated: bool = True
    months: bool = False
    titles: Mapping[str, Words] = field(default_factory=dict)
    criteria: Mapping[str, str] = field(default_factory=dict)
    cycles: bool = False
    units: Mapping[str, str] = field(default_factory=dict)


def candidates(found: Found) -> tuple[Feature, ...]:
    """Declare every feature that may be worth having: numbers first, texts last.

    Examples
    --------
    >>> found = Found(fields={"budget": ("card_number",), "city": ("card_text",)})
    >>> [feature.name for feature in candidates(found)]
    ['card.budget', 'lead.age_hours', 'created.hour', 'created.weekday', 'card.city', \
'source', 'pipeline']
    """
    declared = chain(_events(found), _payments(found), _stages(found), _card(found))
    named = _uniquely_named([*declared, *_criteria(found), *_fixed(found)])
    return tuple(sorted(named, key=lambda feature: feature.is_text))


def _events(found: Found) -> Iterator[Feature]:
    if len(found.event_kinds) + found.other_events > 1:
        yield from _of_kind(None, "activity", TOGETHER, noun_of(None))
    for place, kind in enumerate(found.event_kinds):
        noun = noun_of(kind, found.titles)
        specs = CLOSELY if place < LOOKED_AT_CLOSELY else BRIEFLY
        yield from _of_kind(kind, kind, specs, noun)
        if kind in found.valued_kinds:
            unit = found.units.get(kind, "")
            for value in _of_kind(kind, kind, VALUES, noun):
                yield replace(value, unit=unit)
    if found.other_events:
        noun = noun_of(OTHER_KINDS)
        yield from _of_kind(OTHER_KINDS, "other_events", BRIEFLY, noun)


def _of_kind(
    kind: str | None, name: str, specs: tuple[Spec, ...], noun: Noun
) -> Iterator[Feature]:
    for spec in specs:
        yield _feature(spec, name, what=noun.words, of=kind, changed_by=noun.changed_by)


def _payments(found: Found) -> Iterator[Feature]:
    if not found.currency:
        return
    for spec in PAYMENTS:
        made = _feature(spec, "payments", changed_by="buyer")
        is_money = made.kind == "payment_sum"
        yield replace(made, unit=found.currency) if is_money else made


def _stages(found: Found) -> Iterator[Feature]:
    if found.stages:
        for spec in STAGES:
            yield _feature(spec, "stage", changed_by="seller")


def _card(found: Found) -> Iterator[Feature]:
    for name, kinds in found.fields.items():
        for kind in kinds:
            spec = (kind, name + CARD_ENDS.get(kind, ""), None)
            yield _feature(
                spec, name, prefix="card", what=title_of(name, found.titles), of=name,
                changed_by="seller" if kind in FILLED_BY_SELLERS else "fixed",
            )  # fmt: skip
    if found.owner:
        spec, owner = ("card_text", "owner", None), Words("Owner", "Ответственный")
        yield _feature(spec, "owner", prefix="card", what=owner, of="owner")


def _criteria(found: Found) -> Iterator[Feature]:
    """Read card fields as answers; each goes with its field, out of the model, too."""
    for question, name in found.criteria.items():
        title, asked = title_of(name, found.titles), QUESTIONS[question]
        spec: Spec = ("card_answer", question, None)
        made = _feature(
            spec, name, prefix="criteria", what=title, of=name, changed_by="seller"
        )
        words = Words(f"{title.en}: {asked.en}", f"{title.ru}: {asked.ru}")
        yield replace(made, words=words)
    if found.cycles and found.dated:
        yield _feature(
            ("lead_age_relative", "age_relative", None), "lead_age", prefix="lead"
        )


def _fixed(found: Found) -> Iterator[Feature]:
    if found.dated:
        yield _feature(("lead_age", "age_hours", None), "lead_age", prefix="lead")
        for kind in CLOCK[: 3 if found.months else 2]:
            yield _feature((kind, kind, None), "created_at", prefix="created")
    yield _feature(("source", "", None), "source")
    yield _feature(("pipeline", "", None), "pipeline")


def _feature(
    spec: Spec,
    field: str,
    *,
    prefix: str | None = None,
    what: Words = NOBODY,
    of: str | None = None,
    changed_by: ChangedBy = "fixed",
) -> Feature:
    kind, end, window = spec
    name = f"{prefix or field}.{end}" if end else field
    return Feature(
        name, kind, field, words_of(kind, what, window), of=of, window=window,
        unit=UNITS.get(kind, ""), changed_by=changed_by,
        about=None if what is NOBODY else what,
    )  # fmt: skip


def _uniquely_named(features: Iterable[Feature]) -> Iterator[Feature]:
    """Tell apart names that meet: an event kind may be called ``payments`` too."""
    taken: set[str] = set()
    for feature in features:
        name = feature.name
        while name in taken:
            name += "'"
        taken.add(name)
        yield replace(feature, name=name)
