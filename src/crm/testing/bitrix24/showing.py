"""A portal to look at: a lead's card as a page, and people who work beside us.

``python -m crm.testing.bitrix24.showing --port 8024 --service http://127.0.0.1:8000``
starts one on loopback, filled by the invented company, with our application installed.
Beside what a portal has, it has addresses that stand for people's hands:

::

    GET  /demo/application              tokens of the installed application
    POST /demo/robot/<lead>             the client's automation calls our robot
    GET  /demo/robot/<lead>             what the automation got back
    POST /demo/stage/<lead>/<stage>     a manager moves a lead
    POST /demo/lead/<lead>              a new lead comes, of the same kind as another
    POST /demo/event/<lead>/<kind>      a lead does something, such as SETUP_DONE
    GET  /demo/card/<lead>              our fields on a card
    GET  /crm/lead/details/<lead>/      the card, our tab in a frame
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

import orjson
import typer

from crm.testing.bitrix24.account import ENTERPRISE
from crm.testing.bitrix24.app import App, application
from crm.testing.bitrix24.cardpage import card_page
from crm.testing.bitrix24.company import fill
from crm.testing.bitrix24.hands import HANDS
from crm.testing.bitrix24.opening import opened
from crm.testing.bitrix24.portal import Portal
from crm.testing.clock import Clock
from crm.testing.serving import address_of, serve, server_of, taken
from crm.testing.wire import Answer, Line, Receive, Scope, Send
from leads.synthetic import invent

CARD: Final = re.compile(r"/crm/lead/details/(\d+)/")
HISTORY: Final = timedelta(days=540)
HTML: Final = {"content-type": "text/html; charset=utf-8"}
CLIENT: Final = "local.demo"


def shown(portal: Portal) -> App:
    """Put a portal behind ASGI, with its pages and people."""
    inside = application(portal)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not path.startswith(("/demo/", "/crm/")):
            await inside(scope, receive, send)
            return
        answer = _answer(portal, str(scope["method"]), path, str(scope["query_string"]))
        await Line(scope, receive, send).answer(answer or Answer(404, b"{}"))

    return app


def _answer(portal: Portal, method: str, path: str, query: str) -> Answer | None:
    card = CARD.fullmatch(path)
    if card and method == "GET":
        language = "en" if "lang=en" in query else "ru"
        page = card_page(portal, int(card[1]), language=language)
        return None if page is None else Answer(200, page.encode(), HTML)
    if path == "/demo/application":
        return _told(_application(portal))
    for wanted, address, hand in HANDS:
        found = re.fullmatch(address, path)
        if found and method == wanted:
            return _told(hand(portal, *found.groups()))
    return None


def _told(body: Any) -> Answer:
    return Answer(200, orjson.dumps(body))


def _application(portal: Portal) -> dict[str, str]:
    app = portal.credentials.applications[CLIENT]
    return {
        "access": portal.credentials.grant(CLIENT).access,
        "application_token": app.application_token,
        "member_id": portal.profile.member_id,
    }


def prepared(*, leads: int, seed: int, service: str, until: date) -> Portal:
    """Open a portal where the invented company works, our application installed."""
    portal = opened(ENTERPRISE, clock=Clock(datetime.now(UTC)), seed=seed)
    portal.credentials.webhook()
    portal.credentials.install(f"{service}/crm/bitrix24/install", CLIENT)
    app = portal.credentials.applications[CLIENT]
    app.application_token = hashlib.md5(b"%d" % seed).hexdigest()  # as long as theirs
    fill(portal, invent(leads, seed, span=(until - HISTORY, until)))
    return portal


def main(
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0: any free one.")] = 8024,
    service: Annotated[
        str, typer.Option(help="Where our service will be.")
    ] = "http://127.0.0.1:8000",
    leads: Annotated[int, typer.Option(help="Leads to invent.")] = 1_200,
    seed: Annotated[int, typer.Option(help="Same seed and day, same company.")] = 2026,
) -> None:
    """Start a Bitrix24 portal to look at."""
    today = datetime.now(UTC).date()
    portal = prepared(leads=leads, seed=seed, service=service, until=today)
    door = taken(port)
    address = address_of(door)
    typer.echo(f"webhook  http://{address}/rest/1/s3cret/")
    typer.echo(f"a card   http://{address}/crm/lead/details/1/")
    companions = [portal.clock.follow, portal.pump.run]
    asyncio.run(serve(server_of(shown(portal)), companions, door=door))


if __name__ == "__main__":
    typer.run(main)
