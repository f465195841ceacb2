"""The proof cut into slices: a source, a pipeline or a month at a time.

A good figure over all leads can hide a source for which it is wrong. Slices are what a
person would ask about; managers are people and are sliced only if it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl

from leads.history import History
from leads.settings import Settings
from model.features.catalog import Numbers
from model.metrics import log_odds_of, row_losses
from model.proof.counting import Cases, Chosen, bin_of
from model.proof.record import DIGITS, SliceProof

MOST: Final = 12
"""Slices of one kind that stand alone; the smaller ones stand together."""

OTHERS: Final = "…"
UNKNOWN: Final = "—"

Groups = Mapping[str, Sequence[str | None]]


def groups_of(history: History, settings: Settings, moments: pl.DataFrame) -> Groups:
    """Say to which slices snapshots belong, as was known at their moments.

    Parameters
    ----------
    moments
        ``row`` u32, ``lead_id``, ``moment`` i64, n rows.

    Returns
    -------
    dict
        Each kind of ``[model] slices`` to n names, None where not known; months are of
        the company's zone, and undated leads have none.
    """
    asked = settings.model.slices
    cards = history.cards(moments)
    found: dict[str, Sequence[str | None]] = {
        name: cards[name].to_list() for name in asked if name != "month"
    }
    if "month" in asked and history.tables.dated:
        at = pl.from_epoch("moment", "us").dt.replace_time_zone("UTC")
        local = at.dt.convert_time_zone(settings.company.timezone)
        found["month"] = moments.select(local.dt.strftime("%Y-%m"))["moment"].to_list()
    return found


def slice_proofs(
    cases: Cases, log_odds: Numbers, groups: Groups, *, base_rate: float
) -> tuple[SliceProof, ...]:
    """Count said against happened in every slice.

    Parameters
    ----------
    cases, log_odds
        Test rows, n of them.
    groups
        As ``groups_of`` gives them for the same rows; a kind that cuts nothing is left
        out.
    base_rate
        The training rate, for what knowing nothing costs in a slice.
    """
    gains = row_losses(np.full(len(log_odds), log_odds_of(base_rate)), cases.labels)
    gains -= row_losses(log_odds, cases.labels)
    return tuple(
        _proof(kind, name, cases, chosen, gain=float(gains[chosen].mean()))
        for kind, names in groups.items()
        for name, chosen in _parts(names, in_order=kind == "month")
    )


def _proof(
    kind: str, name: str, cases: Cases, chosen: Chosen, *, gain: float
) -> SliceProof:
    kept = bin_of(cases, chosen)
    return SliceProof(
        kind=kind,
        name=name,
        count=kept.count,
        leads=len(np.unique(cases.leads[chosen])),
        converted=int(cases.labels[chosen].sum()),
        said=kept.said,
        happened=kept.happened,
        low=kept.low,
        high=kept.high,
        gain=round(gain, DIGITS),
    )


def _parts(
    names: Sequence[str | None], *, in_order: bool
) -> Iterator[tuple[str, Chosen]]:
    """Part rows by name: the largest first, months one after another."""
    known = np.array([UNKNOWN if name is None else name for name in names])
    found, counts = np.unique(known, return_counts=True)
    if len(found) < 2:
        return
    ranked = found[np.lexsort((found, -counts))]
    # A single small slice needs no company.
    alone = ranked if len(ranked) <= MOST + 1 else ranked[:MOST]
    for name in np.sort(alone) if in_order else alone:
        yield str(name), np.flatnonzero(known == name)
    if len(alone) < len(ranked):
        yield OTHERS, np.flatnonzero(~np.isin(known, alone))
