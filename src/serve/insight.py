"""What more can be said of a predicted lead: why it changed, what if, who was alike.

Reads the journal, the ingested leads and the bundles kept in the store; writes nothing,
and least of all to the journal: a what-if is no prediction.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import numpy as np
import structlog

from crm.hearing.fresh import Fresh
from leads.decision import Prediction
from leads.errors import BadInput, DamagedBundle, Fault, Unavailable, UnknownLead
from leads.history import History, LeadHistory, microseconds
from leads.journal import Journal, Stored
from leads.lead import Event
from leads.records import MOST_LEAD_ID, text_fault
from leads.settings import Settings
from model.bundle.whole import Bundle
from model.change.road import Road, Sources, road
from model.change.telling import Ends, Line, headline, lines
from model.features.catalog import FeatureTable
from model.features.phrases import LANGUAGES
from model.features.twin import build_one
from model.promotion.champion import BUNDLES
from model.reasons.similar import Neighbour, Past, read_past
from model.reasons.whatif import Knob, More, Subject, Suggestion, WhatIf, ask, knobs
from model.reasons.whatif import suggestions as suggestions_of
from serve.intake import INSTANT, instant_of
from serve.overlay import known_now
from serve.scoring import features_in

DIGEST: Final = re.compile("[0-9a-f]{64}")
KEPT: Final = 4
"""Bundles and files of past leads that stay open."""

PAGE: Final = 200
MOST_LOOKED_THROUGH: Final = 5_000
"""Entries of one lead; nobody asks for a change over more."""

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Change:
    """Why a lead's chance differs between two entries of the journal.

    ``road`` holds the exact parts, ``lines`` the same in words, ``headlines`` one line
    by language.
    """

    before: Stored
    after: Stored
    road: Road
    lines: tuple[Line, ...]
    headlines: Mapping[str, str]

    @property
    def points(self) -> float:
        """The change of the probability, as stored."""
        return self.after.prediction.probability - self.before.prediction.probability


@dataclass(frozen=True, slots=True)
class Possible:
    """What may be asked about a lead, and what its seller could change."""

    prediction: Prediction
    knobs: tuple[Knob, ...]
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A what-if, and the prediction that it starts from."""

    prediction: Prediction
    found: WhatIf


@dataclass(frozen=True, slots=True)
class Similar:
    """The past leads most like one, and the prediction they are like."""

    prediction: Prediction
    neighbours: tuple[Neighbour, ...]

    @property
    def converted(self) -> int:
        """How many of them converted."""
        return sum(one.converted for one in self.neighbours)


class _Kept(Generic[T]):
    """A few things that take a moment to open, by digest; what is not there is None."""

    def __init__(self, opened: Callable[[str], T | None]) -> None:
        self._open = opened
        self._held: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: str) -> T | None:
        if not DIGEST.fullmatch(digest):
            return None
        with self._lock:
            if digest not in self._held:
                found = self._open(digest)
                if found is None:  # it may come yet
                    return None
                self._held[digest] = found
            self._held.move_to_end(digest)
            while len(self._held) > KEPT:
                self._held.popitem(last=False)
            return self._held[digest]


class Insight:
    """Looks again at what was said of leads; safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        journal: Journal,
        history: Callable[[], History | None],
        fresh: Fresh | None = None,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._history = history
        self._fresh = fresh
        self._bundles: _Kept[Bundle] = _Kept(self._opened)
        self._pasts: _Kept[Past] = _Kept(partial(read_past, settings.store.folder))

    def change(self, lead_id: str, since: str | None = None) -> Change:
        """Say why a lead's chance is not what it was.

        Parameters
        ----------
        since
            The id of a journal entry, or an instant (the entry that stood then); by
            default the entry before the latest.

        Raises
        ------
        UnknownLead
            It was never predicted, or nothing was said of it before.
        BadInput
            ``since`` is neither an entry of this lead nor a moment.
        """
        latest, earlier = self._latest(lead_id)
        before = earlier if since is None else self._since(lead_id, since)
        if before is None:
            raise UnknownLead(
                "Nothing was said of this lead before.",
                remedy="Predict it again, or choose a later moment.",
            )
        return self.between(before, latest)

    def possible(self, lead_id: str) -> Possible:
        """List what may be asked about a lead, and what its seller could change.

        Raises
        ------
        UnknownLead
            It was never predicted.
        Unavailable
            The model that predicted it last is gone, or its data are.
        """
        latest, _ = self._latest(lead_id)
        subject = self._subject(latest)
        return Possible(latest.prediction, knobs(subject), self._suggested(subject))

    def suggested(self, entry: Stored) -> tuple[Suggestion, ...]:
        """Give only what a lead's seller could change, of its latest entry.

        Raises
        ------
        Unavailable, BadInput
            As in ``possible``.
        """
        return self._suggested(self._subject(entry))

    def _suggested(self, subject: Subject) -> tuple[Suggestion, ...]:
        return suggestions_of(subject, self._settings.company.changeable)

    def what_if(self, lead_id: str, fields: Mapping[str, Any], more: More) -> Answered:
        """Ask what the model would say with something changed; nothing is recorded.

        Raises
        ------
        UnknownLead, Unavailable
            As in ``possible``.
        BadInput
            Something that cannot be changed, or to a value that was never seen.
        """
        latest, _ = self._latest(lead_id)
        return Answered(latest.prediction, ask(self._subject(latest), fields, more))

    def similar(self, lead_id: str) -> Similar:
        """Find the past leads most like one; none where its model kept none.

        Raises
        ------
        UnknownLead
            It was never predicted.
        """
        latest, _ = self._latest(lead_id)
        past = self._pasts.get(latest.prediction.bundle_digest)
        found = past.nearest(latest.prediction) if past else ()
        return Similar(latest.prediction, found)

    def _latest(self, lead_id: str) -> tuple[Stored, Stored | None]:
        """Give the latest entry of a lead, and the one before it."""
        unfit = len(lead_id) > MOST_LEAD_ID or text_fault(lead_id)
        entries = [] if unfit else self._journal.history(lead_id, limit=PAGE)
        if not entries:
            raise UnknownLead(
                "This lead was never predicted.", remedy="Predict it first."
            )
        ranked = sorted(entries, key=lambda one: (one.made_at, one.id), reverse=True)
        return ranked[0], ranked[1] if len(ranked) > 1 else None

    def _since(self, lead_id: str, since: str) -> Stored | None:
        if since.isascii() and since.isdigit():
            return self._entry(lead_id, int(since))
        moment = instant_of_text(since)
        for one in islice(self._entries(lead_id), MOST_LOOKED_THROUGH):
            if microseconds(one.made_at) <= moment:
                return one
        return None

    def _entry(self, lead_id: str, number: int) -> Stored:
        found = (
            self._journal.history(lead_id, limit=1, before=number + 1)
            if number < 2**63 - 1
            else []
        )
        if not found or found[0].id != number:
            what = "is no entry of this lead's journal"
            raise _bad_since(what, "Take an id from its history.")
        return found[0]

    def _entries(self, lead_id: str) -> Iterator[Stored]:
        before = None
        while True:
            page = self._journal.history(lead_id, limit=PAGE, before=before)
            yield from page
            if len(page) < PAGE:
                return
            before = page[-1].id

    def between(self, before: Stored, after: Stored) -> Change:
        """Say why two entries of one lead differ."""
        first, last = before.prediction, after.prediction
        sources = Sources(
            old=self._bundles.get(first.bundle_digest),
            new=self._bundles.get(last.bundle_digest),
            lead=self._lead(last.lead_id),
        )
        sources = replace(sources, seen=self._seen(before, sources))
        way = road(first, last, sources)
        catalog = sources.new.catalog if sources.new else None
        told = lines(way, Ends(first, last, catalog, self._settings.company.zone))
        said = {str(lang): headline(told, lang) for lang in LANGUAGES}
        return Change(before, after, way, told, said)

    def _seen(self, before: Stored, sources: Sources) -> FeatureTable | None:
        """Read what the old prediction was made from, if the new model can too."""
        old, new = sources.old, sources.new
        if old is None or new is None or old.catalog.digest != new.catalog.digest:
            return None
        inputs = self._journal.inputs(before.id)
        return None if inputs is None else features_in(new.catalog, inputs)

    def _subject(self, entry: Stored) -> Subject:
        bundle = self._bundles.get(entry.prediction.bundle_digest)
        if bundle is None:
            raise Unavailable(
                "The model that predicted this lead is not kept any more.",
                remedy="Predict the lead again.",
            )
        lead = self._lead(entry.prediction.lead_id)
        moment = microseconds(entry.prediction.as_of)
        if lead is not None and not _looked_at(lead, bundle, moment):
            lead = None
        inputs = self._journal.inputs(entry.id)
        if inputs is not None:
            table = features_in(bundle.catalog, inputs)
        elif lead is not None:
            table = build_one(bundle.catalog, lead, moment)
        else:
            raise Unavailable(
                "What this lead's prediction was made from is not kept.",
                remedy="Predict the lead again.",
            )
        if lead is None:
            return Subject(bundle, table)
        return Subject(bundle, table, partial(_with_more, bundle, table, lead, moment))

    def _lead(self, lead_id: str) -> LeadHistory | None:
        found = known_now(self._history(), self._fresh, lead_id)
        return None if found is None else found[0]

    def _opened(self, digest: str) -> Bundle | None:
        path = self._settings.store.folder / BUNDLES / digest
        if not path.is_dir():
            return None
        try:
            return Bundle.open(path, digest=digest)
        except DamagedBundle as error:
            log.warning("bundle_damaged", digest=digest, why=str(error))
            return None


def instant_of_text(text: str) -> int:
    """Read ``since`` as a moment.

    Raises
    ------
    BadInput
        It is neither the id of an entry nor a moment with an offset.
    """
    if not INSTANT.fullmatch(text):
        what = "is neither the id of an entry nor a moment with an offset"
        raise _bad_since(what, "Send 17, or 2026-03-01T12:30:00+03:00.")
    return instant_of(text, "since")


def _bad_since(what: str, remedy: str) -> BadInput:
    return BadInput(
        "The change cannot be told.",
        remedy="Mend the query and ask again.",
        faults=[Fault("since", what, remedy)],
    )


def _looked_at(lead: LeadHistory, bundle: Bundle, moment: int) -> bool:
    known = max(lead.created_at, lead.recorded_at) <= moment
    return bundle.manifest.cut_off is not None and known


def _with_more(
    bundle: Bundle, table: FeatureTable, lead: LeadHistory, moment: int, more: More
) -> FeatureTable:
    """Give the row as it were with more events just now, and all else as it was.

    What the events change is worked out by the very code that computes features, so
    that counts, pauses and trends stay in step.
    """
    added = [
        Event(moment - place, moment, kind, None)  # equal rows would count as one
        for kind, count in more.items()
        for place in range(count)
    ]
    busier = replace(lead, events=(*lead.events, *added))
    without = build_one(bundle.catalog, lead, moment).numbers
    busy = build_one(bundle.catalog, busier, moment).numbers
    same = (busy == without) | (np.isnan(busy) & np.isnan(without))
    return FeatureTable(np.where(same, table.numbers, busy), table.texts)
