"""From encoded rows and calibrated log-odds to outlooks: all that serving needs.

Everything is plain numbers and up to three small boosters as LightGBM text; a bundle
keeps them as files of their own. A single lead goes through the single-row lanes, many
through one call, and the rest is plain floats per lead, so that both give the same
bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import lightgbm
import numpy as np

from leads.decision import Outlook
from model.features.catalog import Numbers
from model.outlook.amount import Amount
from model.outlook.curve import Curve
from model.outlook.single import SingleRow
from model.outlook.spread import Spread

NUMBERS: Final = "outlook.json"
SPREAD: Final = "spread.txt"
HAZARD: Final = "hazard.txt"
AMOUNT: Final = "amount.txt"


@dataclass(frozen=True, eq=False)
class Forecast:
    """What was learned for outlooks; ``texts`` are boosters by the file's name."""

    spread: Spread
    curve: Curve | None
    amount: Amount | None
    texts: Mapping[str, str]

    def outlooks(
        self, matrix: Numbers, log_odds: Sequence[float], chances: Sequence[float]
    ) -> list[Outlook]:
        """Say the outlook of each lead.

        Parameters
        ----------
        matrix
            (n, p) encoded features.
        log_odds, chances
            The main prediction of each, calibrated.
        """
        spreads = self._raw(SPREAD, matrix).tolist()
        hazards = self._hazards(matrix).tolist()
        amounts = self._raw(AMOUNT, matrix).tolist()
        return [
            self._outlook(matrix[row], log_odds[row], chances[row], said)
            for row, said in enumerate(zip(spreads, hazards, amounts, strict=True))
        ]

    def _outlook(
        self,
        row: Numbers,
        log_odds: float,
        chance: float,
        said: tuple[float, list[float], float],
    ) -> Outlook:
        spread, hazards, amount = said
        low, high = self.spread.interval(log_odds, spread)
        curve: Mapping[int, float] = {}
        days = money = currency = None
        if self.curve is not None:
            curve, days = self.curve.told(
                hazards, log_odds=log_odds, probability=chance
            )
        if self.amount is not None:
            money = round(chance * self.amount.of(row, amount))
            currency = self.amount.currency
        return Outlook(
            min(low, chance), max(high, chance), curve, days, money, currency
        )

    def _hazards(self, matrix: Numbers) -> Numbers:
        """Give the log-odds of a conversion in each interval, (n, k)."""
        if self.curve is None:
            return np.empty((len(matrix), 0))
        count = len(self.curve.base)
        raw = self._raw(HAZARD, periods(matrix, count)).reshape(len(matrix), count)
        return np.asarray(raw + self.curve.base)

    def _raw(self, name: str, matrix: Numbers) -> Numbers:
        booster = self._boosters.get(name)
        if booster is None or not len(matrix):
            return np.zeros(len(matrix))
        if len(matrix) <= FEW_ROWS:
            lane = self._single[name]
            return np.concatenate([lane.predict(row[None, :]) for row in matrix])
        return np.asarray(booster.predict(matrix, raw_score=True, num_threads=1))

    @cached_property
    def _boosters(self) -> dict[str, lightgbm.Booster]:
        return {
            name: lightgbm.Booster(model_str=text) for name, text in self.texts.items()
        }

    @cached_property
    def _single(self) -> dict[str, SingleRow]:
        return {
            name: SingleRow(booster, "raw_score")
            for name, booster in self._boosters.items()
        }

    def files(self) -> dict[str, str]:
        """Write as the files of a bundle."""
        numbers = {
            "spread": asdict(self.spread),
            "curve": self.curve and asdict(self.curve),
            "amount": self.amount and asdict(self.amount),
        }
        text = json.dumps(
            numbers, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False
        )
        return {NUMBERS: text, **self.texts}

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> Forecast | None:
        """Read what ``files`` wrote, of all a bundle's files; None if there is none."""
        if NUMBERS not in texts:
            return None
        raw: dict[str, Any] = json.loads(texts[NUMBERS])
        return cls(
            spread=Spread(**raw["spread"]),
            curve=raw["curve"] and Curve(**_tuples(raw["curve"])),
            amount=raw["amount"] and Amount(**raw["amount"]),
            texts={
                name: texts[name] for name in (AMOUNT, HAZARD, SPREAD) if name in texts
            },
        )


FEW_ROWS: Final = 16
"""Up to here the single-row lane is faster than setting up LightGBM for a table."""


def periods(matrix: Numbers, count: int) -> Numbers:
    """Repeat each row for every interval, whose number becomes the last column.

    (n, p) becomes (n * count, p + 1), the intervals of a row one after another.
    """
    number = np.tile(np.arange(count, dtype=np.float64), len(matrix))
    return np.column_stack([np.repeat(matrix, count, axis=0), number])


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in raw.items()
    }
