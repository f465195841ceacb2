"""Tokens: OAuth and long-lived."""

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.crm.testing.amocrm.talking import ask

from crm.testing.amocrm import CLIENT, AmoCrm, AmoProfile
from crm.testing.faults import Fault, Kind, Scripted

DAY = 86_400
EXCHANGE = "POST oauth2/access_token"


def grant(amo: AmoCrm, kind: str = "refresh_token", **more: str) -> httpx2.Response:
    """Ask for a pair."""
    body = {
        "client_id": CLIENT.client_id,
        "client_secret": CLIENT.client_secret,
        "redirect_uri": CLIENT.redirect_uri,
        "grant_type": kind,
        **more,
    }
    return ask(amo, "POST", "/oauth2/access_token", body, headers={"authorization": ""})


def pair(amo: AmoCrm) -> dict[str, Any]:
    """Give a first pair."""
    code = amo.tokens.code(CLIENT.client_id)
    return dict(grant(amo, "authorization_code", code=code).json())


def test_consent_brings_a_code_and_the_code_a_pair() -> None:
    """The browser comes back with code, host, state and client; tokens live a day."""
    amo = AmoCrm()

    where = ask(amo, "GET", f"/oauth?client_id={CLIENT.client_id}&state=abc")
    told = {
        k: v[0] for k, v in parse_qs(urlsplit(where.headers["location"]).query).items()
    }
    answer = grant(amo, "authorization_code", code=told["code"]).json()

    assert (told["state"], told["referer"]) == ("abc", "demo.amocrm.ru")
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", DAY)
    assert ask(amo, "GET", "account", token=answer["access_token"]).status_code == 200


@pytest.mark.parametrize(("waited", "status"), [(19 * 60, 200), (20 * 60, 401)])
def test_a_code_lives_twenty_minutes(waited: float, status: int) -> None:
    """And then it is revoked."""
    amo = AmoCrm()
    code = amo.tokens.code(CLIENT.client_id)
    amo.clock.move(waited)

    assert grant(amo, "authorization_code", code=code).status_code == status


def test_an_access_token_ends_after_a_day_with_401() -> None:
    """Not a second later."""
    amo = AmoCrm()
    token = pair(amo)["access_token"]
    amo.clock.move(DAY - 2)

    assert ask(amo, "GET", "account", token=token, pause=1).status_code == 200
    answer = ask(amo, "GET", "account", token=token, pause=1)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_refresh_token_is_used_up_at_once() -> None:
    """The first use rotates the pair, the second is told that it was revoked."""
    amo = AmoCrm()
    old = pair(amo)

    first = grant(amo, refresh_token=old["refresh_token"])
    second = grant(amo, refresh_token=old["refresh_token"])

    assert first.status_code == 200
    assert first.json()["refresh_token"] != old["refresh_token"]
    assert second.status_code == 401
    assert second.json()["hint"] == "Token has been revoked"
    assert amo.tokens.refreshes == 1


def test_of_several_refreshes_at_once_the_first_wins() -> None:
    """The others hold a token that is gone, whoever asked for them."""
    amo = AmoCrm()
    old = pair(amo)["refresh_token"]
    slow = Fault(Kind.SLOW, seconds=5)
    amo.plan = Scripted({(EXCHANGE, number): slow for number in range(2, 6)})
    body = {
        "client_id": CLIENT.client_id,
        "client_secret": CLIENT.client_secret,
        "redirect_uri": CLIENT.redirect_uri,
        "grant_type": "refresh_token",
        "refresh_token": old,
    }

    async def race() -> list[int]:
        transport = httpx2.ASGITransport(app=amo.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="https://x", trust_env=False
        ) as client:
            asking = [
                asyncio.ensure_future(client.post("/oauth2/access_token", json=body))
                for _ in range(4)
            ]
            await amo.clock.advance(10)
            return [(await each).status_code for each in asking]

    assert asyncio.run(race()) == [200, 401, 401, 401]
    assert amo.tokens.refreshes == 1


def test_a_lost_answer_to_a_refresh_locks_out() -> None:
    """The rotation stands although nobody heard of the new pair."""
    amo = AmoCrm()
    old = pair(amo)
    amo.plan = Scripted({(EXCHANGE, 2): Fault(Kind.LOSE)})

    with pytest.raises(ConnectionResetError):
        grant(amo, refresh_token=old["refresh_token"])

    assert grant(amo, refresh_token=old["refresh_token"]).status_code == 401


def test_the_old_refresh_token_may_live_until_the_new_pair_is_used() -> None:
    """With the switch a lost answer is forgiven, a used pair is not."""
    amo = AmoCrm(AmoProfile(switches=frozenset({"old_refresh_until_used"})))
    old = pair(amo)["refresh_token"]

    grant(amo, refresh_token=old)
    again = grant(amo, refresh_token=old)
    ask(amo, "GET", "account", token=again.json()["access_token"])

    assert again.status_code == 200
    assert grant(amo, refresh_token=old).status_code == 401


def test_a_refresh_token_is_gone_after_three_months_of_silence() -> None:
    """Whoever does not call for so long must install anew."""
    amo = AmoCrm()
    old = pair(amo)
    amo.clock.move(90 * DAY)

    assert grant(amo, refresh_token=old["refresh_token"]).status_code == 401


@pytest.mark.parametrize(("days", "status"), [(364, 200), (365, 401)])
def test_a_long_lived_token_ends_on_its_day(days: int, status: int) -> None:
    """It needs no refresh and has none; its ``exp`` tells the day beforehand."""
    amo = AmoCrm()
    claims = json.loads(base64.urlsafe_b64decode(amo.token.split(".")[1] + "=="))
    assert claims["exp"] == amo.clock.timestamp + 365 * DAY
    amo.clock.move(days * DAY)

    assert ask(amo, "GET", "account").status_code == status


def test_wrong_words_are_refused_before_anything_is_used() -> None:
    """A wrong secret or address leaves the refresh token good."""
    amo = AmoCrm()
    token = pair(amo)["refresh_token"]

    assert grant(amo, refresh_token=token, client_secret="x").status_code == 401
    assert grant(amo, refresh_token=token, redirect_uri="x").status_code == 400
    assert grant(amo, "password", refresh_token=token).status_code == 400
    assert grant(amo, refresh_token=token).status_code == 200


def test_removing_the_integration_revokes_all_and_calls_its_hook() -> None:
    """The hook names client and account and is signed with the secret."""
    amo = AmoCrm()
    held = pair(amo)

    hook = parse_qs(amo.tokens.uninstall(CLIENT.client_id))

    told = f"{CLIENT.client_id}|{amo.profile.account_id}".encode()
    mark = hmac.new(CLIENT.client_secret.encode(), told, hashlib.sha256).hexdigest()
    assert hook["signature"] == [mark]
    assert ask(amo, "GET", "account", token=held["access_token"]).status_code == 401
    assert ask(amo, "GET", "account").status_code == 401


def test_a_cards_widget_carries_a_signed_token_of_half_an_hour() -> None:
    """HS256 with the integration's secret; each has another ``jti``."""
    amo = AmoCrm()
    token = amo.tokens.card_token(CLIENT.client_id, 123_321)

    head, body, mark = token.split(".")
    own = hmac.new(
        CLIENT.client_secret.encode(), f"{head}.{body}".encode(), hashlib.sha256
    )
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))

    assert base64.urlsafe_b64decode(mark + "=") == own.digest()
    assert claims["exp"] - claims["iat"] == 1800
    assert (claims["account_id"], claims["user_id"]) == (5135160, 123_321)
    assert token != amo.tokens.card_token(CLIENT.client_id, 123_321)


def test_an_unknown_token_is_401_and_acting_as_nobody_403() -> None:
    """``X-Context-User-ID`` acts for a user who exists."""
    amo = AmoCrm()
    lead = amo.person().create(name="A")
    named = {"x-context-user-id": "123322"}

    assert ask(amo, "GET", "leads", token="nobody").status_code == 401
    assert (
        ask(amo, "GET", "leads", headers={"x-context-user-id": "5"}).status_code == 403
    )
    assert (
        ask(amo, "PATCH", f"leads/{lead}", {"price": 1}, headers=named).status_code
        == 200
    )
    assert amo.values(lead)["updated_by"] == 123_322
