"""Strikes a person out of the raw pages of a portal.

With a lead go the deals that were made of it (or the leads it was made of), what hangs
on them, and the contacts and companies behind them that stand behind nobody else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from crm.bitrix24.shelf import Page, Shelf
from crm.bitrix24.subjects import Subject, clients_of, subjects_of


def erase(shelf: Shelf, lead_ids: Iterable[str], *, entity: str) -> int:
    """Strike leads out of the pages, with all that is theirs alone; count the rows.

    Parameters
    ----------
    entity
        ``"lead"`` or ``"deal"``: which card is a lead of ours.

    Raises
    ------
    Unavailable
        A page is damaged or cannot be written; repeat it then.
    """
    theirs = {(entity, int(one)) for one in lead_ids if one.isdecimal()}
    if not theirs:
        return 0
    theirs |= _kin(shelf.pages(), theirs)
    theirs |= _alone(shelf.pages(), theirs)
    theirs |= _hanging("invoice", shelf.pages(), theirs)
    theirs |= _hanging("order", shelf.pages(), theirs)
    return shelf.strike(theirs)


def _kin(pages: Iterable[Page], theirs: Collection[Subject]) -> set[Subject]:
    """Find the deals made of erased leads, and the leads that erased deals were."""
    made: dict[Subject, set[Subject]] = {}
    for page in pages:
        if page.stream == "deal":
            for row in page.rows:
                if row.get("leadId"):
                    lead = ("lead", int(row["leadId"]))
                    made.setdefault(lead, set()).add(("deal", int(row["id"])))
    deals = {deal for lead in made if lead in theirs for deal in made[lead]}
    gone = deals.union(theirs)
    return deals | {lead for lead, its in made.items() if its <= gone}


def _alone(pages: Iterable[Page], theirs: Collection[Subject]) -> set[Subject]:
    """Find the contacts and companies behind erased cards and no others."""
    mine: set[Subject] = set()
    others: set[Subject] = set()
    for page in pages:
        if page.stream in {"lead", "deal"}:
            for row in page.rows:
                is_theirs = (page.stream, int(row["id"])) in theirs
                (mine if is_theirs else others).update(clients_of(row))
    return mine - others


def _hanging(
    kind: str, pages: Iterable[Page], theirs: Collection[Subject]
) -> set[Subject]:
    """Find the invoices, or the orders, of erased cards: payments name only these."""
    found: set[Subject] = set()
    for page in pages:
        if page.stream == kind:
            for row in page.rows:
                about = set(subjects_of(kind, row))
                if not about.isdisjoint(theirs):
                    found |= {one for one in about if one[0] == kind}
    return found
