"""Limits of amoCRM and what comes of ignoring them: 429, then 403 for everything."""

from __future__ import annotations

from collections import defaultdict, deque

from crm.testing.amocrm.account_profile import HTML_429, AmoProfile
from crm.testing.amocrm.problems import Refusal, page, too_many
from crm.testing.clock import Clock
from crm.testing.profiles import Rate


class Guard:
    """Counts requests in front of the account.

    A refused request counts like any other: who goes on hammering is never let in
    again. Whether amoCRM counts so is not documented; this is the stricter way.
    """

    def __init__(self, clock: Clock, profile: AmoProfile) -> None:
        self.blocked = False
        self._clock, self._profile = clock, profile
        self._seen: dict[str, deque[float]] = defaultdict(deque)
        self._warned: deque[float] = deque()

    def admit(self, integration: str | None, address: str) -> None:
        """Let a request in, or refuse it.

        Raises
        ------
        Refusal
            429 over a limit; a page with 403 once the account is blocked.
        """
        if self.blocked:
            raise page(403)
        rate, whole = self._profile.rate, self._profile.account_rate
        over = self._over(f"address {address}", rate)
        if integration is not None:
            over |= self._over(f"integration {integration}", rate)
        over |= self._over("account", whole)
        if over:
            raise self._warning()

    def unblock(self) -> None:
        """Lift the block, as only the vendor's support can."""
        self.blocked = False
        self._seen.clear()
        self._warned.clear()

    def _over(self, who: str, rate: Rate | None) -> bool:
        if rate is None:
            return False
        seen, now = self._seen[who], self._clock.elapsed
        while seen and seen[0] <= now - rate.burst / rate.per_second:
            seen.popleft()
        seen.append(now)
        return len(seen) > rate.burst

    def _warning(self) -> Refusal:
        now, profile = self._clock.elapsed, self._profile
        since = now - profile.forgiving.total_seconds()
        while self._warned and self._warned[0] <= since:
            self._warned.popleft()
        self._warned.append(now)
        if len(self._warned) > profile.forgiven:
            self.blocked = True
            return page(403)
        return too_many(as_page=profile.on(HTML_429))
