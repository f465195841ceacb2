"""The two limits of a portal: requests in a bucket, operating time per method."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from crm.testing.clock import Clock
from crm.testing.profiles import Rate

BASKET_SECONDS: Final = 60
BASKETS: Final = 10


@dataclass
class Bucket:
    """A leaky bucket for each address that requests come from.

    Examples
    --------
    >>> clock = Clock()
    >>> bucket = Bucket(clock, Rate(burst=2, per_second=1))
    >>> [bucket.takes("here") for _ in range(3)], bucket.takes("elsewhere")
    ([True, True, False], True)
    >>> clock.move(1)
    >>> bucket.takes("here"), bucket.takes("here")
    (True, False)
    """

    clock: Clock
    rate: Rate | None
    levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def takes(self, address: str) -> bool:
        """Put one request in; say whether it fitted. A refused one adds nothing."""
        if self.rate is None:
            return True
        now = self.clock.elapsed
        level, since = self.levels.get(address, (0.0, now))
        level = max(0.0, level - (now - since) * self.rate.per_second)
        fits = level + 1 <= self.rate.burst + 1e-9
        self.levels[address] = (level + fits, now)
        return fits


@dataclass
class OperatingTime:
    """Seconds that each (credential, method) has worked, in ten baskets of a minute."""

    clock: Clock
    budget: float | None
    baskets: dict[tuple[str, str], dict[int, float]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def spent(self, credential: str, method: str) -> float:
        """Sum the baskets that are not older than ten minutes."""
        return sum(self._fresh(credential, method).values())

    def blocked(self, credential: str, method: str) -> bool:
        """Say whether a call must not begin; the call that crosses the line may end."""
        if self.budget is None:
            return False
        return self.spent(credential, method) >= self.budget

    def bill(self, credential: str, method: str, seconds: float) -> None:
        """Add the seconds of a call to the basket of this minute."""
        basket = int(self.clock.elapsed // BASKET_SECONDS)
        baskets = self._fresh(credential, method)
        baskets[basket] = baskets.get(basket, 0.0) + seconds

    def reset_at(self, credential: str, method: str) -> int:
        """Say when the oldest basket leaves, in seconds since 1970; only that one."""
        baskets = self._fresh(credential, method)
        oldest = min(baskets, default=int(self.clock.elapsed // BASKET_SECONDS))
        leaves = (oldest + BASKETS) * BASKET_SECONDS
        return round(self.clock.timestamp - self.clock.elapsed + leaves)

    def _fresh(self, credential: str, method: str) -> dict[int, float]:
        oldest = int(self.clock.elapsed // BASKET_SECONDS) - BASKETS + 1
        baskets = self.baskets[credential, method]
        for basket in [each for each in baskets if each < oldest]:
            del baskets[basket]
        return baskets
