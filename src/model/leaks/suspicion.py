"""The probes of the leak gate, and what parts a leak from an honest strong field.

What goes through the one door to time (events, stages, payments, card fields with a
history of changes) cannot show the future, as long as its times are right; only strict
probes look at it. A card field without history is the danger: the value of today counts
as known from the beginning. Such fields meet every probe.

Thresholds err towards suspecting less: a field that is set aside wrongly costs
accuracy, and a leak that is left in is met again by the probe of all fields together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import polars as pl

from leads.history import History
from model.examples.labels import conversions
from model.features.catalog import OTHER_KINDS, Words
from model.leaks import wording as told
from model.leaks.collusion import kin, peel
from model.leaks.findings import Finding, Severity
from model.leaks.probes import (
    Mask,
    Rule,
    alone,
    are_plans,
    binned,
    compare_fill,
    fill_rules,
    later_than_seen,
    ruled_out,
    rules,
    unheard_of,
)
from model.leaks.scene import MOST_ROWS, Scene, Sight

SAYS_ALL: Final = 0.95
"""One field that ranks this well alone is a leak, whatever it is called."""
TRACKED_SAYS_ALL: Final = 0.98
SAYS_MOST: Final = 0.90
SAYS_MUCH: Final = 0.80
TELLS: Final = 0.70
"""A field that ranks this well and cannot have been known then is a certain leak."""
TOO_GOOD: Final = 0.90
LIFTS: Final = 0.08
"""One field that lifts all others by this much, to ``TOO_GOOD``, is suspected."""
COVERS_SOME: Final = 0.3
COVERS_MOST: Final = 0.6
FILLED_COVERS: Final = 0.05
DATES: Final = 0.05
FOLLOWS: Final = 0.95
FEWEST_LEADS: Final = 30
SURE: Final = 3.0
"""Standard errors from chance."""

MOST_JOINT_ROWS: Final = 6_000

CLOSING: Final = re.compile(
    r"(?:^|[\W_\d])(clos(?:e|ed|ing|ure)|won|lost|закры\w*)(?=$|[\W_\d])", re.IGNORECASE
)
FORETOLD: Final = re.compile(r"expect|plan|forecast|target|prev|last|ожида|прошл", re.I)


def _alone(sight: Sight) -> Iterator[Finding]:
    """LK01: one field that ranks better than any could, or lifts all others so."""
    scene = sight.first
    for name, ranks in scene.alone.items():
        if ranks >= (TRACKED_SAYS_ALL if name in scene.tracked else SAYS_ALL):
            yield Finding("LK01", name, "certain", told.ranks_alone(ranks))
        elif name in scene.tracked or ranks < TELLS:
            continue
        elif ranks >= SAYS_MOST:
            yield Finding("LK01", name, "suspected", told.ranks_alone(ranks))
        elif scene.together >= TOO_GOOD and _tells_beyond_never(scene, name):
            others = {f.field for f in scene.catalog.features} - {name}
            without_it, _ = scene.bench(others, most=MOST_ROWS).judged()
            if scene.together - without_it >= LIFTS:
                words = told.lifts(ranks, scene.together, without_it)
                yield Finding("LK01", name, "suspected", words)


def _tells_beyond_never(scene: Scene, name: str) -> bool:
    """Say whether a field does more than rule leads out, which honest ones may do."""
    rest = ~ruled_out(scene.codes[name], scene.labels, scene.fit)
    left = scene.labels[rest], scene.fit[rest]
    return alone(scene.codes[name][rest], *left) >= TELLS


def _rules(sight: Sight) -> Iterator[Finding]:
    """LK02: values of which (almost) everybody, or nobody, converts."""
    scene = sight.first
    for name in scene.untracked:
        found = rules(scene.codes[name], scene.labels, scene.fit)
        if weighty := _weighty(found, scene.alone[name], least=COVERS_SOME):
            yield Finding("LK02", name, *weighty)


def _weighty(
    found: Iterable[Rule], ranks: float, *, least: float
) -> tuple[Severity, Words] | None:
    """Weigh the widest rule; that some never convert may be quite honest.

    Who is insured already does not buy an insurance: a rule of "never" counts only if
    it goes with a field that ranks nearly everybody right.
    """
    kept = [
        rule
        for rule in found
        if rule.cover >= (least if rule.converts else COVERS_SOME)
        and (rule.converts or ranks >= SAYS_MUCH)
    ]
    if not kept:
        return None
    widest = max(kept, key=lambda rule: rule.cover)
    sure = widest.cover >= COVERS_MOST and ranks >= SAYS_MOST
    return "certain" if sure else "suspected", told.says(widest)


def _emptiness(sight: Sight) -> Iterator[Finding]:
    """LK03: filled for one outcome only; or empty because it will change later."""
    scene = sight.first
    for name in scene.untracked:
        filled = scene.columns[name].is_not_null().to_numpy()
        found = fill_rules(filled, scene.labels, scene.fit)
        ranks = alone(filled.astype(np.intp), scene.labels, scene.fit)
        if weighty := _weighty(found, ranks, least=FILLED_COVERS):
            yield Finding("LK03", name, *weighty)
    for name in scene.columns:
        if name in scene.tracked and (gap := _empty_until_changed(scene, name)):
            yield Finding("LK03", name, "suspected", gap)


def _empty_until_changed(scene: Scene, name: str) -> Words | None:
    """Notice a field that is filled unless it changes later: its old value is lost."""
    changed = scene.history.tables.field_changes.filter(pl.col("field") == name)
    known = (pl.col("at") <= pl.col("moment")) & (
        pl.col("recorded_at") <= pl.col("moment")
    )
    asked = scene.moments.with_columns(
        moment=pl.from_epoch("moment", time_unit="us").dt.replace_time_zone("UTC")
    )
    seen = asked.join(changed, on="lead_id", how="left").group_by("row").agg(
        later=pl.col("at").is_not_null().any() & ~known.fill_null(value=False).any(),
        never=pl.col("at").is_null().all(),
    )  # fmt: skip
    seen = seen.sort("row")
    empty = scene.columns[name].is_null().to_numpy()
    later, never = seen["later"].to_numpy(), seen["never"].to_numpy()
    if later.sum() < FEWEST_LEADS or never.sum() < FEWEST_LEADS:
        return None
    if empty[later].mean() < FOLLOWS or empty[never].mean() > 1 - FOLLOWS:
        return None
    return told.changes_later(empty[later].mean(), empty[never].mean())


def _filled_late(sight: Sight) -> Iterator[Finding]:
    """LK04: past leads have it, or have values, that no open lead has."""
    scene = sight.first
    if len(sight.fresh) < FEWEST_LEADS:
        return
    moments = scene.moments["moment"].to_numpy()
    newer = moments >= np.median(moments)
    for name in scene.untracked:
        now = sight.fresh_cards[name]
        values = scene.columns[name]
        there = values.is_not_null().to_numpy()
        fill = compare_fill(there[newer], now.is_not_null().to_numpy())
        ranks = scene.alone[name]
        if fill.absent:
            sure = fill.fresh <= fill.past * 0.02 and ranks >= TELLS
            yield Finding(
                "LK04",
                name,
                "certain" if sure else "suspected",
                told.absent(fill, ranks),
            )
        elif ranks >= SAYS_MUCH and values.dtype in (pl.String, pl.Boolean):
            both = pl.concat([values, now.alias(name)])
            fit = np.append(scene.fit, np.zeros(len(now), dtype=np.bool_))
            codes = binned(both, fit)
            past, fresh = codes[: len(values)], codes[len(values) :]
            part = unheard_of(past[newer], fresh, levels=range(2, codes.max() + 1))
            if part >= 0.5:
                yield Finding("LK04", name, "suspected", told.unheard(part, ranks))


def _following(sight: Sight) -> Iterator[Finding]:
    """LK05: kinds of events that foretell for certain, or only come afterwards."""
    scene = sight.last
    kinds = {
        f.of: f.field
        for f in scene.catalog.features
        if f.kind.startswith("event_") and f.of and f.of != OTHER_KINDS
    }
    if not kinds:
        return
    usual = float(scene.labels.mean())
    past = _have(scene.history, scene.moments)
    fresh = _have(scene.history, sight.fresh)
    after = {} if scene.settings.conversion.repeat else _only_after(scene)
    for kind, name in kinds.items():
        seen = past.get(kind, np.zeros(len(scene.labels), dtype=np.bool_))
        now = fresh.get(kind, np.zeros(len(sight.fresh), dtype=np.bool_))
        always = [r for r in fill_rules(seen, scene.labels, scene.fit) if r.converts]
        fill = compare_fill(seen, now)
        if always and seen.mean() < 0.5 and fill.absent:
            yield Finding("LK05", name, "certain", told.foretells(always[0], fill))
        elif kind in after and usual < 0.85:
            yield Finding("LK05", name, "suspected", after[kind])


def _have(history: History, moments: pl.DataFrame) -> dict[str, Mask]:
    """Say of each kind of event which rows have seen one."""
    if moments.is_empty():
        return {}
    shown = history.visible("events", moments).select("row", "kind").unique().collect()
    found: dict[str, Mask] = {}
    for (kind,), rows in shown.group_by("kind"):
        mask = np.zeros(len(moments), dtype=np.bool_)
        mask[rows["row"].to_numpy()] = True
        found[str(kind)] = mask
    return found


def _only_after(scene: Scene) -> dict[str, Words]:
    """Find kinds whose events were known only once the lead had converted."""
    became = conversions(scene.history, scene.settings)
    if became["converted_at"].null_count() == len(became):
        return {}
    first = (
        scene.history.coded("events")
        .group_by("lead", "kind")
        .agg(at=pl.max_horizontal("at", "recorded_at").min())
        .join(became.select("lead", "converted_at"), on="lead")
        .group_by("kind")
        .agg(
            leads=pl.len(),
            after=(pl.col("at") >= pl.col("converted_at"))
            .fill_null(value=False)
            .mean(),
        )
        .filter(pl.col("leads") >= FEWEST_LEADS, pl.col("after") >= FOLLOWS)
        .sort("kind")
    )
    return {
        kind: told.follows(leads, after) for kind, leads, after in first.iter_rows()
    }


def _late_dates(sight: Sight) -> Iterator[Finding]:
    """LK06: dates of what had not happened yet, and that are no plans."""
    scene = sight.first
    if not scene.history.tables.dated:
        return
    cut_off = scene.history.cut_off
    for name, values in scene.times.items():
        if are_plans(scene.history.leads[name].drop_nulls().to_numpy(), cut_off):
            continue
        known = values.is_not_null()
        moments = scene.moments["moment"].filter(known).to_numpy()
        part = later_than_seen(values.filter(known).to_numpy(), moments)
        if part >= DATES:
            ranks = scene.alone[name]
            sure = ranks >= TELLS
            yield Finding(
                "LK06",
                name,
                "certain" if sure else "suspected",
                told.stamps(part, ranks),
            )


def _closing_names(sight: Sight) -> Iterator[Finding]:
    """LK09: called after the close, and telling something of the outcome."""
    scene = sight.first
    unseen = scene.labels[~scene.fit]
    won, lost = float(unseen.sum()), float((1 - unseen).sum())
    if not (won and lost):
        return
    error = np.sqrt((won + lost + 1) / (12 * won * lost))  # Mann and Whitney 1947
    for name in scene.untracked:
        ranks = scene.alone[name]
        speaks = CLOSING.search(name) and not FORETOLD.search(name)
        if speaks and ranks > 0.5 + SURE * error:
            yield Finding("LK09", name, "suspected", told.ranks_alone(ranks))


def together(sight: Sight, barred: set[str]) -> Iterator[Finding]:
    """LK07: what is left is implausibly good together."""
    scene = sight.first
    left = [name for name in scene.untracked if name not in barred]
    if not left:
        return
    found = peel(scene.bench(left, most=MOST_JOINT_ROWS))
    for name in found.fields:
        yield Finding(
            "LK07", name, "suspected", told.colludes(found.before, found.after)
        )


def named_alike(sight: Sight, leaking: set[str]) -> Iterator[Finding]:
    """LK08: of one name with at least three that leak."""
    for name, opening in kin(sight.first.untracked, leaking).items():
        words = told.called_alike(opening)
        yield Finding("LK08", name, "suspected", words)


Probe = Callable[[Sight], Iterator[Finding]]
PROBES: Final[tuple[Probe, ...]] = (
    _alone,
    _rules,
    _emptiness,
    _filled_late,
    _following,
    _late_dates,
    _closing_names,
)
"""Probes of one field each; ``together`` and ``named_alike`` look at what they left."""
