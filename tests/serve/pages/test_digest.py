"""The facts of a morning's digest, and its message for Telegram."""

from __future__ import annotations

import html
import html.parser
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.decision import Tier
from leads.settings import Conversion
from serve.pages.digest import (
    Call,
    Changes,
    Crossed,
    Digest,
    Moved,
    Step,
    missed_of,
    shift_of,
    stood_frame,
    yesterday_of,
)
from serve.pages.letter import MOST_UNITS, letter_of, telegram_of
from serve.pages.links import FileLinks
from serve.pages.listing import Row
from serve.pages.view import View
from serve.pages.wording import Wording

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
DAY = date(2026, 11, 22)


def still(*leads: tuple[str, float, str]) -> pl.DataFrame:
    """Rank open leads: id, chance, tier."""
    return pl.DataFrame(
        [(a, "o", n, b, c, c) for n, (a, b, c) in enumerate(leads, 100)],
        schema=["lead_id", "owner", "entry", "probability", "tier", "called_as"],
        orient="row",
    )


def test_the_last_entry_of_a_day_is_how_a_lead_stood() -> None:
    """A lead predicted twice the day before counts once, by the later word."""
    found = stood_frame([("a", 1, 0.1, "cold"), ("b", 2, 0.2, "warm"),
                         ("a", 3, 0.9, "hot")])  # fmt: skip

    assert found.sort("lead_id").rows() == [("a", 3, 0.9, "hot"), ("b", 2, 0.2, "warm")]


def test_who_changed_tier_is_named_before_who_moved_farther() -> None:
    """Tiers are counted of all, two points are the least to name, new leads apart."""
    now = still(
        ("a", 0.5, "hot"), ("b", 0.45, "warm"), ("c", 0.1, "cold"),
        ("d", 0.301, "warm"), ("e", 0.9, "hot"), ("f", 0.401, "hot"),
        ("g", 0.299, "hot"), ("h", 0.1, "cold"),
    )  # fmt: skip
    before = stood_frame([("a", 1, 0.4, "warm"), ("b", 2, 0.2, "warm"),
                          ("c", 3, 0.3, "warm"), ("d", 4, 0.3, "warm"),
                          ("f", 5, 0.4, "warm"), ("g", 6, 0.3, "cold"),
                          ("h", 7, 0.12, "not enough data")])  # fmt: skip

    found = shift_of(now, before)

    assert (found.warmer, found.colder, found.fresh) == (3, 1, 1)
    assert [row["lead_id"] for row in found.rows] == ["a", "f", "g", "b", "c", "h"]
    assert [(one.before, one.after, one.leads) for one in found.crossed] == [
        ("warm", "hot", 2), ("cold", "hot", 1), ("warm", "cold", 1),
        ("not enough data", "cold", 1),
    ]  # fmt: skip


def test_changes_of_tier_are_said_in_message_and_letter() -> None:
    """How many went which way, and of each lead from where to where: in all three."""
    moved = (
        Moved("L-1", "M", Tier.WARM, Tier.HOT, 0.4, 0.41, {"en": "Why", "ru": "-"}),
        Moved("L-2", "M", Tier.HOT, Tier.HOT, 0.8, 0.7, None),
    )
    ways = (Crossed(Tier.WARM, Tier.HOT, 12), Crossed(Tier.HOT, Tier.COLD, 3))
    changes = Changes(NOW, warmer=12, colder=3, fresh=0, leads=moved, crossed=ways)
    facts = replace(digest([]), changes=changes)

    letter = letter_of(facts, view("en"))
    told = telegram_of(facts, view("en"))

    page = " ".join(read_of(letter.html).split())
    for text in (told, letter.text, page):
        assert "Changed tier: warm → hot: 12; hot → cold: 3." in text
        assert "warm → hot, 40% → 41%: Why" in text
        assert "80% → 70%: why is not known" in text
    assert "▲ <b>L-1</b> warm → hot" in told
    assert "▼ <b>L-2</b> 80%" in told
    assert "Сменили группу: тёплый → горячий: 12" in telegram_of(facts, view("ru"))


def read_of(markup: str) -> str:
    """Read the text of a page."""
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", markup, flags=re.S))


def test_what_was_missed_is_hot_and_overdue_or_worth_it_and_alone() -> None:
    """A lead is named once; cold ones are counted; one of today is no reproach."""
    called = still(
        ("a", 0.9, "hot"), ("b", 0.8, "hot"), ("c", 0.5, "warm"), ("d", 0.4, "warm"),
        ("e", 0.1, "cold"),
    )  # fmt: skip
    scene = pl.DataFrame(
        {
            "lead_id": ["a", "b", "c", "d", "e"],
            "stage": ["s"] * 5,
            "waited_days": [30.0, 1.0, 40.0, 1.0, 1.0],
            "is_slow": [True, False, True, False, False],
            "worked": [False, True, False, False, False],
            "age_days": [31.0, 2.0, 41.0, 0.5, 9.0],
        }
    )

    found = missed_of(scene, called, people=True)

    assert (found.overdue, found.untouched, found.cold) == (1, 2, 1)
    assert [(one.lead_id, one.why) for one in found.leads] == [
        ("a", "overdue"), ("c", "untouched"),
    ]  # fmt: skip


def test_yesterdays_conversions_are_told_apart_from_luck_elsewhere() -> None:
    """Only those that were hot then are its calls' conversions."""
    before = stood_frame([("a", 1, 0.6, "hot"), ("b", 2, 0.5, "hot"),
                          ("c", 3, 0.1, "cold")])  # fmt: skip

    found = yesterday_of(
        DAY, before, converted=["c", "b"], touched=pl.Series(["a", "c"])
    )

    assert (found.hot, found.converted, found.others) == (2, ("b",), 1)
    assert found.touched == 1
    assert found.promised == 1.1


def digest(names: list[str], why: str = "Because") -> Digest:
    """Make a morning on which these leads are to be called."""
    calls = tuple(Call(row(name, why), step(why)) for name in names)
    return Digest(
        day=DAY, known_at=NOW, horizon_days=30, by="chance", open=9, hot=len(names) + 3,
        room=len(names), today=len(names), calls=calls, changes=None, missed=None,
        yesterday=None, plans=None,
    )  # fmt: skip


def row(lead_id: str, why: str) -> Row:
    """Make a hot lead."""
    unknown: dict[str, Any] = dict.fromkeys(
        ("low", "high", "moved", "moved_since", "change", "action", "override",
         "source", "pipeline", "stage", "active_at", "plan")
    )  # fmt: skip
    return Row(
        lead_id=lead_id, tier=Tier.HOT, probability=0.5, expected_minor=123_456,
        currency="RUB", reason={"en": why, "ru": why}, made_at=NOW, owner="M",
        telling={"en": why, "ru": why},
        quiet=False, closed=False, **unknown,
    )  # fmt: skip


def step(why: str) -> Step:
    """Make a next step."""
    return Step({"en": why, "ru": why}, {"en": why, "ru": why}, None, None)


def view(language: str = "ru") -> View:
    """Look at it as a file."""
    wording = Wording("ru" if language == "ru" else "en", ZoneInfo("Europe/Moscow"))
    links = FileLinks(wording.language, frozenset())
    return View(wording, links, "A & B <C>", Conversion())


class Strict(html.parser.HTMLParser):
    """Reads what Telegram reads: <b> alone, closed in order, never open at the end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = 0
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        """Open."""
        assert tag == "b"
        assert not attrs
        self.open += 1

    def handle_endtag(self, tag: str) -> None:
        """Close."""
        assert tag == "b"
        self.open -= 1

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.said += data


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.text(min_size=1, max_size=500), max_size=20),
    why=st.text(max_size=400),
)
def test_a_message_for_telegram_is_whole_and_short_enough(
    names: list[str], why: str
) -> None:
    """Whatever leads are called: at most 4,096 units, every tag closed, no other."""
    text = telegram_of(digest(names, why), view())

    read = Strict()
    read.feed(text)
    read.close()
    assert len(text.encode("utf-16-le", "surrogatepass")) // 2 <= MOST_UNITS
    assert read.open == 0


def test_a_message_keeps_its_headings_and_says_what_it_left_out() -> None:
    """Lines go from the end of the longest part; their number stands there."""
    long = telegram_of(digest([f"L-{n}" for n in range(20)], "why " * 60), view("en"))

    assert "<b>Whom to call today</b>\n3 hot ones more" in long
    called = long.count(". <b>L-")
    assert 0 < called < 20
    assert f"and {20 - called} more" in long
    assert "<b>How yesterday’s calls went</b>" in long


def test_signs_of_markup_are_said_and_not_meant() -> None:
    """In the message, in the letter and in its plain text."""
    facts = digest(["<b>&</b>"], "x < y & z")

    told, letter = telegram_of(facts, view()), letter_of(facts, view())

    assert "<b>&lt;b&gt;&amp;&lt;/b&gt;</b>" in told
    assert "A &amp; B &lt;C&gt;" in letter.html
    assert "x &lt; y &amp; z" in letter.html
    assert "x < y & z" in letter.text
    assert letter.subject == "A & B <C>: кому звонить 22 ноября 2026"


def test_a_company_with_line_ends_makes_no_second_header() -> None:
    """A subject is one line, whatever the company is called."""
    seen = replace(view(), company="A\r\nBcc: x@example.com")

    assert "\n" not in letter_of(digest([]), seen).subject


def test_the_first_morning_says_that_there_is_no_yesterday() -> None:
    """In words, in both places where one would look for it."""
    text = letter_of(digest([]), view("en")).text

    assert text.count("There is no yesterday yet") == 2
