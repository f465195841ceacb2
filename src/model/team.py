"""Managers compared fairly: what their leads promised against what came of them.

Who is given better leads closes more of them, and who has few leads is often lucky. So
each manager's conversions are held against what the chances of these very leads add up
to, and against how far luck alone carries such a sum: the number of conversions among
independent leads of unequal chance is Poisson-binomial (Hong 2013), counted here
exactly. As on a funnel plot (Spiegelhalter 2005), those with few leads have wide
limits, and only who is outside them after Holm's correction (1979) for the number of
managers stands out.

Chances are first moved together in log-odds until they add up to what the whole team
reached: the question is who differs from the team, not whether the model was too
hopeful of that season.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from model.features.catalog import Numbers
from model.metrics import probabilities
from model.proof.counting import wilson

FEWEST: Final = 20
"""Leads below which nothing is said of a manager."""

SURE: Final = 0.05
DIGITS: Final = 6
FARTHEST: Final = 20.0
"""Log-odds by which chances are moved at most."""

Standing = Literal["luck", "more", "fewer", "few"]


@dataclass(frozen=True, slots=True)
class Manager:
    """One manager's leads: what they promised and what came of them.

    ``mix`` is their mean chance, ``expected`` its sum, ``low`` to ``high`` what luck
    alone makes of it in 95 of 100 cases; ``rate_low`` to ``rate_high`` is Wilson's
    interval of the part that converted. ``doubt`` is the chance that luck alone departs
    so far, corrected for the number of managers.
    """

    name: str
    leads: int
    mix: float
    expected: float
    low: int
    high: int
    actual: int
    rate_low: float
    rate_high: float
    doubt: float
    standing: Standing


@dataclass(frozen=True, slots=True)
class Team:
    """All managers, those with the most leads first; ``unowned`` leads had none.

    ``mix`` is the mean chance of all leads that had a manager, before it was moved by
    ``moved`` log-odds to what the team reached.
    """

    leads: int = 0
    converted: int = 0
    unowned: int = 0
    mix: float = 0.0
    moved: float = 0.0
    managers: tuple[Manager, ...] = ()

    def to_facts(self) -> dict[str, Any]:
        """Turn into what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Team:
        """Read what ``to_facts`` gave."""
        managers = tuple(Manager(**item) for item in facts["managers"])
        return cls(**{**facts, "managers": managers})


NOBODY: Final = Team()


def compare(rows: pl.DataFrame) -> Team:
    """Compare managers by leads that the predicting model had not seen.

    Parameters
    ----------
    rows
        ``lead_id``, ``moment`` i64, ``owner`` (null: nobody), ``log_odds`` and
        ``label``. Each lead counts once: by its first row that has an owner, for that
        owner.
    """
    owned = rows.drop_nulls("owner").sort("moment", "lead_id")
    firsts = owned.unique("lead_id", keep="first", maintain_order=True)
    unowned = rows["lead_id"].n_unique() - len(firsts)
    if firsts.is_empty():
        return Team(unowned=unowned)
    given = firsts["log_odds"].to_numpy()
    labels = firsts["label"].cast(pl.Float64).to_numpy()
    moved = _level(given, labels)
    level = firsts.with_columns(chance=pl.Series(probabilities(given + moved)))
    found = [
        _manager(str(name), part["chance"].to_numpy(), int(part["label"].sum()))
        for (name,), part in level.group_by("owner", maintain_order=True)
    ]
    return Team(
        leads=len(firsts),
        converted=int(labels.sum()),
        unowned=unowned,
        mix=round(float(probabilities(given).mean()), DIGITS),
        moved=round(moved, DIGITS),
        managers=_judged(found),
    )


def poisson_binomial(chances: Numbers) -> Numbers:
    """Give how likely each number of conversions is, (n + 1,), for n chances.

    Examples
    --------
    >>> poisson_binomial(np.array([0.5, 0.5])).tolist()
    [0.25, 0.5, 0.25]
    """
    likely = np.zeros(len(chances) + 1)
    likely[0] = 1.0
    for count, chance in enumerate(chances.tolist(), 1):
        one_more = chance * likely[:count]
        likely[: count + 1] *= 1.0 - chance
        likely[1 : count + 1] += one_more
    return likely


def _manager(name: str, chances: Numbers, actual: int) -> Manager:
    upto = np.cumsum(poisson_binomial(chances))
    below = float(upto[actual - 1]) if actual else 0.0
    doubt = min(1.0, 2.0 * min(float(upto[actual]), 1.0 - below))
    _, rate_low, rate_high = wilson(actual / len(chances), len(chances))
    return Manager(
        name=name,
        leads=len(chances),
        mix=round(float(chances.mean()), DIGITS),
        expected=round(float(chances.sum()), DIGITS),
        low=int(np.searchsorted(upto, SURE / 2)),
        high=int(np.searchsorted(upto, 1.0 - SURE / 2)),
        actual=int(actual),
        rate_low=rate_low,
        rate_high=rate_high,
        doubt=max(doubt, 0.0),
        standing="luck",
    )


def _judged(managers: list[Manager]) -> tuple[Manager, ...]:
    """Correct doubts by Holm's method, and say who stands out."""
    order = sorted(range(len(managers)), key=lambda place: managers[place].doubt)
    doubts, highest = dict.fromkeys(order, 1.0), 0.0
    for rank, place in enumerate(order):
        corrected = min(1.0, (len(managers) - rank) * managers[place].doubt)
        highest = doubts[place] = max(highest, corrected)
    told = [_told(manager, doubts[place]) for place, manager in enumerate(managers)]
    return tuple(sorted(told, key=lambda manager: (-manager.leads, manager.name)))


def _told(manager: Manager, doubt: float) -> Manager:
    standing: Standing = "luck"
    if manager.leads < FEWEST:
        standing = "few"
    elif doubt < SURE:
        standing = "more" if manager.actual > manager.expected else "fewer"
    return Manager(
        **{**asdict(manager), "doubt": round(doubt, DIGITS), "standing": standing}
    )


def _level(log_odds: Numbers, labels: Numbers) -> float:
    """Find the step in log-odds after which chances add up to the conversions."""
    from scipy.optimize import brentq  # a service only reads; it need not wait

    reached = float(labels.sum())
    if not 0 < reached < len(labels):
        return 0.0

    def short(step: float) -> float:
        return float(probabilities(log_odds + step).sum()) - reached

    return float(brentq(short, -FARTHEST, FARTHEST))
