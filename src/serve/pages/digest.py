"""The morning's digest for the sales lead: facts only, in no language and no markup.

Whom to call today, what moved since yesterday and why, what the team missed, and how
yesterday's calls went. What cannot be known is None, never nought: on the first morning
there is no yesterday, and where stages are not known nothing can be overdue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import polars as pl

from leads.decision import Tier
from leads.ranks import Stood
from serve.pages.listing import Row

MOST_CALLS: Final = 20
MOST_MOVED: Final = 5
MOST_MISSED: Final = 10
STILL: Final = 0.02
"""Two points: a chance that moved by less is nothing to tell of in the morning."""

FRESH_DAYS: Final = 1.0
"""So old a lead must be before nobody having touched it is worth a word."""

ORDER: Final = {"cold": 0, "warm": 1, "hot": 2}
"""Of tiers; from or to none for want of data is neither up nor down."""

STOOD: Final = {
    "lead_id": pl.String(), "entry_before": pl.Int64(), "before": pl.Float64(),
    "tier_before": pl.String(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of a lead's plan, by language; ``whom`` None if nobody has it.

    ``is_late`` says that it should have been done before this morning.
    """

    segment: Mapping[str, str]
    action: Mapping[str, str]
    due_at: datetime | None
    whom: str | None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A lead to call today, and the next step where a playbook decided on one."""

    row: Row
    step: Step | None


@dataclass(frozen=True, slots=True)
class Moved:
    """An open lead whose tier or chance is not what it was the day before.

    ``why`` is one line by language, None where it is not known.
    """

    lead_id: str
    owner: str | None
    tier_before: Tier
    tier: Tier
    before: float
    after: float
    why: Mapping[str, str] | None

    @property
    def points(self) -> float:
        """By how much the chance moved."""
        return self.after - self.before

    @property
    def crossed(self) -> bool:
        """Whether it changed tier."""
        return self.tier is not self.tier_before

    @property
    def rose(self) -> bool:
        """Whether it went up: its tier says so first, then its chance."""
        steps = ORDER.get(self.tier, 0) - ORDER.get(self.tier_before, 0)
        known = self.tier in ORDER and self.tier_before in ORDER
        return steps > 0 if known and steps else self.points > 0


@dataclass(frozen=True, slots=True)
class Crossed:
    """How many open leads went from one tier to another."""

    before: Tier
    after: Tier
    leads: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What moved since the day before among open leads.

    ``warmer`` and ``colder`` count changes of tier and ``crossed`` which ones, those to
    hot first; ``fresh`` counts leads that were not predicted then. ``leads`` are those
    that changed tier or moved most, upwards first.
    """

    since: datetime
    warmer: int
    colder: int
    fresh: int
    leads: tuple[Moved, ...]
    crossed: tuple[Crossed, ...] = ()


@dataclass(frozen=True, slots=True)
class Miss:
    """An open lead that should have been worked on.

    ``why`` is "overdue": it stands in its stage for longer than nine in ten did, or
    "untouched": nobody did anything since it came; ``days`` says for how long.
    """

    lead_id: str
    owner: str | None
    stage: str | None
    tier: Tier
    chance: float
    why: Literal["overdue", "untouched"]
    days: float


@dataclass(frozen=True, slots=True)
class Missed:
    """What the team missed: hot leads overdue, hot and warm ones nobody touched.

    ``cold`` counts untouched leads below these; ``people`` is False if no event tells
    what people did: then only a move to another stage counts as work.
    """

    overdue: int
    untouched: int
    cold: int
    people: bool
    leads: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Yesterday:
    """How the leads did that were hot the day before.

    ``promised`` is what their chances added up to over the whole horizon, ``touched``
    those that people worked on since, None if no event tells; ``converted`` those that
    converted since, by id, and ``others`` counts conversions of leads not hot then.
    """

    day: date
    hot: int
    promised: float
    touched: int | None
    converted: tuple[str, ...]
    others: int


@dataclass(frozen=True, slots=True)
class PlanCount:
    """How many open leads one plan of the playbook has; ``segment`` is by language."""

    plan: str
    segment: Mapping[str, str]
    leads: int


@dataclass(frozen=True, slots=True)
class Digest:
    """One morning for the sales lead.

    ``room`` is how many leads can be called in a day, None where nobody said; ``hot``
    counts the open hot leads, ``called`` those of them that were called this week,
    ``calls`` are the first of ``today`` leads to call.
    ``changes``, ``yesterday``, ``missed`` and ``plans`` are None where there is no
    yesterday, no funnel, or no playbook.
    """

    day: date
    known_at: datetime | None
    horizon_days: int
    by: Literal["chance", "money", "tier"]
    open: int
    hot: int
    room: int | None
    today: int
    calls: tuple[Call, ...]
    changes: Changes | None
    missed: Missed | None
    yesterday: Yesterday | None
    plans: tuple[PlanCount, ...] | None
    called: int = 0

    @property
    def left(self) -> int:
        """Hot leads for which today has no room."""
        return max(0, self.hot - self.today)


def stood_frame(rows: Iterable[Stood]) -> pl.DataFrame:
    """Keep of each lead the entry that stood last."""
    frame = pl.DataFrame(list(rows), schema=STOOD, orient="row")
    return frame.unique("lead_id", keep="last", maintain_order=True)


@dataclass(frozen=True, slots=True)
class Shift:
    """What moved, before anybody asked why: one row for each lead worth naming.

    ``rows`` has ``lead_id``, ``owner``, ``entry``, ``entry_before``, ``before``,
    ``probability``, ``tier_before`` and ``tier``.
    """

    warmer: int
    colder: int
    fresh: int
    rows: Sequence[Mapping[str, Any]]
    crossed: tuple[Crossed, ...] = ()


def shift_of(still: pl.DataFrame, before: pl.DataFrame) -> Shift:
    """Compare open leads with how they stood the day before.

    Who changed tier is named first, by however little the chance moved, then who moved
    farthest.
    """
    both = still.join(before, on="lead_id", maintain_order="left").with_columns(
        points=pl.col("probability") - pl.col("before"),
        climbed=_rank("tier") - _rank("tier_before"),
    )  # fmt: skip
    crossed = pl.col("tier") != pl.col("tier_before")
    told = both.filter(crossed | (pl.col("points").abs() >= STILL))
    climbed = pl.col("climbed")
    rose = pl.col("points") > 0
    up = pl.when(climbed.fill_null(0) != 0).then(climbed > 0).otherwise(rose)
    rises = told.filter(up).sort(
        crossed, "points", "lead_id", descending=[True, True, False]
    )
    falls = told.filter(~up).sort(
        crossed, "points", "lead_id", descending=[True, False, False]
    )
    named = pl.concat([rises.head(MOST_MOVED), falls.head(MOST_MOVED)])
    return Shift(
        warmer=int((both["climbed"] > 0).sum()),
        colder=int((both["climbed"] < 0).sum()),
        fresh=len(still) - len(both),
        rows=named.to_dicts(),
        crossed=_crossed(both),
    )


def _crossed(both: pl.DataFrame) -> tuple[Crossed, ...]:
    """Count changes of tier by way, those to the hottest first."""
    ways = both.filter(pl.col("tier") != pl.col("tier_before")).group_by(
        "tier_before", "tier"
    )
    counted = ways.len().sort(
        _rank("tier_before").is_null(), _rank("tier"), _rank("tier_before"),
        descending=[False, True, True], nulls_last=True,
    )  # fmt: skip
    return tuple(
        Crossed(Tier(row["tier_before"]), Tier(row["tier"]), row["len"])
        for row in counted.to_dicts()
    )


def _rank(column: str) -> pl.Expr:
    return pl.col(column).replace_strict(
        list(ORDER), list(ORDER.values()), default=None, return_dtype=pl.Int8
    )


def missed_of(
    scene_open: pl.DataFrame, called: pl.DataFrame, *, people: bool
) -> Missed:
    """Find what was missed among open leads.

    Parameters
    ----------
    scene_open
        ``lead_id``, ``stage``, ``age_days``, ``waited_days``, ``is_slow`` and
        ``worked`` of open leads.
    called
        ``lead_id``, ``owner``, ``probability`` and ``called_as`` of the same, whom to
        call first on top.
    """
    known = scene_open.select(
        "lead_id", "waited_days", "is_slow", "worked", stood="stage", age="age_days"
    )
    both = called.join(known, on="lead_id", maintain_order="left")
    is_hot = pl.col("called_as") == Tier.HOT.value
    is_worth = is_hot | (pl.col("called_as") == Tier.WARM.value)
    alone = ~pl.col("worked") & (pl.col("age") >= FRESH_DAYS)
    overdue = both.filter(is_hot & pl.col("is_slow"))
    untouched = both.filter(is_worth & alone).sort(
        is_hot, descending=True, maintain_order=True
    )
    rest = untouched.join(overdue.select("lead_id"), on="lead_id", how="anti")
    half = MOST_MISSED // 2
    first = overdue.head(max(half, MOST_MISSED - len(rest)))
    then = rest.head(MOST_MISSED - len(first))
    return Missed(
        overdue=len(overdue),
        untouched=len(untouched),
        cold=int(both.select((alone & ~is_worth).sum()).item()),
        people=people,
        leads=(
            *(_miss(row, "overdue", "waited_days") for row in first.to_dicts()),
            *(_miss(row, "untouched", "age") for row in then.to_dicts()),
        ),
    )


def _miss(
    row: Mapping[str, Any], why: Literal["overdue", "untouched"], days: str
) -> Miss:
    return Miss(
        lead_id=row["lead_id"],
        owner=row["owner"],
        stage=row["stood"],
        tier=Tier(row["called_as"]),
        chance=row["probability"],
        why=why,
        days=row[days] or 0.0,
    )


def yesterday_of(
    day: date,
    before: pl.DataFrame,
    *,
    converted: Sequence[str],
    touched: pl.Series | None,
) -> Yesterday:
    """Tell how the hot leads of the day before did.

    Parameters
    ----------
    before
        How every lead stood then.
    converted
        Leads that converted since, in order.
    touched
        Leads that people worked on since; None if nothing tells.
    """
    hot = before.filter(pl.col("tier_before") == Tier.HOT.value)
    ids = set(hot["lead_id"])
    ours = tuple(lead_id for lead_id in converted if lead_id in ids)
    return Yesterday(
        day=day,
        hot=len(hot),
        promised=float(hot["before"].sum()),
        touched=None if touched is None else len(ids & set(touched)),
        converted=ours,
        others=len(converted) - len(ours),
    )
