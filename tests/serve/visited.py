"""A service beside a CRM's double: leads by the CRM's numbers, and posts by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.crm.bitrix24.portal import make
from tests.serve.company import settings_in
from tests.serve.conftest import PROMOTED_AT, Company

from crm.testing.amocrm import AmoCrm
from crm.testing.bitrix24 import Portal, application, opened
from crm.testing.bitrix24.account import STANDARD
from crm.testing.pump import Message
from crm.testing.serving import running
from leads import store
from leads.settings import Crm, Settings
from leads.tables import Tables
from model.bundle.whole import Bundle
from model.promotion import champion
from serve.app import create_app

LEADS = 9
WAIT_SECONDS = 20.0


def numbered(tables: Tables) -> Tables:
    """Give leads the numbers that a CRM gives: L00004 becomes 5."""
    number = (pl.col("lead_id").str.slice(1).cast(pl.Int64) + 1).cast(pl.String)

    def frame(name: str) -> pl.DataFrame:
        made = tables[name].with_columns(number.alias("lead_id"))
        return made.sort(made.columns)

    return replace(
        tables,
        leads=frame("leads"),
        events=frame("events"),
        stages=frame("stages"),
        payments=frame("payments"),
        field_changes=frame("field_changes"),
    )


def company_in(company: Company, folder: Path, crm: Crm) -> Settings:
    """Make a company of one test's own with a CRM, its champion promoted."""
    settings = settings_in(folder).model_copy(update={"crm": crm})
    store.save(numbered(company.tables), settings.store.folder)
    company.store_in(settings.store.folder)
    [path] = [
        each
        for each in (settings.store.folder / champion.BUNDLES).iterdir()
        if Bundle.open(each).digest == company.first.digest
    ]
    champion.set_champion(settings.store.folder, path, "1", PROMOTED_AT)
    return settings


@dataclass
class Side:
    """A portal's double and the service beside it."""

    portal: Portal
    client: TestClient
    address: str
    sent: list[Message]

    def posted(self) -> Message:
        """Give what the portal posts next."""
        asyncio.run(self.portal.pump.deliver())
        return self.sent.pop()

    def carried(self, message: Message, **form: str) -> httpx2.Response:
        """Carry one post of the portal to the service, some of its fields forged."""
        parts = urlsplit(message.url)
        body = message.body.decode()
        for name, value in form.items():
            body += f"&{name}={value}"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self.client.post(
            f"{parts.path}?{parts.query}", content=body, headers=headers
        )


@contextmanager
def bitrix24(
    company: Company, folder: Path, patch: pytest.MonkeyPatch, **crm: Any
) -> Iterator[Side]:
    """Serve beside a portal whose application we are."""
    sent: list[Message] = []

    async def kept(message: Message) -> int:
        sent.append(message)
        return 200

    portal = opened(STANDARD, post=kept)
    portal.credentials.webhook()
    make(portal, "lead", LEADS)
    make(portal, "deal")
    app = portal.credentials.install("http://127.0.0.1:9/crm/bitrix24/install")
    told = Crm(kind="bitrix24", account="acme", workers=0, **crm)
    with running(application(portal), [portal.clock.follow]) as address:
        patch.setenv("LEADCAST_CRM_URL", f"{address}/rest/1/s3cret/")
        patch.setenv("LEADCAST_CRM_APPLICATION", app.application_token)
        settings = company_in(company, folder, told)
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield Side(portal, client, address, sent)


@contextmanager
def amocrm(
    company: Company, folder: Path, patch: pytest.MonkeyPatch, amo: AmoCrm
) -> Iterator[tuple[TestClient, str]]:
    """Serve beside an account whose widget we are; client and the account's address."""
    with running(amo.app) as address:
        patch.setenv("LEADCAST_CRM_URL", address)
        patch.setenv("LEADCAST_CRM_TOKEN", amo.token)
        settings = company_in(
            company, folder, Crm(kind="amocrm", account="acme", workers=0)
        )
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client, address


def until(happened: Any) -> None:
    """Wait for what another thread does."""
    ends = time.monotonic() + WAIT_SECONDS
    while not happened():
        if time.monotonic() > ends:
            raise AssertionError("It did not happen in time.")
        time.sleep(0.02)
