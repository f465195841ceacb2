"""The page of points and its JSON twin, over a company's hand-written scorecard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serve.conftest import Company
from tests.serve.markup import read

from leads.journal import Journal
from leads.settings import Settings
from pipelines.score import score_open
from playbook.points import GRID
from serve.app import create_app

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
TEXT = """\
playbook: 1
title: {ru: Схема, en: Chart}
points:
  fit:
    borders: [10, 5, 1]
    groups:
      size:
        title: {ru: Размер, en: Size of it}
        most: 8
        items: [{when: {card.size: {at_least: 20}}, points: 10}]
  engagement:
    borders: [6, 4, 1]
    groups:
      site: {items: [{event: visit, points: 2, half_life: 7d}]}
branches: [{else: all}]
plans: {all: {segment: Все, steps: [Письмо]}}
"""


@pytest.fixture
def settings(company: Company, tmp_path: Path) -> Settings:
    """Configure points, and a journal with every open lead predicted."""
    made = company.charted(tmp_path, TEXT)
    score_open(made, None, as_of=None, now=NOW)
    return made


@pytest.fixture
def asking(settings: Settings) -> Iterator[TestClient]:
    """Ask its service."""
    with TestClient(create_app(settings)) as client:
        yield client


def test_the_page_and_its_twin_say_the_same(asking: TestClient) -> None:
    """Grid, scorecard, rival and hypotheses stand on the page and in the JSON."""
    facts = asking.get("/v1/points").json()
    page = " ".join(read(asking.get("/points?lang=en").text).texts)

    assert [cell["grid"] for cell in facts["cells"]] == list(GRID)
    assert facts["origin"] == "hand"
    for words in ("Written by hand", "Size of it", "no more than +8", "half as much"):
        assert words in page
    assert facts["rival"]["against"]
    for against in facts["rival"]["against"]:
        assert f"{against['model']:.3f}" in page
    sure = [one for one in facts["rival"]["hypotheses"] if one["p"] < 0.05]
    rest = len(facts["rival"]["hypotheses"]) - len(sure)
    assert sure
    for one in sure:
        assert one["low"] <= one["effect"] <= one["high"]
        assert one["en"] in page
    assert (f"No different beyond luck: {rest}" in page) is (rest > 0)


def test_the_grid_counts_every_open_lead_once(
    settings: Settings, asking: TestClient
) -> None:
    """Its cells add up to the predicted leads, and the list is by points."""
    facts = asking.get("/v1/points").json()
    first = facts["first"]
    with closing(Journal(settings.store.database)) as journal:
        predicted = len(journal.ranking())

    assert sum(one["leads"] for one in facts["cells"]) == predicted
    points = [one["score"]["fit"] + one["score"]["engagement"] for one in first]
    assert points == sorted(points, reverse=True)
    for one in first:
        portrait = asking.get(f"/v1/points/{one['lead_id']}").json()
        assert portrait["grid"] == one["score"]["grid"]


def test_a_cap_that_bites_is_a_line_of_the_portrait(asking: TestClient) -> None:
    """Ten points for the size and two taken by the cap are the eight that count."""
    first = asking.get("/v1/points").json()["first"][0]["lead_id"]
    lines = asking.get(f"/v1/points/{first}").json()["lines"]
    page = " ".join(read(asking.get(f"/leads/{first}?lang=en").text).texts)

    capped = [one for one in lines if one["side"] == "fit"]
    assert [one["points"] for one in capped] == [10, -2]
    assert capped[1]["texts"]["en"] == "Size of it: no more than +8"
    assert "Size of it: no more than +8" in page


def test_who_was_never_predicted_has_no_points(asking: TestClient) -> None:
    """The answer is a 404 with a way out, not an empty portrait."""
    answer = asking.get("/v1/points/nobody")

    assert answer.status_code == 404
    assert answer.json()["remedy"]
