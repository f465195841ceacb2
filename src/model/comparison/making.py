"""Two bundles on the same data: who is better, who moves, and why.

Figures are of the rows of ``model.promotion.trial``, which neither learned from if
there are any; tiers and moves are of the leads that are open now. A lead's move is
split by field with the arithmetic of ``model.change``: the data and the moment are the
same, so the model accounts for all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from leads.decision import Tier
from leads.history import History
from leads.settings import Settings
from leads.store import content_digest
from model.bundle.whole import Bundle
from model.change.split import Stop, split
from model.comparison.records import (
    BETTER,
    Comparison,
    FieldMove,
    FieldWeight,
    Figure,
    LeadMove,
    Note,
    TierMove,
    Version,
)
from model.examples.snapshots import open_leads
from model.features.batch import build
from model.features.catalog import Catalog, FeatureTable, Numbers, Words
from model.features.wording import subject_of
from model.metrics import measure, paired_differences, probabilities
from model.promotion.trial import Ground, aim_of, shared_ground
from model.reasons.explanation import shares

MOST_MOVES: Final = 20
LEAST_MOVE: Final = 0.001
"""Points of probability below which a lead has not moved."""

MOST_FIELDS: Final = 5
"""Fields that are named of a move; what the others moved is the rest."""

MOST_EXPLAINED: Final = 500
"""Open leads that fields are weighed on."""

DIGITS: Final = 6


@dataclass(frozen=True)
class Contender:
    """A bundle, and the name its version goes by."""

    version: Version
    bundle: Bundle


@dataclass(frozen=True)
class _Both:
    """What either says of the same leads: features, log-odds and tiers."""

    tables: tuple[FeatureTable, FeatureTable]
    log_odds: tuple[Numbers, Numbers]


def compare(
    history: History, settings: Settings, *, old: Contender, new: Contender
) -> Comparison:
    """Hold one version against another on what is known today.

    Raises
    ------
    DataRefused
        Nothing in the history is labelled.
    """
    made = Comparison(
        old.version, new.version, content_digest(history.tables),
        names=_names(old.bundle.catalog, new.bundle.catalog),
    )  # fmt: skip
    bundles = (old.bundle, new.bundle)
    if aim_of(old.bundle.manifest) != aim_of(new.bundle.manifest):
        return replace(made, note="other_aim")
    ground = shared_ground(history, settings, new.bundle.manifest, old.bundle.manifest)
    made = _judged(made, ground, bundles, history)
    asked = open_leads(history, settings)
    if asked.is_empty():
        return made
    both = _both(bundles, history, asked)
    before = old.bundle.tiers(both.tables[0], both.log_odds[0].tolist())
    after = new.bundle.tiers(both.tables[1], both.log_odds[1].tolist(), previous=before)
    counted = Counter(zip(before, after, strict=True))
    return replace(
        made,
        leads=len(asked),
        tiers=tuple(TierMove(*pair, n) for pair, n in sorted(counted.items())),
        moves=_moves(bundles, both, asked["lead_id"].to_list(), (before, after)),
        weights=_weights(bundles, both),
    )


def _judged(
    made: Comparison,
    ground: Ground,
    bundles: tuple[Bundle, Bundle],
    history: History,
) -> Comparison:
    labels, leads = ground.rows.labels, ground.rows.leads
    note: Note = "not_parted" if ground.rows.note else ""
    if not len(labels) or len(np.unique(labels)) < 2:
        return replace(made, note="no_rows")
    both = _both(bundles, history, ground.moments)
    seed = bundles[1].manifest.settings["model"]["seed"]
    rate = bundles[1].manifest.base_rate
    old, new = (
        measure(said, labels, leads, base_rate=rate, seed=seed)
        for said in both.log_odds
    )
    paired = paired_differences(
        both.log_odds[1], both.log_odds[0], labels, leads, seed=seed
    )
    figures = tuple(
        Figure(
            name,
            *(
                round(x, DIGITS)
                for x in (old[name].value, new[name].value, paired[name].value,
                          paired[name].low, paired[name].high)
            ),
        )
        for name in BETTER
    )  # fmt: skip
    return replace(
        made,
        rows=len(labels),
        converted=int(labels.sum()),
        note=note,
        figures=figures,
    )


def _both(
    bundles: tuple[Bundle, Bundle], history: History, asked: pl.DataFrame
) -> _Both:
    """Let both look; features of one catalog are built once."""
    old, new = bundles
    first = build(old.catalog, history, asked)
    same = old.catalog.digest == new.catalog.digest
    second = first if same else build(new.catalog, history, asked)
    return _Both((first, second), (old.log_odds(first), new.log_odds(second)))


def _moves(
    bundles: tuple[Bundle, Bundle],
    both: _Both,
    lead_ids: Sequence[str],
    tiers: tuple[Sequence[Tier], Sequence[Tier]],
) -> tuple[LeadMove, ...]:
    """Explain the leads whose chance moves most."""
    old, new = (probabilities(said) for said in both.log_odds)
    gaps = np.abs(new - old)
    far = np.argsort(-gaps, kind="stable")[:MOST_MOVES]
    found = []
    for row in far[gaps[far] >= LEAST_MOVE].tolist():
        stops = [
            Stop.at(bundle, table.rows(np.array([row], dtype=np.intp)))
            for bundle, table in zip(bundles, both.tables, strict=True)
        ]
        (part,) = split(stops, [("model",)])
        fields, rest = part.fields or {}, part.field_points
        base = part.points - sum(rest.values())
        ranked = sorted(fields, key=lambda name: -abs(rest[name]))[:MOST_FIELDS]
        found.append(
            LeadMove(
                lead_id=lead_ids[row],
                old=round(float(old[row]), DIGITS),
                new=round(float(new[row]), DIGITS),
                old_tier=tiers[0][row],
                new_tier=tiers[1][row],
                base=round(base, DIGITS),
                fields=tuple(
                    FieldMove(
                        name, round(fields[name], DIGITS), round(rest[name], DIGITS)
                    )
                    for name in ranked
                ),
                more=sum(1 for points in rest.values() if points) - len(ranked),
            )
        )
    return tuple(found)


def _weights(bundles: tuple[Bundle, Bundle], both: _Both) -> tuple[FieldWeight, ...]:
    """Say which part of all moves each field makes; the greatest change first."""
    old, new = (
        _parts(bundle, table)
        for bundle, table in zip(bundles, both.tables, strict=True)
    )
    every = dict.fromkeys([*new, *old])
    found = [FieldWeight(name, old.get(name), new.get(name)) for name in every]
    return tuple(sorted(found, key=lambda one: (-abs(one.gained), one.field)))


def _parts(bundle: Bundle, table: FeatureTable) -> dict[str, float]:
    even = np.linspace(0, len(table) - 1, min(MOST_EXPLAINED, len(table)))
    chosen = table.rows(np.unique(even.astype(np.intp)))
    fields, summed = shares(bundle, bundle.contributions(chosen))
    sizes = np.abs(summed).mean(axis=0)
    total = float(sizes.sum()) or 1.0
    return {
        field: round(float(size) / total, DIGITS)
        for field, size in zip(fields, sizes, strict=True)
    }


def _names(*catalogs: Catalog) -> dict[str, Words]:
    return {
        feature.field: subject_of(feature)
        for catalog in catalogs
        for feature in catalog.features
    }
