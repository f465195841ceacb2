"""The double ties contacts to cards as the documents of ``crm.lead.contact.*`` say."""

from __future__ import annotations

from tests.crm.testing.bitrix24.portals import make, one, portal_of


def test_contacts_are_added_and_taken_away_one_by_one() -> None:
    """The main one stands first, and the next one follows when it goes."""
    portal = portal_of(leads=1)
    make(portal, "contact", 2)

    def call(verb: str, **fields: object) -> object:
        asked = {"id": 1, "fields": fields} if fields else {"id": 1}
        return one(portal, f"crm.lead.contact.{verb}", asked)["result"]

    assert call("add", CONTACT_ID=1) is True
    assert call("add", CONTACT_ID=2, IS_PRIMARY="Y") is True
    held = call("items.get")
    assert call("delete", CONTACT_ID=2) is True
    item = one(portal, "crm.item.get", {"entityTypeId": 1, "id": 1})["result"]["item"]

    assert isinstance(held, list)
    assert [(each["CONTACT_ID"], each["IS_PRIMARY"]) for each in held] == [
        (2, "Y"), (1, "N")
    ]  # fmt: skip
    assert (item["contactId"], item["contactIds"]) == (1, [1])
    ties = [write.after for write in portal.ledger.of("lead", 1)][1:]
    assert [tie["contactIds"] for tie in ties] == [[1], [2, 1], [1]]


def test_what_is_not_there_cannot_be_tied() -> None:
    """A card, a contact or a tie that does not exist is NOT_FOUND."""
    portal = portal_of(leads=1)
    make(portal, "contact", 1)

    for verb, lead, contact in (("add", 9, 1), ("add", 1, 9), ("delete", 1, 1)):
        asked = {"id": lead, "fields": {"CONTACT_ID": contact}}
        answer = one(portal, f"crm.lead.contact.{verb}", asked)
        assert answer["error"] == "NOT_FOUND"
