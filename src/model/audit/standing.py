"""Where each open lead stands at a moment, since when, and who has worked on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from leads.funnel import BIRTH, NO_PIPELINE, Funnel, stage_moves
from leads.history import History
from leads.persons import gathered
from leads.settings import Settings
from model.cleaning.knowing import Known, known_of
from model.examples.labels import funnel_of
from model.examples.snapshots import open_leads
from model.stages import Stages, pass_stages

DAY: Final = 86_400_000_000
BORN: Final = BIRTH // timedelta(microseconds=1)
PLACE: Final = ("pipeline", "stage")


@dataclass(frozen=True)
class Scene:
    """Everything that the findings look at, as known at ``now`` (microseconds).

    ``open`` has one row for each open lead: ``lead_id``, ``created_at``, ``source``,
    ``owner`` (null: nobody), ``pipeline`` (never null), ``stage`` (null: none),
    ``since`` i64, ``slow_days`` (null: not known), ``is_slow``, ``touches`` u32 (what
    people did), ``touched_at`` i64, ``worked`` and ``tasks`` (open ones; null: tasks
    are not known here), with all card fields after them.

    ``moves`` are all moves between stages: ``lead_id``, ``pipeline``, ``stage``,
    ``at``, ``created_at`` i64, ``place`` (0: the lead's first), ``next`` (null: none).
    """

    known: History
    settings: Settings
    funnel: Funnel
    stages: Stages
    open: pl.DataFrame
    moves: pl.DataFrame
    now: int
    knows_people: bool
    knows_tasks: bool
    who: Known
    """Of how many open leads it is known who they are."""


def look_over(
    history: History,
    settings: Settings,
    now: int,
    *,
    persons: pl.DataFrame | None = None,
) -> Scene:
    """Gather where open leads stand at a moment.

    Parameters
    ----------
    persons
        Who stands behind leads, as ``leads.persons.PERSONS``; if there is no such
        table, what the cards say.
    """
    known = history.until(now)
    funnel = funnel_of(known, settings)
    stages = pass_stages(known, settings)
    moves = _moves(known)
    kinds = set(known.tables.events["kind"].unique())
    rules = settings.audit
    knows_people = bool(kinds & set(rules.people))
    knows_tasks = bool(kinds & set(rules.task_set))
    still = open_leads(known, settings, funnel=funnel).select("lead_id")
    asked = known.encode(still).with_row_index("row").with_columns(moment=pl.lit(now))
    cards = known.cards(asked).with_columns(pl.col("pipeline").fill_null(NO_PIPELINE))
    standing = (
        asked.select("row", "lead_id", "lead")
        .join(cards, on="row", maintain_order="left")
        .join(_last(moves), on="lead_id", how="left", maintain_order="left")
        .with_columns(pipeline=pl.coalesce("in_pipeline", "pipeline"))
        .join(_usual(stages), on=PLACE, how="left", maintain_order="left")
        .join(
            _touches(known, rules.people), on="lead", how="left", maintain_order="left"
        )
        .join(
            _tasks(history, settings, now),
            on="lead_id",
            how="left",
            maintain_order="left",
        )
    )
    waited = (now - pl.col("since")) / DAY
    later = pl.col("touched_at") >= pl.col("created_at")
    standing = standing.with_columns(
        waited_days=waited,
        is_slow=(waited > pl.col("slow_days")).fill_null(value=False),
        touches=pl.when(later).then(pl.col("touches")).fill_null(0),
        worked=(later.fill_null(value=False) | pl.col("moved").fill_null(value=False)),
        tasks=pl.col("tasks").fill_null(0) if knows_tasks else pl.lit(None, pl.Int64),
    ).drop("row", "lead", "in_pipeline", "moved")
    if persons is None:
        persons = gathered((), history, settings.clean, now)
    who = known_of(still.join(persons, on="lead_id", how="left"))
    return Scene(
        known, settings, funnel, stages, standing, moves, now, knows_people,
        knows_tasks, who,
    )  # fmt: skip


def _moves(known: History) -> pl.DataFrame:
    moves = stage_moves(known.tables)
    return moves.select(
        "lead_id", *PLACE, pl.col("at", "created_at").cast(pl.Int64),
        place=pl.int_range(pl.len()).over("lead_id"),
        next=pl.col("stage").shift(-1).over("lead_id"),
    )  # fmt: skip


def _last(moves: pl.DataFrame) -> pl.DataFrame:
    """Give where each lead stands, and whether anybody moved it after its birth."""
    return moves.group_by("lead_id").agg(
        stage=pl.col("stage").last(),
        in_pipeline=pl.col("pipeline").last(),
        since=pl.col("at").last(),
        moved=(
            (pl.col("at") - pl.col("created_at") > BORN) & (pl.col("place") > 0)
        ).any(),
    )


def _usual(stages: Stages) -> pl.DataFrame:
    rows = [(one.pipeline, one.stage, one.slow_days) for one in stages.stages]
    schema = {"pipeline": pl.String(), "stage": pl.String(), "slow_days": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _touches(known: History, people: Sequence[str]) -> pl.DataFrame:
    made = known.coded("events").filter(pl.col("kind").is_in(list(people)))
    return made.group_by("lead").agg(touches=pl.len(), touched_at=pl.col("at").max())


def _tasks(history: History, settings: Settings, now: int) -> pl.DataFrame:
    """Count open tasks: set but not done, or planned for later and known by now."""
    rules = settings.audit
    known = pl.col("recorded_at").cast(pl.Int64) <= now
    is_set = pl.col("kind").is_in(list(rules.task_set))
    is_done = pl.col("kind").is_in(list(rules.task_done))
    ahead = pl.col("at").cast(pl.Int64) > now
    has_ends = bool(history.tables.events.select(is_done.any()).item())
    counted = pl.col("set") - pl.col("done") if has_ends else pl.col("ahead")
    return (
        history.tables.events.filter(known & (is_set | is_done))
        .group_by("lead_id")
        .agg(
            set=is_set.sum().cast(pl.Int64),
            done=is_done.sum().cast(pl.Int64),
            ahead=(is_set & ahead).sum().cast(pl.Int64),
        )
        .select("lead_id", tasks=pl.max_horizontal(counted, pl.lit(0)))
    )
