"""The form by which a person sets a tier on a lead's page, or withdraws it.

A browser that holds a key sends it with every request, wherever the form came from. So
the form carries a seal: proof that this very service wrote it, for this lead, not long
ago. A foreign page can send a form but cannot read ours, and so has no seal.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from leads.decision import Override, Tier
from leads.journal import Journal
from leads.overruling import overrule, withdraw

SETTABLE: Final = (Tier.HOT, Tier.WARM, Tier.COLD)
TERMS: Final = {"": None, "7": 7, "30": 30, "90": 90}
"""For how many days a tier may be set; None until it is withdrawn."""

MOST_BY: Final = 100
LASTS: Final = timedelta(hours=12)
"""How long a page may lie open before its form is sent."""

Refused = Literal["override.stale", "override.unfit"]


@dataclass(frozen=True, slots=True)
class Pen:
    """What a page needs to hold a form: its seal, and who reads, if that is known."""

    seal: str = ""
    who: str = ""


NO_PEN: Final = Pen()
"""Files hold no form."""


class Seals:
    """Seals of one process: after a new start old pages have to be opened again.

    Parameters
    ----------
    secret
        What seals are made with; by default nobody has ever known it.

    Examples
    --------
    >>> from datetime import UTC
    >>> seals, now = Seals(b"secret"), datetime(2026, 1, 1, tzinfo=UTC)
    >>> seal = seals.of("L-1", now)
    >>> seals.holds(seal, "L-1", now), seals.holds(seal, "L-2", now)
    (True, False)
    >>> seals.holds(seal, "L-1", now + LASTS)
    False
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secrets.token_bytes(32) if secret is None else secret

    def of(self, lead_id: str, now: datetime) -> str:
        """Seal the form of a lead's page."""
        stamp = str(int(now.timestamp()))
        return f"{stamp}.{self._signed(lead_id, stamp)}"

    def holds(self, seal: str, lead_id: str, now: datetime) -> bool:
        """Tell whether a seal was made here, for this lead, not too long ago."""
        stamp, _, signature = seal.partition(".")
        genuine = self._signed(lead_id, stamp).encode()
        if not hmac.compare_digest(genuine, signature.encode("utf-8", "replace")):
            return False
        return 0 <= now.timestamp() - int(stamp) < LASTS.total_seconds()

    def _signed(self, lead_id: str, stamp: str) -> str:
        said = f"{stamp}.{lead_id}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()


def decide(
    journal: Journal, lead_id: str, form: Mapping[str, str], *, now: datetime
) -> Refused | None:
    """Do what a sealed form asks for; a refusal is the key of a text.

    Raises
    ------
    BadInput
        Who sets it is a text that no database can hold.
    """
    by, tier, days = (form.get(name, "").strip() for name in ("by", "tier", "days"))
    if not 0 < len(by) <= MOST_BY:
        return "override.unfit"
    if form.get("do") == "withdraw":
        withdraw(journal, lead_id, by=by, now=now)
        return None
    known = {settable.value: settable for settable in SETTABLE}
    if tier not in known or days not in TERMS:
        return "override.unfit"
    term = TERMS[days]
    until = None if term is None else now + timedelta(days=term)
    overrule(journal, Override(lead_id, known[tier], by, now, until))
    return None
