"""Echoes: hints of cards that say, but for our own writing, what they said before.

A look at a lead and all that hangs on it takes many requests; one list tells of fifty
cards. So hints that speak of a card alone are held against the card first, and those
of which nothing is new are closed. Who wrote last is not asked: a person's change may
lie under ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from crm.hearing.ear import Ear
from crm.hearing.fresh import Fresh
from crm.hearing.inbox import Inbox, Taken
from crm.hearing.merging import digest_of
from crm.hearing.seer import Seer
from leads.history import History
from leads.lead import microseconds


class Echoes:
    """Closes the hints of one account that are echoes."""

    def __init__(self, inbox: Inbox, ear: Ear, *, fresh: Fresh, seer: Seer) -> None:
        self._inbox = inbox
        self._ear = ear
        self._fresh = fresh
        self._seer = seer

    def closed(self, taken: Sequence[Taken], ingested: History) -> list[Taken]:
        """Close the echoes among hints of leads; give those that are none.

        Raises
        ------
        GateClosed, Unavailable
            The CRM did not answer; nothing was closed.
        Overtaken
            Another has taken one of them.
        """
        known = self._known(taken, ingested)
        if not known:
            return list(taken)
        glance = self._ear.glance(list(known))
        same = {
            f"{self._ear.entity}:{key}": glance.marks[key]
            for key, likeness in known.items()
            if glance.likenesses.get(key) == likeness
        }
        echoes = [one for one in taken if one.entity in same]
        if echoes:
            with self._inbox.journal.writing() as connection:
                self._inbox.settle(connection, echoes, marks=same)
        return [one for one in taken if one.entity not in same]

    def _known(self, taken: Sequence[Taken], ingested: History) -> dict[str, str]:
        """Give what the cards looked like that may be echoes, by lead id.

        Only of leads whose last state is known, and was predicted from: else there is
        something to do whatever the card says.
        """
        cards = {one.entity.partition(":")[2]: one for one in taken if not one.is_whole}
        if not cards:
            return {}
        names = list(cards)
        overlay = self._fresh.leads(names, since=ingested.cut_off)
        told = self._ear.ingested(names, ingested.tables.cut_off)
        predicted = self._seer.is_predicted(names)
        now = microseconds(self._seer.now())
        known = {}
        for key, one in cards.items():
            lead = overlay[key][0] if key in overlay else ingested.find(key)
            if lead is None or key not in predicted:
                continue
            if one.digest is not None and one.digest != digest_of(lead, now):
                continue
            likeness = one.likeness or told.get(key)
            if likeness is not None:
                known[key] = likeness
        return known
