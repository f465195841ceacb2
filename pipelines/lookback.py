"""What playbook and points would have said of the leads that were open in past weeks.

For each past month the model of then (``model.backtest.months``) predicts again, this
time with its reasons, and the playbook of today goes over what was known at each
moment; usual stays and deals are measured up to the month's first moment. Points are
the playbook's own, or those that were learned together with the model of then. The
playbook itself is today's: who wrote it may remember how the past went.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from leads.errors import BadConfig, DataRefused, LeakRefused
from leads.history import History
from leads.lead import EPOCH, LeadHistory
from leads.settings import Settings
from model.backtest.months import MonthModel, month_model
from model.backtest.rehearsal import Span, key_of, spans
from model.backtest.replay import Step, Watch
from model.backtest.weeks import keep_rows, read_rows
from model.bundle.whole import Bundle
from model.features.batch import build
from playbook.decide import decide
from playbook.known import Known, facts_of, points_of
from playbook.norms import Norms
from playbook.plan import Playbook
from playbook.points import Scorecard
from playbook.pointsfile import parse_points
from playbook.world import World
from serve.pointing import NO_BOOK
from serve.scoring import predict
from serve.vocabulary import world_of

CHUNK: Final = 4_096
CALL: Final = "call"
WITH_REASONS: Final = frozenset({"reasons_for", "reasons_against", "expected_money"})
"""Facts that take an explanation of each prediction, which costs the most."""

SAID: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(), "moment": pl.Int64(), "leaf": pl.Int64(),
    "calls": pl.Boolean(), "points": pl.Float64(),
}  # fmt: skip
"""Of each lead and moment: the place of its leaf in the file, from 0, whether that leaf
asks for a call, and its points; null without a playbook or points."""


@dataclass(frozen=True)
class _Then:
    """What decides about the rows of one month."""

    bundle: Bundle
    norms: Norms
    playbook: Playbook | None
    card: Scorecard | None


def look_back(
    history: History,
    settings: Settings,
    past: pl.DataFrame,
    *,
    playbook: Playbook | None,
    data_digest: str,
    watch: Watch,
) -> pl.DataFrame:
    """Add what playbook and points would have said to replayed rows.

    Parameters
    ----------
    past
        ``model.backtest.weeks.ROWS`` of whole months.
    data_digest
        Of the stored tables: a month is not looked at twice of the same.

    Returns
    -------
    DataFrame
        The same rows, with ``leaf``, ``calls`` and ``points``.
    """
    months = set(past["month"])
    asked = [one for one in spans(history, settings, 60) if one.month in months]
    parts = [pl.DataFrame(schema=dict(SAID))]
    for done, span in enumerate(asked):

        def say(what: str, span: Span = span, done: int = done) -> None:
            watch(Step(span.month, what, done, len(asked)))

        key = _key(settings, playbook, data_digest, span)
        rows = read_rows(settings.store.folder, key, SAID)
        if rows is None:
            say("Asking the playbook")
            then = _then(history, settings, span, playbook, say)
            rows = _said(history, then, past.filter(pl.col("month") == span.month))
            keep_rows(settings.store.folder, key, rows)
        parts.append(rows)
    found = pl.concat(parts)
    return past.join(found, on=["lead_id", "moment"], how="left", maintain_order="left")


def _key(
    settings: Settings, playbook: Playbook | None, data_digest: str, span: Span
) -> str:
    of_month = key_of(settings, data_digest, span)
    told = "" if playbook is None else playbook.digest
    return f"{of_month}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _then(
    history: History,
    settings: Settings,
    span: Span,
    playbook: Playbook | None,
    say: Callable[[str], None],
) -> _Then | None:
    """Gather what was known at a month's first moment; None without a model."""
    then = history.until(span.start)
    try:
        made = month_model(then, settings, say=say)
    except (DataRefused, LeakRefused, BadConfig):
        return None
    return _Then(
        made.bundle,
        Norms.of(then, settings.criteria),
        playbook,
        _card(playbook, made, world_of(settings, history)),
    )


def _card(
    playbook: Playbook | None, made: MonthModel, world: World
) -> Scorecard | None:
    """Give the playbook's own scorecard, else the one that was learned then."""
    if playbook is not None and playbook.points is not None:
        return playbook.points
    if not made.points:
        return None
    loose = World(fields=world.fields, words=world.words, zone=world.zone)
    try:
        return parse_points(made.points, loose)
    except BadConfig:  # it found nothing that tells anything
        return None


def _said(history: History, then: _Then | None, rows: pl.DataFrame) -> pl.DataFrame:
    found: list[tuple[object, ...]] = []
    if then is not None:
        known: dict[str, LeadHistory] = {}
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK].select("lead_id", "moment")
            found += _of_chunk(history, then, chunk, known)
    return pl.DataFrame(found, schema=dict(SAID), orient="row")


def _of_chunk(
    history: History, then: _Then, chunk: pl.DataFrame, held: dict[str, LeadHistory]
) -> Iterator[tuple[object, ...]]:
    table = build(then.bundle.catalog, history, chunk)
    asks = frozenset() if then.playbook is None else then.playbook.asks
    made = predict(
        then.bundle, table, chunk["lead_id"].to_list(),
        [EPOCH + timedelta(microseconds=at) for at in chunk["moment"]],
        version="", reasons=any(one.fact in WITH_REASONS for one in asks),
    )  # fmt: skip
    for one, moment in zip(made, chunk["moment"], strict=True):
        if one.lead_id not in held:
            held[one.lead_id] = history.lead(one.lead_id)
        seen = held[one.lead_id].as_of(moment)
        yield one.lead_id, moment, *_of_lead(then, Known(one, seen, then.norms))


def _of_lead(then: _Then, known: Known) -> tuple[int | None, bool | None, float | None]:
    leaf, calls, book = None, None, then.playbook
    if book is not None:
        plan, path = decide(book, facts_of(book, known))
        numbers = [branch.number for branch, _ in book.leaves()]
        leaf = numbers.index(path[-1].branch)
        calls = plan.task is not None and plan.task.type == CALL
    score = points_of(then.card, book or NO_BOOK, known)
    return leaf, calls, None if score is None else score.points
