"""An account in this process and our client of it; a quarter second per request."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2

from crm.amocrm.client import AmoClient, judged
from crm.amocrm.reading import Reader
from crm.amocrm.shelf import Shelf
from crm.amocrm.source import tables_of
from crm.port import GateClosed, Heard
from crm.testing.amocrm import AmoCrm
from crm.transport import Patience, Transport
from leads.conform import Rules
from leads.tables import Tables

HOST = "https://demo.amocrm.ru"
RULES = Rules(ZoneInfo("UTC"))
PAUSE_SECONDS = 0.25

Step = Callable[[int, str], None]


class Bytes(httpx2.SyncByteStream):
    """A body that is there already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body


@dataclass
class Carrier(httpx2.BaseTransport):
    """Carries requests without a socket; ``before`` sees each number and address."""

    amo: AmoCrm
    before: Step = lambda _number, _path: None
    asked: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request there and the whole answer back."""
        self.amo.clock.move(PAUSE_SECONDS)
        self.asked.append(f"{request.method} {request.url.path}")
        self.before(len(self.asked), str(request.url))
        try:
            return asyncio.run(self._carried(request))
        except ConnectionResetError as error:
            raise httpx2.ReadError("cut") from error

    async def _carried(self, request: httpx2.Request) -> httpx2.Response:
        sent = httpx2.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.read(),
        )
        inside = httpx2.ASGITransport(app=self.amo.app)
        answer = await inside.handle_async_request(sent)
        body = await answer.aread()
        return httpx2.Response(
            answer.status_code, headers=answer.headers, stream=Bytes(body)
        )


@dataclass
class Gate:
    """A gate that remembers what it heard, and may be shut."""

    heards: list[Heard] = field(default_factory=list)
    waits: list[timedelta | None] = field(default_factory=list)
    is_shut: bool = False

    def enter(self) -> None:
        """Let a request through."""
        if self.is_shut:
            raise GateClosed("Shut.", remedy="-", retry_after=timedelta(seconds=7))

    def heard(self, health: Heard, retry_after: timedelta | None = None) -> None:
        """Take note."""
        self.heards.append(health)
        self.waits.append(retry_after)


def client_of(amo: AmoCrm, *, gate: Gate | None = None, before: Step | None = None,
              carrier: Carrier | None = None) -> AmoClient:  # fmt: skip
    """Open a client with the account's long-lived token."""
    made = carrier or Carrier(amo, before or (lambda _number, _path: None))
    transport = Transport(HOST, gate or Gate(), judge=judged, carrier=made)
    return AmoClient(transport, lambda: amo.token)


def patient(tries: int = 4) -> Patience:
    """Give patience that takes no time."""
    return Patience(tries=tries, sleep=lambda _: None, chance=random.Random(0))


def read(
    amo: AmoCrm, folder: Path, *, before: Step | None = None, tries: int = 4,
    payments: tuple[str, ...] = ("invoices",),
) -> Tables:  # fmt: skip
    """Read an account as ``ingest`` does, at the account's own time."""
    with closing(Shelf(folder)) as shelf:
        reader = Reader(
            client_of(amo, before=before), shelf,
            now=amo.account.now + 10, patience=patient(tries),
        )  # fmt: skip
        reader.run(invoices="invoices" in payments, customers="customers" in payments)
        return tables_of(shelf, RULES, payments=payments)
