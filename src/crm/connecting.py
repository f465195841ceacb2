"""Connecting an account by a person's consent: the way out, the way back, the pair.

Nothing that a browser says is believed. A code must come with a state of ours and goes
to the CRM with our secret; what Bitrix24's installer posts is renewed at once, which
shows that it was given to our application, and the answer names the account. Only the
account that the environment names is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from crm.consents import Consents
from crm.granting import Grant, Granter, address_in
from crm.tokens import AccessLost, Tokens, TokenStore
from leads.errors import BadInput, Unauthorized
from leads.journal import Journal
from leads.settings import CrmAccount

BEGIN_AGAIN: Final = "Run `python -m pipelines connect {kind}` and follow it at once."
LONGEST: Final = 8_192

Given = Mapping[str, str]
"""Query or form of one request, flat."""


class Connecting:
    """One account that a person lets us into.

    Parameters
    ----------
    section
        Which account, entered by OAuth.
    journal
        Whose database knows the consents under way.
    granter
        Asks the CRM for tokens.
    store
        Keeps them.
    now
        The clock.
    """

    def __init__(
        self,
        section: CrmAccount,
        journal: Journal,
        *,
        granter: Granter,
        store: TokenStore,
        now: Callable[[], datetime],
    ) -> None:
        self._section = section
        self._granter = granter
        self._store = store
        self._now = now
        self._consents = Consents(journal, section.kind, section.account)

    def begin(self, state: str) -> str:
        """Give the address to open in a browser; ``state`` is a secret of this try."""
        self._consents.begin(state)
        return self._granter.consent(state)

    def finish(self, came: Given) -> Tokens:
        """Change what a browser came back with into tokens, and keep them.

        Raises
        ------
        Unauthorized
            It was not sent out by us, or too long ago, or was here before.
        BadInput
            The person said no, or let us into another account.
        GrantRefused, TransportFailed
            The CRM gave no tokens.
        """
        if not self._consents.take(came.get("state", "")[:LONGEST]):
            raise self._stranger()
        if came.get("error") or not came.get("code"):
            raise BadInput(
                "The CRM sent no code: the person said no, or it was cut off.",
                remedy=self._again(),
            )
        named = came.get("referer") or came.get("domain")
        if named is not None:
            self._require_ours(f"https://{named}")
        return self._kept(self._granter.by_code(came["code"], self._now()), "")

    def installed(self, came: Given) -> Tokens:
        """Keep what Bitrix24 posts when a local application is installed.

        Both forms are read: what opens the installer's page, and the event
        ``ONAPPINSTALL``. Raises as ``finish``.
        """
        if not self._consents.is_open():
            raise self._stranger()
        refresh = came.get("REFRESH_ID") or came.get("auth[refresh_token]")
        if not refresh:
            raise BadInput("The installer sent no tokens.", remedy=self._again())
        grant = self._granter.by_refresh(refresh, self._now())
        told = came.get("APPLICATION_TOKEN") or came.get("auth[application_token]")
        tokens = self._kept(grant, told or "")
        if tokens.application:  # else the event is still to come, with the token
            self._consents.end()
        return tokens

    def _kept(self, grant: Grant, application: str) -> Tokens:
        self._require_ours(grant.address)
        try:
            old = self._store.get(self._section.account)
        except AccessLost:
            known = ""
        else:
            known = old.application if old.member == grant.tokens.member else ""
        tokens = replace(grant.tokens, application=application[:LONGEST] or known)
        self._store.keep(self._section.account, tokens)
        return tokens

    def _require_ours(self, address: str) -> None:
        wanted = urlsplit(address_in(self._section)).hostname
        if urlsplit(address).hostname != wanted:
            raise BadInput(
                "That is another account than the one in the environment variable"
                f" {self._section.url_env}; nothing was kept.",
                remedy="Sign in to the right account, or mend the variable.",
            )

    def _stranger(self) -> Unauthorized:
        return Unauthorized(
            "No consent is under way that this would be the end of.",
            remedy=self._again(),
        )

    def _again(self) -> str:
        return BEGIN_AGAIN.format(kind=self._section.kind)


def given_in(address: str) -> dict[str, str]:
    """Read the query of an address that a person pasted.

    Examples
    --------
    >>> given_in("https://app.example/cb?code=c1&state=s1")
    {'code': 'c1', 'state': 's1'}
    """
    return dict(parse_qsl(urlsplit(address.strip()[:LONGEST]).query))
