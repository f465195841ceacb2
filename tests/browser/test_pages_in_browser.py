from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, expect
from starlette.routing import BaseRoute
from tests.browser.company import Live
from tests.browser.conftest import HOSTILE, Site
from tests.browser.opening import DESK, FAULTS, PHONE, opened
from tests.serve import example

from serve.pages.report import write_report
from serve.pages.sight import Sight

PLACES = {
    "list": ("/", ""),
    "second page": ("/", "page=2"),
    "nothing found": ("/", "q=nobody"),
    "filtered list": ("/", "owner=m1&closed=yes"),
    "lead": ("/leads/{lead_id:whole}", "{best}"),
    "hostile lead": ("/leads/{lead_id:whole}", HOSTILE),
    "proof": ("/model", ""),
    "card": ("/model/card", ""),
    "two versions": ("/model/compare", ""),
    "back-test": ("/model/backtest", ""),
    "managers": ("/team", ""),
    "funnel": ("/funnel", ""),
    "no digest": ("/digest", ""),
    "no playbook": ("/playbook", ""),
    "no routing": ("/routing", ""),
    "no points": ("/points", ""),
}
"""Pages of the example: the route, and a query or the lead it is asked for."""

LIVE_PLACES = (
    "/", "/digest", "/playbook", "/routing", "/points", "/team", "/funnel", "/model"
)  # fmt: skip
"""Pages that have more to show where a whole company is behind them."""

FILES = {"/leads.{kind}", "/pages/whatif.js"}
"""What a browser is given that is no page."""


CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest('title, style')) continue;
    const style = getComputedStyle(node);
    const ink = rgb(node.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(walker.currentNode.data.trim());
  }
  return poor;
}"""


def where(site: Site, place: str) -> str:
    """Give the address of a place, ready for more of a query."""
    route, asked = PLACES[place]
    if "{" in route:
        lead_id = quote(asked.format(best=site.best), safe="")
        return f"{site.address}/leads/{lead_id}?"
    return f"{site.address}{route}?{asked}&"


def test_every_page_is_looked_at(live: Live) -> None:
    """A page that is added to the service, and to no list here, fails."""
    found = routes_of(live.api.app.routes)  # type: ignore[attr-defined]  # an ASGI app
    shown = {
        route.path
        for route in found
        if "GET" in (route.methods or ()) and not route.include_in_schema
    }

    assert shown - FILES == {route for route, _ in PLACES.values()}


def routes_of(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Find the routes of an app and of all routers in it."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from routes_of(router.routes)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_page_fits_and_can_be_read(
    browser: Browser, site: Site, place: str, scheme: str, size: tuple[int, int]
) -> None:
    """No page scrolls sideways, complains, calls out, or writes grey on grey."""
    screen = {"width": size[0], "height": size[1]}
    with opened(browser, viewport=screen, color_scheme=scheme) as page:
        for language in ("en", "ru"):
            page.goto(where(site, place) + f"lang={language}")

            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0]
            assert page.evaluate(CONTRAST) == []
            assert page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("place", LIVE_PLACES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_whole_companys_page_fits_and_can_be_read(
    browser: Browser, live: Live, place: str, scheme: str
) -> None:
    """With all there is to show, on a phone and unfolded, nothing sticks out."""
    screen = dict(zip(("width", "height"), PHONE, strict=True))
    with opened(browser, viewport=screen, color_scheme=scheme, bypass_csp=True) as page:
        for language in ("en", "ru"):
            page.goto(f"{live.address}{place}?lang={language}")
            page.eval_on_selector_all("details", "all => all.forEach(d => d.open = 1)")
            found = Axe().run(page).response["violations"]

            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE[0]
            assert page.evaluate(CONTRAST) == []
            assert [one["id"] for one in found if one["impact"] in FAULTS] == []


@pytest.mark.parametrize("place", PLACES)
def test_page_has_names_for_all(browser: Browser, site: Site, place: str) -> None:
    """Images have a name, fields a label, headings an order, and focus can be seen."""
    with opened(browser, viewport={"width": 1280, "height": 900}) as page:
        page.goto(where(site, place))

        for image in page.locator("svg").all():
            assert image.get_attribute("role") == "img"
            assert image.get_attribute("aria-label")
        for box in page.locator("input:not([type=hidden])").all():
            assert box.evaluate("box => box.labels.length") == 1
        levels = page.eval_on_selector_all(
            "h1, h2, h3, h4", "all => all.map(h => Number(h.tagName[1]))"
        )
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b - a <= 1 for a, b in pairwise(levels))
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        expect(focused).to_have_attribute("href", "#content")
        assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_search_filter_and_paging_work_without_javascript(
    browser: Browser, site: Site
) -> None:
    """A lead is found by number, by tier and by leafing, with scripts switched off."""
    with opened(browser, java_script_enabled=False) as page:
        page.goto(site.address)
        page.get_by_text("Filters").click()
        page.get_by_label("closed ones, too").check()
        page.get_by_role("button", name="Find").click()
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_text("Shown: 51–100 of 120")).to_be_visible()
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_text("Shown: 101–120 of 120")).to_be_visible()
        expect(page.get_by_role("link", name="Next")).to_have_count(0)

        page.get_by_role("link", name="Cold").click()
        tiers = page.locator("tbody .tier").all_text_contents()
        assert set(tiers) == {"Cold"}

        page.get_by_label("Find a lead").fill("00007")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("link", name="Show all").click()
        page.get_by_role("link", name="All").first.click()
        page.get_by_label("Find a lead").fill("l-00007")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1)

        page.get_by_role("link", name="L-00007").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Lead L-00007")


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_no_serious_fault(browser: Browser, site: Site, place: str) -> None:
    """The judge that accessibility auditors use has nothing serious to say."""
    with opened(browser, viewport=dict(zip(("width", "height"), PHONE, strict=True)),
                bypass_csp=True) as page:  # fmt: skip
        page.goto(where(site, place))
        found = Axe().run(page).response["violations"]

    assert [(one["id"], one["nodes"][0]["html"]) for one in found
            if one["impact"] in FAULTS] == []  # fmt: skip


def test_filter_is_chosen_without_javascript(browser: Browser, site: Site) -> None:
    """A filter is a plain form: chosen, sent, and still there in another tier."""
    with opened(browser, java_script_enabled=False) as page:
        page.goto(site.address)
        page.get_by_text("Filters").click()
        page.get_by_label("Pipeline").select_option("sales")
        page.get_by_role("button", name="Find").click()
        rows = page.locator("tbody .from").all_text_contents()
        page.get_by_role("link", name="Cold").click()
        expect(page.get_by_label("Pipeline")).to_have_value("sales")

    assert rows
    assert all(text.strip().startswith("sales") for text in rows)


def test_language_can_be_switched_and_stays(browser: Browser, site: Site) -> None:
    """The other language is one press away on every page, and goes along."""
    with opened(browser) as page:
        page.goto(f"{site.address}/leads/{site.best}")
        page.get_by_role("link", name="Русский").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Лид {site.best}")

        page.get_by_role("link", name="Можно ли верить").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "Можно ли верить прогнозам?"
        )
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Can it be trusted?")


def test_hostile_lead_is_text(browser: Browser, site: Site) -> None:
    """A lead whose id is a script is found, shown as written, and never run."""
    with opened(browser) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"run: {dialog.message}"))
        page.goto(f"{site.address}/?q={quote('<script>', safe='')}")
        link = page.locator("tbody a")
        expect(link).to_have_text(HOSTILE)
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Lead {HOSTILE}")
        assert page.locator("script").count() == 0


def test_tier_is_not_told_by_colour_alone(browser: Browser, site: Site) -> None:
    """Each tier has its word and a sign of its own shape."""
    with opened(browser) as page:
        page.goto(site.address)
        signs = page.eval_on_selector_all(
            ".tabs .sign",
            "all => all.map(s => getComputedStyle(s)).map(s => [s.backgroundImage"
            " .slice(0, 6), s.backgroundColor === s.borderTopColor, s.borderTopStyle]"
            ".join())",
        )
        words = page.locator(".tabs .tier").all_text_contents()

    assert words == ["Hot", "Warm", "Cold", "Not enough data"]
    assert len(set(signs)) == 4


def test_tables_become_cards_on_a_phone(browser: Browser, site: Site) -> None:
    """On a phone the tier and the chance of the first lead are on the first screen."""
    with opened(browser, viewport={"width": 375, "height": 812}) as page:
        page.goto(site.address)
        first = page.locator("tbody tr").first
        place = first.locator(".chance").bounding_box()
        row = first.bounding_box()

    assert place is not None
    assert row is not None
    assert place["y"] + place["height"] < 812
    assert row["width"] <= 375


def test_report_opens_from_disk(browser: Browser, sight: Sight, tmp_path: Path) -> None:
    """The files of a report open without a server and lead to each other."""
    report = write_report(sight, tmp_path, now=example.NOW, listed=20, pages=3)
    with opened(browser, viewport={"width": 375, "height": 812}) as page:
        page.goto(report.listing.as_uri())
        expect(
            page.get_by_text("This file shows the 20 most promising")
        ).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        page.locator("tbody a").first.click()
        expect(page.get_by_role("heading", name="Why")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        page.get_by_role("link", name="Can it be trusted?").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Can it be trusted?")


@pytest.mark.parametrize("place", ["/", "/leads/{lead}", "/digest"])
def test_page_can_be_printed(browser: Browser, live: Live, place: str) -> None:
    """On A4 nothing sticks out or is crushed, and ink is dark whatever the screen."""
    sheet = {"width": 718, "height": 1_000}
    with opened(browser, viewport=sheet, color_scheme="dark") as page:
        page.goto(live.address + place.format(lead=live.leads[0]) + "?lang=ru")
        page.emulate_media(media="print")

        expect(page.get_by_role("navigation", name="Страницы")).to_be_hidden()
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= sheet["width"]
        assert all(not form.is_visible() for form in page.locator("form").all())
        for why in page.locator(".leads .why").all():
            box = why.bounding_box()
            assert box is not None
            assert box["width"] > sheet["width"] / 2
