"""Our address is subscribed once, looked after, and taken back."""

from __future__ import annotations

from tests.crm.amocrm.line import client_of

from crm.amocrm.subscribing import subscribe, unsubscribe
from crm.testing.amocrm import AmoCrm

US = "https://us.test/crm/amocrm/hooks/secret-secret-secret"


def test_an_address_is_subscribed_once() -> None:
    """Repeating changes nothing; what was switched off is switched on again."""
    amo = AmoCrm()
    client = client_of(amo)

    assert [subscribe(client, US), subscribe(client, US)] == [True, False]
    (hook,) = amo.hooks.subscriptions.values()
    hook["disabled"] = True
    assert subscribe(client, US)
    assert [hook["disabled"] for hook in amo.hooks.subscriptions.values()] == [False]
    assert [unsubscribe(client, US), unsubscribe(client, US)] == [True, False]
    assert not amo.hooks.subscriptions
