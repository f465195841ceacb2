"""What is not done, and who has how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from model.audit.standing import DAY, PLACE, Scene

WEEK: Final = 7 * DAY
DIGITS: Final = 1


@dataclass(frozen=True, slots=True)
class Left:
    """Open leads that something is wrong with, in one place or with one manager.

    ``oldest_days`` since the oldest of them was created.
    """

    pipeline: str
    stage: str
    owner: str
    count: int
    oldest_days: float


@dataclass(frozen=True, slots=True)
class Load:
    """What one manager has; ``no_task`` is None where tasks are not known.

    ``fresh`` came within a week, ``touched`` were worked on within one. The manager ""
    is nobody.
    """

    owner: str
    open: int
    fresh: int
    touched: int
    untouched: int
    overdue: int
    no_task: int | None


@dataclass(frozen=True, slots=True)
class Work:
    """What is not done.

    ``never`` by stage: no person did anything since they came, nor moved them.
    ``overdue`` by manager and stage: they stand there for longer than nine in ten did.
    ``no_task`` by stage: nothing is planned next; None where tasks are not known.
    """

    never: tuple[Left, ...]
    overdue: tuple[Left, ...]
    no_task: tuple[Left, ...] | None
    load: tuple[Load, ...]


def work_of(scene: Scene) -> Work:
    """Count what is not done at the moment of the scene."""
    still = scene.open.with_columns(pl.col("stage", "owner").fill_null(""))
    untouched = still.filter(~pl.col("worked"))
    no_task = still.filter(pl.col("tasks") == 0) if scene.knows_tasks else None
    return Work(
        never=_left(untouched, scene.now, by=PLACE),
        overdue=_left(still.filter(pl.col("is_slow")), scene.now, by=(*PLACE, "owner")),
        no_task=None if no_task is None else _left(no_task, scene.now, by=PLACE),
        load=_load(still, scene),
    )


def _left(leads: pl.DataFrame, now: int, *, by: tuple[str, ...]) -> tuple[Left, ...]:
    counted = leads.group_by(by).agg(
        count=pl.len(), oldest=(now - pl.col("created_at").min()) / DAY
    )
    ranked = counted.sort("count", *by, descending=[True, *(False for _ in by)])
    return tuple(
        Left(
            row["pipeline"], row["stage"], row.get("owner", ""), row["count"],
            round(row["oldest"], DIGITS),
        )
        for row in ranked.to_dicts()
    )  # fmt: skip


def _load(still: pl.DataFrame, scene: Scene) -> tuple[Load, ...]:
    ago = scene.now - WEEK
    counted = still.group_by("owner").agg(
        open=pl.len(),
        fresh=(pl.col("created_at") > ago).sum(),
        touched=(pl.col("touched_at") > ago).sum(),
        untouched=(~pl.col("worked")).sum(),
        overdue=pl.col("is_slow").sum(),
        no_task=(pl.col("tasks") == 0).sum(),
    )
    ranked = counted.sort("open", "owner", descending=[True, False])
    return tuple(_one(row, knows_tasks=scene.knows_tasks) for row in ranked.to_dicts())


def _one(row: dict[str, Any], *, knows_tasks: bool) -> Load:
    return Load(**{**row, "no_task": row["no_task"] if knows_tasks else None})
