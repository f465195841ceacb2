"""The leak gate: fields that know the outcome never reach the learner unseen.

What goes through the one door to time (events, stages, payments, card fields with a
history of changes) cannot show the future, as long as its times are right; only strict
probes look at it. A card field without history is the danger: the value of today counts
as known from the beginning. Such fields meet every probe.

Thresholds part leaks from honest strong fields and err towards suspecting less: a field
that is set aside wrongly costs accuracy, and a leak that is left in is met again by the
probe of all fields together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from leads.errors import LeakRefused
from leads.history import History
from leads.settings import Settings
from leads.tables import FieldType
from model.boosting import Matrix
from model.catalog import OTHER_KINDS, Catalog, FeatureTable, Numbers, Words
from model.collusion import Bench, kin, peel, rows_of
from model.findings import TITLES, Finding, Inspection, Severity, percent
from model.labels import conversions
from model.metrics import Codes
from model.probes import (
    Fill,
    Mask,
    Rule,
    alone,
    binned,
    compare_fill,
    fill_rules,
    halves,
    later_than_seen,
    rules,
    unheard_of,
)
from model.snapshots import open_leads

SAYS_ALL: Final = 0.95
"""One field that ranks this well alone is a leak, whatever it is called."""
TRACKED_SAYS_ALL: Final = 0.98
SAYS_MOST: Final = 0.90
SAYS_MUCH: Final = 0.80
BEATS_OTHERS: Final = 0.02
"""So much better than all other fields together is one field suspected."""
TELLS: Final = 0.70
"""A field that ranks this well and cannot have been known then is a certain leak."""
SOME_ROWS: Final = 0.1
COVERS_SOME: Final = 0.3
COVERS_MOST: Final = 0.6
FILLED_COVERS: Final = 0.05
DATES: Final = 0.05
FOLLOWS: Final = 0.95
FEWEST_LEADS: Final = 30
SURE: Final = 3.0
"""Standard errors from chance."""

MOST_ROWS: Final = 20_000
MOST_JOINT_ROWS: Final = 6_000

CLOSING: Final = re.compile(
    r"(?:^|[\W_\d])(clos(?:e|ed|ing|ure)|won|lost|закры\w*)(?=$|[\W_\d])", re.IGNORECASE
)
FORETOLD: Final = re.compile(r"expect|plan|forecast|target|prev|last|ожида|прошл", re.I)


@dataclass(frozen=True)
class Scene:
    """The training snapshots as the gate sees them.

    ``moments`` has ``row``, ``lead_id`` and ``moment`` of n rows; ``table``, ``labels``
    and ``leads`` are in their order.
    """

    catalog: Catalog
    history: History
    settings: Settings
    moments: pl.DataFrame
    table: FeatureTable
    labels: Numbers
    leads: Codes

    def rows(self, index: Codes) -> Scene:
        """Take some rows, their moments numbered anew."""
        moments = self.moments[index].with_columns(
            row=pl.int_range(pl.len(), dtype=pl.UInt32)
        )
        return replace(
            self, moments=moments, table=self.table.rows(index),
            labels=self.labels[index],
            leads=np.unique(self.leads[index], return_inverse=True)[1].astype(np.intp),
        )  # fmt: skip

    def one_each(self, *, last: bool) -> Scene:
        """Keep the first or the last snapshot of each lead, of many leads evenly."""
        moment = self.moments["moment"].to_numpy()
        order = np.lexsort((-moment if last else moment, self.leads))
        _, first = np.unique(self.leads[order], return_index=True)
        chosen = order[first]
        return self.rows(np.sort(chosen[rows_of(chosen, MOST_ROWS)]))

    @cached_property
    def fit(self) -> Mask:
        """Mark the half of the leads that probes are fitted on."""
        return halves(self.leads, self.settings.model.seed)

    @cached_property
    def cards(self) -> pl.DataFrame:
        """The leads' cards as known at the moments."""
        return self.history.cards(self.moments)

    @cached_property
    def tracked(self) -> frozenset[str]:
        """Card fields whose changes are known."""
        return frozenset(self.history.tables.field_changes["field"].unique())

    @cached_property
    def columns(self) -> Mapping[str, pl.Series]:
        """Card fields of the catalog; times as how long before the moment they were."""
        known = {feature.field for feature in self.catalog.features}
        found = {}
        for name in (*self.history.tables.fields, "source", "pipeline", "owner"):
            if name in known and name in self.cards.columns:
                values = self.cards[name]
                if self._is_time(name):
                    values = self.moments["moment"] - values
                found[name] = values.alias(name)
        return found

    def _is_time(self, name: str) -> bool:
        return self.history.tables.fields.get(name) == FieldType.TIME

    @cached_property
    def times(self) -> Mapping[str, pl.Series]:
        """Untracked card fields that hold dates, as microseconds."""
        return {
            name: self.cards[name]
            for name in self.columns
            if self._is_time(name) and name not in self.tracked
        }

    @cached_property
    def codes(self) -> Mapping[str, Codes]:
        """Card fields of the catalog as codes."""
        return {name: binned(values, self.fit) for name, values in self.columns.items()}

    @cached_property
    def alone(self) -> Mapping[str, float]:
        """How well each card field alone ranks the outcomes of unseen leads."""
        return {
            name: alone(codes, self.labels, self.fit)
            for name, codes in self.codes.items()
        }

    @cached_property
    def untracked(self) -> tuple[str, ...]:
        """Card fields whose value of today counts as known from the beginning."""
        return tuple(name for name in self.columns if name not in self.tracked)

    def bench(self, fields: Iterable[str] | None = None, *, most: int) -> Bench:
        """Put features on the bench: of some fields, or of all."""
        chosen = rows_of(self.labels, most)
        matrix = Matrix(
            self.catalog.encode(self.table.rows(chosen)),
            self.labels[chosen],
            self.catalog.text_columns,
        )
        names = tuple(feature.field for feature in self.catalog.features)
        bench = Bench(matrix, self.fit[chosen], names)
        return bench if fields is None else bench.only(set(fields))


@dataclass(frozen=True)
class Sight:
    """What the probes look at: each lead first and last seen, and leads open today."""

    first: Scene
    last: Scene
    fresh: pl.DataFrame

    @cached_property
    def fresh_cards(self) -> pl.DataFrame:
        """Cards of the open leads as known now."""
        return self.first.history.cards(self.fresh)


def inspect(scene: Scene) -> Inspection:
    """Ask every probe about the training snapshots; decide nothing yet."""
    first = scene.one_each(last=False)
    if not 0 < first.labels[first.fit].sum() < first.fit.sum():
        return Inspection()  # too little to tell: the learner will refuse it
    fresh = open_leads(scene.history, scene.settings)
    sight = Sight(first, scene.one_each(last=True), fresh)
    trusted = scene.settings.model.trust
    found = [finding for _, probe in PROBES for finding in probe(sight)]
    barred = {f.field for f in found} | set(trusted)
    found += _together(sight, barred)
    found += _named_alike(sight, {f.field for f in found})
    marked = (replace(f, trusted=f.field in trusted) for f in found)
    told = sorted(marked, key=lambda f: (f.severity, f.code))
    return Inspection(tuple(_probed(sight)), tuple(told), tuple(trusted))


def refuse_certain(inspection: Inspection) -> None:
    """Stop if there is a certain leak that nobody vouches for.

    Raises
    ------
    LeakRefused
        Names every suspicion, its evidence, and the ways out.
    """
    if not inspection.certain:
        return
    names = ", ".join(repr(name) for name in inspection.certain)
    lines = "".join(f"\n  - {f}" for f in inspection.findings if not f.trusted)
    raise LeakRefused(
        f"The outcome leaks through {names}: a model would learn what nobody knows"
        f" while the lead is open.{lines}\n",
        remedy="Exclude these fields ([source] exclude, or [model] exclude), bring the"
        " history of their changes as field_changes, or, if they are known in time,"
        " vouch for them by [model] trust.",
    )


def without(
    catalog: Catalog, table: FeatureTable, fields: Iterable[str]
) -> tuple[Catalog, FeatureTable]:
    """Take fields out of a catalog, and their columns out of its table."""
    gone = set(fields)
    numbers = [f.field not in gone for f in catalog.number_features]
    texts = [f.field not in gone for f in catalog.text_features]
    kept = tuple(f for f in catalog.features if f.field not in gone)
    if not kept:
        raise LeakRefused(
            f"Nothing is left to learn from without {sorted(gone)}, which are suspected"
            " of leaking the outcome.",
            remedy="Bring other fields, or vouch for some of these by [model] trust.",
        )
    names = {f.name for f in kept}
    levels = {name: v for name, v in catalog.levels.items() if name in names}
    notes = tuple(f"{name!r} was set aside as a suspected leak" for name in sorted(gone))
    return (
        replace(catalog, features=kept, levels=levels, notes=catalog.notes + notes),
        FeatureTable(table.numbers[:, numbers], table.texts[:, texts]),
    )


def _probed(sight: Sight) -> Iterator[str]:
    tables = sight.first.history.tables
    events = len(tables.events) > 0
    barred = {
        "LK04": not len(sight.fresh),
        "LK05": not events,
        "LK06": not (sight.first.times and tables.dated),
    }
    for code in TITLES:
        if not barred.get(code, False):
            yield code


def _alone(sight: Sight) -> Iterator[Finding]:
    """LK01: one field that ranks better than any, or than all others together."""
    scene = sight.first
    for name, ranks in scene.alone.items():
        if ranks >= (TRACKED_SAYS_ALL if name in scene.tracked else SAYS_ALL):
            yield _finding("LK01", name, "certain", _ranks(ranks))
        elif name in scene.tracked or ranks < SAYS_MUCH:
            continue
        elif ranks >= SAYS_MOST:
            yield _finding("LK01", name, "suspected", _ranks(ranks))
        elif _sees_exactly(scene, name):
            others = {f.field for f in scene.catalog.features} - {name}
            together, _ = scene.bench(others, most=MOST_ROWS).judged()
            if ranks - together >= BEATS_OTHERS:
                yield _finding("LK01", name, "suspected", _beats(ranks, together))


def _sees_exactly(scene: Scene, name: str) -> bool:
    found = rules(scene.codes[name], scene.labels, scene.fit)
    return any(rule.cover >= SOME_ROWS for rule in found)


def _rules(sight: Sight) -> Iterator[Finding]:
    """LK02: values of which (almost) everybody, or nobody, converts."""
    scene = sight.first
    for name in scene.untracked:
        found = rules(scene.codes[name], scene.labels, scene.fit)
        rule = max(found, key=lambda item: item.cover, default=None)
        if rule and rule.cover >= COVERS_SOME:
            sure = rule.cover >= COVERS_MOST and scene.alone[name] >= SAYS_MUCH
            yield _finding(
                "LK02", name, "certain" if sure else "suspected", _says(rule)
            )


def _emptiness(sight: Sight) -> Iterator[Finding]:
    """LK03: filled for one outcome only; or empty because it will change later."""
    scene = sight.first
    for name in scene.untracked:
        filled = scene.columns[name].is_not_null().to_numpy()
        found = fill_rules(filled, scene.labels, scene.fit)
        rule = max(found, key=lambda item: item.cover, default=None)
        if rule and rule.cover >= FILLED_COVERS:
            sure = rule.cover >= COVERS_MOST
            yield _finding(
                "LK03", name, "certain" if sure else "suspected", _says(rule)
            )
    for name in scene.columns:
        if name in scene.tracked and (gap := _empty_until_changed(scene, name)):
            yield _finding("LK03", name, "suspected", gap)


def _empty_until_changed(scene: Scene, name: str) -> Words | None:
    """Notice a field that is filled unless it changes later: its old value is lost."""
    changed = scene.history.tables.field_changes.filter(pl.col("field") == name)
    known = (pl.col("at") <= pl.col("moment")) & (pl.col("recorded_at") <= pl.col("moment"))
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
    return Words(
        f"empty for {percent(empty[later].mean())} of the leads where it changes later"
        f" and for {percent(empty[never].mean())} of those where it never does: bring"
        " old_value in field_changes",
        f"пусто у {percent(empty[later].mean())} лидов, у которых поле потом изменится,"
        f" и у {percent(empty[never].mean())} тех, у кого нет: добавьте old_value в"
        " field_changes",
    )


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
            yield _finding(
                "LK04", name, "certain" if sure else "suspected", _absent(fill, ranks)
            )
        elif ranks >= SAYS_MUCH and values.dtype in (pl.String, pl.Boolean):
            both = pl.concat([values, now.alias(name)])
            fit = np.append(scene.fit, np.zeros(len(now), dtype=np.bool_))
            codes = binned(both, fit)
            past, fresh = codes[: len(values)], codes[len(values) :]
            part = unheard_of(past[newer], fresh, levels=range(2, codes.max() + 1))
            if part >= 0.5:
                yield _finding("LK04", name, "suspected", _unheard(part, ranks))


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
            yield _finding("LK05", name, "certain", _foretells(always[0], fill))
        elif kind in after and usual < 0.85:
            yield _finding("LK05", name, "suspected", after[kind])


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
            after=(pl.col("at") >= pl.col("converted_at")).fill_null(value=False).mean(),
        )
        .filter(pl.col("leads") >= FEWEST_LEADS, pl.col("after") >= FOLLOWS)
        .sort("kind")
    )
    return {
        kind: Words(
            f"of {leads:,} leads with it, {percent(after)} had it first at or after"
            " their conversion",
            f"из {leads} лидов с ним у {percent(after)} оно появилось не раньше"
            " конверсии",
        )
        for kind, leads, after in first.iter_rows()
    }


def _late_dates(sight: Sight) -> Iterator[Finding]:
    """LK06: dates of what had not happened yet, and that are no plans."""
    scene = sight.first
    if not scene.history.tables.dated:
        return
    for name, values in scene.times.items():
        known = values.is_not_null()
        part = later_than_seen(
            values.filter(known).to_numpy(),
            scene.moments["moment"].filter(known).to_numpy(),
            scene.history.cut_off,
        )
        if part >= DATES:
            ranks = scene.alone[name]
            sure = ranks >= TELLS
            yield _finding(
                "LK06", name, "certain" if sure else "suspected", _stamps(part, ranks)
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
            yield _finding("LK09", name, "suspected", _ranks(ranks))


def _together(sight: Sight, barred: set[str]) -> Iterator[Finding]:
    """LK07: what is left is implausibly good together."""
    scene = sight.first
    left = [name for name in scene.untracked if name not in barred]
    if not left:
        return
    found = peel(scene.bench(left, most=MOST_JOINT_ROWS))
    for name in found.fields:
        yield _finding("LK07", name, "suspected", _colludes(found.before, found.after))


def _named_alike(sight: Sight, leaking: set[str]) -> Iterator[Finding]:
    """LK08: of one name with at least three that leak."""
    for name, opening in kin(sight.first.untracked, leaking).items():
        words = Words(
            f"other fields called {opening!r}... leak the outcome",
            f"другие поля с названием «{opening}…» выдают исход",
        )
        yield _finding("LK08", name, "suspected", words)


Probe = Callable[[Sight], Iterator[Finding]]
PROBES: Final[tuple[tuple[str, Probe], ...]] = (
    ("LK01", _alone),
    ("LK02", _rules),
    ("LK03", _emptiness),
    ("LK04", _filled_late),
    ("LK05", _following),
    ("LK06", _late_dates),
    ("LK09", _closing_names),
)


def _finding(code: str, field: str, severity: Severity, evidence: Words) -> Finding:
    return Finding(code, field, severity, evidence)


def _ranks(ranks: float) -> Words:
    return Words(
        f"alone it ranks unseen leads with AUC {ranks:.3f}",
        f"одно оно упорядочивает новых лидов с AUC {ranks:.3f}",
    )


def _beats(ranks: float, together: float) -> Words:
    return Words(
        f"alone it ranks unseen leads with AUC {ranks:.3f}, all other fields together"
        f" with {together:.3f}, and some of its values decide the outcome",
        f"одно оно упорядочивает новых лидов с AUC {ranks:.3f}, все другие поля вместе"
        f" с {together:.3f}, а часть его значений решает исход",
    )


def _says(rule: Rule) -> Words:
    what, chto = (
        ("converted", "конверсий") if rule.converts else ("not converted", "потерь")
    )
    return Words(
        f"where it says so, {percent(rule.rate)} of {rule.count:,} unseen leads convert"
        f" (usual {percent(rule.usual)}); that covers {percent(rule.cover)} of all"
        f" {what}",
        f"там, где оно так говорит, конверсия {percent(rule.rate)} из {rule.count} новых"
        f" лидов (обычно {percent(rule.usual)}); это {percent(rule.cover)} всех {chto}",
    )


def _absent(fill: Fill, ranks: float) -> Words:
    return Words(
        f"filled for {percent(fill.past)} of past leads and for {percent(fill.fresh)} of"
        f" {fill.fresh_count:,} open ones; alone it ranks with AUC {ranks:.3f}",
        f"заполнено у {percent(fill.past)} прошлых лидов и у {percent(fill.fresh)} из"
        f" {fill.fresh_count} открытых; одно оно даёт AUC {ranks:.3f}",
    )


def _unheard(part: float, ranks: float) -> Words:
    return Words(
        f"{percent(part)} of past leads have values that no open lead has; alone it"
        f" ranks with AUC {ranks:.3f}",
        f"у {percent(part)} прошлых лидов значения, которых нет ни у одного открытого;"
        f" одно оно даёт AUC {ranks:.3f}",
    )


def _foretells(rule: Rule, fill: Fill) -> Words:
    return Words(
        f"{percent(rule.rate)} of {rule.count:,} unseen leads with such an event convert"
        f" (usual {percent(rule.usual)}), yet of {fill.fresh_count:,} open leads"
        f" {percent(fill.fresh)} have one: it seems to be dated back",
        f"из {rule.count} новых лидов с таким событием конверсия {percent(rule.rate)}"
        f" (обычно {percent(rule.usual)}), но среди {fill.fresh_count} открытых лидов оно"
        f" есть у {percent(fill.fresh)}: похоже, его датируют задним числом",
    )


def _stamps(part: float, ranks: float) -> Words:
    return Words(
        f"{percent(part)} of its dates are later than the moment the lead is looked at,"
        f" and none lies in the future; alone it ranks with AUC {ranks:.3f}",
        f"{percent(part)} дат позже момента, на который смотрят на лида, и ни одна не в"
        f" будущем; одно оно даёт AUC {ranks:.3f}",
    )


def _colludes(before: float, after: float) -> Words:
    return Words(
        f"with it and the others found, fields rank unseen leads with AUC {before:.3f},"
        f" without them {after:.3f}",
        f"с ним и другими найденными AUC на новых лидах {before:.3f}, без них"
        f" {after:.3f}",
    )
