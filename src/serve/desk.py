"""Where a request becomes a recorded prediction.

Without reasons a lead takes less work than handing it to another thread, so it is done
on the spot; with reasons most of the time goes into LightGBM, which lets other threads
run, so a few threads share the cores. Batches have a thread of their own, for no single
lead shall wait behind a thousand. More requests than can wait are refused at once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import numpy as np

from leads.decision import Prediction, Tier
from leads.errors import BadInput, Fault, LeadcastError, Unavailable, Unwritable
from leads.history import LeadHistory, microseconds
from leads.journal import Journal
from leads.lead import EPOCH
from leads.settings import Settings
from model.features.catalog import FeatureTable
from model.features.twin import build_one
from model.tiers.borders import pipelines_in
from serve.intake import checked, history_of, instant_of, is_by_id
from serve.live import Live, Serving
from serve.overlay import Overlay
from serve.planning import Planning
from serve.recorder import Recorder
from serve.schemas.sent import LeadSent
from serve.scoring import inputs_of, predict
from serve.standing import settled
from serve.turnstile import Turnstile

MOST_WAITING: Final = 512
MOST_BATCHES_WAITING: Final = 4
BATCH: Final = "batch"


@dataclass(frozen=True, slots=True)
class Asked:
    """One lead, its features, and the moment it was looked at.

    ``by_id`` if only its id was sent: then it keeps its tier near a border.
    """

    lead_id: str
    as_of: datetime
    table: FeatureTable
    by_id: bool
    lead: LeadHistory


@dataclass(frozen=True, slots=True)
class Many:
    """The answers to a batch, in its order, and whether they are in the journal."""

    items: list[Prediction | LeadcastError]
    recorded: bool


class Desk:
    """Takes leads in, predicts them, and records before it answers."""

    def __init__(
        self,
        settings: Settings,
        *,
        live: Live,
        overlay: Overlay,
        journal: Journal,
        recorder: Recorder,
        now: Callable[[], datetime],
    ) -> None:
        self.planning: Planning | None = None
        self.settings = settings
        self.live = live
        self.overlay = overlay
        self.ingested = overlay.ingested
        self.journal = journal
        self.recorder = recorder
        self.now = now
        self._explaining = ThreadPoolExecutor(os.cpu_count(), "explain")
        self._batching = ThreadPoolExecutor(1, "batch")
        self._waiting = {"": 0, BATCH: 0}
        self._turnstile = Turnstile()

    def close(self) -> None:
        """End the threads."""
        self._explaining.shutdown()
        self._batching.shutdown()

    async def one(self, raw: object, *, reasons: bool) -> Prediction:
        """Predict one lead, and record it.

        Raises
        ------
        Unwritable
            There is no space to record it.
        """
        prediction, unwritable = await self.tried(raw, reasons=reasons)
        if unwritable is not None:
            raise unwritable
        return prediction

    async def tried(
        self, raw: object, *, reasons: bool
    ) -> tuple[Prediction, Unwritable | None]:
        """Predict one lead, and record it if there is space; give why not.

        What is not recorded went nowhere else either: cards are offered predictions
        in the transaction that records them.
        """
        serving = self.live.serving()
        lead = checked(raw)
        with self._room("", MOST_WAITING):
            if reasons or is_by_id(lead):
                work = partial(self._predicted, serving, lead, reasons=reasons)
                loop = asyncio.get_running_loop()
                made = await loop.run_in_executor(self._explaining, work)
            else:
                await self._turnstile.pass_through()
                made = self._predicted(serving, lead, reasons=reasons)
            prediction, inputs = made
            try:
                await self.recorder.record(prediction, inputs)
            except Unwritable as error:
                return prediction, error
        return prediction, None

    async def many(self, raw: object, *, reasons: bool) -> Many:
        """Predict a list of leads; one that cannot be is answered with its refusal."""
        serving = self.live.serving()
        leads = self._listed(raw)
        with self._room(BATCH, MOST_BATCHES_WAITING):
            work = partial(self._batch, serving, leads, reasons=reasons)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._batching, work)

    def check(self) -> Serving:
        """Give the bundle that serves, if predictions can also be recorded.

        Raises
        ------
        Unavailable
            There is no model, or the journal does not answer.
        """
        serving = self.live.serving()
        if not self.recorder.is_open:
            raise Unavailable("The journal is not open.", remedy="Ask again soon.")
        self.journal.latest("readiness")
        return serving

    def predicted(
        self, leads: Sequence[LeadHistory], moment: int
    ) -> tuple[list[Prediction], list[bytes]]:
        """Predict leads that are kept here, with what each was made from.

        Nothing is recorded.

        Raises
        ------
        NoModel
            None is promoted.
        """
        serving = self.live.serving()
        if not leads:
            return [], []
        asked = [
            Asked(
                lead_id=lead.lead_id,
                as_of=EPOCH + timedelta(microseconds=moment),
                table=build_one(serving.bundle.catalog, lead, moment),
                by_id=True,
                lead=lead,
            )
            for lead in leads
        ]
        table, made = self._together(serving, asked, reasons=True)
        return made, inputs_of(serving.bundle.catalog, table)

    def _predicted(
        self, serving: Serving, lead: LeadSent, *, reasons: bool
    ) -> tuple[Prediction, bytes]:
        asked = self._asked(serving, lead)
        made = predict(
            serving.bundle, asked.table, [asked.lead_id], [asked.as_of],
            version=serving.version, reasons=reasons,
        )  # fmt: skip
        (prediction,) = self._answered([asked], self._settled(serving, [asked], made))
        (inputs,) = inputs_of(serving.bundle.catalog, asked.table)
        return prediction, inputs

    def _batch(self, serving: Serving, leads: list[object], *, reasons: bool) -> Many:
        asked = []
        refused: dict[int, LeadcastError] = {}
        for place, raw in enumerate(leads):
            try:
                asked.append(self._asked(serving, checked(raw)))
            except LeadcastError as error:
                refused[place] = error
        predictions, recorded = self._record(serving, asked, reasons=reasons)
        made = iter(predictions)
        items = [refused.get(place) or next(made) for place in range(len(leads))]
        return Many(items, recorded)

    def _record(
        self, serving: Serving, asked: list[Asked], *, reasons: bool
    ) -> tuple[list[Prediction], bool]:
        """Predict what can be, and record it all; False if there is no space."""
        if not asked:
            return [], True
        table, predictions = self._together(serving, asked, reasons=reasons)
        inputs = inputs_of(serving.bundle.catalog, table)
        try:
            self.journal.record(
                predictions, made_at=self.now(), inputs=inputs, channel=BATCH
            )
        except Unwritable:
            self.recorder.found(writable=False)
            return predictions, False
        self.recorder.found(writable=True)
        return predictions, True

    def _together(
        self, serving: Serving, asked: list[Asked], *, reasons: bool
    ) -> tuple[FeatureTable, list[Prediction]]:
        """Predict leads in one go; give their features too."""
        table = FeatureTable(
            np.concatenate([one.table.numbers for one in asked]),
            np.concatenate([one.table.texts for one in asked]),
        )
        predictions = predict(
            serving.bundle, table,
            [one.lead_id for one in asked], [one.as_of for one in asked],
            version=serving.version, reasons=reasons,
        )  # fmt: skip
        found = self._settled(serving, asked, predictions)
        return table, self._answered(asked, found)

    def _answered(self, asked: list[Asked], made: list[Prediction]) -> list[Prediction]:
        """Let the owner's points answer where data are too few for a model."""
        if all(one.tier is not Tier.NO_DATA for one in made):
            return made
        planner = None if self.planning is None else self.planning.current()
        if planner is None:
            return made
        pairs = zip(asked, made, strict=True)
        return [planner.answered(said, one.lead) for one, said in pairs]

    def _settled(
        self, serving: Serving, asked: list[Asked], made: list[Prediction]
    ) -> list[Prediction]:
        """Let leads asked for by id keep their tier near a border; others have none.

        Who sends a lead whole gets an answer that depends on nothing but what was sent.
        """
        known = [place for place, one in enumerate(asked) if one.by_id]
        if not known:
            return made
        bundle = serving.bundle
        pipelines = [
            pipelines_in(bundle.catalog, asked[place].table)[0] for place in known
        ]
        kept = settled(
            [made[place] for place in known], pipelines, bundle.borders, self.journal
        )
        by_place = dict(zip(known, kept, strict=True))
        return [by_place.get(place, one) for place, one in enumerate(made)]

    def _asked(self, serving: Serving, lead: LeadSent) -> Asked:
        history, as_of = self._looked_up(serving, lead)
        moment = as_of if serving.dated else 0
        if moment < max(history.created_at, history.recorded_at):
            what = "nothing was known of the lead yet"
            fault = Fault("as_of", what, "Send a later moment, or leave it out.")
            raise BadInput.of("The lead", [fault])
        return Asked(
            lead_id=lead["lead_id"],
            as_of=EPOCH + timedelta(microseconds=as_of),
            table=build_one(serving.bundle.catalog, history, moment),
            by_id=is_by_id(lead),
            lead=history,
        )

    def _looked_up(self, serving: Serving, lead: LeadSent) -> tuple[LeadHistory, int]:
        """Find or make the lead's history, and the moment to look at it."""
        if is_by_id(lead):
            history, usual = self.overlay.lead(lead["lead_id"])
        else:
            history = history_of(lead, serving.field_types, dated=serving.dated)
            usual = microseconds(self.now())
        asked = lead.get("as_of")
        if asked is not None:
            return history, instant_of(asked, "as_of")
        if not serving.dated:
            return history, microseconds(self.now())
        if self.settings.source.kind == "table":  # a row is as of its own time
            return history, max(history.created_at, history.recorded_at)
        return history, usual

    def _listed(self, raw: object) -> list[object]:
        leads = raw.get("leads") if isinstance(raw, dict) and len(raw) == 1 else None
        most = self.settings.serve.max_batch
        if not isinstance(leads, list) or not 1 <= len(leads) <= most:
            fault = Fault(
                "body", f"is an object whose one key, leads, lists 1 to {most:,} leads",
                "Split longer lists.",
            )  # fmt: skip
            raise BadInput(
                "The batch does not fit the schema.",
                remedy="Mend it and send it again.",
                faults=[fault],
            )
        return leads

    @contextmanager
    def _room(self, kind: str, most: int) -> Iterator[None]:
        if self._waiting[kind] >= most:
            raise Unavailable(
                f"{most} requests are waiting already.", remedy="Ask again soon."
            )
        self._waiting[kind] += 1
        try:
            yield
        finally:
            self._waiting[kind] -= 1
