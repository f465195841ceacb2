"""Whether there are leads enough for a model, and how many are still to come.

Below the minimum there is a bundle all the same, but it says no more than the usual
rate, and every lead's tier is "not enough data": a number learned from a handful would
be believed like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from leads.settings import Settings
from model.examples.split import Split
from model.features.catalog import Numbers, Words
from model.metrics import Codes


@dataclass(frozen=True, slots=True)
class Readiness:
    """Training leads that converted, those that did not, and what each must reach.

    Examples
    --------
    >>> print(Readiness(won=37, lost=412, minimum=50).words.en)
    Not enough data: 37 of 50 conversions (13 to go). The answer is the usual rate \
until then.
    >>> Readiness(won=37, lost=412, minimum=50).enough
    False
    """

    won: int
    lost: int
    minimum: int

    @classmethod
    def of(cls, labels: Numbers, leads: Codes, *, minimum: int) -> Readiness:
        """Count the leads of (n,) training rows; a lead may have both outcomes."""
        won = len(np.unique(leads[labels > 0]))
        lost = len(np.unique(leads[labels == 0]))
        return cls(won, lost, minimum)

    @classmethod
    def before(
        cls, snapshots: pl.DataFrame, parts: Split, settings: Settings
    ) -> Readiness:
        """Count before training, from what ``take`` and ``split`` returned."""
        chosen = snapshots[parts.train]
        labels = chosen["label"].cast(pl.Float64).to_numpy()
        leads = chosen["lead_id"].rank("dense").to_numpy().astype(np.intp)
        return cls.of(labels, leads, minimum=settings.model.minimum)

    @classmethod
    def kept(cls, facts: Mapping[str, int]) -> Readiness | None:
        """Read what a manifest keeps; None where it keeps nothing."""
        return cls(**facts) if facts else None

    @property
    def enough(self) -> bool:
        """Whether a model can be learned."""
        return min(self.won, self.lost) >= self.minimum

    @property
    def words(self) -> Words:
        """Say how far it is, in both languages."""
        if self.enough:
            return Words(
                f"Enough data: {self.won:,} conversions and {self.lost:,} other leads;"
                f" each must reach {self.minimum:,}.",
                f"Данных хватает: конверсий {self.won}, прочих лидов {self.lost};"
                f" тех и других нужно {self.minimum}.",
            )
        en = ("conversions", "leads without one")
        ru = ("конверсий", "лидов без конверсии")
        missing = " and ".join(self._short(en, "{} of {} {} ({} to go)"))
        lacking = ", ".join(self._short(ru, "{2} {0} из {1} (ещё {3})"))
        told = Words(
            f"Not enough data: {missing}. The answer is the usual rate until then.",
            f"Мало данных: {lacking}. До тех пор ответ — обычная доля.",
        )
        return Words(told.en + self._guess.en, told.ru + self._guess.ru)

    def _short(self, names: tuple[str, str], form: str) -> list[str]:
        counted = zip((self.won, self.lost), names, strict=True)
        return [
            form.format(f"{count:,}", f"{self.minimum:,}", name, self.minimum - count)
            for count, name in counted
            if count < self.minimum
        ]

    @property
    def _guess(self) -> Words:
        """Own up to a rate that no lead has shown."""
        if self.won and self.lost:
            return Words("", "")
        return Words(
            " One of the two outcomes was never seen, so that rate starts from a guess:"
            " one of ten.",
            " Один из двух исходов ещё не встречался, поэтому доля отсчитана от"
            " догадки: один из десяти.",
        )
