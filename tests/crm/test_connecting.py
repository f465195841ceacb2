"""A person's consent brings tokens of the right account, and nobody else's does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.crm.amocrm import line as amo_line
from tests.crm.bitrix24 import portal as b24

from crm.amocrm import opening as amocrm
from crm.bitrix24 import opening as bitrix24
from crm.bitrix24.client import Client
from crm.connecting import Connecting, given_in
from crm.granting import FreeGate, GrantRefused, credentials_in
from crm.port import AccessLost
from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.account_profile import OLD_REFRESH_UNTIL_USED, AmoProfile
from crm.testing.amocrm.double import CLIENT
from crm.testing.bitrix24 import Portal
from crm.testing.faults import Fault, Kind, Scripted
from crm.tokens import RenewalFailed
from leads.errors import BadConfig, BadInput, Unauthorized
from leads.journal import Journal
from leads.settings import CrmAccount

B24 = CrmAccount(kind="bitrix24", account="acme", auth="application")
AMO = CrmAccount(
    kind="amocrm", account="acme", auth="oauth", redirect=CLIENT.redirect_uri
)


@dataclass
class Desk:
    """An account of either kind, its double, and what connects it."""

    section: CrmAccount
    journal: Journal
    double: Portal | AmoCrm
    connecting: Connecting

    def consented(self) -> dict[str, str]:
        """Send a person out and give what their browser comes back with."""
        state = f"state{random.Random(0).random()}"
        address = self.connecting.begin(state)
        assert given_in(address)["state"] == state
        return {"state": state, "code": self.code()}

    def code(self) -> str:
        """Have the CRM make a code."""
        if isinstance(self.double, Portal):
            return self.double.credentials.code("local.demo", 1)
        return self.double.tokens.code(CLIENT.client_id)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open an empty journal."""
    with closing(Journal(f"sqlite:///{tmp_path / 'journal.db'}")) as opened:
        opened.upgrade()
        yield opened


@pytest.fixture
def portal(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Open a portal with a local application, not connected yet."""
    double = b24.portal_of()
    app = double.credentials.install("https://app.example/crm/bitrix24/install")
    address = f"https://{double.profile.domain}"
    for name, value in (
        ("URL", address), ("CLIENT", app.client_id), ("SECRET", app.client_secret),
    ):  # fmt: skip
        monkeypatch.setenv(f"LEADCAST_CRM_{name}", value)
    carrier = b24.Carrier(double)
    granter = bitrix24.granter_of(B24, carrier=carrier)
    store = bitrix24.store_of(B24, journal, carrier=carrier)
    made = Connecting(
        B24, journal, granter=granter, store=store, now=lambda: datetime.now(UTC)
    )
    return Desk(B24, journal, double, made)


@pytest.fixture
def account(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Open an amoCRM account with an integration, not connected yet."""
    double = AmoCrm()
    for name, value in (
        ("URL", amo_line.HOST),
        ("CLIENT", CLIENT.client_id),
        ("SECRET", CLIENT.client_secret),
    ):
        monkeypatch.setenv(f"LEADCAST_CRM_{name}", value)
    carrier = amo_line.Carrier(double)
    granter = amocrm.granter_of(AMO, FreeGate(), carrier=carrier)
    store = amocrm.store_of(AMO, FreeGate(), journal, carrier=carrier)
    made = Connecting(
        AMO, journal, granter=granter, store=store, now=lambda: datetime.now(UTC)
    )
    return Desk(AMO, journal, double, made)


def b24_client(desk: Desk, gate: b24.Gate | None = None) -> Client:
    """Open our client of the connected portal."""
    assert isinstance(desk.double, Portal)
    return bitrix24.open_client(
        B24, gate or b24.Gate(), desk.journal, carrier=b24.Carrier(desk.double)
    )


def test_a_code_connects_a_portal(portal: Desk) -> None:
    """Out with a state, back with a code, and calls are answered."""
    kept = portal.connecting.finish(portal.consented())

    assert (kept.user, kept.member) == ("1", portal.double.profile.member_id)  # type: ignore[union-attr]
    client = b24_client(portal)
    assert client.call("profile")["ADMIN"] is True
    assert client.door.user == "1"


def test_a_code_connects_an_amocrm_account(account: Desk) -> None:
    """The same there; the account's number is read from the token."""
    kept = account.connecting.finish(account.consented())
    assert isinstance(account.double, AmoCrm)
    carrier = amo_line.Carrier(account.double)
    client = amocrm.open_account(AMO, FreeGate(), account.journal, carrier=carrier)

    assert kept.member == str(account.double.profile.account_id)
    assert (client.get("account") or {})["current_user_id"] == CLIENT.user_id


def test_the_end_of_a_token_costs_one_renewal_and_one_repeat(portal: Desk) -> None:
    """The caller sees nothing of it, and the breaker no failure."""
    portal.connecting.finish(portal.consented())
    gate = b24.Gate()
    client = b24_client(portal, gate)
    client.call("profile")
    portal.double.clock.move(3_601)

    assert client.call("profile")["ID"] == "1"
    assert isinstance(portal.double, Portal)
    assert portal.double.credentials.refreshes == 1
    assert {health.value for health in gate.told} == {"well"}


def test_the_end_of_an_amocrm_token_costs_one_renewal(account: Desk) -> None:
    """A 401 leads to one renewal and one repeat there too."""
    account.connecting.finish(account.consented())
    assert isinstance(account.double, AmoCrm)
    carrier = amo_line.Carrier(account.double)
    client = amocrm.open_account(AMO, FreeGate(), account.journal, carrier=carrier)
    account.double.clock.move(86_401)

    assert client.get("account") is not None
    assert account.double.tokens.refreshes == 1


def test_an_amocrm_pair_that_was_lost_on_the_way_is_asked_for_again(
    account: Desk,
) -> None:
    """The old refresh token is honoured until the new pair was used."""
    assert isinstance(account.double, AmoCrm)
    switched = AmoProfile(switches=frozenset({OLD_REFRESH_UNTIL_USED}))
    account.double.tokens._profile = switched
    account.connecting.finish(account.consented())
    carrier = amo_line.Carrier(account.double)
    client = amocrm.open_account(AMO, FreeGate(), account.journal, carrier=carrier)
    account.double.clock.move(86_401)
    method = "POST oauth2/access_token"
    account.double.plan = Scripted({(method, 2): Fault(Kind.LOSE)})

    with pytest.raises(RenewalFailed, match="No new tokens came"):
        client.get("account")
    assert client.get("account") is not None


@pytest.mark.parametrize("state", ["", "forged"])
def test_a_stranger_brings_nothing(portal: Desk, state: str) -> None:
    """A code without our state is not even shown to the CRM."""
    portal.consented()

    with pytest.raises(Unauthorized, match="connect bitrix24"):
        portal.connecting.finish({"state": state, "code": portal.code()})
    with pytest.raises(Unauthorized):
        portal.connecting.finish({"code": portal.code()})


def test_what_came_back_is_good_once(portal: Desk) -> None:
    """Who saw the address in a log cannot use it again."""
    came = portal.consented()
    portal.connecting.finish(came)

    with pytest.raises(Unauthorized):
        portal.connecting.finish(came)


def test_another_account_is_refused(
    portal: Desk, account: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by what the browser says nor by what the CRM says."""
    came = account.consented() | {"referer": "evil.amocrm.ru"}
    with pytest.raises(BadInput, match="another account"):
        account.connecting.finish(came)
    monkeypatch.setenv("LEADCAST_CRM_URL", "https://other.bitrix24.ru")

    with pytest.raises(BadInput, match="another account"):
        portal.connecting.finish(portal.consented())


def test_no_is_an_answer(account: Desk) -> None:
    """A person who declined is not asked for a code."""
    came = account.consented() | {"error": "access_denied"}

    with pytest.raises(BadInput, match="said no"):
        account.connecting.finish(came)


def test_a_code_that_is_too_old_says_to_begin_again(portal: Desk) -> None:
    """Bitrix24's lives for half a minute."""
    came = portal.consented()
    portal.double.clock.move(31)

    with pytest.raises(GrantRefused, match=r"invalid_grant.*begin again"):
        portal.connecting.finish(came)


def test_the_installer_connects_while_a_person_connects(portal: Desk) -> None:
    """Its pair is renewed at once, which proves it; the application token is kept."""
    assert isinstance(portal.double, Portal)
    pair = portal.double.credentials.grant("local.demo")
    form = {
        "AUTH_ID": pair.access, "REFRESH_ID": pair.refresh, "member_id": "whatever",
        "APPLICATION_TOKEN": "apptok1",
    }  # fmt: skip
    with pytest.raises(Unauthorized):
        portal.connecting.installed(form)
    portal.connecting.begin("s")

    kept = portal.connecting.installed(form)
    assert kept.access != pair.access
    assert kept.application == "apptok1"
    assert kept.member == portal.double.profile.member_id
    with pytest.raises(Unauthorized):  # the consent has ended
        portal.connecting.installed(form)


def test_the_installation_event_brings_the_application_token(portal: Desk) -> None:
    """A page first without it, then the event with it; the window stays for both."""
    assert isinstance(portal.double, Portal)
    portal.connecting.begin("s")
    page = portal.double.credentials.grant("local.demo")
    assert portal.connecting.installed({"REFRESH_ID": page.refresh}).application == ""

    event = portal.double.credentials.grant("local.demo")
    kept = portal.connecting.installed(
        {
            "event": "ONAPPINSTALL", "auth[refresh_token]": event.refresh,
            "auth[application_token]": "apptok1",
        }
    )  # fmt: skip
    assert kept.application == "apptok1"


def test_connecting_anew_keeps_the_application_token(portal: Desk) -> None:
    """A code brings none, and the one that is known still holds."""
    assert isinstance(portal.double, Portal)
    portal.connecting.begin("s")
    pair = portal.double.credentials.grant("local.demo")
    portal.connecting.installed({"REFRESH_ID": pair.refresh, "APPLICATION_TOKEN": "t"})

    assert portal.connecting.finish(portal.consented()).application == "t"


def test_a_pair_of_another_application_proves_nothing(portal: Desk) -> None:
    """What the installer posts must have been given to us."""
    assert isinstance(portal.double, Portal)
    portal.double.credentials.install("https://other.example", "local.other")
    foreign = portal.double.credentials.grant("local.other")
    portal.connecting.begin("s")

    with pytest.raises(GrantRefused):
        portal.connecting.installed({"REFRESH_ID": foreign.refresh})


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.REFUSE, status=500, body=b"<html>"),
        Fault(Kind.REFUSE, status=200, body=b"<html>"),
        Fault(Kind.REFUSE, status=200, body=b"{}"),
        Fault(Kind.REFUSE, status=429, body=b"<html>"),
        Fault(Kind.DROP),
    ],
)
def test_a_stumble_is_no_refusal(portal: Desk, fault: Fault) -> None:
    """Whatever comes instead of tokens, access is not given up for it."""
    portal.connecting.finish(portal.consented())
    client = b24_client(portal)
    portal.double.clock.move(3_601)
    portal.double.plan = Scripted({("/oauth/token/", 2): fault})

    with pytest.raises(
        Exception, match=r"No new tokens came|gave no tokens"
    ) as stumble:
        client.call("profile")
    assert not isinstance(stumble.value, AccessLost)
    assert client.call("profile")["ID"] == "1"


def test_a_wrong_secret_is_not_a_lost_access(
    portal: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who mends the variable goes on without a person's consent."""
    portal.connecting.finish(portal.consented())
    portal.double.clock.move(3_601)
    right = credentials_in(B24).secret
    monkeypatch.setenv("LEADCAST_CRM_SECRET", "c4n4ry")
    with pytest.raises(RenewalFailed, match="invalid_client") as refusal:
        b24_client(portal).call("profile")
    monkeypatch.setenv("LEADCAST_CRM_SECRET", right)

    assert "c4n4ry" not in str(refusal.value)
    assert b24_client(portal).call("profile")["ID"] == "1"


def test_a_taken_access_is_lost_aloud(account: Desk) -> None:
    """An integration that was removed asks for a person."""
    kept = account.connecting.finish(account.consented())
    assert isinstance(account.double, AmoCrm)
    double = account.double
    client = amocrm.open_account(
        AMO, FreeGate(), account.journal, carrier=amo_line.Carrier(double)
    )
    double.tokens.uninstall(CLIENT.client_id)
    double.tokens.install(CLIENT)

    with pytest.raises(AccessLost, match="connect amocrm") as lost:
        client.get("account")
    assert kept.access not in str(lost.value)


def test_what_the_environment_lacks_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both variables in one refusal."""
    for name in ("CLIENT", "SECRET"):
        monkeypatch.delenv(f"LEADCAST_CRM_{name}", raising=False)

    with pytest.raises(BadConfig) as refusal:
        credentials_in(B24)
    assert len(refusal.value.faults) == 2


def test_consent_is_asked_where_the_account_lives(
    account: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account of Kommo is let in at Kommo."""
    assert account.connecting.begin("s").startswith("https://www.amocrm.ru/oauth?")
    monkeypatch.setenv("LEADCAST_CRM_URL", "https://acme.kommo.com")

    there = amocrm.granter_of(AMO, FreeGate()).consent("s")
    assert urlsplit(there).hostname == "www.kommo.com"
