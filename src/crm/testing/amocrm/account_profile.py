"""The amoCRM account that the double plays, and what the documents leave open of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from crm.testing.profiles import Profile, Rate

NUMBERS_AS_NUMBERS: Final = "numbers_as_numbers"
"""Numeric custom fields are read as numbers; otherwise as text."""

FREE_UPDATED_AT: Final = "free_updated_at"
"""A stale ``updated_at`` is taken; otherwise refused, inside HTTP 200."""

REQUIRED_NOT_ENFORCED: Final = "required_not_enforced"
"""A stage may be entered without its required fields; otherwise 400."""

HTML_429: Final = "html_429"
"""Over the limit the proxy answers with a page; otherwise problem+json."""

OLD_REFRESH_UNTIL_USED: Final = "old_refresh_until_used"
"""A refresh token lives until the pair it brought was used once; otherwise it is used
up at once."""

PATCH_LEAVES_INBOX: Final = "patch_leaves_inbox"
"""A plain change of stage takes a lead out of the unsorted; otherwise 400."""

SWITCHES: Final = frozenset(
    {
        NUMBERS_AS_NUMBERS,
        FREE_UPDATED_AT,
        REQUIRED_NOT_ENFORCED,
        HTML_429,
        OLD_REFRESH_UNTIL_USED,
        PATCH_LEAVES_INBOX,
    }
)

USUAL: Final = Rate(burst=7, per_second=7)
WHOLE: Final = Rate(burst=50, per_second=50)


@dataclass(frozen=True, kw_only=True)
class AmoProfile(Profile):
    """One amoCRM account; each default is the stricter of what is possible.

    Parameters
    ----------
    rate
        Of one integration and of one address alike (the documents of the two brands
        differ): at most ``burst`` requests in any ``burst / per_second`` seconds.
    account_rate
        Of all integrations together.
    forgiven, forgiving
        After more than so many answers of 429 within so long the account is blocked.
        The documents give no number.
    without
        Sections that the plan does not include: ``events``, ``webhooks``,
        ``catalogs``, ``customers``. They answer 402.
    most_in_time
        A write of more records than this times out half-way: the first so many are
        applied, the answer is 504. ``None``: all writes are in time.
    """

    domain: str = "demo.amocrm.ru"
    rate: Rate | None = USUAL
    account_id: int = 5135160
    account_rate: Rate | None = WHOLE
    forgiven: int = 20
    forgiving: timedelta = timedelta(minutes=1)
    without: frozenset[str] = frozenset()
    most_in_time: int | None = None

    def __post_init__(self) -> None:
        unknown = self.switches - SWITCHES
        if unknown:
            raise ValueError(f"No such switches of amoCRM: {sorted(unknown)}.")

    @property
    def subdomain(self) -> str:
        """The account's name, as events carry it."""
        return self.domain.partition(".")[0]
