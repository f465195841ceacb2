"""From two stored predictions to a split: which stops can be made, and which cannot.

The order, always the same, from what was said before to what is said now:

1. ``rewritten``: the old model looks again, from the old moment, at what the ingested
   data say was known then. What was sent by hand or corrected since shows here.
2. ``model``: the new model looks at that same data from that same moment.
3. ``time``: it looks at the same rows from the new moment.
4. ``data``: all rows known at the new moment, as they were when it was said.

Where the old bundle, the new one or the lead's history is gone, stretches are joined:
a part with several causes says that they cannot be told apart. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leads.decision import Prediction
from leads.history import LeadHistory, microseconds
from model.bundle.whole import Bundle
from model.change.between import Arrival, arrivals
from model.change.split import Cause, Part, Stop, split
from model.features.catalog import FeatureTable
from model.features.twin import build_one

Missing = Literal["history", "old_model", "new_model", "reasons", "order"]


@dataclass(frozen=True, slots=True)
class Sources:
    """What is still there to look at again; None where it is gone.

    ``seen`` is the row of features that the old prediction was made from, readable
    where both models have one catalog.
    """

    old: Bundle | None
    new: Bundle | None
    lead: LeadHistory | None
    seen: FeatureTable | None = None


@dataclass(frozen=True, slots=True)
class Road:
    """The parts of a change in their order, what came in, and what was missing."""

    parts: tuple[Part, ...]
    arrivals: tuple[Arrival, ...] = ()
    missing: tuple[Missing, ...] = ()


def road(before: Prediction, after: Prediction, sources: Sources) -> Road:
    """Split the change between two predictions of a lead.

    The parts' log-odds add up to the difference of the stored ones, and their points to
    the difference of the stored probabilities.
    """
    stops, causes = _stops(before, after, sources)
    parts = split([*stops, Stop.said(after)], causes)
    lead, new = _known(before, sources), sources.new
    came: tuple[Arrival, ...] = ()
    if lead is not None and new is not None and after.as_of >= before.as_of:
        start, end = microseconds(before.as_of), microseconds(after.as_of)
        came = arrivals(lead, new.catalog, after=start, until=end)
    return Road(parts, came, _missing(before, after, sources))


def _stops(
    before: Prediction, after: Prediction, sources: Sources
) -> tuple[list[Stop], Sequence[tuple[Cause, ...]]]:
    """List the stops before the last one, and the causes of every stretch."""
    start, new, lead = Stop.said(before), sources.new, _known(before, sources)
    same = before.bundle_digest == after.bundle_digest
    rest: tuple[Cause, ...] = ("time", "data") if _dated(sources) else ("data",)
    if new is None or lead is None:
        if same:
            return [start, start], [("model",), rest]
        if new is not None and sources.seen is not None:
            return [start, Stop.at(new, sources.seen)], [("model",), rest]
        return [start], [("model", *rest)]
    then, now = microseconds(before.as_of), microseconds(after.as_of)
    stops, causes = _by_model(start, sources, lead, then, same=same)
    if now < then:
        return stops, [*causes, rest]
    later = Stop.at(new, build_one(new.catalog, lead.as_of(then), now))
    return [*stops, later], [*causes, ("time",), ("data",)]


def _by_model(
    start: Stop, sources: Sources, lead: LeadHistory, then: int, *, same: bool
) -> tuple[list[Stop], list[tuple[Cause, ...]]]:
    """Go from what was said to what the new model would have said of it."""
    assert sources.new is not None, "a road without the new model has no such stop"
    fresh = Stop.at(sources.new, build_one(sources.new.catalog, lead, then))
    if same:
        return [start, fresh, fresh], [("rewritten",), ("model",)]
    if sources.old is None:
        return [start, fresh], [("rewritten", "model")]
    again = Stop.at(sources.old, build_one(sources.old.catalog, lead, then))
    return [start, again, fresh], [("rewritten",), ("model",)]


def _known(before: Prediction, sources: Sources) -> LeadHistory | None:
    """Give the lead's history if it reaches back to the old moment."""
    lead = sources.lead
    if lead is None or not _dated(sources):
        return None
    known = max(lead.created_at, lead.recorded_at) <= microseconds(before.as_of)
    return lead if known else None


def _dated(sources: Sources) -> bool:
    bundle = sources.new or sources.old
    return bundle is None or bundle.manifest.cut_off is not None


def _missing(
    before: Prediction, after: Prediction, sources: Sources
) -> tuple[Missing, ...]:
    found: list[Missing] = []
    if _dated(sources) and _known(before, sources) is None:
        found.append("history")
    if before.bundle_digest != after.bundle_digest and sources.old is None:
        found.append("old_model")
    if sources.new is None:
        found.append("new_model")
    if not (before.shares and after.shares):
        found.append("reasons")
    if after.as_of < before.as_of:
        found.append("order")
    return tuple(found)
