"""The reasons worth saying: what speaks for a lead, what against, and the count behind.

A reason is one business field's share. Its sentence names one column of the field, its
value, and how many past leads with a like value converted. A column whose count speaks
the way the share does is preferred, if it gave a good part of that share; where there
is none, or too few leads were alike, the reason stays true but is no advice. A field
whose counts tell nothing (``model.reasons.voices``) counts in the sums, unnamed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leads.decision import Reason
from model.bundle.whole import Bundle
from model.features.catalog import FeatureTable, Numbers
from model.features.phrases import (
    LANGUAGES,
    Language,
    number,
    percent,
    plural,
    says_nothing,
    value_words,
)
from model.reasons.explanation import columns_of, points, shares

MOST: Final = 3
"""Reasons for, and as many against."""

LEAST_SHARE: Final = 0.1
"""Log-odds below which a field is not worth a sentence: a tenth of the odds."""

LEAST_LEADS: Final = 30
"""Below so many leads a counted rate says nothing."""

PLAIN_DIFFERENCE: Final = 0.01
"""A rate this near to the usual one speaks neither for nor against."""

GOOD_PART: Final = 0.3
"""Of what the heaviest column gave: another must give as much to speak for it."""

Explained = tuple[dict[str, float], tuple[Reason, ...]]
"""The share of each field, and the reasons worth showing."""


def explained(
    bundle: Bundle, table: FeatureTable, contributions: Numbers, log_odds: Numbers
) -> list[Explained]:
    """Say why the probability of each lead is what it is.

    Parameters
    ----------
    bundle
        The model that predicted.
    table
        The feature values it saw, of n leads.
    contributions, log_odds
        (n, p) and (n,) as ``Bundle.explain`` gives them for ``table``.

    Returns
    -------
    list of Explained
        Of the reasons first those for conversion, then those against, each the
        strongest first.

    Raises
    ------
    FalseSum
        The reasons do not add up to the probability.
    """
    fields, summed = shares(bundle, contributions)
    moved = points(summed, log_odds, bundle.base).tolist()
    heard = np.array([field not in bundle.reference.mute for field in fields])
    weighed = summed * heard
    orders = np.argsort(-np.abs(weighed), axis=1, kind="stable").tolist()
    loud = weighed.tolist()
    values = bundle.catalog.encode(table).tolist()
    given = contributions.tolist()
    speaker = _Speaker(bundle, fields)
    said: list[Explained] = []
    for row, mine in enumerate(summed.tolist()):
        seen = _Seen(values[row], table.texts[row], given[row])
        chosen = [
            speaker.reason(seen, place, share=mine[place], points=moved[row][place])
            for place in _chosen(loud[row], orders[row])
        ]
        said.append((dict(zip(fields, mine, strict=True)), tuple(chosen)))
    return said


def _chosen(mine: Sequence[float], order: Sequence[int]) -> list[int]:
    """Choose the fields worth a sentence: first those for, then those against.

    The strongest always is, however weak.
    """
    speaking: list[int] = []
    against: list[int] = []
    for place in order:
        slight = abs(mine[place]) < LEAST_SHARE and (speaking or against)
        if slight or mine[place] == 0.0:
            break
        side = speaking if mine[place] > 0 else against
        if len(side) < MOST:
            side.append(place)
    return speaking + against


@dataclass(frozen=True, slots=True)
class _Seen:
    """One lead as the model saw it: every column's value, and what it gave."""

    values: Sequence[float]
    texts: Sequence[str | None]
    given: Sequence[float]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """All of a reason that leads with the same value have in common."""

    value: str
    count: int | None
    rate: float | None
    text: Mapping[str, str]
    advisable: bool


class _Speaker:
    """Finds the words of many leads' reasons; the same value is worded once."""

    def __init__(self, bundle: Bundle, fields: Sequence[str]) -> None:
        self.bundle = bundle
        self.fields = fields
        self.features = bundle.catalog.features
        self.first_text = len(bundle.catalog.number_features)
        spreads = bundle.reference.spreads
        self.spreads = [spreads[feature.name] for feature in self.features]
        grouped = columns_of(bundle.catalog)
        self.columns = [grouped[field] for field in fields]
        self.worded: dict[tuple[int, float | None, bool], _Sentence] = {}

    def reason(self, seen: _Seen, place: int, *, share: float, points: float) -> Reason:
        """Word the share of the field at this place."""
        column = self._speaking(seen, place, share)
        value = seen.values[column]
        key = (column, None if math.isnan(value) else value, share > 0)
        sentence = self.worded.get(key)
        if sentence is None:
            sentence = self.worded[key] = self._sentence(seen, column, share)
        return Reason(
            field=self.fields[place],
            share=share,
            value=sentence.value,
            count=sentence.count,
            rate=sentence.rate,
            text=sentence.text,
            points=points,
            advisable=sentence.advisable,
        )

    def _speaking(self, seen: _Seen, place: int, share: float) -> int:
        """Find the column that speaks for the field: it must pull the field's way.

        The heaviest, unless its count speaks the other way and that of a column that
        gives a good part as much does not. A value that says nothing of the lead is
        named only where no other pulls.
        """
        side = math.copysign(1.0, share)
        pulls = {column: side * seen.given[column] for column in self.columns[place]}
        telling = {
            column: pull
            for column, pull in pulls.items()
            if pull > 0 and not says_nothing(self.features[column], seen.values[column])
        }
        pulls = telling or pulls
        heaviest = max(pulls, key=pulls.__getitem__)
        least = GOOD_PART * pulls[heaviest]
        for column in sorted(pulls, key=pulls.__getitem__, reverse=True):
            if pulls[column] < least:
                break
            if self._agrees(column, seen.values[column], side):
                return column
        return heaviest

    def _agrees(self, column: int, value: float, side: float) -> bool:
        counted = self._counted(column, value)
        usual = self.bundle.reference.rate
        return counted is not None and (counted[1] - usual) * side > 0

    def _counted(self, column: int, value: float) -> tuple[int, float] | None:
        count, rate = self.spreads[column].like(value)
        return None if rate is None or count < LEAST_LEADS else (count, rate)

    def _sentence(self, seen: _Seen, column: int, share: float) -> _Sentence:
        value = seen.values[column]
        counted = self._counted(column, value)
        usual = self.bundle.reference.rate
        against = counted is not None and _is_against(counted[1] - usual, share)
        text: dict[str, str] = {}
        for language in LANGUAGES:
            words = self.features[column].words[language]
            said = f"{words}: {self._value(seen, column, language)}."
            if counted:
                said += f" {_counted_words(*counted, usual, language)}"
                said += f"{_turn(share, language) if against else ''}."
            text[language] = said
        return _Sentence(
            value=self._value(seen, column, "en"),
            count=counted and counted[0],
            rate=counted and counted[1],
            text=text,
            advisable=counted is not None and not against,
        )

    def _value(self, seen: _Seen, column: int, language: Language) -> str:
        place = column - self.first_text
        level = seen.texts[place] if place >= 0 else None
        return value_words(self.features[column], seen.values[column], level, language)


OF: Final[Mapping[Language, str]] = {"en": " Of ", "ru": " Из "}
"""How the counted part of a sentence begins; it holds the word but once."""


def fact_of(reason: Reason, language: Language) -> str:
    """Give a reason's sentence without the counted part.

    Examples
    --------
    >>> text = {"en": "Visits: 3. Of 412 such leads 31% converted, usual is 12%."}
    >>> fact_of(Reason("visits", 0.4, "3", 412, 0.31, text), "en")
    'Visits: 3'
    """
    text = reason.text[language]
    if reason.count is not None and OF[language] in text:
        text = text.rpartition(OF[language])[0]
    return text.removesuffix(".")


def _is_against(difference: float, share: float) -> bool:
    return difference * share < 0 and abs(difference) > PLAIN_DIFFERENCE


def _counted_words(count: int, rate: float, usual: float, language: Language) -> str:
    many = number(count, language)
    this, other = percent(rate, language), percent(usual, language)
    if language == "en":
        return f"Of {many} such leads {this} converted, usual is {other}"
    such = plural(count, "такого лида", "таких лидов", "таких лидов")
    return f"Из {many} {such} сконвертировались {this}, обычно {other}"


def _turn(share: float, language: Language) -> str:
    """Own up that the count alone points the other way than the model."""
    if language == "en":
        side = "for" if share > 0 else "against"
        return f"; with all else that is known it speaks {side}"
    side = "за" if share > 0 else "против"
    return f"; вместе с остальным это говорит {side}"
