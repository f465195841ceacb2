"""What a browser is shown where a program gets a problem document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.serve import example

from leads.errors import Unavailable
from serve.pages.sight import Sight
from serve.problems import MEDIA_TYPE

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def sight(tmp_path: Path) -> Iterator[Sight]:
    """Open a company whose pages are asked for."""
    with example.sight(tmp_path) as opened:
        yield opened


@pytest.fixture
def failing(client: TestClient) -> TestClient:
    """Add a page whose database is away, and one that nobody foresaw."""
    app = client.app
    assert isinstance(app, FastAPI)

    @app.get("/away")
    def away() -> None:
        raise Unavailable("The database did not answer.", remedy="Try again soon.")

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("place", "status", "words"),
    [
        ("/nope?lang=en", 404, "There is no such page"),
        ("/nope?lang=ru", 404, "Такой страницы нет"),
        ("/away?lang=en", 503, "This cannot be shown just now"),
        ("/broken?lang=ru", 500, "Страница не получилась"),
    ],
)
def test_a_browser_is_told_on_a_page(
    failing: TestClient, place: str, status: int, words: str
) -> None:
    """It gets our page in its language, with the same status and headers."""
    answer = failing.get(place, headers=BROWSER)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert f"<h1>{words}</h1>" in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("place", ["/nope", "/away", "/broken"])
def test_a_program_gets_a_problem_document(failing: TestClient, place: str) -> None:
    """Who does not ask for a page gets none."""
    answer = failing.get(place)

    assert answer.headers["content-type"] == MEDIA_TYPE


def test_an_address_of_programs_has_no_pages(failing: TestClient) -> None:
    """A browser that looks at the API sees what programs see."""
    answer = failing.get("/v1/nope", headers=BROWSER)

    assert answer.headers["content-type"] == MEDIA_TYPE


def test_nothing_of_the_address_is_repeated(failing: TestClient) -> None:
    """What somebody was made to follow does not come back on our page."""
    answer = failing.get("/nope/<script>evil</script>?lang=en&x=evil", headers=BROWSER)

    assert answer.status_code == 404
    assert "evil" not in answer.text
