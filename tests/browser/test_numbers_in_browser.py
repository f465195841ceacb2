"""Every number on a page is the API's: pages in a real browser against their twins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser
from tests.browser import proving, saying
from tests.browser.company import Live
from tests.browser.opening import opened
from tests.browser.reading import Facts, Says, differences, read_main
from tests.browser.saying import portrait

from leads.decision import probability_of
from serve.pages.index import PAGES as WHOLE
from serve.pages.wording import Language, Wording

PAGES: Final[Mapping[str, tuple[str, str, Callable[[Facts, Wording], Says]]]] = {
    "today": ("/", "/today", saying.today),
    "second page of today": ("/?page=2", "/today?page=2", saying.today),
    "digest": ("/digest", "/digest", saying.digest),
    "funnel": ("/funnel", "/funnel", proving.funnel),
    "playbook": ("/playbook", "/playbook", proving.playbook),
    "routing": ("/routing", "/routing", proving.routing),
    "points": ("/points", "/points", proving.points),
    "team": ("/team", "/team", proving.team),
    "model": ("/model", "/model/proof", proving.model),
    "card": ("/model/card", "/model/card", proving.card),
    "backtest": ("/model/backtest", "/model/backtest", proving.backtest),
}
"""Where a page lies, where its twin, and what it must say by that."""
LANGUAGES = pytest.mark.parametrize("language", ["en", "ru"])


def wording(language: Language) -> Wording:
    """Speak as the fixture's pages do."""
    return Wording(language, ZoneInfo("Europe/Moscow"))


def settled(live: Live, twin: str) -> Facts:
    """Ask for a twin until why chances moved, which may take a while, is told."""
    before, facts = None, live.said(twin)
    while facts != before:
        before, facts = facts, live.said(twin)
    return facts  # type: ignore[no-any-return]  # JSON


@LANGUAGES
@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_its_twin_and_no_other_number(
    browser: Browser, live: Live, name: str, language: Language
) -> None:
    """All that the twin holds is on the page, and no digit comes from elsewhere."""
    place, twin, says = PAGES[name]
    joint = "&" if "?" in place else "?"
    facts = settled(live, twin)
    with opened(browser) as page:
        page.goto(f"{live.address}{place}{joint}lang={language}")
        text = read_main(page)

    missing, unaccounted = differences(text, says(facts, wording(language)))

    assert (missing, unaccounted) == ([], [])


@LANGUAGES
def test_a_portrait_says_its_twin_and_no_other_number(
    browser: Browser, live: Live, language: Language
) -> None:
    """Chance, interval, curve, money, waterfall, change, what-if, likeness, plan."""
    w, lead_id = wording(language), live.moved_most()
    with opened(browser) as page:
        page.goto(live.page(lead_id, language))
        text = read_main(page)
        drawn = page.locator("section[aria-labelledby=path] svg").text_content() or ""
    facts = live.said(f"/portraits/{lead_id}")

    missing, unaccounted = differences(text, portrait(facts, w))

    assert (missing, unaccounted) == ([], [])
    for move in facts["moves"]:
        assert w.points(points_of(move)) in drawn
    assert w.chance(facts["probability"]) in drawn


def points_of(move: dict[str, float]) -> float:
    """Give by how much a step of the waterfall moves the probability."""
    return probability_of(move["after"]) - probability_of(move["before"])


def test_a_portraits_twin_is_the_leads_own_answer(live: Live) -> None:
    """What programs read of a lead, its change and its likes is what the page shows."""
    lead_id = live.moved_most()
    page = live.said(f"/portraits/{lead_id}")
    said, change, similar = (
        live.said(f"/leads/{lead_id}{part}") for part in ("", "/change", "/similar")
    )

    assert page["probability"] == said["probability"]
    assert page["tier"] == said["tier"]
    assert (page["outlook"]["low"], page["outlook"]["high"]) == (
        said["low"], said["high"],
    )  # fmt: skip
    assert page["outlook"]["curve"] == said["curve"]
    assert page["outlook"]["expected_minor"] == said["expected_money"]["amount_minor"]
    for side in ("reasons_for", "reasons_against"):
        told = [one["texts"] for one in said[side]]
        assert [one["text"] for one in page[side]] == told
    assert [one["points"] for one in page["aside"]["change"]["lines"]] == [
        one["points"] for one in change["lines"]
    ]
    assert [one["chance"] for one in page["aside"]["similar"]["neighbours"]] == [
        one["probability"] for one in similar["leads"]
    ]
    steps = page["moves"]
    assert steps[0]["before"] == said["base"]
    assert steps[-1]["after"] == pytest.approx(said["log_odds"])


def test_nothing_that_a_page_can_show_is_lacking(live: Live) -> None:
    """The company has data for all of it, so that no comparison above is hollow."""
    lead = live.said(f"/portraits/{live.moved_most()}")
    digest, today = live.said("/digest"), live.said("/today")

    for part in (lead["outlook"]["curve"], lead["moves"], lead["reasons_for"],
                 lead["reasons_against"], lead["plan"], lead["story"], lead["earlier"],
                 lead["aside"]["change"]["lines"],
                 lead["aside"]["whatif"]["suggestions"],
                 lead["aside"]["similar"]["neighbours"]):  # fmt: skip
        assert part
    assert digest["calls"]
    assert digest["changes"]["leads"]
    assert digest["missed"]["leads"]
    assert digest["yesterday"]["converted"]
    assert digest["plans"]
    assert {row["tier"] for row in today["rows"]} == {"hot", "warm", "cold"}
    assert any(row["change"] for row in today["rows"])
    assert today["total"] > today["page_size"]


def test_every_page_is_held_against_its_twin() -> None:
    """A page that is added without being compared fails here."""
    compared = {(place, f"/v1{twin}") for place, twin, _ in PAGES.values()}

    assert {(page.at, page.twin_at) for page in WHOLE} <= compared
