"""What is easily lost on a phone: pictures, whole words, and the names of figures."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from tests.browser.company import Live
from tests.browser.opening import PHONE, opened
from tests.browser.test_pages_in_browser import LIVE_PLACES

PICTURES = """() => [...document.querySelectorAll('svg.chart')]
  .filter(svg => !svg.closest('.desk-only'))
  .flatMap(svg => {
    const all = svg.getBoundingClientRect();
    if (!all.height) return ['unseen: ' + svg.getAttribute('aria-label')];
    return [...svg.querySelectorAll('text')].filter(text => {
      const box = text.getBoundingClientRect();
      return box.left < all.left - 2 || box.right > all.right + 2;
    }).map(text => 'outside: ' + text.textContent);
  })"""
"""Names pictures that a reader does not see, and words that stick out of one."""

BROKEN = """() => {
  const broken = [], range = document.createRange();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest('style, script, svg, code, pre, select, .unseen')) {
      continue;
    }
    for (const word of node.data.matchAll(/(?<!\\S)[^\\s/_.@-]{2,14}(?!\\S)/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const seen = [...range.getClientRects()].filter(box => box.width > 0.5);
      if (new Set(seen.map(box => Math.round(box.top / 4))).size > 1) {
        broken.push(word[0]);
      }
    }
  }
  return broken;
}"""
"""Finds short words that begin on one line and end on another."""


@pytest.mark.parametrize("place", [*LIVE_PLACES, "/model/card", "/leads/{lead}"])
def test_pictures_are_seen_and_words_are_whole(
    browser: Browser, live: Live, place: str
) -> None:
    """On a phone no picture is hidden or cut off, and no figure is torn in two."""
    size = dict(zip(("width", "height"), PHONE, strict=True))
    with opened(browser, viewport=size) as page:
        for language in ("en", "ru"):
            page.goto(
                f"{live.address}{place.format(lead=live.leads[0])}?lang={language}"
            )
            page.eval_on_selector_all("details", "all => all.forEach(d => d.open = 1)")

            assert page.evaluate(PICTURES) == []
            assert page.evaluate(BROKEN) == []
