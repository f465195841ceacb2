"""The rows a model is taken apart on: test rows, encoded, explained, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from model.bundle.whole import Bundle
from model.features.catalog import FeatureTable, Numbers, Words
from model.features.phrases import value_words
from model.metrics import Codes
from model.reasons.explanation import columns_of

MOST_ROWS: Final = 1_500
"""Rows that are explained at most, evenly over the test rows."""


@dataclass(frozen=True)
class Sample:
    """Test rows: ``matrix`` (n, p) as encoded, ``given`` (n, p) in log-odds.

    ``labels`` are outcomes as 0.0 or 1.0, ``leads`` each row's lead from 0 without
    gaps, ``log_odds`` what was said; all (n,).
    """

    bundle: Bundle
    table: FeatureTable
    matrix: Numbers
    given: Numbers
    log_odds: Numbers
    labels: Numbers
    leads: Codes

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        table: FeatureTable,
        labels: Numbers,
        leads: Codes,
        *,
        most: int = MOST_ROWS,
    ) -> Sample:
        """Take at most ``most`` of the test rows and explain them."""
        even = np.linspace(0, len(labels) - 1, min(most, len(labels)))
        chosen = np.unique(even.astype(np.intp))
        taken = table.rows(chosen)
        numbers = np.unique(leads[chosen], return_inverse=True)[1].astype(np.intp)
        return cls(
            bundle=bundle,
            table=taken,
            matrix=bundle.catalog.encode(taken),
            given=bundle.contributions(taken),
            log_odds=bundle.log_odds(taken),
            labels=labels[chosen],
            leads=numbers,
        )

    @property
    def columns(self) -> Mapping[str, tuple[int, ...]]:
        """The columns of each business field."""
        return columns_of(self.bundle.catalog)

    def heaviest(self, field: str) -> int:
        """Find the column that gives most of a field's share."""
        columns = list(self.columns[field])
        weights = np.abs(self.given[:, columns]).mean(axis=0)
        return columns[int(np.argmax(weights))]

    def say(self, column: int, value: float) -> Words:
        """Word an encoded value of a column in both languages."""
        catalog = self.bundle.catalog
        feature = catalog.features[column]
        levels = catalog.levels[feature.name] if feature.is_text else ()
        code = 0 if np.isnan(value) else int(value)
        level = levels[code - 1] if feature.is_text and code else None
        said = (value_words(feature, value, level, lang) for lang in ("en", "ru"))
        return Words(*said)
