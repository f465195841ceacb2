"""Change, what-if, similar leads and a person's tier in a real browser."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import PATIENCE, wait_for
from tests.browser.test_pages_in_browser import PHONE, SERIOUS, opened
from tests.serve.company import invented_tables, learned, settings_in

from leads import store
from leads.history import History
from model import champion
from model.past import gather
from model.similar import write_past
from serve.app import create_app
from serve.pages.wording import Language, Wording

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
LEADS = 12
BLOCKS = (
    "What changed",
    "What would help",
    "Your own judgement",
    "Similar leads before",
)


@dataclass(frozen=True)
class Live:
    """A whole service on this machine, and some leads that it predicted twice."""

    address: str
    api: TestClient
    leads: tuple[str, ...]
    cut_off: datetime

    def said(self, lead_id: str, part: str = "") -> Any:
        """Ask the API about a lead."""
        answer = self.api.get(f"/v1/leads/{lead_id}{part}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def page(self, lead_id: str, language: str = "en") -> str:
        """Give the address of a lead's page."""
        return f"{self.address}/leads/{lead_id}?lang={language}"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Train, predict some leads a week ago and today, and serve."""
    folder = tmp_path_factory.mktemp("asides")
    settings, tables = settings_in(folder), invented_tables(250)
    store.save(tables, settings.store.folder)
    bundle, history = learned(tables, settings, folder / "work"), History(tables)
    champion.set_champion(settings.store.folder, bundle.path, "1", NOW)
    write_past(gather(bundle, history, settings), settings.store.folder)
    days = iter(range(3))
    app = create_app(settings, now=lambda: NOW + timedelta(days=next(days, 3)))
    with TestClient(app) as api, socket.socket() as listening:
        leads = tuple(tables.leads.sort("created_at")["lead_id"][200 : 200 + LEADS])
        for back in (7, 0):
            as_of = (tables.cut_off - timedelta(days=back)).isoformat()
            sent = [{"lead_id": lead_id, "as_of": as_of} for lead_id in leads]
            path = "/v1/predict/batch?reasons=true"
            said = api.post(path, json={"leads": sent}).json()
            assert said["predicted"] == LEADS
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        config = uvicorn.Config(app, log_level="warning", ws="none", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        wait_for(server)
        yield Live(f"http://127.0.0.1:{port}", api, leads, tables.cut_off)
        server.should_exit = True
        thread.join(PATIENCE)


def block(page: Page, title: str) -> Any:
    """Find the part of a page under a heading."""
    return page.locator("section", has=page.get_by_role("heading", name=title))


def plain(text: str | None) -> str:
    """Take blanks of all kinds for one."""
    return re.sub(r"\s+", " ", text or "").strip()


def moved_lead(live: Live) -> str:
    """Choose the lead whose chance moved most."""
    return max(live.leads, key=lambda one: abs(live.said(one, "/change")["points"]))


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_whole_portrait(
    browser: Browser, live: Live, language: str, scheme: str
) -> None:
    """All blocks are there, on a phone nothing sticks out, and auditors agree."""
    size = dict(zip(("width", "height"), PHONE, strict=True))
    with opened(browser, viewport=size, color_scheme=scheme, bypass_csp=True) as page:
        page.goto(live.page(moved_lead(live), language))
        page.locator("summary").evaluate_all("all => all.forEach(one => one.click())")
        for name in ("change", "whatif", "override", "similar"):
            expect(page.locator(f"h2#{name}")).to_be_visible()
        found = Axe().run(page).response["violations"]
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]

    assert [(one["id"], one["nodes"][0]["html"]) for one in found
            if one["impact"] in SERIOUS] == []  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_number_of_the_portrait_is_the_apis(
    browser: Browser, live: Live, language: Language
) -> None:
    """Chance, range, curve, money, reasons, change and likeness: one set of numbers."""
    lead_id = moved_lead(live)
    said, change = live.said(lead_id), live.said(lead_id, "/change")
    similar = live.said(lead_id, "/similar")
    w = Wording(language, ZoneInfo("Europe/Moscow"))
    with opened(browser) as page:
        page.goto(live.page(lead_id, language))
        text = plain(page.locator("main").text_content())
        lines = page.locator("section[aria-labelledby=change] li").all_text_contents()
        rows = page.locator("section[aria-labelledby=similar] tbody tr").all()
        likes = [plain(row.text_content()) for row in rows]

    assert plain(page_figure := w.chance(said["probability"])) in text, page_figure
    for part in (said["low"], said["high"], *(said["curve"] or {}).values()):
        assert part is None or plain(w.chance(part)) in text
    for reason in said["reasons_for"] + said["reasons_against"]:
        assert plain(reason["texts"][language]) in text
    money = said["expected_money"]
    if money is not None:
        minor = round(money["amount_minor"] / 100) * 100
        assert plain(w.money(minor, money["currency"])) in text
    told = sorted(plain(f"{w.points(one['points'])} · {one['texts'][language]}")
                  for one in change["lines"])  # fmt: skip
    assert sorted(map(plain, lines)) == told
    for part in change["parts"]:
        figure = w.signed(part["log_odds"], 2)
        nothing = figure == w.signed(0.0, 2)  # what nothing came of is not told
        assert nothing or plain(figure) in text
    assert len(likes) == len(similar["leads"]) > 0
    for shown, one in zip(likes, similar["leads"], strict=True):
        assert plain(w.chance(one["probability"])) in shown
        assert plain(w.date(f"{one['day']}T12:00:00+00:00")) in shown


def test_every_number_of_today_is_the_apis(browser: Browser, live: Live) -> None:
    """Chance, range, tier and why it moved are what the API says of each lead."""
    w = Wording("en", ZoneInfo("Europe/Moscow"))
    with opened(browser) as page:
        page.goto(f"{live.address}/?lang=en&closed=yes")
        page.reload()  # what took longer than its budget is told now
        shown = {plain(row.locator("th").text_content()): plain(row.text_content())
                 for row in page.locator("tbody tr").all()}  # fmt: skip

    assert sorted(shown) == sorted(live.leads)
    for lead_id, row in shown.items():
        said, change = live.said(lead_id), live.said(lead_id, "/change")
        assert plain(w.chance(said["probability"])) in row
        if said["low"] is not None:
            span = f"{w.chance(said['low'])} to {w.chance(said['high'])}"
            assert plain(span) in row
        assert said["tier"].capitalize() in row
        if abs(change["points"]) >= 0.0005:
            assert plain(change["headlines"]["en"]) in row


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
    machine = live.said(lead_id)
    other = "cold" if machine["tier"] != "cold" else "hot"
    with opened(browser, java_script_enabled=False) as page:
        page.goto(live.page(lead_id))
        page.get_by_label("Your id in the CRM").fill("u7")
        page.locator("select[name=tier]").select_option(other)
        page.get_by_role("button", name="Set the tier").click()
        expect(page.get_by_text("Set by a person").first).to_be_visible()
        expect(page.get_by_text("not for the tier that u7 set")).to_be_visible()
        assert live.said(lead_id)["override"]["tier"] == other
        assert live.said(lead_id)["tier"] == machine["tier"]

        page.goto(f"{live.address}/?lang=en&closed=yes")
        page.get_by_role("link", name="Set by a person").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        row = plain(page.locator("tbody tr").text_content())
        assert f"Set by a person: {other.capitalize()} u7" in row
        assert f"The model says: {machine['tier'].capitalize()}" in row

        page.goto(live.page(lead_id))
        page.get_by_label("Your id in the CRM").fill("u8")
        page.get_by_role("button", name="Withdraw it").click()
        expect(page.get_by_text("You know better?")).to_be_visible()
        assert live.said(lead_id)["override"] is None
