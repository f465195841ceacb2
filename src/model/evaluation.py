"""Challenger against champion: the same rows, the difference with its interval, words.

Equal is not better: a change that cannot be told from chance is a risk without gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from model.features.catalog import Numbers
from model.metrics import (
    Codes,
    Measured,
    log_odds_of,
    mean_difference,
    measure,
    row_losses,
)

LEAST_OF_EACH: Final = 20
"""Conversions, and leads without one, below which nothing is proved."""


@dataclass(frozen=True)
class Judged:
    """Rows on which models meet: outcomes as 0.0 or 1.0, and each row's lead.

    ``note`` says in words what is odd about the rows, if anything is.
    """

    labels: Numbers
    leads: Codes
    note: str = ""

    @property
    def size(self) -> str:
        """How many rows and conversions, in words."""
        wins = int(self.labels.sum())
        return f"{len(self.labels):,} judged snapshots with {wins:,} conversions"

    @property
    def suffice(self) -> bool:
        """Whether there are enough of both outcomes to prove anything."""
        wins = int(self.labels.sum())
        return min(wins, len(self.labels) - wins) >= LEAST_OF_EACH


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the challenger may serve, why in words, and the paired difference.

    ``difference`` is in log-loss: below nought means that the challenger is better.
    """

    passed: bool
    words: str
    difference: Measured


def against_champion(
    rows: Judged, challenger: Numbers, champion: Numbers, *, seed: int
) -> Verdict:
    """Compare two models' calibrated log-odds, (n,) each, on the same rows.

    Examples
    --------
    >>> labels = np.tile([0.0, 1.0], 200)
    >>> rows = Judged(labels, np.arange(400))
    >>> sure, unsure = 4 * labels - 2, 2 * labels - 1
    >>> print(against_champion(rows, sure, unsure, seed=7).words)
    The challenger is better: log-loss 0.127 against the champion's 0.313, difference \
-0.186 (-0.186 to -0.186) on 400 judged snapshots with 200 conversions.
    >>> against_champion(rows, sure, sure, seed=7).passed
    False
    """
    new, old = row_losses(challenger, rows.labels), row_losses(champion, rows.labels)
    difference = mean_difference(new - old, rows.leads, seed=seed)
    passed = difference.high < 0 and rows.suffice
    figures = (
        f"log-loss {new.mean():.3f} against the champion's {old.mean():.3f},"
        f" difference {_signed(difference)} on {rows.size}"
    )
    words = f"The challenger {_compared(difference, rows)}: {figures}."
    return Verdict(passed, f"{words} {rows.note}".strip(), difference)


def against_base_rate(
    rows: Judged, challenger: Numbers, base_rate: float, *, seed: int
) -> Verdict:
    """Ask of a first model that it knows more than how often leads convert."""
    losses = row_losses(challenger, rows.labels)
    constant = np.full(len(losses), log_odds_of(base_rate))
    base = row_losses(constant, rows.labels)
    difference = mean_difference(losses - base, rows.leads, seed=seed)
    figures = (
        f"log-loss {losses.mean():.3f} against {base.mean():.3f} for the training base"
        f" rate of {base_rate:.1%}, difference {_signed(difference)}"
    )
    if not rows.suffice:
        words = f"Nothing can be proved on {rows.size}: {figures}."
        return Verdict(passed=False, words=words, difference=difference)
    auc = measure(challenger, rows.labels, rows.leads, base_rate=base_rate, seed=seed)[
        "auc"
    ]
    passed = difference.high < 0 and auc.low > 0.5
    opening = "better than" if passed else "not proved better than"
    words = (
        f"The challenger is {opening} knowing nothing: {figures}; ROC-AUC {auc}; on"
        f" {rows.size}."
    )
    return Verdict(passed, f"{words} {rows.note}".strip(), difference)


def _compared(difference: Measured, rows: Judged) -> str:
    if not rows.suffice:
        return "cannot be judged on so few"
    if difference.high < 0:
        return "is better"
    if difference.low > 0:
        return "is worse"
    return "cannot be told from the champion, and equal is not better"


def _signed(measured: Measured) -> str:
    return f"{measured.value:+.3f} ({measured.low:+.3f} to {measured.high:+.3f})"
