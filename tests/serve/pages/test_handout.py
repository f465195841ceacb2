from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.serve.markup import read
from tests.serve.test_giving import MONDAY, PEOPLE, Morning, morning

from leads.errors import NoModel
from serve.pages import attach
from serve.pages.listing import Wanted
from serve.pages.sight import Sight

__all__ = ["morning"]


def no_model() -> Any:
    """Say that there is none."""
    raise NoModel("No model.", remedy="Train one.")


def sight_of(made: Morning) -> Sight:
    """Look at a company on Friday."""
    return Sight(
        made.settings, made.journal, lambda: made.history, no_model,
        now=lambda: MONDAY + timedelta(days=4),
    )  # fmt: skip


def asked(sight: Sight, place: str) -> Any:
    """Ask for an address."""
    app = FastAPI()
    attach(app, sight)
    return TestClient(app, raise_server_exceptions=False).get(place)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_page_says_who_has_what_and_what_comes_next(
    morning: Morning, language: str
) -> None:
    """The round is of Monday, for nobody works on a Saturday; nothing is kept by it."""
    morning.kept()
    sight = sight_of(morning)

    page = asked(sight, f"/routing?lang={language}")

    assert page.status_code == 200
    assert read(page.text).open_at_end == []
    found = sight.handout()
    assert found is not None
    assert found.on == MONDAY.replace(hour=4) + timedelta(days=7)
    first = found.people[0]
    assert (first.person, first.has["hot"], first.open) == ("7", 4, 4)
    assert (found.nurture, found.applied) == (4, False)
    assert asked(sight, "/v1/routing").json()["people"][0]["has"]["hot"] == 4


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_page_names_the_holiday_on_which_nobody_works(
    morning: Morning, language: str
) -> None:
    """Before a holiday the round is that of the day after; who has duty is shown."""
    eve = datetime(2026, 11, 3, 15, tzinfo=UTC)
    unity_day = {"ru": "День народного единства", "en": "Unity Day"}[language]
    assert "[company] country" in asked(sight_of(morning), "/routing").text
    morning.company(country="RU")

    sight = replace(sight_of(morning), now=lambda: eve)

    found = sight.handout()
    assert found is not None
    assert (found.on.day, [one.away for one in found.people]) == (5, [""] * 3)
    assert unity_day in asked(sight, f"/routing?lang={language}").text
    morning.routing(person=[*PEOPLE, {"id": "10", "holidays": True}])
    on_duty = replace(sight, settings=morning.settings).handout()
    assert on_duty is not None
    assert [one.away for one in on_duty.people] == ["holiday"] * 3 + [""]
    assert [one.total > 0 for one in on_duty.people] == [False] * 3 + [True]


def test_the_list_is_narrowed_to_whom_leads_were_proposed(morning: Morning) -> None:
    """Their rows say so; a lead that is given to another is on that one's list."""
    morning.kept()
    sight = sight_of(morning)

    mine = sight.listing(Wanted.of({"given": "7"}))

    assert {row.given for row in mine.rows} == {"7"}
    assert mine.total == 4
    assert mine.choices.given == tuple(one["id"] for one in PEOPLE)
    assert ("given", "7") in mine.wanted.to_query()
    every = sight.listing(Wanted())
    assert {row.given for row in every.rows} == {None, "7", "8", "9"}
    assert len(list(sight.every(Wanted(given="7")))) == 4


def test_without_people_there_is_no_page(morning: Morning) -> None:
    """The way out is named, to people and to programs."""
    morning.routing(person=[])
    sight = sight_of(morning)

    page, twin = asked(sight, "/routing?lang=en"), asked(sight, "/v1/routing")

    assert page.status_code == 404
    assert "[[routing.person]]" in page.text
    assert sight.handout() is None
    assert twin.status_code >= 400
