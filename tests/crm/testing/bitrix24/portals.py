"""A portal and a caller of it, in one process and one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from crm.testing.bitrix24 import Portal, application, opened
from crm.testing.bitrix24.account import STANDARD, PortalProfile
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.portal import Context
from crm.testing.bitrix24.records import add
from crm.testing.bitrix24.schema import BY_NAME
from crm.testing.pump import Message

HOOK = "/rest/1/s3cret/"
MANAGER = "/rest/7/manager/"
US = "https://us.test/b24"


class Caught:
    """What reached our receiver."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> int:
        """Take a message."""
        self.messages.append(message)
        return 200


def portal_of(profile: PortalProfile = STANDARD, *, leads: int = 0) -> Portal:
    """Open a portal with a webhook, an application and so many leads."""
    portal = opened(profile, post=Caught())
    portal.credentials.webhook()
    portal.credentials.webhook(7, "manager")
    portal.credentials.install(US)
    make(portal, "lead", leads)
    return portal


def make(portal: Portal, kind: str, number: int, **values: Any) -> None:
    """Make so many records as a person would."""
    context = Context(portal, Caller("person", "person", 1))
    for _ in range(number):
        add(context, BY_NAME[kind], {"title": kind, **values})


class Client:
    """Calls methods and gives the answer as it came."""

    def __init__(self, portal: Portal, address: str = "10.0.0.1") -> None:
        self.portal = portal
        transport = httpx2.ASGITransport(
            app=application(portal), client=(address, 1234)
        )
        self.http = httpx2.AsyncClient(
            transport=transport, base_url=f"http://{portal.profile.domain}"
        )

    async def post(
        self, method: str, params: Any = None, *, base: str = HOOK, **more: Any
    ) -> httpx2.Response:
        """Call a method with JSON."""
        return await self.http.post(base + method, json=params or {}, **more)

    async def call(self, method: str, params: Any = None, **more: Any) -> Any:
        """Call a method and give its JSON."""
        return (await self.post(method, params, **more)).json()

    async def app(self, method: str, params: Any = None) -> Any:
        """Call a method as the installed application, with a fresh token."""
        token = self.portal.credentials.grant("local.demo").access
        sent = {**(params or {}), "auth": token}
        return await self.call(method, sent, base="/rest/")


def ask(portal: Portal, story: Callable[[Client], Awaitable[Any]]) -> Any:
    """Run a story of calls to a portal."""

    async def run() -> Any:
        client = Client(portal)
        async with client.http:
            return await story(client)

    return asyncio.run(run())


def one(portal: Portal, method: str, params: Any = None, **more: Any) -> Any:
    """Call one method once and give its JSON."""
    return ask(portal, lambda client: client.call(method, params, **more))


def status(portal: Portal, method: str, params: Any = None, **more: Any) -> int:
    """Call one method once and give the HTTP status."""
    answer = ask(portal, lambda client: client.post(method, params, **more))
    return int(answer.status_code)
