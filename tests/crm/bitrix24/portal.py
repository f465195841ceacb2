"""A portal in this process and our client of it, with time that does not pass."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2

from crm.bitrix24.client import Client, Webhook
from crm.port import GateClosed, Heard
from crm.testing.bitrix24 import Portal, application, opened
from crm.testing.bitrix24.account import STANDARD, PortalProfile
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.portal import Context
from crm.testing.bitrix24.records import add
from crm.testing.bitrix24.schema import BY_NAME
from crm.transport import Patience

HOOK = Webhook("https://demo.bitrix24.test", "/rest/1/s3cret/")


class Carrier(httpx2.BaseTransport):
    """Carries requests to a portal without a socket; a cut line is a read error."""

    def __init__(self, portal: Portal) -> None:
        self._inside = httpx2.ASGITransport(app=application(portal))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request there and the whole answer back."""

        async def carried() -> httpx2.Response:
            sent = httpx2.Request(
                request.method,
                request.url,
                headers=request.headers,
                content=request.read(),
            )
            answer = await self._inside.handle_async_request(sent)
            body = await answer.aread()
            return httpx2.Response(
                answer.status_code, headers=answer.headers, stream=Bytes(body)
            )

        try:
            return asyncio.run(carried())
        except ConnectionResetError as error:
            raise httpx2.ReadError("cut") from error


class Bytes(httpx2.SyncByteStream):
    """A body that is there already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body


@dataclass
class Gate:
    """A gate that lets everything through and remembers what it heard.

    ``closed`` shuts it so many times.
    """

    entered: int = 0
    closed: int = 0
    told: list[Heard] = field(default_factory=list)

    def enter(self) -> None:
        """Let one request leave."""
        if self.closed:
            self.closed -= 1
            pause = timedelta(seconds=2)
            raise GateClosed("Shut.", remedy="Wait.", retry_after=pause)
        self.entered += 1

    def heard(self, health: Heard, retry_after: timedelta | None = None) -> None:
        """Take note."""
        del retry_after
        self.told.append(health)


def portal_of(profile: PortalProfile = STANDARD, **made: int) -> Portal:
    """Open a portal with a webhook and so many records of each kind."""
    portal = opened(profile)
    portal.credentials.webhook()
    for kind, number in made.items():
        make(portal, kind, number)
    return portal


def make(portal: Portal, kind: str, number: int = 1, **values: Any) -> None:
    """Make so many records as a person would."""
    context = Context(portal, Caller("person", "person", 1))
    for _ in range(number):
        add(context, BY_NAME[kind], {"title": kind, **values})


def client_of(portal: Portal, gate: Gate | None = None) -> Client:
    """Open our client of a portal."""
    return Client(HOOK, gate or Gate(), carrier=Carrier(portal))


def patient(sleep: Callable[[float], None]) -> Patience:
    """Wait on the portal's clock rather than on the wall's."""
    return Patience(sleep=sleep, chance=random.Random(1))
