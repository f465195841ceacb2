"""An erased person leaves the shelf of an account, and no later read brings them back.

What was read is searched as bytes: the database, its log and the list of the erased.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.crm.amocrm.line import read
from tests.crm.testing.amocrm.talking import ask

from crm.amocrm.erasing import erase
from crm.amocrm.shelf import Shelf
from crm.testing.amocrm import AmoCrm
from leads.tables import Tables

MAIL, SHARED = "ann@example.org", "shop@example.org"
FIELD = "ADDRESS_HERE"


def contact(mail: str) -> dict[str, Any]:
    """Draft a contact with a mail address."""
    values = [{"value": mail, "enum_code": "WORK"}]
    return {"custom_fields_values": [{"field_code": "EMAIL", "values": values}]}


def made(answer: Any, kind: str) -> list[int]:
    """List the ids that the account gave."""
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["_embedded"][kind]]


def company() -> tuple[AmoCrm, str, str]:
    """Give an account with two leads; of the first one's contacts one is shared."""
    amo = AmoCrm()
    field = {"name": "Mail", "type": "text", "code": FIELD}
    ask(amo, "POST", "leads/custom_fields", [field])
    drafts = [contact(MAIL), contact(SHARED)]
    own, shared = made(ask(amo, "POST", "contacts", drafts), "contacts")
    leads = [
        {"name": "one", "price": 987_654, "_embedded":
            {"contacts": [{"id": own, "is_main": True}, {"id": shared}]},
         "custom_fields_values": [{"field_code": FIELD, "values": [{"value": MAIL}]}]},
        {"name": "two", "price": 77_531, "_embedded": {"contacts": [{"id": shared}]}},
    ]  # fmt: skip
    first, second = made(ask(amo, "POST", "leads", leads), "leads")
    amo.clock.move(60)
    return amo, str(first), str(second)


def again(amo: AmoCrm, lead: str) -> None:
    """Have somebody write to the card after the erasure."""
    amo.clock.move(86_400)
    value = [{"field_code": FIELD, "values": [{"value": f"{MAIL} again"}]}]
    amo.person().edit(int(lead), custom_fields_values=value, price=987_654_3)
    amo.clock.move(60)


def raw(folder: Path) -> bytes:
    """Read every file of the shelf."""
    return b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())


def struck(folder: Path, *leads: str) -> int:
    """Erase leads."""
    with closing(Shelf(folder)) as shelf:
        return erase(shelf, leads)


def ids(tables: Tables) -> set[str]:
    """List the leads of the tables."""
    return set(tables.leads["lead_id"])


@pytest.mark.parametrize("later", [False, True])
def test_an_erased_lead_leaves_the_shelf_with_all_that_is_its_own(
    tmp_path: Path, *, later: bool
) -> None:
    """Card and contact go, in free pages too; a contact of another lead stays."""
    amo, gone, kept = company()
    assert ids(read(amo, tmp_path)) == {gone, kept}
    assert MAIL.encode() in raw(tmp_path)

    count = struck(tmp_path, gone)

    if later:
        again(amo, gone)
        assert ids(read(amo, tmp_path)) == {kept}
    left = raw(tmp_path)
    assert count >= 2
    assert MAIL.encode() not in left
    assert b"987654" not in left
    assert SHARED.encode() in left
    assert b"77531" in left


def test_erasing_again_strikes_nothing_more(tmp_path: Path) -> None:
    """A repeat counts no rows, and an unknown lead takes nobody with it."""
    amo, gone, kept = company()
    read(amo, tmp_path)
    struck(tmp_path, gone)

    assert struck(tmp_path, gone) == 0
    assert struck(tmp_path, "999999") == 0
    assert struck(tmp_path) == 0
    assert ids(read(amo, tmp_path)) == {kept}


def test_the_last_lead_of_a_shared_contact_takes_it_along(tmp_path: Path) -> None:
    """Once both leads are erased, nobody is left for whom the contact is kept."""
    amo, first, second = company()
    read(amo, tmp_path)
    struck(tmp_path, first)
    assert SHARED.encode() in raw(tmp_path)

    struck(tmp_path, second)

    assert SHARED.encode() not in raw(tmp_path)
