"""Limits and the block."""

import asyncio
from collections import Counter
from typing import Any

import httpx2
import pytest
from tests.crm.testing.amocrm.talking import ask

from crm.testing.amocrm import AmoCrm, AmoProfile
from crm.testing.amocrm.founding import INTEGRATION_USER
from crm.testing.amocrm.tokens import Integration
from crm.testing.profiles import Rate


def burst(amo: AmoCrm, number: int, *, pause: float = 0.0) -> list[int]:
    """Ask for the account so many times in a row; give the statuses."""
    return [ask(amo, "GET", "account", pause=pause).status_code for _ in range(number)]


def test_seven_requests_a_second_pass_and_the_eighth_is_429() -> None:
    """The limit counts any second, and a second later there is room again."""
    amo = AmoCrm()

    assert burst(amo, 8) == [200] * 7 + [429]
    amo.clock.move(1)
    assert burst(amo, 7) == [200] * 7


def test_an_even_pace_below_the_limit_is_never_refused() -> None:
    """Five a second, for as long as one likes."""
    assert set(burst(AmoCrm(), 60, pause=0.2)) == {200}


def test_the_window_slides() -> None:
    """Seven late in one second and seven early in the next are too many."""
    amo = AmoCrm()
    amo.clock.move(0.9)

    assert burst(amo, 7) == [200] * 7
    amo.clock.move(0.2)
    assert burst(amo, 1) == [429]


def test_429_is_not_executed_and_says_how_long_in_the_body_only() -> None:
    """A refused write leaves no trace; there is no Retry-After header."""
    amo = AmoCrm()
    lead = amo.person().create(name="A", price=1)
    burst(amo, 7)

    answer = ask(amo, "PATCH", f"leads/{lead}", {"price": 2}, pause=0)

    assert answer.status_code == 429
    assert answer.json()["retry_after"] == 300
    assert "retry-after" not in answer.headers
    assert amo.values(lead)["price"] == 1


def test_429_may_also_be_a_page() -> None:
    """With the switch the proxy answers 429 in HTML."""
    amo = AmoCrm(AmoProfile(switches=frozenset({"html_429"})))
    burst(amo, 7)

    answer = ask(amo, "GET", "account", pause=0)

    assert answer.status_code == 429
    assert answer.headers["content-type"] == "text/html"


def test_going_on_after_429_blocks_everything_with_a_page_until_lifted() -> None:
    """After the forgiven ones each request of anybody is 403, days later too."""
    amo = AmoCrm(AmoProfile(forgiven=3))

    assert burst(amo, 12) == [200] * 7 + [429] * 3 + [403] * 2
    amo.clock.move(86_400)
    doors = [("GET", "leads"), ("PATCH", "leads"), ("POST", "/oauth2/access_token")]
    for verb, path in doors:
        answer = ask(amo, verb, path)
        assert answer.status_code == 403
        assert "nginx" in answer.text
    amo.guard.unblock()
    assert burst(amo, 1) == [200]


def test_a_few_429_now_and_then_are_forgiven() -> None:
    """Only what comes within the minute counts towards the block."""
    amo = AmoCrm(AmoProfile(forgiven=1))

    for _ in range(4):
        assert burst(amo, 8)[-1] == 429
        amo.clock.move(61)
    assert not amo.guard.blocked


def test_integrations_share_an_address_but_not_each_others_limit() -> None:
    """Two integrations from two addresses have seven each; from one, seven in all."""
    for addresses, passed in ((("10.0.0.1", "10.0.0.2"), 14), (("10.0.0.1",) * 2, 7)):
        amo = AmoCrm()
        amo.tokens.install(Integration("other", "s", "https://o", INTEGRATION_USER))
        tokens = (amo.token, amo.tokens.long_lived("other"))

        statuses = asyncio.run(_both(amo, list(zip(addresses, tokens, strict=True))))

        assert Counter(statuses)[200] == passed


async def _both(amo: AmoCrm, callers: list[tuple[str, str]]) -> list[int]:
    statuses = []
    for address, token in callers:
        transport = httpx2.ASGITransport(app=amo.app, client=(address, 1))
        async with httpx2.AsyncClient(
            transport=transport, base_url="https://x", trust_env=False
        ) as c:
            headers = {"authorization": f"Bearer {token}"}
            for _ in range(8):
                answer = await c.get("/api/v4/account", headers=headers)
                statuses.append(answer.status_code)
    return statuses


@pytest.mark.parametrize(
    ("limits", "passed"),
    [
        ({"rate": None, "account_rate": None}, 100),
        ({"rate": None}, 50),
        ({"rate": Rate(10, 10)}, 10),
    ],
)
def test_limits_are_the_accounts_own(limits: dict[str, Any], passed: int) -> None:
    """More can be bought, the whole account has a limit too, and none is possible."""
    amo = AmoCrm(AmoProfile(forgiven=1_000, **limits))

    assert Counter(burst(amo, 100))[200] == passed
