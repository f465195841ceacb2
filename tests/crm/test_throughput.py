"""So many tiers in so many seconds, by the real clients, and never over a limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.crm.writeback.saying import record, said

from crm.amocrm.fields import flaws_in, look, mend
from crm.amocrm.opening import open_client
from crm.bitrix24.client import Client, webhook_in
from crm.bitrix24.installing import install
from crm.courier import Courier, also_of
from crm.testing.amocrm import AmoCrm
from crm.testing.bitrix24 import Portal, application, opened
from crm.testing.bitrix24.account import STANDARD
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.portal import Context
from crm.testing.bitrix24.records import add
from crm.testing.bitrix24.schema import LEAD
from crm.testing.serving import running
from leads.decision import Tier
from leads.journal import Journal
from leads.settings import Crm, Settings

CARDS = 2_000
TIERS = (Tier.HOT, Tier.WARM, Tier.COLD)


@contextmanager
def writing(
    kind: str, folder: Path, patch: pytest.MonkeyPatch, address: str, token: str = ""
) -> Iterator[tuple[Journal, Courier]]:
    """Open the write-back to a double, as a service does."""
    patch.setenv("LEADCAST_CRM_URL", address)
    patch.setenv("LEADCAST_CRM_TOKEN", token)
    settings = Settings.model_validate(
        {
            "source": {"kind": "files", "folder": folder},
            "crm": {"kind": kind, "account": "acme"},
        }
    )
    url = f"sqlite:///{folder / 'journal.db'}"
    with closing(Journal(url, also=also_of(settings))) as journal:
        journal.upgrade()
        courier = Courier(settings, journal)
        yield journal, courier
        courier.stop()


def seconds_to_write(journal: Journal, courier: Courier, leads: list[str]) -> float:
    """Predict all leads at once, and wait until no card waits any more."""
    record(journal, [said(lead, TIERS[n % 3]) for n, lead in enumerate(leads)])
    began = time.monotonic()
    courier.start(2)
    while courier.upkeep.state().waiting and time.monotonic() - began < 400:
        time.sleep(0.2)
    took = time.monotonic() - began
    courier.stop()
    return took


def counted(values: list[Any]) -> int:
    """Count the cards that show a tier."""
    return sum(value is not None for value in values)


def portal_with_leads() -> Portal:
    """Open a portal of the standard plan with 2,000 leads."""
    portal = opened(STANDARD)
    portal.credentials.webhook()
    context = Context(portal, Caller("person", "person", 1))
    for number in range(CARDS):
        add(context, LEAD, {"title": str(number)})
    return portal


@pytest.mark.long
def test_bitrix24_takes_2000_tiers_in_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches, on a standard plan, without one answer over its limit."""
    portal = portal_with_leads()
    with running(application(portal), [portal.clock.follow]) as address:
        hook = f"{address}/rest/1/s3cret/"
        with writing("bitrix24", tmp_path, monkeypatch, hook) as (journal, courier):
            with closing(Client(webhook_in("LEADCAST_CRM_URL"), courier.gate)) as one:
                install(one, language="en")
            leads = [str(n) for n in portal.state.of(LEAD)]
            took = seconds_to_write(journal, courier, leads)
            state = courier.upkeep.state()

    rows = portal.state.of(LEAD).values()
    print(f"{took:.1f} s, {len(portal.ledger.requests)} requests")  # noqa: T201 - figures
    over = portal.ledger.refused("QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT")
    assert counted([row.get("UF_CRM_LCP_TIER") for row in rows]) == CARDS
    assert (state.waiting, state.dead, len(over)) == (0, 0, 0)
    assert took <= 60


@pytest.mark.long
def test_amocrm_takes_2000_tiers_in_320_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At five requests a second, without one answer over its limit."""
    amo = AmoCrm()
    person = amo.person()
    leads = [str(person.create(name=str(n))) for n in range(CARDS)]
    with (
        running(amo.app, [amo.clock.follow]) as address,
        writing("amocrm", tmp_path, monkeypatch, address, amo.token) as opened_,
    ):
        journal, courier = opened_
        crm = Crm(kind="amocrm", account="acme")
        with closing(open_client(crm, courier.gate)) as one:
            mend(one, flaws_in(look(one)), language="en")
        took = seconds_to_write(journal, courier, leads)
        state = courier.upkeep.state()

    tiers = [amo.values(int(lead)).get("LCP_TIER") for lead in leads]
    print(f"{took:.1f} s, {len(amo.ledger.requests)} requests")  # noqa: T201 - figures
    over = [one for one in amo.ledger.requests if one.status in {403, 429}]
    assert counted(tiers) == CARDS
    assert (state.waiting, state.dead, len(over)) == (0, 0, 0)
    assert took <= 320
