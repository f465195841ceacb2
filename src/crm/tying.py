"""Ties first, then a look whether they stand, then the rest of a card's write.

No CRM changes whom a card belongs to and the card's fields in one step that holds or
fails as a whole. So a version of ours goes on a card only once its tie was seen there:
whoever finds that version later knows that all of the write was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from crm.port import Card, Change, Outcome, Result
from leads.errors import BadInput, Unavailable

TIED: Final = Result(Outcome.APPLIED)
UNSEEN: Final = Result(Outcome.UNCLEAR, "NOT_LOOKED")
ASTRAY: Final = Result(Outcome.NOT_APPLIED, "TIE_NOT_TAKEN")

Write = Callable[[Sequence[Change]], Sequence[Result]]
Read = Callable[[Sequence[str]], Mapping[str, Card | None]]


def write_tied(
    changes: Sequence[Change], *, tie: Write, read: Read, write: Write
) -> list[Result]:
    """Write changes, ties first; one result each, in their order.

    Parameters
    ----------
    tie
        Makes the ties of changes, and nothing else of them.
    read
        Looks at cards.
    write
        Writes what else the changes say.
    """
    tying = [one for one in changes if one.tie is not None]
    if not tying:
        return list(write(changes))
    failed = _failed(tying, tie(tying), read)
    rest = [one for one in changes if one.entity not in failed]
    ended = dict(zip((one.entity for one in rest), write(rest), strict=True))
    return [(failed | ended)[one.entity] for one in changes]


def _failed(
    tying: Sequence[Change], ends: Sequence[Result], read: Read
) -> dict[str, Result]:
    """Give how it ended for the cards whose tie was not made, or not seen."""
    failed = {
        one.entity: end
        for one, end in zip(tying, ends, strict=True)
        if end.outcome is not Outcome.APPLIED
    }
    made = [one for one in tying if one.entity not in failed]
    try:
        cards = read([one.entity for one in made]) if made else {}
    except (Unavailable, BadInput):
        return failed | {one.entity: UNSEEN for one in made}
    for one in made:
        card = cards[one.entity]
        if card is None or one.tie is None or set(card.clients) != set(one.tie.after):
            failed[one.entity] = ASTRAY
    return failed
