"""The leak gate: fields that know the outcome never reach the learner unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import polars as pl

from leads.errors import LeakRefused
from model.examples.snapshots import open_leads
from model.features.catalog import Catalog, FeatureTable
from model.leaks.findings import NOT_INSPECTED, TITLES, Inspection
from model.leaks.scene import Scene, Sight
from model.leaks.suspicion import FEWEST_LEADS, PROBES, named_alike, together


def inspect(scene: Scene) -> Inspection:
    """Ask every probe about the training snapshots; decide nothing yet."""
    first = scene.one_each(last=False)
    if not 0 < first.labels[first.fit].sum() < first.fit.sum():
        return NOT_INSPECTED  # too little to tell: the learner will refuse it
    sight = Sight(first, scene.one_each(last=True), _fresh(scene))
    trusted = scene.settings.model.trust
    found = [finding for probe in PROBES for finding in probe(sight)]
    barred = {f.field for f in found} | set(trusted)
    found += together(sight, barred)
    found += named_alike(sight, {f.field for f in found})
    marked = (replace(f, trusted=f.field in trusted) for f in found)
    told = sorted(marked, key=lambda f: (f.severity, f.code))
    return Inspection(tuple(_probed(sight)), tuple(told), tuple(trusted))


def _fresh(scene: Scene) -> pl.DataFrame:
    """Take the open leads that came after all that is learned from, if there are any.

    Where nothing ever closes a lead, the older ones of them are in truth lost.
    """
    found = open_leads(scene.history, scene.settings)
    last = scene.moments["moment"].max()
    newer = found.with_columns(created=scene.history.cards(found)["created_at"]).filter(
        pl.col("created") > last
    )
    chosen = newer.drop("created") if len(newer) >= FEWEST_LEADS else found
    return chosen.with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32))


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
    notes = tuple(
        f"{name!r} was set aside as a suspected leak" for name in sorted(gone)
    )
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
