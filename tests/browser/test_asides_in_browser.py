"""Change, what-if, similar leads and a person's tier in a real browser."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.browser.company import Live
from tests.browser.opening import FAULTS, PHONE, opened
from tests.browser.reading import plain

from serve.pages.wording import Wording


def block(page: Page, title: str) -> Any:
    """Find the part of a page under a heading."""
    return page.locator("section", has=page.get_by_role("heading", name=title))


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_whole_portrait(
    browser: Browser, live: Live, language: str, scheme: str
) -> None:
    """All blocks are there, on a phone nothing sticks out, and auditors agree."""
    size = dict(zip(("width", "height"), PHONE, strict=True))
    with opened(browser, viewport=size, color_scheme=scheme, bypass_csp=True) as page:
        page.goto(live.page(live.moved_most(), language))
        page.locator("summary").evaluate_all("all => all.forEach(one => one.click())")
        for name in ("change", "whatif", "override", "similar"):
            expect(page.locator(f"h2#{name}")).to_be_visible()
        found = Axe().run(page).response["violations"]
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]

    assert [(one["id"], one["nodes"][0]["html"]) for one in found
            if one["impact"] in FAULTS] == []  # fmt: skip


@pytest.mark.parametrize("scripted", [False, True], ids=["plain", "scripted"])
def test_a_what_if_answers_what_the_api_answers(
    browser: Browser, live: Live, *, scripted: bool
) -> None:
    """By button without scripts, by moving a slider with them: the same numbers."""
    lead_id = live.leads[0]
    w = Wording("en", ZoneInfo("Europe/Moscow"))
    asked = live.api.post(f"/v1/leads/{lead_id}/what-if", json={"events": {"visit": 2}})
    assert asked.status_code == 200, asked.text
    said = asked.json()
    with opened(browser, java_script_enabled=scripted) as page:
        page.goto(live.page(lead_id))
        page.get_by_text("Try it out").click()
        part = block(page, "What would help")
        box = part.locator("input[name='more.visit']")
        if scripted:
            slider = part.locator("input[name='more.visit'] >> xpath=../.. >> "
                                  "input[type=range]")  # fmt: skip
            slider.evaluate("s => {s.value = 2; s.dispatchEvent(new Event('input',"
                            "{bubbles: true}))}")  # fmt: skip
            expect(box).to_have_value("2")
        else:
            assert part.locator("input[type=range]").count() == 0
            box.fill("2")
            part.get_by_role("button", name="Show").click()
        answer = page.locator("#answer")
        expect(answer).to_contain_text("→")
        text = plain(answer.text_content())

    before, after = said["before"]["probability"], said["after"]["probability"]
    wanted = f"{w.chance(before)} → {w.chance(after)} ({w.points(said['points'])})"
    assert plain(wanted) in text


def test_only_our_own_script_is_allowed(live: Live) -> None:
    """A portrait may run the one file of ours, no other page may run anything."""
    lead = live.api.get(f"/leads/{live.leads[0]}")
    policy = lead.headers["Content-Security-Policy"]

    assert "script-src 'self'; connect-src 'self';" in policy
    assert re.findall("<script[^>]*>", lead.text) == [
        '<script src="/pages/whatif.js" defer>'
    ]
    assert "script-src" not in live.api.get("/").headers["Content-Security-Policy"]
    script = live.api.get("/pages/whatif.js")
    assert script.headers["Content-Type"].startswith("text/javascript")


def test_a_person_sets_and_withdraws_a_tier_without_scripts(
    browser: Browser, live: Live
) -> None:
    """Both values are shown side by side, and reasons are said to be the model's."""
    lead_id = live.leads[1]
    machine = live.said(f"/leads/{lead_id}")
    other = "cold" if machine["tier"] != "cold" else "hot"
    with opened(browser, java_script_enabled=False) as page:
        page.goto(live.page(lead_id))
        page.get_by_label("Your id in the CRM").fill("u7")
        page.locator("select[name=tier]").select_option(other)
        page.get_by_role("button", name="Set the tier").click()
        expect(page.get_by_text("Set by a person").first).to_be_visible()
        expect(
            page.get_by_text("not for the tier that a person set (by u7)")
        ).to_be_visible()
        assert live.said(f"/leads/{lead_id}")["override"]["tier"] == other
        assert live.said(f"/leads/{lead_id}")["tier"] == machine["tier"]

        page.goto(f"{live.address}/?lang=en")
        page.get_by_role("link", name="Set by a person").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        row = plain(page.locator("tbody tr").text_content())
        assert f"Set by a person: {other.capitalize()} by u7" in row
        assert f"The model says: {machine['tier'].capitalize()}" in row

        page.goto(live.page(lead_id))
        page.get_by_label("Your id in the CRM").fill("u8")
        page.get_by_role("button", name="Withdraw it").click()
        expect(page.get_by_text("You know better?")).to_be_visible()
        assert live.said(f"/leads/{lead_id}")["override"] is None
