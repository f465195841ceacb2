"""What the pages of the back-test, of managers and of the card show: facts only."""

from __future__ import annotations

from dataclasses import dataclass

from leads.decision import Tier
from model.backtest.outcomes import Backtest, Outcome
from model.card.sections import Section
from model.proof.record import Bin, TierProof
from model.team import NOBODY, Manager, Team
from serve.pages.trust import (
    LatestMonth,
    TierVerdict,
    Verdict,
    verdict_between,
    verdict_of,
)
from serve.pages.whereabouts import Waiting


@dataclass(frozen=True, slots=True)
class Judged:
    """Said against happened, as a whole and per tier, and what to think of it."""

    whole: Bin
    verdict: Verdict
    tiers: tuple[TierVerdict, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """One month; without ``judged`` it says why."""

    month: str
    gap: str
    why: str
    judged: Judged | None


@dataclass(frozen=True, slots=True)
class Hindsight:
    """Everything the page of the back-test shows."""

    digest: str
    data_digest: str
    horizon_days: int
    months: tuple[Month, ...]
    together: Judged | None
    skipped: tuple[str, ...]
    latest: LatestMonth | None = None


@dataclass(frozen=True, slots=True)
class Managers:
    """Everything the page of managers shows; ``marked`` counts who stands out.

    ``waiting`` are today's open leads by manager, whoever was compared; without a
    back-test nobody was.
    """

    leads: int
    converted: int
    unowned: int
    moved: float
    marked: int
    managers: tuple[Manager, ...]
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the page of the model card shows."""

    sections: tuple[Section, ...]


def look_back(made: Backtest) -> Hindsight:
    """Gather what is shown of a back-test, newest month first."""
    return Hindsight(
        digest=made.digest,
        data_digest=made.data_digest,
        horizon_days=made.horizon_days,
        months=tuple(_month(item) for item in reversed(made.months)),
        together=_judged(made.whole, made.tiers),
        skipped=made.skipped,
        latest=latest_month(made),
    )


def latest_month(made: Backtest) -> LatestMonth | None:
    """Find what came of the hot leads of the newest month that had any."""
    for item in reversed(made.months):
        for tier in item.tiers:
            if tier.tier is Tier.HOT and tier.count:
                return LatestMonth(item.month, TierVerdict(tier, verdict_of(tier)))
    return None


def managers_of(
    team: Team | None, waiting: tuple[Waiting, ...] = ()
) -> Managers | None:
    """Gather what is shown of managers; None if there are none.

    Parameters
    ----------
    team
        As a back-test compared them, or None without one.
    """
    team = team or NOBODY
    if not team.managers and not waiting:
        return None
    marked = sum(one.standing in {"more", "fewer"} for one in team.managers)
    return Managers(
        team.leads, team.converted, team.unowned, team.moved, marked, team.managers,
        waiting,
    )  # fmt: skip


def _month(item: Outcome) -> Month:
    return Month(item.month, item.gap, item.why, _judged(item.whole, item.tiers))


def _judged(whole: Bin | None, tiers: tuple[TierProof, ...]) -> Judged | None:
    if whole is None:
        return None
    return Judged(
        whole,
        verdict_between(whole.said, whole.low, whole.high, count=whole.count),
        tuple(TierVerdict(tier, verdict_of(tier)) for tier in tiers),
    )
