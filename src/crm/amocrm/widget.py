"""Who looks through our widget in a lead's card: the one-time token that amoCRM makes.

amoCRM's page adds it to each request of the widget (``X-Auth-Token``): a JWT signed
with the integration's secret, good for half an hour and once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import jwt

from crm.amocrm.client import AmoClient

NEEDED: Final = ["iss", "exp", "iat", "jti", "user_id", "account_id"]
LEEWAY_SECONDS: Final = 10
LONGEST_TOKEN: Final = 4_096


@dataclass(frozen=True, slots=True)
class Viewer:
    """A user of the account, as its token says."""

    user: int
    once: str
    """By which a token is told that was used already."""


def viewer_in(token: str, *, secret: str, origin: str) -> Viewer | None:
    """Read a token; None if it is not amoCRM's own, for this account and still good.

    Parameters
    ----------
    secret
        Of the integration.
    origin
        The account's address, such as ``https://acme.amocrm.ru``.

    Examples
    --------
    >>> viewer_in("forged", secret="s" * 32, origin="https://acme.amocrm.ru") is None
    True
    """
    if not secret or len(token) > LONGEST_TOKEN:
        return None
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=["HS256"], issuer=origin, leeway=LEEWAY_SECONDS,
            # ``aud`` is the address that the integration was made with, for which the
            # secret, of this integration alone, stands already.
            options={"require": NEEDED, "verify_aud": False},
        )  # fmt: skip
    except jwt.InvalidTokenError:
        return None
    user, once = claims["user_id"], claims["jti"]
    if not isinstance(user, int) or not isinstance(once, str) or not once:
        return None
    return Viewer(user, once)


def may_see(client: AmoClient, viewer: Viewer, lead: int) -> bool:
    """Ask the account for a lead in the viewer's name; whether it gave it.

    Raises
    ------
    GateClosed, AmoRefused, TransportFailed
        As ``AmoClient.get``.
    """
    told = client.get(f"leads/{lead}", as_user=viewer.user)
    return told is not None and str(told.get("id")) == str(lead)
