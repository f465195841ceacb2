"""A change in words: one line for each thing that moved the chance, heaviest first.

The lines add up to the whole change: what is too little to tell stands together in the
last one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Final

from leads.decision import Prediction
from model.change.between import Arrival
from model.change.road import Road
from model.change.split import Cause, Part
from model.features.catalog import Catalog, Feature, Words
from model.features.phrases import (
    LANGUAGES,
    Language,
    duration,
    number,
    plural,
)
from model.features.wording import noun_of, subject_of

MOST_LINES: Final = 6
MOST_IN_HEADLINE: Final = 2
LEAST_POINTS: Final = 0.0005
"""Half of what is still said as a tenth of a point."""

NOTHING_NEW: Final = frozenset({"event", "payment", "kinds"})
"""Families of features that grow old unless something new comes."""

MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
CAUSES: Final[Mapping[Cause, Words]] = {
    "rewritten": Words("earlier data corrected", "исправлены прежние данные"),
    "model": Words("another model", "другая модель"),
    "time": Words("time passed", "прошло время"),
    "data": Words("new data", "новые данные"),
}
OTHERS: Final = Words("all the rest", "всё остальное")
HOUR: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that moved the chance; ``field`` is None for more than one field."""

    causes: tuple[Cause, ...]
    field: str | None
    log_odds: float
    points: float
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ends:
    """The two predictions of a change, and who reads of it.

    ``catalog`` names the fields; None if the new model is gone.
    """

    before: Prediction
    after: Prediction
    catalog: Catalog | None
    zone: tzinfo


def lines(road: Road, ends: Ends) -> tuple[Line, ...]:
    """Tell a change, the heaviest first; what is too small to tell comes last, summed.

    The lines' log-odds and points add up to those of the road's parts.
    """
    told = _Told(ends, road.arrivals)
    found = [line for part in road.parts for line in told.part(part)]
    ranked = sorted(found, key=lambda line: (-abs(line.points), line.field or ""))
    heavy = [line for line in ranked if abs(line.points) >= LEAST_POINTS][:MOST_LINES]
    rest = [line for line in ranked if line not in heavy]
    log_odds = sum(line.log_odds for line in rest)
    points = sum(line.points for line in rest)
    if log_odds == 0.0 and points == 0.0:
        return tuple(heavy)
    causes = tuple(dict.fromkeys(cause for line in rest for cause in line.causes))
    text = {str(language): OTHERS[language] for language in LANGUAGES}
    return (*heavy, Line(causes, None, log_odds, points, text))


def headline(told: Sequence[Line], language: Language) -> str:
    """Say a change in one line, for lists.

    Examples
    --------
    >>> came = Line(("data",), "visit", 0.8, 0.14, {"en": "Visits: 3 since 16 Nov"})
    >>> went = Line(("time",), "call", -0.1, -0.02, {"en": "Calls: none for 5 days"})
    >>> print(headline((came, went), "en"))
    +12 points: Visits: 3 since 16 Nov (+14); Calls: none for 5 days (−2)
    >>> headline((), "ru")
    'без изменений'
    """
    total = sum(line.points for line in told)
    named = [line for line in told if line.text[language] != OTHERS[language]]
    if not named:
        return {"en": "no change", "ru": "без изменений"}[language]
    # What moved the way the chance went comes first: it is what a reader asks for.
    named.sort(key=lambda line: (line.points * total < 0, -abs(line.points)))
    said = "; ".join(
        f"{line.text[language]} ({signed(line.points, language)})"
        for line in named[:MOST_IN_HEADLINE]
    )
    return f"{points_words(total, language)}: {said}"


def signed(points: float, language: Language) -> str:
    """Write points of probability with their sign, a small move with a tenth.

    Examples
    --------
    >>> signed(0.123, "en"), signed(-0.004, "ru"), signed(0.0, "en")
    ('+12', '−0,4', '0')
    """
    percent = 100 * points
    # Half a tenth and more shows; what is less is no change that one could read.
    rounded = round(percent, 0 if abs(percent) >= 0.95 else 1)
    if rounded == 0:
        return "0"
    sign = "+" if rounded > 0 else "\N{MINUS SIGN}"
    return sign + number(abs(rounded), language)


def points_words(points: float, language: Language) -> str:
    """Write points of probability with their noun.

    Examples
    --------
    >>> points_words(0.01, "en"), points_words(0.03, "ru"), points_words(-0.005, "ru")
    ('+1 point', '+3 пункта', '−0,5 пункта')
    """
    said = signed(points, language)
    bare = said.lstrip("+\N{MINUS SIGN}")
    if language == "en":
        return f"{said} {'point' if bare == '1' else 'points'}"
    whole = bare.replace("\N{NO-BREAK SPACE}", "")
    if not whole.isdigit():
        return f"{said} пункта"
    return f"{said} {plural(int(whole), 'пункт', 'пункта', 'пунктов')}"


class _Told:
    """How each part of one change is told."""

    def __init__(self, ends: Ends, came: Sequence[Arrival]) -> None:
        self.ends = ends
        self.features: dict[str, list[Feature]] = defaultdict(list)
        for feature in ends.catalog.features if ends.catalog else ():
            self.features[feature.field].append(feature)
        self.came: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in came:
            if arrival.field is not None:
                self.came[arrival.field].append(arrival)
        self.all_events = [one for one in came if one.sort == "event"]

    def part(self, part: Part) -> list[Line]:
        """Tell a part field by field; what a model or a correction did as one."""
        if part.fields is None or part.causes[0] in {"model", "rewritten"}:
            text = _in_both(partial(self._whole, part))
            return [Line(part.causes, None, part.log_odds, part.points, text)]
        made = []
        for field, share in part.fields.items():
            if share != 0.0:
                text = _in_both(partial(self._field, part, field))
                points = part.field_points[field]
                made.append(Line(part.causes, field, share, points, text))
        return made

    def _whole(self, part: Part, language: Language) -> str:
        said = CAUSES[part.causes[0]][language]
        if part.causes[0] == "model":
            said += f" ({self.ends.before.model_version} → "
            said += f"{self.ends.after.model_version})"
        others = [CAUSES[cause][language] for cause in part.causes[1:]]
        if others:
            joined = {"en": " or ", "ru": " или "}[language].join([said, *others])
            return f"{joined}{_UNTOLD[language]}"
        return said

    def _field(self, part: Part, field: str, language: Language) -> str:
        name = self._name(field, language)
        if part.causes == ("data",):
            return f"{name}: {self._data(field, language)}"
        if part.causes == ("time",):
            return f"{name}: {self._time(field, language)}"
        return f"{name}: {_CHANGED[language]}"

    def _name(self, field: str, language: Language) -> str:
        features = self.features.get(field)
        return subject_of(features[0])[language] if features else field

    def _data(self, field: str, language: Language) -> str:
        came = self.came.get(field)
        if came:
            return "; ".join(self._arrival(one, field, language) for one in came)
        together = any(f.kind.startswith("event") and f.of is None
                       for f in self.features[field])  # fmt: skip
        if together and self.all_events:
            count = sum(one.count for one in self.all_events)
            first = min(one.first for one in self.all_events)
            return _counted(count, self._day(first, language), language)
        return _CHANGED[language]

    def _arrival(self, one: Arrival, field: str, language: Language) -> str:
        since = self._day(one.first, language)
        if one.sort == "stage":
            return f"{_quoted(one.what, language)} {_since(since, language)}"
        if one.sort == "field":
            value = _CHANGED[language] if one.value is None else one.value
            return f"{value} ({self._day(one.last, language)})"
        said = _counted(one.count, since, language)
        if one.sort == "refund":
            return f"{ {'en': 'refunds', 'ru': 'возвраты'}[language] } {said}"
        named = self._kind(one, field)[language] if one.sort == "event" else ""
        own = named in {"", self._name(field, language)}
        return said if own else f"{named} {said}"

    def _kind(self, one: Arrival, field: str) -> Words:
        """Name a kind of event as the company does, if a feature is of it alone."""
        alone = [f for f in self.features.get(field, ()) if f.of == one.what]
        return subject_of(alone[0]) if alone else noun_of(one.what).words

    def _time(self, field: str, language: Language) -> str:
        passed = self.ends.after.as_of - self.ends.before.as_of
        spent = duration(passed.total_seconds() / HOUR, language)
        families = {f.kind.partition("_")[0] for f in self.features.get(field, ())}
        if families & NOTHING_NEW and not self._came_to(field):
            return {"en": f"none for {spent}", "ru": f"нет новых, {spent}"}[language]
        return {"en": f"{spent} passed", "ru": f"время идёт, {spent}"}[language]

    def _came_to(self, field: str) -> bool:
        together = any(f.of is None and f.kind.startswith("event")
                       for f in self.features.get(field, ()))  # fmt: skip
        return bool(self.came.get(field)) or (together and bool(self.all_events))

    def _day(self, moment: datetime, language: Language) -> str:
        local = moment.astimezone(self.ends.zone)
        if language == "ru":
            return f"{local:%d.%m}"
        return f"{local.day} {MONTHS[local.month - 1]}"


def _in_both(say: Callable[[Language], str]) -> Mapping[str, str]:
    return {language: say(language) for language in LANGUAGES}


_CHANGED: Final = {"en": "changed", "ru": "изменилось"}
_UNTOLD: Final = {"en": ", cannot be told apart", "ru": ", различить нельзя"}


def _counted(count: int, since: str, language: Language) -> str:
    return f"{number(count, language)} {_since(since, language)}"


def _since(day: str, language: Language) -> str:
    return f"since {day}" if language == "en" else f"с {day}"


def _quoted(text: str, language: Language) -> str:
    return f"“{text}”" if language == "en" else f"«{text}»"
