"""Points at work: which scorecard counts, who stands where in it, what it got right.

The owner's own scorecard counts if the playbook holds one, else the one that was
learned beside the model in use. Leads of the past are scored as they were known at
moments that neither had learned from.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from scipy.stats import binomtest

from leads.errors import BadConfig, NoModel, UnknownLead
from leads.history import History
from leads.settings import Settings
from leads.wholefile import replace_whole
from model.examples.snapshots import take
from model.examples.split import split
from model.metrics import scores
from model.points.record import Rival
from model.promotion import champion
from model.proof.record import Proof
from playbook.known import Known, points_of
from playbook.norms import Norms
from playbook.plan import Playbook
from playbook.points import GRID, Score, Scorecard
from playbook.pointsfile import parse_points
from playbook.world import World
from serve.planning import Memory
from serve.vocabulary import kept_folder

Origin = Literal["hand", "learned"]

NO_BOOK: Final = Playbook({}, (), {})
MOST_LEADS: Final = 2_000
"""Open leads that a page scores; the likeliest ones."""

MOST_SHOWN: Final = 10
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Counted:
    """A scorecard, where it is from, and the playbook whose usage it means."""

    card: Scorecard
    origin: Origin
    playbook: Playbook = NO_BOOK

    @property
    def digest(self) -> str:
        """SHA-256 in hex of what it means."""
        book = replace(NO_BOOK, points=self.card, usage=self.playbook.usage)
        return hashlib.sha256(book.digest.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the grid: open leads in it now, and how past ones in it fared."""

    grid: str
    leads: int
    past: int = 0
    converted: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What a scorecard said of past leads: by cell, and how well it ranked them."""

    cells: tuple[Cell, ...]
    leads: int
    snapshots: int
    auc: float | None


@dataclass(frozen=True, slots=True)
class Scored:
    """An open lead with its points; ``rank`` and ``told`` go from 0 to 1, 1 the best.

    ``rank`` is its place by points, ``told`` by the model's chance.
    """

    lead_id: str
    entry: int
    chance: float
    tier: str
    score: Score
    rank: float
    told: float


def counted(
    settings: Settings, playbook: Playbook | None, world: World
) -> Counted | None:
    """Find the scorecard that counts; None if nobody wrote one and none was learned."""
    if playbook is not None and playbook.points is not None:
        return Counted(playbook.points, "hand", playbook)
    rival = rival_of(settings)
    if rival is None or not rival.traits:
        return None
    try:
        # Names may be gone from the data since; a card is no worse for asking of them.
        loose = World(
            fields=world.fields, words=world.words, language=world.language,
            zone=world.zone,
        )  # fmt: skip
        return Counted(parse_points(rival.card, loose), "learned")
    except BadConfig:  # a field of another model's card is no longer there
        return None


def rival_of(settings: Settings) -> Rival | None:
    """Look up the scorecard that the model in use was proved against."""
    try:
        found = champion.read(settings.store.folder)
    except NoModel:
        return None
    path = found.path / "proof.json"
    return Proof.from_json(path.read_text("utf-8")).rival if path.exists() else None


def score_at(
    use: Counted, memory: Memory, *, lead_id: str, moment: int
) -> Score | None:
    """Score one lead as it was known at a moment; None if it was never ingested."""
    assert memory.history is not None, "leads are scored after an ingest"
    try:
        lead = memory.history.lead(lead_id).as_of(moment)
    except UnknownLead:
        return None
    known = Known.unpredicted(lead, moment, memory.norms, memory.paid_elsewhere)
    return points_of(use.card, use.playbook, known)


def score_open(
    use: Counted, memory: Memory, rows: Sequence[Mapping[str, Any]]
) -> tuple[Scored, ...]:
    """Score open leads as of the cut-off, the most points first.

    ``rows`` give ``lead_id``, ``entry``, ``chance`` and ``tier``.
    """
    assert memory.history is not None, "leads are scored after an ingest"
    now = memory.history.cut_off
    found = []
    for row in rows:
        score = score_at(use, memory, lead_id=row["lead_id"], moment=now)
        if score is not None:
            found.append((row, score))
    by_points = sorted(score.points for _, score in found)
    by_chance = sorted(row["chance"] for row, _ in found)
    made = (
        Scored(
            row["lead_id"], row["entry"], row["chance"], row["tier"], score,
            _place(by_points, score.points), _place(by_chance, row["chance"]),
        )
        for row, score in found
    )  # fmt: skip
    return tuple(sorted(made, key=lambda one: (-one.score.points, one.lead_id)))


def _place(ranked: Sequence[float], value: float) -> float:
    """Say which part lies below, with ties by half."""
    below = bisect_left(ranked, value) + bisect_right(ranked, value)
    return below / (2 * len(ranked))


def furthest(scored: Iterable[Scored]) -> tuple[Scored, ...]:
    """Pick the leads on which points and model disagree most, by their places."""
    ranked = sorted(scored, key=lambda one: (-abs(one.rank - one.told), one.lead_id))
    return tuple(ranked[:MOST_SHOWN])


def try_points(use: Counted, history: History, settings: Settings) -> Tried:
    """Score past leads as they were known, none of which taught the scorecard.

    These are the test rows of the split. In a cell a lead counts once, at its first
    moment there.

    Raises
    ------
    DataRefused
        Nothing is labelled.
    """
    snapshots = take(history, settings)
    test = split(snapshots, settings).test
    rows = snapshots[test].sort("moment", "lead_id")
    since = rows["moment"].min()
    assert isinstance(since, int), "a split has test rows, and moments are microseconds"
    dated = history.tables.dated
    norms = Norms.of(history.until(since) if dated else history)
    memory = Memory.of(history, settings, norms)
    first: dict[tuple[str, str], bool] = {}
    said, happened = [], []
    columns = (rows[name].to_list() for name in ("lead_id", "moment", "label"))
    for lead_id, moment, label in zip(*columns, strict=True):
        score = score_at(use, memory, lead_id=lead_id, moment=moment)
        if score is None:
            continue
        first.setdefault((score.grid, lead_id), bool(label))
        said.append(float(score.points))
        happened.append(float(label))
    return Tried(
        cells=tuple(_cell(name, first) for name in GRID),
        leads=len({lead for _, lead in first}),
        snapshots=len(said),
        auc=_auc(said, happened),
    )


def _auc(said: Sequence[float], happened: Sequence[float]) -> float | None:
    if len(set(happened)) < 2:
        return None
    return round(scores(np.array(said), np.array(happened))["auc"], 6)


def _cell(name: str, first: Mapping[tuple[str, str], bool]) -> Cell:
    outcomes = [won for (grid, _), won in first.items() if grid == name]
    if not outcomes:
        return Cell(name, 0)
    won = sum(outcomes)
    span = binomtest(won, len(outcomes)).proportion_ci(CONFIDENCE, "wilson")
    rate = won / len(outcomes)
    return Cell(name, 0, len(outcomes), won, rate, float(span.low), float(span.high))


def keep_tried(settings: Settings, use: Counted, tried: Tried) -> None:
    """Keep what a scorecard was found to do, for the page."""
    path = kept_folder(settings) / f"{use.digest}.points.json"
    replace_whole(path, json.dumps(asdict(tried), indent=1).encode())


def kept_tried(settings: Settings, use: Counted) -> Tried | None:
    """Look up what a scorecard was found to do; None if it was not tried."""
    path: Path = kept_folder(settings) / f"{use.digest}.points.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Tried(**{**raw, "cells": tuple(Cell(**one) for one in raw["cells"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def grid_of(scored: Iterable[Scored], tried: Tried | None) -> tuple[Cell, ...]:
    """Join who is in each cell now with how past leads in it fared."""
    counts = pl.Series([one.score.grid for one in scored], dtype=pl.String)
    now = dict(counts.value_counts(name="n").iter_rows())
    past = {one.grid: one for one in tried.cells} if tried is not None else {}
    return tuple(
        replace(past.get(name, Cell(name, 0)), leads=now.get(name, 0)) for name in GRID
    )
