"""Our address is bound once to what happens to leads, and taken back."""

from __future__ import annotations

from tests.crm.conftest import journal, url
from tests.crm.hearing.test_losses import queued_portal

from crm.bitrix24.subscribing import EVENTS, subscribe, unsubscribe_all
from leads.journal import Journal

assert journal, url  # fixtures

US = "https://us.test/crm/bitrix24/events"


def test_an_address_is_bound_once(journal: Journal) -> None:
    """Repeating binds nothing again; taking back leaves what is not ours."""
    with queued_portal(journal) as (portal, client):
        bindings = portal.subscriptions.bindings
        bindings.clear()
        portal.clock.move(600)
        first = subscribe(client, US, queue=True)
        portal.clock.move(600)
        again = subscribe(client, US, queue=True)
        other = bindings[0].__class__("other", EVENTS[0], US, 1, 5)
        bindings.append(other)
        portal.clock.move(600)
        gone = unsubscribe_all(client)

    assert sorted(set(first)) == sorted({*EVENTS, "ONOFFLINEEVENT"})
    assert len(first) == 2 * len(EVENTS) + 1
    assert again == []
    assert sorted(gone) == sorted(set(first))
    assert bindings == [other]
