"""What if: the same model asked again about a lead with something changed.

Only what is possible may be changed: levels that the model learned, numbers within the
range it saw, more events of a known kind up to the most it saw. Never time, never who
somebody is: names, phones and mail addresses have no knob. The answer says what goes
with a chance, not what causes it: association, not proof.

Suggestions go further and are therefore narrower: only what the seller can change, only
where past leads, counted, converted more often that way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from leads.decision import Tier, probability_of
from leads.errors import BadInput, Fault
from model.bundle.reference import Spread
from model.bundle.whole import Bundle
from model.features.batch import answered
from model.features.catalog import Feature, FeatureTable, Kind, Words
from model.features.wording import subject_of
from model.reasons.explanation import shares
from model.reasons.sentences import LEAST_LEADS

Value = float | str | bool | None
More = Mapping[str, int]
"""How many more events of each kind."""

WithMore = Callable[[More], FeatureTable]
"""Gives the lead's row of features as it were with more events just now."""

SORTS: Final[Mapping[Kind, Literal["number", "level", "flag"]]] = {
    "card_number": "number", "card_text": "level", "card_flag": "flag",
}  # fmt: skip
IDENTITY: Final[frozenset[Kind]] = frozenset({"contact_phone", "contact_mail"})
WHO: Final = frozenset({"owner"})
MOST_MORE: Final = 20
MOST_SUGGESTIONS: Final = 3
LEAST_GAIN: Final = 0.005
"""Half a point of probability: less is not worth a suggestion."""

ASSOCIATION: Final = Words(
    "Past leads like that converted more or less often. This is an association, not"
    " proof that the change would cause it.",
    "Так чаще или реже покупали прошлые лиды. Это связь, а не доказательство, что"
    " изменение к этому приведёт.",
)


@dataclass(frozen=True, slots=True)
class Knob:
    """One thing that may be changed, and how far.

    ``name`` is a card field or a kind of event, ``now`` its value or, for events, the
    count so far. A number lies in ``low`` to ``high``; of events at most ``high`` more
    may be added; a level is one of ``levels``.
    """

    name: str
    sort: Literal["number", "level", "flag", "events"]
    field: str
    words: Words
    now: Value
    low: float = 0.0
    high: float = 0.0
    levels: tuple[str, ...] = ()
    seller: bool = False


@dataclass(frozen=True, slots=True)
class Chance:
    """What the model says of a row of features."""

    probability: float
    log_odds: float
    tier: Tier


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Before and after a change; ``fields`` says which business field moved it.

    ``fields`` are in log-odds and add up to the difference.
    """

    before: Chance
    after: Chance
    fields: Mapping[str, float]

    @property
    def points(self) -> float:
        """The change of the probability."""
        return self.after.probability - self.before.probability


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something the seller could change, and what went with it in the past.

    Of ``count`` past leads with the value ``to`` the part ``rate`` converted, of those
    with the present value ``rate_now``.
    """

    name: str
    sort: Literal["number", "level", "flag", "events"]
    words: Words
    to: Value
    gain: float
    after: float
    count: int
    rate: float
    rate_now: float


@dataclass(frozen=True, slots=True)
class Subject:
    """A lead as the model sees it, and the model.

    ``with_more`` is None for a lead whose history is not known: then nothing can be
    said of more events.
    """

    bundle: Bundle
    table: FeatureTable
    with_more: WithMore | None = None

    def changed(self, fields: Mapping[str, Value], more: More) -> FeatureTable:
        """Give the row of features with other card fields and more events."""
        some = any(more.values()) and self.with_more is not None
        table = self.with_more(more) if some and self.with_more else self.table
        numbers, texts = table.numbers.copy(), table.texts.copy()
        catalog = self.bundle.catalog
        for column, feature in enumerate(catalog.number_features):
            if feature.of in fields and feature.kind.startswith("card"):
                value = fields[str(feature.of)]
                numbers[0, column] = (
                    answered([value], catalog.refusals)[0]
                    if feature.kind == "card_answer"
                    else _as_number(feature, value)
                )
        for column, feature in enumerate(catalog.text_features):
            if feature.of in fields and feature.kind == "card_text":
                texts[0, column] = fields[str(feature.of)]
        return FeatureTable(numbers, texts)


def knobs(subject: Subject) -> tuple[Knob, ...]:
    """List what may be changed of a lead: card fields first, then kinds of events."""
    catalog = subject.bundle.catalog
    closed = {f.of for f in catalog.features if f.kind in IDENTITY} | WHO
    made = [
        _card_knob(subject, feature)
        for feature in catalog.features
        if feature.kind in SORTS and feature.of not in closed
    ]
    if subject.with_more is not None:
        made += [_event_knob(subject, kind) for kind in catalog.event_kinds]
    return tuple(knob for knob in made if knob is not None)


def ask(subject: Subject, fields: Mapping[str, Value], more: More) -> WhatIf:
    """Ask what the model would say of a lead with something changed.

    Raises
    ------
    BadInput
        Something that has no knob, or a value beyond what was seen; every fault.
    """
    _check(knobs(subject), fields, more)
    changed = subject.changed(fields, more)
    before, after = _chances(subject.bundle, _stacked([subject.table, changed]))
    names, summed = shares(
        subject.bundle,
        subject.bundle.contributions(_stacked([subject.table, changed])),
    )
    moved = (summed[1] - summed[0]).tolist()
    fields_moved = {n: m for n, m in zip(names, moved, strict=True) if m != 0.0}
    return WhatIf(before, after, fields_moved)


def suggestions(
    subject: Subject, changeable: Collection[str] | None = None
) -> tuple[Suggestion, ...]:
    """Suggest what the seller could change, the greatest gain first.

    Parameters
    ----------
    changeable
        Card fields and kinds of events that the seller can change; by default the kinds
        of events that sellers make happen, and no attribute of the client.
    """
    tried = [
        (knob, to)
        for knob in knobs(subject)
        if (knob.seller if changeable is None else knob.name in changeable)
        for to in _targets(knob, subject)
    ]
    backed = [(k, to, found) for k, to in tried if (found := _backing(subject, k, to))]
    if not backed:
        return ()
    tables = [subject.changed(*_asked(knob, to)) for knob, to, _ in backed]
    before, *after = _chances(subject.bundle, _stacked([subject.table, *tables]))
    best: dict[str, Suggestion] = {}
    for (knob, to, (count, rate, now)), chance in zip(backed, after, strict=True):
        gain = chance.probability - before.probability
        if gain >= LEAST_GAIN and gain > getattr(best.get(knob.name), "gain", 0.0):
            best[knob.name] = Suggestion(
                knob.name, knob.sort, knob.words, to, gain, chance.probability,
                count, rate, now,
            )  # fmt: skip
    ranked = sorted(best.values(), key=lambda one: (-one.gain, one.name))
    return tuple(ranked[:MOST_SUGGESTIONS])


def _card_knob(subject: Subject, feature: Feature) -> Knob | None:
    catalog, name = subject.bundle.catalog, feature.of
    assert name is not None, "a card feature is of a field"
    column = catalog.names.index(feature.name)
    words, sort = subject_of(feature), SORTS[feature.kind]
    seller = feature.changed_by == "seller"
    if sort == "level":
        now = subject.table.texts[0, column - len(catalog.number_features)]
        levels = catalog.levels[feature.name]
        return Knob(name, sort, feature.field, words, now, levels=levels, seller=seller)
    held = float(subject.table.numbers[0, column])
    if sort == "flag":
        flag = None if math.isnan(held) else bool(held)
        return Knob(name, sort, feature.field, words, flag, seller=seller)
    low, high = _range(subject.bundle.reference.spreads[feature.name])
    if low is None or high is None or low == high:
        return None
    number = None if math.isnan(held) else held
    return Knob(name, sort, feature.field, words, number, low, high, seller=seller)


def _event_knob(subject: Subject, kind: str) -> Knob | None:
    counts = _counts(subject, kind)
    if not counts:
        return None
    room = [high - now for _, now, high in counts]
    most = min(MOST_MORE, math.floor(min(room)))
    feature, now, _ = counts[0]
    if most < 1:
        return None
    return Knob(
        kind, "events", feature.field, subject_of(feature), now, high=float(most),
        seller=feature.changed_by == "seller",
    )  # fmt: skip


def _counts(subject: Subject, kind: str) -> list[tuple[Feature, float, float]]:
    """List the counts of a kind of event, its longest window first: now, most seen."""
    catalog, found = subject.bundle.catalog, []
    for column, feature in enumerate(catalog.number_features):
        if feature.kind == "event_count" and feature.of == kind:
            now = float(subject.table.numbers[0, column])
            _, high = _range(subject.bundle.reference.spreads[feature.name])
            if high is not None and not math.isnan(now):
                found.append((feature, now, high))
    return sorted(found, key=lambda one: -(one[0].window or math.inf))


def _range(spread: Spread) -> tuple[float | None, float | None]:
    """Give the range seen; an older bundle knows only its edges, which lie within."""
    if spread.low is None and spread.edges:
        return spread.edges[0], spread.edges[-1]
    return spread.low, spread.high


def _as_number(feature: Feature, value: Value) -> float:
    if feature.kind == "card_filled":
        return float(value is not None)
    if feature.kind == "card_text_length":
        return float(len(value)) if isinstance(value, str) else math.nan
    return math.nan if value is None or isinstance(value, str) else float(value)


def _check(known: Sequence[Knob], fields: Mapping[str, Value], more: More) -> None:
    cards = {knob.name: knob for knob in known if knob.sort != "events"}
    kinds = {knob.name: knob for knob in known if knob.sort == "events"}
    faults = [
        Fault(f"fields[{name!r}]", what, "Send what was seen, or leave it out.")
        for name, value in fields.items()
        if (what := _fault(cards.get(name), value))
    ]
    faults += [
        Fault(f"events[{name!r}]", what, "Send fewer, or leave it out.")
        for name, count in more.items()
        if (what := _too_many(kinds.get(name), count))
    ]
    if faults:
        raise BadInput(
            f"The what-if has {len(faults)} fault{'s' * (len(faults) != 1)}.",
            remedy="Mend and ask again.",
            faults=faults,
        )


def _fault(knob: Knob | None, value: Value) -> str | None:
    """Say why a value cannot be asked about; None if it can."""
    if knob is None:
        return "cannot be changed here"
    if knob.sort == "flag":
        return None if isinstance(value, bool) else "is true or false"
    if knob.sort == "level":
        return None if value in knob.levels else "was never learned as a level"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is a number"
    inside = knob.low <= value <= knob.high
    return None if inside else f"lies between {knob.low:g} and {knob.high:g}"


def _too_many(knob: Knob | None, count: int) -> str | None:
    if knob is None:
        return "cannot be added here"
    inside = 0 <= count <= knob.high
    return None if inside else f"takes 0 to {knob.high:g} more"


def _asked(knob: Knob, to: Value) -> tuple[dict[str, Value], dict[str, int]]:
    if knob.sort == "events":
        assert isinstance(to, int), "events are counted"
        return {}, {knob.name: to}
    return {knob.name: to}, {}


def _targets(knob: Knob, subject: Subject) -> Sequence[Value]:
    """List the values worth trying: every other level, a number of each bin, one more.

    More events than one would be a plan, not a next step.
    """
    if knob.sort == "events":
        return (1,)
    if knob.sort == "flag":
        return () if knob.now is None else (not knob.now,)
    if knob.sort == "level":
        return [level for level in knob.levels if level != knob.now]
    edges = _spread(subject, knob).edges or ()
    inside = [edge for edge in edges if knob.low <= edge <= knob.high]
    return [edge for edge in inside if edge != knob.now]


def _backing(
    subject: Subject, knob: Knob, to: Value
) -> tuple[int, float, float] | None:
    """Count the past leads on either side, if they speak for the change."""
    now, then = _encoded(subject, knob, to)
    spread = _spread(subject, knob)
    count_now, rate_now = spread.like(now)
    count, rate = spread.like(then)
    if rate is None or rate_now is None or min(count, count_now) < LEAST_LEADS:
        return None
    return (count, rate, rate_now) if rate > rate_now else None


def _encoded(subject: Subject, knob: Knob, to: Value) -> tuple[float, float]:
    """Give the present and the wanted value as the reference counts them."""
    if knob.sort == "level":
        codes = {level: float(code) for code, level in enumerate(knob.levels, 1)}
        now = math.nan if knob.now is None else codes.get(str(knob.now), 0.0)
        return now, codes[str(to)]
    if knob.sort == "events":
        _, now, _ = _counts(subject, knob.name)[-1]  # the shortest window moves most
        return now, now + float(to or 0)
    return (math.nan if knob.now is None else float(knob.now)), float(to or 0)


def _spread(subject: Subject, knob: Knob) -> Spread:
    spreads = subject.bundle.reference.spreads
    if knob.sort == "events":
        return spreads[_counts(subject, knob.name)[-1][0].name]
    (name,) = (
        feature.name
        for feature in subject.bundle.catalog.features
        if feature.of == knob.name and SORTS.get(feature.kind) == knob.sort
    )
    return spreads[name]


def _chances(bundle: Bundle, table: FeatureTable) -> list[Chance]:
    log_odds = bundle.log_odds(table).tolist()
    tiers = bundle.tiers(table, log_odds)
    return [
        Chance(probability_of(odds), odds, tier)
        for odds, tier in zip(log_odds, tiers, strict=True)
    ]


def _stacked(tables: Sequence[FeatureTable]) -> FeatureTable:
    return FeatureTable(
        np.concatenate([table.numbers for table in tables]),
        np.concatenate([table.texts for table in tables]),
    )
