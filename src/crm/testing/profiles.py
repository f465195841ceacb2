"""The account that a double plays: its plan, its limits, its peculiarities.

What is the same in every CRM stands here; a double adds its own by extending
``Profile`` in a frozen dataclass of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone


@dataclass(frozen=True, slots=True)
class Rate:
    """A leaky bucket: holds ``burst`` requests, loses ``per_second`` of them."""

    burst: float
    per_second: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One account.

    Parameters
    ----------
    domain
        Host of the account, as it stands in events and tokens.
    plan
        Name of the paid plan.
    commercial
        False: the plan does not include the interface.
    rate
        Requests allowed; ``None`` switches the limit off.
    simple_crm
        The account works without leads: a new one becomes a deal at once.
    offset_hours
        Zone in which the account writes its times.
    switches
        Behaviours that the documents leave open, by the double's own names.
    """

    domain: str
    plan: str = "standard"
    commercial: bool = True
    rate: Rate | None = None
    simple_crm: bool = False
    offset_hours: int = 3
    switches: frozenset[str] = frozenset()

    def on(self, switch: str) -> bool:
        """Say whether a behaviour is switched on."""
        return switch in self.switches

    def local(self, moment: datetime) -> datetime:
        """Bring a moment into the account's zone, without fractions of a second.

        Examples
        --------
        >>> from datetime import UTC
        >>> moment = datetime(2026, 11, 22, 7, 0, 0, 999, tzinfo=UTC)
        >>> Profile(domain="demo").local(moment).isoformat()
        '2026-11-22T10:00:00+03:00'
        """
        zone = timezone(timedelta(hours=self.offset_hours))
        return moment.astimezone(zone).replace(microsecond=0)
