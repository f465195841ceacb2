"""Gathers the morning's digest from what a sight sees: runs, journal and funnel.

"Yesterday" is the newest earlier run that predicted. The run's row keeps which entry of
the journal was the last before it, so how leads stood then is one stretch of entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from leads.decision import Override, Tier
from leads.history import History
from leads.lead import microseconds
from leads.mornings import newest_due
from leads.ranks import stood
from leads.runs import Run, Runs
from leads.settings import Settings
from model.audit.standing import DAY
from model.examples.labels import conversions
from playbook.ledger import standing_plans
from playbook.text import Text, said
from serve.pages.digest import (
    MOST_CALLS,
    Call,
    Changes,
    Digest,
    Missed,
    Moved,
    PlanCount,
    Shift,
    Step,
    Yesterday,
    missed_of,
    shift_of,
    stood_frame,
    yesterday_of,
)
from serve.pages.sight import Sight
from serve.pages.telling import SECONDS
from serve.pages.today import Room, call_today, standing_tiers

AFTER: Final = "after"
"""The note of a run that names the journal's last entry before it predicted."""

PREDICTED: Final = "score"


@dataclass(frozen=True)
class _Before:
    """The morning before: its run, and how leads stood until today's run."""

    run: Run
    stood: pl.DataFrame
    until: datetime


def digest_of(sight: Sight, *, seconds: float | None = SECONDS) -> Digest | None:
    """Gather the digest of the newest morning; None before anything was predicted.

    Parameters
    ----------
    seconds
        How long to wait for why chances moved; None waits for all.
    """
    ranked, overrides = sight.ranked(), sight.overrides()
    if ranked.frame.is_empty():
        return None
    settings, history = sight.settings, sight.history()
    runs = Runs(sight.journal).latest(PREDICTED, count=2)
    room = Room.of(settings)
    still = standing_tiers(ranked.frame, overrides)
    today = call_today(ranked.frame, overrides, room)
    before = _before(sight, runs)
    zone, at = settings.company.zone, settings.daily.at
    return Digest(
        day=runs[0].day if runs else newest_due(sight.now(), at, zone),
        known_at=_known_at(history),
        horizon_days=settings.conversion.horizon_days,
        by=ranked.by,
        open=len(still),
        hot=int((still["called_as"] == Tier.HOT.value).sum()),
        room=room.calls,
        today=len(today),
        calls=_calls(sight, today.head(MOST_CALLS), overrides, seconds=seconds),
        changes=None
        if before is None
        else _changes(sight, still, before, seconds=seconds),
        missed=_missed(sight, history, still),
        yesterday=None if before is None else _yesterday(history, settings, before),
        plans=_plans(sight, still),
        called=_called(still),
    )


def _called(still: pl.DataFrame) -> int:
    """Count the hot leads that were called this week."""
    hot = still.filter(pl.col("called_as") == Tier.HOT.value)
    return len(hot) - hot["called_at"].null_count()


def _known_at(history: History | None) -> datetime | None:
    if history is None or not history.tables.dated:
        return None
    return history.tables.cut_off


def _before(sight: Sight, runs: Sequence[Run]) -> _Before | None:
    if len(runs) < 2 or AFTER not in runs[0].done:
        return None
    today, run = runs
    rows = stood(
        sight.journal,
        after=int(run.done.get(AFTER, 0)),
        until=int(today.done[AFTER]),
    )
    return _Before(run, stood_frame(rows), today.started_at)


def _calls(
    sight: Sight,
    chosen: pl.DataFrame,
    overrides: Mapping[str, Override],
    *,
    seconds: float | None,
) -> tuple[Call, ...]:
    rows = sight.rows(chosen, overrides, seconds=seconds)
    planning = sight.planning
    ids = [row.lead_id for row in rows]
    steps = {} if planning is None else planning.kept(sight.journal, ids)
    return tuple(
        Call(
            row,
            Step(
                segment=_both(step.plan.segment),
                action={"en": step.action("en"), "ru": step.action("ru")},
                due_at=step.kept.due_at,
                whom=step.kept.whom,
                is_late=step.kept.due_at is not None and step.kept.due_at < sight.now(),
            )
            if (step := steps.get(row.lead_id))
            else None,
        )
        for row in rows
    )


def _changes(
    sight: Sight, still: pl.DataFrame, before: _Before, *, seconds: float | None
) -> Changes:
    shift = shift_of(still, before.stood)
    return Changes(
        since=before.run.started_at,
        warmer=shift.warmer,
        colder=shift.colder,
        fresh=shift.fresh,
        leads=_named(sight, shift, seconds=seconds),
        crossed=shift.crossed,
    )


def _named(sight: Sight, shift: Shift, *, seconds: float | None) -> tuple[Moved, ...]:
    pairs = [(row["entry"], row["entry_before"]) for row in shift.rows]
    entries = sight.journal.entries([number for pair in pairs for number in pair])
    told = {}
    if sight.insight is not None:
        known = [(entries[new], entries[old]) for new, old in pairs]
        told = dict(
            sight.teller.tell(
                sight.insight, known, history=sight.history(), seconds=seconds
            )
        )
    return tuple(
        Moved(
            lead_id=row["lead_id"],
            owner=row["owner"],
            tier_before=Tier(row["tier_before"]),
            tier=Tier(row["tier"]),
            before=row["before"],
            after=row["probability"],
            why=told[row["entry"]].change if row["entry"] in told else None,
        )
        for row in shift.rows
    )


def _missed(
    sight: Sight, history: History | None, still: pl.DataFrame
) -> Missed | None:
    if history is None or sight.stages() is None:
        return None
    scene = sight.scenes.of(history, sight.settings)
    age = (scene.now - pl.col("created_at")) / DAY
    known = scene.open.with_columns(age_days=age)
    known = known.join(_worked(sight, known), on="lead_id", how="anti")
    return missed_of(known, still, people=scene.knows_people)


def _worked(sight: Sight, known: pl.DataFrame) -> pl.DataFrame:
    """Name the leads that were moved or called since the ingest: nobody missed them."""
    seen = sight.whereabouts().seen.select("lead_id", "stage", "called_at")
    before = known.select("lead_id", was="stage")
    both = seen.join(before, on="lead_id")
    is_moved = pl.col("stage").ne_missing(pl.col("was"))
    return both.filter(is_moved | pl.col("called_at").is_not_null())


def _yesterday(
    history: History | None, settings: Settings, before: _Before
) -> Yesterday | None:
    since = before.run.done.get("as_of")
    if history is None or not since:
        return None
    then = microseconds(datetime.fromisoformat(since))
    now, known = _converted(history, settings), history.until(then)
    had = set(_converted(known, settings)) if len(known.leads) else set()
    return yesterday_of(
        before.run.day,
        before.stood,
        converted=[lead_id for lead_id in now if lead_id not in had],
        touched=_touched(history, settings, then),
    )


def _converted(history: History, settings: Settings) -> list[str]:
    """List who has converted by what is known, in the order it happened."""
    made = conversions(history, settings).filter(pl.col("converted"))
    ordered = made.sort("converted_at", "lead_id", nulls_last=True)
    return [str(lead_id) for lead_id in ordered["lead_id"]]


def _touched(history: History, settings: Settings, since: int) -> pl.Series | None:
    events, people = history.tables.events, list(settings.audit.people)
    ours = events.filter(pl.col("kind").is_in(people))
    if ours.is_empty():
        return None
    return ours.filter(pl.col("recorded_at").cast(pl.Int64) > since)["lead_id"].unique()


def _plans(sight: Sight, still: pl.DataFrame) -> tuple[PlanCount, ...] | None:
    planner = None if sight.planning is None else sight.planning.current()
    if planner is None:
        return None
    made = planner.playbook
    known = standing_plans(sight.journal, made.digest)
    counts: dict[str, int] = {}
    for lead_id in still["lead_id"]:
        plan = known.get(lead_id)
        if plan is not None:
            counts[plan] = counts.get(plan, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        PlanCount(plan, _both(made.plans[plan].segment), count)
        for plan, count in ranked
    )


def _both(text: Text) -> dict[str, str]:
    return {"en": said(text, "en"), "ru": said(text, "ru")}
