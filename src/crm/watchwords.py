"""By what a CRM's own posts are known: words from the environment and from its consent.

Bitrix24 gives an ``application_token`` when our application is installed, which may be
while the service runs; so the token store is looked into again and again, but not for
every post. A word that is not known yet admits nobody.
"""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from crm.doors import tokens_of
from crm.tokens import AccessLost, Application, TokenStore
from leads.errors import BadConfig
from leads.journal import Journal
from leads.settings import Crm

LOOK_AGAIN_SECONDS: Final = 2.0
NOBODY: Final = Application("", "")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Known:
    """What tells the CRM's own posts from others; without a word nobody is known."""

    words: tuple[str, ...] = field(default=(), repr=False)
    """Tokens that the CRM gave us, or that we gave it; none of them empty."""
    member: str = ""
    """The account's own id in the CRM; empty: any."""

    def admits(self, word: str, member: str) -> bool:
        """Tell whether a post is the CRM's, in the same time whatever it says.

        Examples
        --------
        >>> Known(("t",), "m").admits("t", "m"), Known(("t",), "m").admits("t", "x")
        (True, False)
        >>> Known(()).admits("", ""), Known(("",)).admits("", "")
        (False, False)
        """
        given = word.encode()
        same = [hmac.compare_digest(given, each.encode()) for each in self.words]
        ours = hmac.compare_digest(member.encode(), self.member.encode())
        return bool(word) and any(same) and (ours or not self.member)


class Watchwords:
    """The words of one account; safe between threads.

    Parameters
    ----------
    crm
        Which account, and which variables hold words.
    store
        Holds what its consent brought; None where it is not entered by OAuth.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        crm: Crm,
        store: TokenStore | None,
        *,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._crm = crm
        self._store = store
        self._environment = os.environ if environment is None else environment
        self._clock = clock
        self._lock = threading.Lock()
        self._looked: tuple[float, Application] | None = None

    @property
    def by_consent(self) -> bool:
        """Whether a word may still come with a consent."""
        return self._store is not None and self._crm.kind == "bitrix24"

    def known(self, *variables: str) -> Known:
        """Give the words of these variables, apart by spaces, and the consent's.

        Raises
        ------
        Unavailable
            The database did not answer.
        """
        given = [w for name in variables for w in self._said(name).split()]
        told = self._consent()
        words = (*given, told.token) if self._crm.kind == "bitrix24" else given
        member = told.member or self._crm.member
        return Known(tuple(word for word in words if word), member)

    def _said(self, variable: str) -> str:
        return self._environment.get(variable, "")

    def _consent(self) -> Application:
        if self._store is None:
            return NOBODY
        with self._lock:
            if self._looked is not None:
                at, told = self._looked
                if self._clock() - at < LOOK_AGAIN_SECONDS:
                    return told
            told = self._asked(self._store)
            self._looked = self._clock(), told
            return told

    def _asked(self, store: TokenStore) -> Application:
        try:
            return store.application_of(self._crm.account)
        except AccessLost:  # nobody has connected yet
            return NOBODY
        except BadConfig as error:
            log.error("watchword_locked", why=error.what, remedy=error.remedy)
            return NOBODY


def watchwords_of(
    crm: Crm, journal: Journal, *, environment: Mapping[str, str] | None = None
) -> Watchwords:
    """Open the words of the configured account; nothing is asked yet.

    Raises
    ------
    BadConfig
        The environment lacks what OAuth needs.
    """
    store = tokens_of(crm, journal) if crm.by_oauth else None
    return Watchwords(crm, store, environment=environment)
