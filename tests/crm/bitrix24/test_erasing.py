"""An erased person leaves the raw pages, and no later read brings them back."""

from __future__ import annotations

import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.crm.bitrix24.portal import client_of, make, patient, portal_of

from crm.bitrix24.erasing import erase
from crm.bitrix24.reading import Reading
from crm.bitrix24.shelf import Shelf
from crm.bitrix24.source import tables_of
from crm.testing.bitrix24 import Portal
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.payments import add_payment
from crm.testing.bitrix24.portal import Context
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.schema import BY_NAME, LEAD
from leads.conform import Rules

ZONE = ZoneInfo("UTC")
MAIL, SHARED = "ann@example.org", "shop@example.org"


def read(portal: Portal, folder: Path) -> Shelf:
    """Read a portal once, and give its shelf."""
    shelf = Shelf(folder)
    Reading(
        client_of(portal), shelf, entity="lead", patience=patient(portal.clock.move)
    ).run()
    return shelf


def company() -> Portal:
    """Give a portal with two leads; of the first one's clients one is shared."""
    portal = portal_of()
    make(portal, "contact", fm=[{"typeId": "EMAIL", "value": MAIL}], post=MAIL)
    make(portal, "contact", post=SHARED)
    portal.clock.move(60)
    make(portal, "lead", contactId=1, contactIds=[1, 2], comments=MAIL)
    make(portal, "lead", contactId=2)
    make(portal, "deal", leadId=1, comments=MAIL)
    make(portal, "deal", leadId=2)
    context = Context(portal, Caller("person", "person", 1))
    for deal, amount in ((1, 1200.5), (2, 77.5)):
        add_payment(context, deal, amount=amount, currency="RUB", paid=True)
    return portal


def raw(folder: Path) -> bytes:
    """Read all pages as they are when unpacked."""
    pages = sorted((folder / "pages").iterdir())
    return b"".join(gzip.decompress(path.read_bytes()) for path in pages)


@pytest.mark.parametrize("again", [False, True])
def test_an_erased_lead_leaves_the_pages_with_all_that_is_its_own(
    tmp_path: Path, *, again: bool
) -> None:
    """Card, deal, payment and contact go; a contact shared with another lead stays."""
    portal = company()
    shelf = read(portal, tmp_path)
    assert MAIL.encode() in raw(tmp_path)

    gone = erase(shelf, ["1"], entity="lead")

    if again:
        portal.clock.move(86_400)
        change_by(portal, LEAD, 1, {"comments": f"{MAIL} again"})
        change_by(portal, BY_NAME["contact"], 1, {"post": f"{MAIL} again"})
        read(portal, tmp_path)
    kept = raw(tmp_path)
    assert gone > 0
    assert MAIL.encode() not in kept
    assert b"1200.5" not in kept
    assert SHARED.encode() in kept
    assert b"77.5" in kept
    tables = tables_of(shelf, Rules(zone=ZONE), entity="lead", us="1")
    assert tables.leads["lead_id"].to_list() == ["2"]
    assert tables.payments["lead_id"].to_list() == ["2"]
    assert erase(shelf, ["1"], entity="lead") == 0
