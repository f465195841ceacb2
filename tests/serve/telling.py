"""A portal that tells a service of its leads, with a real line between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.serve.conftest import Company

from crm.bitrix24.client import Client, webhook_in
from crm.bitrix24.fields import PREFIX
from crm.bitrix24.installing import install
from crm.doors import gate_of
from crm.export import open_source
from crm.testing.bitrix24 import Portal, application, opened
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.portal import Context
from crm.testing.bitrix24.records import add, change_by
from crm.testing.bitrix24.schema import LEAD
from crm.testing.bitrix24.subscriptions import OutgoingWebhook
from crm.testing.clock import Clock
from crm.testing.serving import running
from leads import store
from leads.journal import Journal
from leads.settings import Settings
from model.promotion import champion

KEY = "a-token-long-enough"
TIER_FIELD = f"{PREFIX}TIER"


def settings_of(company: Company, folder: Path) -> Settings:
    """Make settings of a portal whose store holds the company's first bundle."""
    place = company.store_in(folder / "store")
    champion.set_champion(
        place, company.first.path, "1", datetime(2026, 6, 1, tzinfo=UTC)
    )
    told = company.settings.model_dump()
    told |= {
        "source": {"kind": "bitrix24", "account": "demo"},
        "store": {"folder": str(place), "database": f"sqlite:///{folder / 'j.db'}"},
        "crm": {"kind": "bitrix24", "account": "demo", "hear": True},
    }
    return Settings.model_validate(told)


@dataclass
class Telling:
    """A portal with leads, ready to be listened to."""

    portal: Portal
    settings: Settings

    def lead(self) -> int:
        """Let a person make a lead."""
        context = Context(self.portal, Caller("person", "person", 1))
        return int(add(context, LEAD, {"title": "new"})["id"])

    def move(self, number: int, stage: str) -> None:
        """Let a person move a lead."""
        change_by(self.portal, LEAD, number, {"stageId": stage})

    def listen_at(self, url: str) -> None:
        """Have the portal tell an address of its leads."""
        events = frozenset(f"ONCRMLEAD{what}" for what in ("ADD", "UPDATE", "DELETE"))
        hook = OutgoingWebhook(url, events, KEY, 975)
        self.portal.subscriptions.webhooks.append(hook)

    def tier_on(self, number: int, *, seconds: float = 20.0) -> float:
        """Wait for a tier on a lead's card; give how long that took."""
        begun = time.monotonic()
        while not self.tier_of(number):
            assert time.monotonic() - begun < seconds, "no tier came"
            time.sleep(0.01)
        return time.monotonic() - begun

    def tier_of(self, number: int) -> object:
        """Give what a card holds as its tier."""
        row = self.portal.state.of(LEAD)[number]
        return next((v for k, v in row.items() if k.startswith(TIER_FIELD)), None)


@contextmanager
def telling(
    company: Company, folder: Path, monkeypatch: pytest.MonkeyPatch, *, leads: int = 20
) -> Iterator[Telling]:
    """Open a portal of so many leads, ingest it, and make our fields there."""
    portal = opened(clock=Clock(datetime.now(UTC)))
    portal.credentials.webhook()
    settings = settings_of(company, folder)
    made = Telling(portal, settings)
    for _ in range(leads):
        made.lead()
    companions = [portal.clock.follow, portal.pump.run]
    with running(application(portal), companions) as url:
        monkeypatch.setenv("LEADCAST_CRM_URL", f"{url}/rest/1/s3cret/")
        monkeypatch.setenv("LEADCAST_HOOK_KEY", KEY)
        store.save(open_source(settings).read(), settings.store.folder)
        with closing(Journal(settings.store.database)) as journal:
            assert settings.crm is not None
            gate = gate_of(settings.crm, journal)
            with closing(Client(webhook_in("LEADCAST_CRM_URL"), gate)) as client:
                install(client, language="ru")
        yield made
