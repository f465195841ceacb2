"""An account is looked at as a whole, and our fields stand in it or nothing is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.crm.amocrm.line import Gate, client_of

from crm.amocrm.fields import WANTED
from crm.amocrm.installing import Findings, install, ready
from crm.amocrm.opening import open_client
from crm.layouts import FieldsChanged
from crm.testing.amocrm import CLIENT, AmoCrm, AmoProfile
from crm.testing.amocrm.founding import INTEGRATION_USER
from leads.errors import BadConfig
from leads.settings import Crm

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def set_up(amo: AmoCrm, *, check: bool = False, repair: bool = False) -> Findings:
    """Connect an account."""
    return install(
        client_of(amo), language="ru", token=amo.token, now=NOW,
        check=check, repair=repair,
    )  # fmt: skip


def codes(amo: AmoCrm) -> list[str | None]:
    """List the codes of the account's fields of leads."""
    return [field.code for field in amo.account.fields["leads"].values()]


def test_all_our_fields_are_made_once() -> None:
    """Connecting twice makes eight fields, closed to people, and no ninth."""
    amo = AmoCrm()

    first, second = set_up(amo), set_up(amo)

    assert first.made == [one.code for one in WANTED]
    assert second.made == []
    assert codes(amo) == first.made
    assert all(one.is_api_only for one in amo.account.fields["leads"].values())


def test_check_changes_nothing_and_names_everything() -> None:
    """A check of a bare account names all eight fields and writes none."""
    amo = AmoCrm()

    with pytest.raises(FieldsChanged) as refused:
        set_up(amo, check=True)

    assert len(refused.value.faults) == len(WANTED)
    assert codes(amo) == []


def test_a_lost_option_is_mended_only_when_asked() -> None:
    """Repairing gives the option back and leaves those of people and their ids."""
    amo = AmoCrm()
    set_up(amo)
    [tier] = [f for f in amo.account.fields["leads"].values() if f.code == "LCP_TIER"]
    kept = {option.id for option in tier.options if option.code != "lcp_cold"}
    amo.person().delete_option("LCP_TIER", "lcp_cold")

    with pytest.raises(FieldsChanged, match="lost an option"):
        set_up(amo)
    set_up(amo, repair=True)

    assert kept < {option.id for option in tier.options}
    assert {option.code for option in tier.options} >= {"lcp_hot", "lcp_cold"}


def test_a_field_of_another_type_is_left_to_a_person() -> None:
    """It may hold what people wrote: it is named, and never deleted."""
    amo = AmoCrm()
    set_up(amo)
    [field] = [f for f in amo.account.fields["leads"].values() if f.code == "LCP_TIER"]
    field.type = "text"

    with pytest.raises(FieldsChanged, match="another type"):
        set_up(amo, repair=True)
    assert field.id in amo.account.fields["leads"]


def test_all_that_is_wrong_is_told_at_once() -> None:
    """An old token, no rights and no administrator are three faults of one refusal."""
    amo = AmoCrm()
    rights = amo.account.users[INTEGRATION_USER]["rights"]
    rights["is_admin"] = False
    rights["leads"]["edit"] = "D"

    with pytest.raises(BadConfig) as refused:
        ready(client_of(amo), token=amo.token, now=NOW + timedelta(days=400))

    said = " ".join(str(fault) for fault in refused.value.faults)
    assert all(word in said for word in ("ended", "edit leads", "no administrator"))


def test_a_small_plan_and_an_ageing_token_are_notes() -> None:
    """What only narrows does not refuse."""
    amo = AmoCrm(AmoProfile(without=frozenset({"events"})))
    amo.token = amo.tokens.long_lived(CLIENT.client_id, days=10)

    found = set_up(amo)

    assert any("events" in note for note in found.notes)
    assert any("token ends" in note for note in found.notes)


@pytest.mark.parametrize(
    ("address", "token", "faults"),
    [
        ("", "", 2),
        ("http://demo.amocrm.ru", "t", 1),
        ("https://demo.amocrm.ru/leads", "t", 1),
        ("ftp://demo.amocrm.ru", "two words", 2),
        ("https://demo.amocrm.ru", "t\r\nx: y", 1),
    ],
)
def test_the_environment_is_refused_without_telling_it(
    address: str, token: str, faults: int
) -> None:
    """Every wrong variable is named by its name; what it holds is never repeated."""
    known = {"LEADCAST_CRM_URL": address, "LEADCAST_CRM_TOKEN": token}

    with pytest.raises(BadConfig) as refused:
        open_client(Crm(kind="amocrm", account="demo"), Gate(), environment=known)

    assert len(refused.value.faults) == faults
    assert "two words" not in str(refused.value)
