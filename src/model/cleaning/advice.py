"""What to do with each open lead of a dump: merge, link, close, look at it, keep.

``merge`` a lead into the open one by which this person wrote first; ``link`` it to the
contact of a client who has paid, or of one who was refused before; ``close`` what is no
lead; ``look``: somebody has to. Only ``merge``, ``link`` and ``close`` that are sure
enough are proposed; whatever is less sure is ``look``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import polars as pl

from leads.history import History
from leads.marks import is_machine
from leads.persons import gathered
from leads.settings import Settings
from model.cleaning.dump import dump_of
from model.cleaning.groups import persons
from model.cleaning.knowing import Known, is_blind, known_of
from model.cleaning.pairs import candidates, judged

MACHINE: Final = 0.97
UNREACHABLE: Final = 0.8
CHAINED: Final = 0.96
"""How sure a lead is joined to a first one that it shares nothing with itself."""


class Act(StrEnum):
    """What to do with a lead."""

    MERGE = "merge"
    LINK = "link"
    CLOSE = "close"
    LOOK = "look"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Advice:
    """One row of the plan.

    ``target`` is the lead to merge into or whose contact to link to; ``why`` names a
    rule; ``again`` counts the leads by which this person wrote before this one;
    ``client`` says that the person or company has paid.
    """

    lead_id: str
    act: Act
    target: str = ""
    why: str = ""
    confidence: float = 0.0
    again: int = 0
    client: bool = False
    card: str = ""
    target_card: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows for all open leads, acts first; ``known`` says what there was to go by.

    ``leads`` is how many leads the dump holds, open or not, ``pairs`` how many were
    compared.
    """

    rows: tuple[Advice, ...]
    leads: int
    pairs: int
    known: Known

    def counts(self) -> dict[str, int]:
        """Count the rows by act."""
        return {act.value: sum(r.act is act for r in self.rows) for act in Act}


def plan_cleaning(
    history: History,
    settings: Settings,
    now: int,
    *,
    persons: pl.DataFrame | None = None,
) -> Plan:
    """Look through all leads known at a moment (microseconds), and say what to do.

    Parameters
    ----------
    persons
        Who stands behind leads, as ``leads.persons.PERSONS``; if there is no such
        table, what the cards say.
    """
    if persons is None:
        persons = gathered((), history, settings.clean, now)
    dump = dump_of(history, persons, settings, now)
    rows, compared = advise(dump, settings)
    return Plan(rows, len(dump), compared, known_of(dump.filter("is_open")))


def advise(dump: pl.DataFrame, settings: Settings) -> tuple[tuple[Advice, ...], int]:
    """Say what to do with each open lead of a dump, and how many pairs were compared.

    The dump is in order of creation.
    """
    found = candidates(dump)
    first, pairs = persons(dump, judged(dump, found))
    desk = _Desk(dump, first, pairs, settings)
    made = [desk.advise(row) for row in dump["is_open"].arg_true()]
    order = list(Act)
    made.sort(key=lambda one: (order.index(one.act), -one.confidence, one.lead_id))
    return tuple(made), len(found)


class _Desk:
    """Looks at one lead after another."""

    def __init__(
        self,
        dump: pl.DataFrame,
        first: Mapping[int, int],
        pairs: pl.DataFrame,
        settings: Settings,
    ) -> None:
        self._leads: list[dict[str, Any]] = dump.to_dicts()
        self._first = first
        self._settings = settings
        self._group: dict[int, list[int]] = {}
        for row, root in sorted(first.items()):
            self._group.setdefault(root, []).append(row)
        self._can_reach = any(one["phones"] or one["mails"] for one in self._leads)
        self._near: dict[int, list[tuple[int, str, str, float]]] = {}
        for one, two, *told in pairs.iter_rows():
            self._near.setdefault(one, []).append((two, *told))
            self._near.setdefault(two, []).append((one, *told))

    def advise(self, row: int) -> Advice:
        """Say what to do with one lead; the first that speaks is heard."""
        return (
            self._no_lead(row)
            or self._same_person(row)
            or self._to_look_at(row)
            or self._of_a_client(row)
            or self._unreachable(row)
            or self._kept(row)
        )

    def _no_lead(self, row: int) -> Advice | None:
        lead = self._leads[row]
        own = set(self._settings.clean.own_domains)
        odd = [m for m in lead["mails"] if is_machine(m) or m.split("@")[1] in own]
        if odd and len(odd) == len(lead["mails"]) and not lead["phones"]:
            why = "machine" if is_machine(odd[0]) else "own_domain"
            return self._said(row, Act.CLOSE, None, why, MACHINE)
        return None

    def _same_person(self, row: int) -> Advice | None:
        others = [r for r in self._group.get(self._first.get(row, -1), []) if r != row]
        paid = [r for r in others if self._leads[r]["has_paid"]]
        if paid:
            return self._linked(row, paid[0])
        earlier = [r for r in others if r < row]
        same = [r for r in earlier if self._is_mergeable(r, row)]
        if same:
            return self._joined(row, Act.MERGE, same[0])
        return self._linked(row, earlier[0]) if earlier else None

    def _linked(self, row: int, target: int) -> Advice:
        """Link a lead to another's contact, unless the CRM has done so already."""
        one, two = self._leads[row]["contact_id"], self._leads[target]["contact_id"]
        if one and one == two:
            return self._said(row, Act.KEEP, target, "tied", 1.0)
        return self._joined(row, Act.LINK, target)

    def _is_mergeable(self, earlier: int, row: int) -> bool:
        one, two = self._leads[earlier], self._leads[row]
        return bool(one["is_open"]) and one["pipeline"] == two["pipeline"]

    def _to_look_at(self, row: int) -> Advice | None:
        doubtful = [
            (weight, -other, why)
            for other, relation, why, weight in self._near.get(row, [])
            if relation == "look" and (other < row or self._leads[other]["has_paid"])
        ]
        if not doubtful:
            return None
        weight, other, why = max(doubtful)
        return self._said(row, Act.LOOK, -other, why, weight)

    def _of_a_client(self, row: int) -> Advice | None:
        near = [
            (weight, -other, why)
            for other, relation, why, weight in self._near.get(row, [])
            if relation == "company" and self._leads[other]["has_paid"]
        ]
        if not near:
            return None
        weight, other, why = max(near)
        return self._said(row, Act.LINK, -other, why, weight)

    def _unreachable(self, row: int) -> Advice | None:
        lead = self._leads[row]
        # Where nobody's phone or mail is known, having none says nothing of a lead.
        is_told = lead["phones"] or lead["mails"] or lead["inns"] or lead["events"]
        if is_told or not self._can_reach:
            return None
        return self._said(row, Act.CLOSE, None, "unreachable", UNREACHABLE)

    def _kept(self, row: int) -> Advice:
        group = self._group.get(self._first.get(row, -1), [])
        why = "first" if group[:1] == [row] and len(group) > 1 else "alone"
        if why == "alone" and is_blind(self._leads[row]):
            why = "unmarked"
        return self._said(row, Act.KEEP, None, why, 1.0)

    def _joined(self, row: int, act: Act, target: int) -> Advice:
        direct = [
            (weight, why)
            for other, relation, why, weight in self._near.get(row, [])
            if other == target and relation == "person"
        ]
        weight, why = max(direct, default=(CHAINED, "chained"))
        return self._said(row, act, target, why, weight)

    def _said(
        self, row: int, act: Act, target: int | None, why: str, weight: float
    ) -> Advice:
        """Put it in words of a row; what is not sure enough is only looked at."""
        lead = self._leads[row]
        if act in {Act.MERGE, Act.LINK, Act.CLOSE} and weight < self._sure:
            act = Act.LOOK
        group = self._group.get(self._first.get(row, -1), [])
        other = None if target is None else self._leads[target]
        return Advice(
            lead_id=lead["lead_id"],
            act=act,
            target=other["lead_id"] if other else "",
            why=why,
            confidence=weight,
            again=sum(r < row for r in group),
            client=bool(other and other["has_paid"]) and act is not Act.LOOK,
            card=_card(lead),
            target_card=_card(other) if other else "",
        )

    @property
    def _sure(self) -> float:
        return self._settings.clean.sure


def _card(lead: Mapping[str, Any]) -> str:
    """Say who a lead is, for whoever reviews the plan."""
    told = [lead["label"], *lead["phones"], *lead["mails"], *lead["inns"]]
    return "; ".join(filter(None, told))
