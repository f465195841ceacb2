"""The reasons worth saying: what speaks for a lead, what against, and the count behind.

A reason is one business field's share. Its sentence names the column of the field that
weighs most, its value, and how many past leads with a like value converted.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from leads.decision import Reason
from model.bundle import Bundle
from model.explanation import columns_of, shares
from model.features.catalog import FeatureTable, Numbers
from model.features.phrases import (
    LANGUAGES,
    Language,
    number,
    percent,
    plural,
    value_words,
)

MOST: Final = 3
"""Reasons for, and as many against."""

LEAST_SHARE: Final = 0.02
"""Log-odds below which a field is not worth a sentence."""

LEAST_LEADS: Final = 30
"""Below so many leads a counted rate says nothing."""

PLAIN_DIFFERENCE: Final = 0.01
"""A rate this near to the usual one speaks neither for nor against."""


def reasons(
    bundle: Bundle, table: FeatureTable, row: int, contributions: Numbers
) -> tuple[Reason, ...]:
    """Say why one lead's probability is what it is.

    Parameters
    ----------
    bundle
        The model that predicted.
    table
        The feature values it saw, and ``row`` the lead's place among them.
    contributions
        (n, p) as ``Bundle.contributions`` gives them for ``table``.

    Returns
    -------
    tuple of Reason
        First those for conversion, then those against, each the strongest first.
    """
    mine = contributions[row : row + 1]
    fields, summed = shares(bundle, mine)
    order = np.argsort(-np.abs(summed[0]), kind="stable")
    worth = [i for i in order if abs(summed[0, i]) >= LEAST_SHARE]
    chosen = [i for i in worth if summed[0, i] > 0][:MOST]
    chosen += [i for i in worth if summed[0, i] < 0][:MOST]
    seen = _Seen(bundle, table.rows(slice(row, row + 1)), mine[0])
    return tuple(seen.reason(fields[i], float(summed[0, i])) for i in chosen)


class _Seen:
    """One lead as the model saw it: every column's value, and what it gave."""

    def __init__(self, bundle: Bundle, one: FeatureTable, given: Numbers) -> None:
        self.bundle = bundle
        self.values = bundle.catalog.encode(one)[0]
        self.texts = one.texts[0]
        self.given = given

    def reason(self, field: str, share: float) -> Reason:
        column = self._heaviest(field, share)
        feature = self.bundle.catalog.features[column]
        spread = self.bundle.reference.spreads[feature.name]
        count, rate = spread.like(float(self.values[column]))
        counted = None if rate is None or count < LEAST_LEADS else (count, rate)
        text: dict[str, str] = {}
        for language in LANGUAGES:
            said = f"{feature.words[language]}: {self._value(column, language)}."
            if counted:
                usual = self.bundle.reference.rate
                said += f" {_counted(*counted, usual, language)}"
                said += f"{_turn(counted[1] - usual, share, language)}."
            text[language] = said
        return Reason(
            field=field,
            share=share,
            value=self._value(column, "en"),
            count=counted and counted[0],
            rate=counted and counted[1],
            text=text,
        )

    def _heaviest(self, field: str, share: float) -> int:
        """Find the field's column that pulls most in the direction of its share."""
        columns = columns_of(self.bundle.catalog)[field]
        return max(columns, key=lambda i: math.copysign(1.0, share) * self.given[i])

    def _value(self, column: int, language: Language) -> str:
        first_text = len(self.bundle.catalog.number_features)
        level = self.texts[column - first_text] if column >= first_text else None
        feature = self.bundle.catalog.features[column]
        return value_words(feature, float(self.values[column]), level, language)


def _counted(count: int, rate: float, usual: float, language: Language) -> str:
    many = number(count, language)
    this, other = percent(rate, language), percent(usual, language)
    if language == "en":
        return f"Of {many} such leads {this} converted, usual is {other}"
    such = plural(count, "такого лида", "таких лидов", "таких лидов")
    return f"Из {many} {such} сконвертировались {this}, обычно {other}"


def _turn(difference: float, share: float, language: Language) -> str:
    """Own up where the count alone points the other way than the model."""
    if difference * share >= 0 or abs(difference) <= PLAIN_DIFFERENCE:
        return ""
    if language == "en":
        side = "for" if share > 0 else "against"
        return f"; with all else that is known it speaks {side}"
    side = "за" if share > 0 else "против"
    return f"; вместе с остальным это говорит {side}"
