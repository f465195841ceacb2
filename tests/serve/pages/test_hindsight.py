from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.serve import example
from tests.serve.markup import read

from model.proof.record import Bin
from model.team import NOBODY
from serve.pages import attach
from serve.pages.hindsight import look_back, managers_of
from serve.pages.sight import Sight


@pytest.fixture
def sight(tmp_path: Path) -> Iterator[Sight]:
    """Open a company."""
    with example.sight(tmp_path, example.lead_ids(3)) as opened:
        yield opened


def asked(sight: Sight, place: str) -> str:
    """Ask for a page that is there, whole and without a script."""
    app = FastAPI()
    attach(app, sight)
    answer = TestClient(app).get(place)
    assert answer.status_code == 200, place
    assert read(answer.text).open_at_end == []
    assert "<script" not in answer.text
    return answer.text


def test_verdict_of_a_month_is_no_kinder_than_its_numbers() -> None:
    """What was said of a month came true only if it lies in the range."""
    made = example.backtest()
    high = replace(made.months[1], whole=Bin(0.2, 0.14, 0.11, 0.17, 900))

    shown = look_back(replace(made, months=(made.months[0], high)))

    assert shown.months[0].judged is not None
    assert shown.months[0].judged.verdict == "high"
    assert shown.together is not None
    assert shown.together.verdict == "agrees"
    assert (shown.months[1].judged, shown.months[1].gap) == (None, "no_model")


def test_nobody_makes_no_page_of_managers() -> None:
    """A back-test of leads that nobody owned compares nobody."""
    assert managers_of(NOBODY) is None


def test_the_back_test_is_shown_with_its_gaps(sight: Sight) -> None:
    """Newest month first, in words; a month without a model says why, escaped."""
    page = asked(sight, "/model/backtest?lang=en")

    assert page.index("September\xa02026") < page.index("August\xa02026")
    assert "Not enough data for a model then" in page
    assert "&lt;b&gt;12&lt;/b&gt; leads" in page
    assert example.backtest().digest in page
    assert "Сентябрь" in asked(sight, "/model/backtest?lang=ru")


def test_managers_are_shown_with_the_warning(sight: Sight) -> None:
    """Who stands out is marked, who has few leads is not, and the mix comes first."""
    page = asked(sight, "/team?lang=en")

    assert page.index("Before you judge anybody") < page.index("within luck")
    assert page.count("more than luck explains") == 1
    assert page.count("too few leads to tell") == 1
    assert "It is no ranking" in page
    assert "Outside of luck: 1." in page
    assert "меньше" not in page
    assert "Малые числа ни о чём не говорят" in asked(sight, "/team?lang=ru")


def test_the_card_says_what_it_is_not_for(sight: Sight) -> None:
    """Misuse, slices, findings and the dirty tree stand on the card, escaped."""
    page = asked(sight, "/model/card?lang=en")

    assert "Not for pay or blame of managers" in page
    assert "&lt;i&gt;web&lt;/i&gt;" in page
    assert "&lt;b&gt;close&lt;/b&gt;" in page
    assert "changed after its commit" in page
    assert "Не для премий" in asked(sight, "/model/card?lang=ru")


def test_the_proof_shows_what_groups_are_worth(sight: Sight) -> None:
    """The page of proof names each group of features with its worth and range."""
    page = asked(sight, "/model?lang=en")

    assert "What each kind of data is worth" in page
    assert "+0.0310" in page
    assert "Age and calendar" in page


def test_what_is_not_there_is_said_with_the_way_out(sight: Sight) -> None:
    """Without a back-test or a model the pages answer 404 and say what to run."""
    bare = replace(sight, evidence=example.no_evidence, backtest=lambda: None)
    app = FastAPI()
    attach(app, bare)
    client = TestClient(app)

    for place, words in (
        ("/model/backtest", "Run backtest"),
        ("/model/card", "Train and promote one"),
    ):
        answer = client.get(place)
        assert answer.status_code == 404
        assert words in answer.text
