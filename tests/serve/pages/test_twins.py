"""The JSON twins of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from starlette.testclient import TestClient
from tests.serve import example

from serve.pages.index import PAGES, Page
from serve.pages.report import write_report
from serve.pages.sight import Sight

ODD = "a/b\n<i>?#"


@pytest.fixture
def sight(tmp_path: Path) -> Iterator[Sight]:
    """Open a company with 5 leads and one with an odd id."""
    with example.sight(tmp_path / "store", [*example.lead_ids(5), ODD]) as opened:
        yield opened


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_and_its_twin_are_there_together(
    client: TestClient, page: Page[Any]
) -> None:
    """Where there is nothing to show the twin refuses in the page's own words."""
    html = client.get(f"{page.at}?lang=en")
    twin = client.get(page.twin_at)

    assert (html.status_code, twin.status_code) in {(200, 200), (404, 503)}
    if twin.status_code == 503:
        assert f"<h1>{twin.json()['detail'].removesuffix('.')}</h1>" in html.text
        assert twin.json()["remedy"] in html.text.replace("&#34;", '"')


def test_files_and_twins_hold_the_same(
    client: TestClient, sight: Sight, tmp_path: Path
) -> None:
    """What lies beside a page's file is what the API answers."""
    write_report(sight, tmp_path / "report", now=example.NOW)

    for name, at in (("team", "/v1/team"), ("funnel", "/v1/funnel"),
                     ("backtest", "/v1/model/backtest"), ("card", "/v1/model/card"),
                     ("model", "/v1/model/proof")):  # fmt: skip
        kept = orjson.loads((tmp_path / "report" / f"{name}.json").read_bytes())
        assert client.get(at).json() == kept


def test_the_lists_twin_takes_the_lists_query(client: TestClient) -> None:
    """Filters and pages are those of the page, and so is what makes no sense."""
    every = client.get("/v1/today?closed=yes").json()
    found = client.get("/v1/today?q=L-00003&page=x").json()

    assert every["total"] == 6
    assert [row["lead_id"] for row in found["rows"]] == ["L-00003"]


def test_a_portraits_twin_is_found_by_any_id(client: TestClient) -> None:
    """An id may hold anything; one that was never predicted is refused."""
    odd = client.get(f"/v1/portraits/{quote(ODD, safe='')}")

    assert odd.json()["lead_id"] == ODD
    assert odd.json()["moves"]
    assert client.get("/v1/portraits/nobody").status_code == 404
