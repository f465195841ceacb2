"""Comments and tasks on cards: created once, found again by their marker, then changed.

A CRM has no key that would make creating one harmless to repeat, so nothing is created
before it was looked for, and nothing is looked for while an earlier try may still come
through. That waiting is the outbox's: a note that ends unclear makes its whole row so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from crm.port import Card, CardDesk, GateClosed, Note, NoteKind, Outcome, Result
from crm.writeback.outbox import Outbox, Settlement
from crm.writeback.plan import is_overtaken
from crm.writeback.tables import NOTES
from leads.errors import Unavailable

WORST_FIRST: Final = (
    Outcome.UNCLEAR, Outcome.NOT_APPLIED, Outcome.REFUSED, Outcome.APPLIED
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Errand:
    settlement: Settlement
    note: Note
    said: str


class Notary:
    """Hangs the notes of settled cards, as part of their delivery."""

    def __init__(self, outbox: Outbox, desk: CardDesk) -> None:
        self._outbox = outbox
        self._desk = desk

    def served(
        self, settlements: Sequence[Settlement], cards: Mapping[str, Card | None]
    ) -> list[Settlement]:
        """Hang what these cards should carry; a settlement is as good as its notes.

        Only cards that were written take part: a wish that nobody asked for twice is
        not renewed on every look.
        """
        errands = self._errands(settlements, cards)
        if not errands:
            return list(settlements)
        ended: dict[str, list[Result]] = {}
        most = self._desk.most_at_once
        for start in range(0, len(errands), most):
            part = errands[start : start + most]
            for errand, result in zip(part, self._run(part), strict=True):
                ended.setdefault(errand.settlement.claim.entity, []).append(result)
        return [_joined(one, ended.get(one.claim.entity, [])) for one in settlements]

    def _errands(
        self, settlements: Sequence[Settlement], cards: Mapping[str, Card | None]
    ) -> list[_Errand]:
        wishing = [
            one
            for one in settlements
            if one.result.outcome is Outcome.APPLIED
            and one.claim.decision.wishes
            and one.shown_version == one.version
        ]
        if not wishing:
            return []
        known = self._known([one.claim.entity for one in wishing])
        errands = []
        for one in wishing:
            card = cards[one.claim.entity]
            for wish in one.claim.decision.wishes:
                marker = self.marker(one.claim.entity, wish.kind, wish.topic)
                row = known.get(marker)
                if wish.topic and card and is_overtaken(one.claim.decision, card):
                    continue
                said = _digest(f"{wish.text} {wish.deadline}")
                of_card = card.responsible if card else None
                if row is None or row.said != said:
                    note = Note(
                        one.claim.entity, wish.kind, marker, wish.text,
                        deadline=wish.deadline, type=wish.type,
                        responsible=wish.responsible or of_card,
                        remote_id=row.remote_id if row else None,
                    )  # fmt: skip
                    errands.append(_Errand(one, note, said))
        return errands

    def marker(self, entity: str, kind: NoteKind, topic: str = "") -> str:
        """Name the one note of a kind and topic on a card, for ever."""
        told = f"{self._outbox.account} {entity} {kind.value} {topic}"
        return _digest(told.rstrip())

    def _run(self, errands: Sequence[_Errand]) -> list[Result]:
        """Look for those never seen, then create or change; one result each."""
        claims = [errand.settlement.claim for errand in errands]
        held = {claim.entity for claim in self._outbox.renew(claims)}
        try:
            new = [one.note for one in errands if one.note.remote_id is None]
            found = self._desk.find(new) if new else {}
        except GateClosed as closed:
            late = Result(Outcome.NOT_APPLIED, retry_after=closed.retry_after)
            return [late] * len(errands)
        except Unavailable:
            return [Result(Outcome.NOT_APPLIED)] * len(errands)
        ours = [one for one in errands if one.note.entity in held]
        notes = [
            replace(
                one.note, remote_id=one.note.remote_id or found.get(one.note.marker)
            )
            for one in ours
        ]
        results = list(self._desk.post(notes)) if notes else []
        self._remember(ours, notes, results)
        by_marker = {
            note.marker: result for note, result in zip(notes, results, strict=True)
        }
        lost = Result(Outcome.NOT_APPLIED)
        return [by_marker.get(one.note.marker, lost) for one in errands]

    def _remember(
        self,
        errands: Sequence[_Errand],
        notes: Sequence[Note],
        results: Sequence[Result],
    ) -> None:
        """Keep where each note is; one that a person deleted stays deleted."""
        with self._outbox.journal.writing() as connection:
            for errand, note, result in zip(errands, notes, results, strict=True):
                remote_id = result.remote_id or note.remote_id
                is_there = result.outcome in {Outcome.APPLIED, Outcome.REFUSED}
                if is_there and remote_id is not None:
                    key = {"account": self._outbox.account, "marker": note.marker}
                    gone = sa.delete(NOTES).where(*(NOTES.c[n] == key[n] for n in key))
                    connection.execute(gone)
                    row = {"entity": note.entity, "remote_id": remote_id}
                    row |= key | {"said": errand.said}
                    connection.execute(sa.insert(NOTES).values(row))

    def _known(self, entities: Sequence[str]) -> dict[str, sa.Row[Any]]:
        query = sa.select(NOTES).where(
            NOTES.c.account == self._outbox.account, NOTES.c.entity.in_(entities)
        )
        with self._outbox.journal.reading() as connection:
            return {row.marker: row for row in connection.execute(query)}


def _joined(settlement: Settlement, results: Sequence[Result]) -> Settlement:
    """Let the worst of the notes speak; one refused for good holds nothing up."""
    ends = [one for one in results if one.outcome is not Outcome.REFUSED]
    worst = min(
        [settlement.result, *ends], key=lambda one: WORST_FIRST.index(one.outcome)
    )
    return replace(settlement, result=worst)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
