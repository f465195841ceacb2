"""What a CRM and its users reach here without an API key, and how each is known.

::

    POST /crm/bitrix24/robot            the automation: application_token, then our disk
    POST /crm/bitrix24/tab              a user in a card: application_token, then their
                                        own right to that card, asked of the portal
    GET  /crm/amocrm/card?lead=         our widget: a one-time token, then the same

An address is there only if the secret that it is known by is, or may come with a
consent; until then it knows nobody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from crm.amocrm.client import AmoClient, AmoRefused
from crm.amocrm.opening import open_account
from crm.amocrm.widget import may_see, viewer_in
from crm.bitrix24.answers import Failed, Refused
from crm.bitrix24.client import LOOPBACK
from crm.bitrix24.robot import robot_call_in
from crm.bitrix24.tab import opening_in
from crm.bitrix24.visits import Visits, lead_of
from crm.calls import Calls
from crm.courier import Courier, decide_of
from crm.sealing import seal_in
from crm.watchwords import Known, Watchwords
from leads.errors import Unauthorized, Unavailable, UnknownLead
from leads.settings import Crm
from serve.desk import Desk
from serve.pages.framed import Frame
from serve.pages.sight import Sight
from serve.reception import Door, Posted
from serve.robots import Robots
from serve.short import TIERS, card_text

TOKEN_LIFE: Final = timedelta(minutes=31)
Doors = dict[tuple[str, str], Door]


@dataclass(frozen=True, slots=True)
class Visitors:
    """The doors for a CRM, and who answers what waits."""

    doors: Mapping[tuple[str, str], Door]
    robots: Robots | None = None
    hang_up: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to answer; called in the service's event loop."""
        if self.robots is not None:
            self.robots.start(asyncio.get_running_loop())

    def stop(self) -> None:
        """Finish what is under way."""
        if self.robots is not None:
            self.robots.stop()
        self.hang_up()


@dataclass(frozen=True, slots=True)
class House:
    """What visitors are received with.

    ``words`` tell the CRM's own posts; ``look_again`` has the CRM asked for a lead as
    it is now, where somebody listens.
    """

    desk: Desk
    sight: Sight
    courier: Courier
    words: Watchwords
    look_again: Callable[[str], None] | None = None


def visitors_of(house: House | None) -> Visitors:
    """Open the doors that the configured CRM has secrets for."""
    if house is None:
        return Visitors({})
    crm, desk = _crm_of(house), house.desk
    origin = origin_in(os.environ.get(crm.url_env, ""))
    if origin is None:
        return Visitors({})
    calls = Calls(desk.journal, crm.account, seal=seal_in())
    if crm.kind == "bitrix24":
        return _of_portal(house, calls, origin)
    secret = os.environ.get(crm.secret_env, "").strip()
    if not secret:
        return Visitors({})
    client = open_account(crm, house.courier.gate, desk.journal)
    account = Account(desk, client, calls, secret=secret, origin=origin)
    return Visitors(account.doors(), hang_up=client.close)


def _of_portal(house: House, calls: Calls, origin: str) -> Visitors:
    crm, desk = _crm_of(house), house.desk
    if not (house.words.by_consent or house.words.known(crm.application_env).words):
        return Visitors({})
    visits = Visits(origin, house.courier.gate)
    decide = decide_of(desk.settings, desk.ingested.history_or_none)
    robots = Robots(
        calls, desk, visits,
        decide=decide, entity=crm.entity, look_again=house.look_again,
    )  # fmt: skip
    portal = Portal(house.words, visits, robots, Frame(house.sight, origin), crm)
    return Visitors(portal.doors(), robots, visits.close)


def _crm_of(house: House) -> Crm:
    assert house.desk.settings.crm is not None, "only with a [crm] section"
    return house.desk.settings.crm


def origin_in(address: str) -> str | None:
    """Take scheme and host of an address; None unless it is safe to send secrets to.

    Examples
    --------
    >>> origin_in("https://acme.bitrix24.ru/rest/1/secret/")
    'https://acme.bitrix24.ru'
    >>> origin_in("http://acme.bitrix24.ru/") is None
    True
    """
    parts = urlsplit(address.strip())
    safe = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in LOOPBACK
    )
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if safe else None


@dataclass(frozen=True, slots=True)
class Portal:
    """What a Bitrix24 portal posts."""

    words: Watchwords
    visits: Visits
    robots: Robots
    frame: Frame
    crm: Crm

    def doors(self) -> Doors:
        """Name the addresses."""
        return {
            ("POST", "/crm/bitrix24/robot"): self.robot,
            ("POST", "/crm/bitrix24/tab"): self.tab,
        }

    async def _known(self) -> Known:
        return await run_in_threadpool(self.words.known, self.crm.application_env)

    async def robot(self, posted: Posted) -> Response:
        """Keep a call of the automation, and let it wait for its answer."""
        form = posted.form
        token, member = (form.get(f"auth[{k}]", "") for k in (
            "application_token", "member_id",
        ))  # fmt: skip
        if not (await self._known()).admits(token, member):
            raise _stranger()
        call = robot_call_in(form)
        if call is None:
            raise UnknownLead(
                "This is no call of our robot.", remedy="Run connect to register it."
            )
        secret = {"event": call.event_token, "access": call.access}
        await run_in_threadpool(
            self.robots.calls.keep, call.event_token, f"{call.kind}:{call.number}",
            waits=call.waits, secret=secret,
        )  # fmt: skip
        self.robots.wake()
        return Response(b"", status_code=200)

    async def tab(self, posted: Posted) -> Response:
        """Show a lead to a user who may see its card; their right is asked first."""
        form, lang = posted.form, posted.query.get("LANG")
        token, member = form.get("APPLICATION_TOKEN", ""), form.get("member_id", "")
        opening = opening_in(form)
        if opening is None or not (await self._known()).admits(token, member):
            return self.frame.refusal("stranger", lang, status=403)
        try:
            item = await run_in_threadpool(
                self.visits.item, opening.access, opening.kind, opening.number
            )
        except Failed:
            return self.frame.refusal("away", lang, status=503)
        except Refused:
            return self.frame.refusal("stranger", lang, status=403)
        except Unavailable:
            return self.frame.refusal("away", lang, status=503)
        lead_id = lead_of(item, opening.kind, self.crm.entity)
        return await run_in_threadpool(self.frame.page, lead_id, lang)


class Account:
    """What an amoCRM account and our widget in it ask."""

    def __init__(
        self, desk: Desk, client: AmoClient, calls: Calls, *, secret: str, origin: str
    ) -> None:
        self._desk = desk
        self._client = client
        self._calls = calls
        self._secret = secret
        self._origin = origin

    def doors(self) -> Doors:
        """Name the addresses."""
        return {
            ("GET", "/crm/amocrm/card"): self.card,
            ("OPTIONS", "/crm/amocrm/card"): self.asked_first,
        }

    async def asked_first(self, posted: Posted) -> Response:
        """Let the account's own pages send their token (CORS)."""
        del posted
        allowed = {
            "Access-Control-Allow-Methods": "GET",
            "Access-Control-Allow-Headers": "X-Auth-Token",
            "Access-Control-Max-Age": "600",
        }
        return Response(status_code=204, headers=self._headers() | allowed)

    async def card(self, posted: Posted) -> Response:
        """Tell the widget what is predicted, if its user may see the lead."""
        lead = posted.query.get("lead", "")
        token = posted.headers.get("x-auth-token", "")
        viewer = viewer_in(token, secret=self._secret, origin=self._origin)
        if viewer is None or not (lead.isascii() and lead.isdigit() and len(lead) < 19):
            raise _stranger()
        is_new = await run_in_threadpool(
            self._calls.keep, f"widget:{viewer.once}", f"lead:{lead}",
            waits=TOKEN_LIFE,
        )  # fmt: skip
        if not is_new or not await run_in_threadpool(self._sees, viewer, int(lead)):
            raise _stranger()
        said = await run_in_threadpool(self._said, lead)
        return Response(
            orjson.dumps(said), media_type="application/json", headers=self._headers()
        )

    def _sees(self, viewer: Any, lead: int) -> bool:
        try:
            return may_see(self._client, viewer, lead)
        except AmoRefused:
            return False

    def _said(self, lead: str) -> dict[str, Any]:
        made = self._desk.journal.latest(lead)
        if made is None:
            raise UnknownLead(
                "Nothing is predicted for this lead yet.",
                remedy="A forecast comes with the next reading of the CRM.",
            )
        language = self._desk.settings.company.language
        return {
            "tier": made.tier.value,
            "words": TIERS[language][made.tier],
            "probability": made.probability,
            "horizon_days": made.horizon_days,
            "as_of": made.as_of.isoformat(),
            "model_version": made.model_version,
            "text": card_text(made, form="text", language=language),
        }

    def _headers(self) -> dict[str, str]:
        return {
            "Access-Control-Allow-Origin": self._origin,
            "Vary": "Origin",
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        }


def _stranger() -> Unauthorized:
    return Unauthorized("Who asks is not known here.", remedy="Install anew.")
