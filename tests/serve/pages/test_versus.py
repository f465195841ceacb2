from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.serve import example
from tests.serve.markup import read

from leads.settings import Settings, Store
from model.comparison.records import FieldMove
from serve.pages.evidence import record_of
from serve.pages.links import FileLinks
from serve.pages.rendering import compare_page
from serve.pages.report import write_report
from serve.pages.sight import Sight
from serve.pages.versus import Versus
from serve.pages.view import View


@pytest.fixture
def sight(tmp_path: Path) -> Iterator[Sight]:
    """Open a company with 5 leads whose versions 3 and 4 were compared."""
    with example.sight(tmp_path / "store", example.lead_ids(5)) as opened:
        yield opened


def test_page_and_twin_say_the_same(client: TestClient, tmp_path: Path) -> None:
    """Every figure of the comparison is on the page, in the API and in the report."""
    page = client.get("/model/compare?from=3&to=4&lang=en")
    said = client.get("/v1/model/compare?from=3&to=4").json()

    assert page.status_code == 200
    for figure in said["figures"]:
        assert f"{figure['new']:.4f}" in page.text
    assert "2 of 120" in page.text
    assert "&lt;b&gt;hostile&lt;/b&gt;" in page.text
    assert "<b>hostile" not in page.text
    assert read(page.text).open_at_end == []
    assert client.get("/v1/model/compare").json() == said


def test_report_holds_the_comparison(sight: Sight, tmp_path: Path) -> None:
    """The report's file has the same facts as the API, and no form to fill."""
    write_report(sight, tmp_path / "reports", now=example.NOW)

    twin = json.loads((tmp_path / "reports" / "compare.json").read_text())
    assert next(move["lead_id"] for move in twin["facts"]["moves"]) == "L-00001"
    assert "<form" not in (tmp_path / "reports" / "compare.html").read_text()


def test_reasons_of_a_move_add_up_on_the_page(client: TestClient) -> None:
    """Fields, start and rest are told so that they make the whole difference."""
    page = client.get("/model/compare?lang=en").text

    # 0.21 to 0.42: visits 15, source 5, start -1 and the other fields 2.
    for told in ("+15", "+5", "−1", "+2"):
        assert f"{told}" in page
    assert "all other fields" in page


def test_fields_that_are_not_told_are_counted() -> None:
    """A comparison names the fields that moved a lead most; a page counts the rest."""
    visit, source = FieldMove("visit", 0.8, 0.15), FieldMove("source", 0.01, 0.001)
    move = replace(example.comparison().moves[0], fields=(visit, source), more=7)
    made = replace(example.comparison(), moves=(move,))
    facts = Versus(("3", "4"), "3", "4", made)

    page = compare_page(
        facts, View.of(example.settings(Path()), FileLinks("en", ()), {})
    )

    assert "8 other fields</bdi> +7" in page


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [("from=4&to=3", 404, "compare --from 4 --to 3"), ("from=99&to=4", 404, "3, 4"),
     ("from=4", 404, "compare --from 4 --to 3"),
     ("to=4", 200, "version 3 to version 4")],
)  # fmt: skip
def test_what_is_missing_is_said(
    client: TestClient, query: str, status: int, says: str
) -> None:
    """A pair that was not compared says how; an unknown version names the known."""
    page = client.get(f"/model/compare?{query}&lang=en")
    twin = client.get(f"/v1/model/compare?{query}")

    assert (page.status_code, twin.status_code) == (status, status)
    assert says in page.text


def test_a_single_version_is_no_fault(client: TestClient, sight: Sight) -> None:
    """Before there are two, the page says what to do and is no error."""
    folder = sight.settings.store.folder
    shutil.rmtree(folder / "comparisons")
    shutil.rmtree(folder / "bundles" / ("3f" * 32))

    page = client.get("/model/compare?lang=en")

    assert page.status_code == 200
    assert "only one version" in page.text
    assert client.get("/v1/model/compare").status_code == 404


def test_the_page_of_the_model_has_its_twin(client: TestClient) -> None:
    """Inside, slices and verdicts are in the API as on the page."""
    said = client.get("/v1/model/proof").json()
    page = client.get("/model?lang=en").text

    assert said["growing"] == "helps"
    assert [one["verdict"] for one in said["slices"]] == ["agrees", "low"]
    assert "beyond noise" in page
    for words in ("Visits in 7 days", "Would more data help?", "By source"):
        assert words in page
    assert "&lt;b&gt;ads&lt;/b&gt;" in page
    weight = said["anatomy"]["weights"][0]
    assert f"{weight['share']:.3f}" in page


@pytest.mark.parametrize(
    ("tracking", "address"),
    [
        ("http://user:secret@mlflow.test:5000/",
         "http://mlflow.test:5000/#/models/leadcast/versions/4"),
        ("https://h/base", "https://h/base/#/models/leadcast/versions/4"),
        ("sqlite:///mlflow.db", None),
    ],
)  # fmt: skip
def test_the_record_is_linked_without_its_password(
    tmp_path: Path, tracking: str, address: str | None
) -> None:
    """A registry with an address is linked to; who logs in does so there."""
    settings = example.settings(tmp_path)
    store = Store(folder=tmp_path, database="sqlite://", tracking=tracking)
    changed = Settings.model_validate({**dict(settings), "store": store})
    name = changed.model.name

    found = record_of(changed, "4")

    assert found == (address and address.replace("leadcast", name))
