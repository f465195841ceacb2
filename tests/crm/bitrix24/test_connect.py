"""Connecting says all that is missing at once, makes our fields, and mends them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.crm.bitrix24.portal import client_of, portal_of

from crm.bitrix24.checks import Wishes, faults_of, require
from crm.bitrix24.client import webhook_in
from crm.bitrix24.fields import WANTED, State, flaws_in, look
from crm.bitrix24.installing import install
from crm.layouts import FieldsChanged
from crm.port import OurField
from crm.testing.bitrix24.account import FREE, SIMPLE, STANDARD
from crm.testing.bitrix24.records import drop_field
from crm.testing.bitrix24.schema import Type
from leads.errors import BadConfig

SECRET = "c4n4ry"


def test_installing_twice_makes_nothing_twice() -> None:
    """The second run finds everything in place."""
    portal = portal_of()
    client = client_of(portal)

    first = install(client, language="ru")
    assert len(first) == 2 * len(WANTED)
    assert install(client, language="ru") == []
    assert len(portal.state.fields) == 16


def test_fields_have_words_in_both_languages() -> None:
    """A person reads Russian or English; we go by the external id."""
    portal = portal_of()
    install(client_of(portal), language="ru")

    tier = next(each for each in portal.state.fields if each.xml_id == "lcp_tier")
    assert tier.labels == {"ru": "Прогноз: категория", "en": "Forecast: tier"}
    assert [each.xml_id for each in tier.options] == [
        "lcp_hot", "lcp_warm", "lcp_cold", "lcp_no_data",
    ]  # fmt: skip
    assert tier.options[0].value == "Горячий"


def test_a_portal_is_told_all_that_is_missing_at_once() -> None:
    """Rights, the owner's standing and the mode are named together."""
    portal = portal_of(SIMPLE)
    portal.credentials.webhooks[0] = replace(
        portal.credentials.webhooks[0], scopes=frozenset({"crm"})
    )
    portal.state.users[1].admin = False

    with pytest.raises(BadConfig) as refusal:
        require(client_of(portal), Wishes(tasks=True), with_fields=False)
    told = str(refusal.value)
    assert len(refusal.value.faults) == 5
    for word in ("'sale'", "'user'", "'tasks'", "administrator", "without leads"):
        assert word in told


def test_a_free_plan_is_named() -> None:
    """A plan without REST is said in words, not as a code."""
    with pytest.raises(BadConfig, match="plan does not include REST"):
        require(client_of(portal_of(FREE)), Wishes(), with_fields=False)


def test_a_sound_portal_passes() -> None:
    """Nothing is asked for that is there."""
    portal = portal_of(STANDARD)
    client = client_of(portal)
    install(client, language="ru")
    made = list(portal.state.fields)

    assert faults_of(client, Wishes(tasks=True), with_fields=True) == []
    require(client, Wishes(tasks=True), with_fields=True)
    assert portal.state.fields == made


def test_the_daily_check_names_a_deleted_field() -> None:
    """What a person deleted is named with the way out."""
    portal = portal_of()
    client = client_of(portal)
    install(client, language="ru")
    drop_field(portal, "UF_CRM_LCP_ACTION")

    with pytest.raises(BadConfig, match=r"lcp_action .* is not there"):
        require(client, Wishes(), with_fields=True)


def test_repair_makes_anew_and_keeps_what_was_spoilt() -> None:
    """A field of another type is set aside with its values, not deleted."""
    portal = portal_of()
    client = client_of(portal)
    install(client, language="ru")
    spoilt = next(f for f in portal.state.fields if f.xml_id == "lcp_reasons")
    spoilt.type, spoilt.user_type = Type.INTEGER, "integer"
    tier = next(f for f in portal.state.fields if f.xml_id == "lcp_tier")
    del tier.options[1]
    drop_field(portal, "UF_CRM_LCP_ACTION")
    assert {flaw.state for flaw in flaws_in(look(client))} == {
        State.ABSENT, State.OTHER_TYPE, State.NO_OPTION,
    }  # fmt: skip

    with pytest.raises(FieldsChanged):
        install(client, language="ru")
    install(client, language="ru", repair=True)
    layout = look(client)
    assert flaws_in(layout) == []
    assert spoilt in portal.state.fields
    assert layout["lead"][OurField.REASONS].name == "UF_CRM_LCP_REASONS_2"


def test_a_webhook_without_rights_to_fields_is_told_so() -> None:
    """A portal that refuses to make fields ends in words."""
    portal = portal_of()
    client = client_of(portal)
    portal.state.users[1].admin = False

    with pytest.raises(BadConfig, match="could not be made"):
        install(client, language="ru")


@pytest.mark.parametrize(
    "address",
    [
        "", "not an address", f"http://demo.bitrix24.ru/rest/1/{SECRET}/",
        f"https://demo.bitrix24.ru/rest/{SECRET}/", f"ftp://demo/rest/1/{SECRET}/",
        f"https://a:b@demo.bitrix24.ru/rest/1/{SECRET}/",
        f"https://demo.bitrix24.ru/rest/1/{SECRET}/?x=1",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_unseen(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong address is refused, and no part of it is repeated."""
    monkeypatch.setenv("LEADCAST_CRM_URL", address)

    with pytest.raises(BadConfig) as refusal:
        webhook_in("LEADCAST_CRM_URL")
    assert SECRET not in str(refusal.value)


def test_the_secret_is_not_in_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the webhook's form nor an error of the way names the secret."""
    address = f"https://127.0.0.1:1/rest/1/{SECRET}/"
    monkeypatch.setenv("LEADCAST_CRM_URL", address)
    hook = webhook_in("LEADCAST_CRM_URL")

    assert SECRET not in repr(hook)
    assert hook.user == "1"
