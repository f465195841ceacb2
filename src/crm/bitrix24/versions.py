"""What a card said each time it was read: its newest state, and how it changed.

The first read shows how a card is, not how it came to be. From then on each read that
finds another value leaves a change: it happened when the card was last changed at the
latest, and we know of it since we read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Text = dict[str, str | None]


@dataclass(slots=True)
class Known:
    """One card as it was last read; ``first_seen`` is None if it was in the first."""

    raw: dict[str, Any]
    text: Text
    first_seen: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """One value that was another when it was read before."""

    id: int
    at: str
    seen: str
    field: str
    value: str | None
    old: str | None


@dataclass
class Versions:
    """All cards of one kind, fed page by page in the order they were read."""

    cards: dict[int, Known] = field(default_factory=dict)
    changes: list[Changed] = field(default_factory=list)

    def take(self, raw: dict[str, Any], text: Text, *, seen: str, read: int) -> None:
        """Take in one card as a read showed it."""
        number = int(raw["id"])
        known = self.cards.get(number)
        if known is None:
            first = None if read == 1 else seen
            self.cards[number] = Known(raw, text, first)
            return
        if _moment(raw) < _moment(known.raw):
            return  # an answer that was overtaken
        at = str(raw.get("updatedTime") or seen)
        for name in sorted(text.keys() | known.text.keys()):
            value, old = text.get(name), known.text.get(name)
            # A field that is new in the portal was empty before.
            if value != old:
                self.changes.append(Changed(number, at, seen, name, value, old))
        known.raw, known.text = raw, text


def _moment(raw: dict[str, Any]) -> str:
    return str(raw.get("updatedTime") or "")
