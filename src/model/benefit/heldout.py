"""What calling leads at random changes: the honest difference and its interval.

Leads of low tiers are drawn by a salted digest, whatever else is known of them: some
are called, the others are left to nurture. So both arms are alike but for the call, and
the difference of what they became is what the call does to such leads. A lead counts in
the arm that it was first drawn into, called or not in the end, from that moment on; one
whose horizon is not over counts in neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import polars as pl

from leads.history import History
from leads.settings import Settings
from model.examples.labels import funnel_of, label
from model.proof.counting import wilson

FEWEST: Final = 30
"""Leads of either arm below which nothing is said."""


@dataclass(frozen=True, slots=True)
class Heldout:
    """Both arms, and what the call changed in shares, with its 95 % interval.

    ``waiting`` leads were drawn and their horizon is not over.
    """

    called: int
    called_deals: int
    held: int
    held_deals: int
    waiting: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None


def compare_arms(drawn: pl.DataFrame) -> Heldout:
    """Compare the arms by Newcombe's interval of a difference of shares.

    Parameters
    ----------
    drawn
        ``arm`` ("random" or "held") and ``label`` (null while the horizon is open).

    Examples
    --------
    >>> arm = ["random"] * 100 + ["held"] * 100
    >>> label = [True] * 20 + [False] * 80 + [True] * 10 + [False] * 90
    >>> found = compare_arms(pl.DataFrame({"arm": arm, "label": label}))
    >>> round(found.difference, 2), round(found.low, 3), round(found.high, 3)
    (0.1, 0.0, 0.199)
    """
    known = drawn.drop_nulls("label")
    mine = known.filter(pl.col("arm") == "random")["label"]
    others = known.filter(pl.col("arm") == "held")["label"]
    plain = Heldout(
        len(mine), int(mine.sum()), len(others), int(others.sum()),
        len(drawn) - len(known),
    )  # fmt: skip
    if min(len(mine), len(others)) < FEWEST:
        return plain
    p, low_p, high_p = _share(plain.called_deals, plain.called)
    q, low_q, high_q = _share(plain.held_deals, plain.held)
    return Heldout(
        plain.called, plain.called_deals, plain.held, plain.held_deals, plain.waiting,
        difference=p - q,
        low=p - q - math.hypot(p - low_p, high_q - q),
        high=p - q + math.hypot(high_p - p, q - low_q),
    )  # fmt: skip


def prove_calls(
    history: History, settings: Settings, drawn: pl.DataFrame
) -> Heldout | None:
    """Compare low tiers that were called at random with those that were not.

    ``drawn`` has ``lead_id``, ``moment`` (i64) and ``arm``; None if nobody was drawn.
    """
    known = drawn.join(history.leads.select("lead_id"), on="lead_id", how="semi")
    if known.is_empty():
        return None
    return compare_arms(label(history, settings, known, funnel_of(history, settings)))


def _share(deals: int, leads: int) -> tuple[float, float, float]:
    return wilson(deals / leads, leads)
