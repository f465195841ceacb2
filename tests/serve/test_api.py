from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.serve.company import sent_of, settings_in
from tests.serve.conftest import Company

from leads.history import microseconds
from model.features.batch import build
from model.features.twin import build_one
from serve.answers import UNKNOWN as OUTLOOK
from serve.answers import prediction_said
from serve.app import create_app
from serve.desk import Desk
from serve.pages.wording import Wording
from serve.scoring import features_in, predict

LEAD = "L00003"
JSON = {"content-type": "application/json"}


@pytest.fixture
def whole(company: Company) -> dict[str, Any]:
    """One lead as the CRM would send it, at the cut-off."""
    return {
        **sent_of(company.history, LEAD), "as_of": company.tables.cut_off.isoformat(),
    }  # fmt: skip


def test_an_answer_holds_all_that_was_promised(
    client: TestClient, company: Company, whole: dict[str, Any]
) -> None:
    """Probability, tier, reasons with words, the moment and the model are all there."""
    said = client.post("/v1/predict", json=whole).json()

    assert said["probability"] == pytest.approx(1 / (1 + math.exp(-said["log_odds"])))
    assert said["horizon_days"] == 14
    assert said["tier"] == company.first.borders.tier_of(said["probability"]).value
    assert said["bundle_digest"] == company.first.digest
    assert said["model_version"] == "1"
    assert said["as_of"] == "2026-05-05T09:00:00+00:00"
    reasons = said["reasons_for"] + said["reasons_against"]
    assert reasons
    assert all(reason["share"] > 0 for reason in said["reasons_for"])
    assert all(reason["share"] < 0 for reason in said["reasons_against"])
    assert all(reason["text"] == reason["texts"]["ru"] for reason in reasons)
    assert all(reason["texts"]["en"] for reason in reasons)


def test_an_outlook_is_answered_journaled_and_shown_alike(
    client: TestClient, company: Company, whole: dict[str, Any]
) -> None:
    """The answer, the scoring path and the lead's page say one and the same."""
    said = client.post("/v1/predict", json=whole).json()
    moment = company.tables.cut_off
    asked = pl.DataFrame({"lead_id": [LEAD], "moment": [microseconds(moment)]})
    table = build(company.first.catalog, company.history, asked)
    [made] = predict(company.first, table, [LEAD], [moment], version="1")
    page = client.get(f"/leads/{LEAD}").text

    assert {name: said[name] for name in OUTLOOK} == {
        name: prediction_said(made, "ru")[name] for name in OUTLOOK
    }
    assert 0.0 < said["low"] < said["probability"] < said["high"] < 1.0
    assert said["curve"]["14"] == said["probability"]
    assert said["expected_money"]["currency"] == "RUB"
    assert said["expected_days"] > 0
    words = Wording("ru", ZoneInfo("Europe/Moscow"))
    for chance in (said["low"], said["high"], said["curve"]["7"]):
        assert words.chance(chance) in page
    kept = client.get(f"/v1/leads/{LEAD}/history").json()["entries"][0]
    assert {**kept["prediction"], "recorded": True} == said


def test_an_id_alone_means_the_ingested_lead_at_the_cut_off(
    client: TestClient, whole: dict[str, Any]
) -> None:
    """Sending a lead whole and naming it give the same answer."""
    by_id = client.post("/v1/predict", json={"lead_id": LEAD})

    assert by_id.json() == client.post("/v1/predict", json=whole).json()


def test_reasons_can_be_left_out_and_nothing_else_changes(
    client: TestClient, whole: dict[str, Any]
) -> None:
    """Without reasons the prediction is the same to the bit."""
    explained = client.post("/v1/predict", json=whole).json()
    bare = client.post("/v1/predict?reasons=false", json=whole).json()

    assert bare["reasons_for"] == bare["reasons_against"] == []
    nothing: dict[str, Any] = {"reasons_for": [], "reasons_against": []}
    nothing |= dict.fromkeys(OUTLOOK)
    assert explained | nothing == bare


@pytest.mark.parametrize(
    ("short", "long"), [("", "?reasons=1"), ("?reasons=false", "?reasons=0")]
)
def test_the_short_way_and_the_long_way_meet(
    client: TestClient, whole: dict[str, Any], short: str, long: str
) -> None:
    """Past FastAPI or through it, an answer and a refusal are the same."""
    bodies: list[object] = [whole, whole | {"as_of": "2025-12-31T00:00:00Z"}, []]
    for body in bodies:
        one, other = (
            client.post(f"/v1/predict{query}", json=body) for query in (short, long)
        )
        assert (one.status_code, one.content) == (other.status_code, other.content)
        assert one.headers["content-type"] == other.headers["content-type"]


def test_rows_after_the_moment_are_not_seen(
    client: TestClient, whole: dict[str, Any]
) -> None:
    """Events, stages, payments and changes of the future change nothing."""
    later = {"at": "2026-05-05T09:00:00.000001Z"}
    more = {
        "events": [*whole["events"], {**later, "kind": "visit", "value": 50.0}],
        "stages": [*whole["stages"], {**later, "stage": "offered", "pipeline": "new"}],
        "payments": [{**later, "amount_minor": 10**9, "currency": "RUB"}],
        "field_changes": [
            *whole["field_changes"], {**later, "field": "city", "value": "Omsk"},
        ],
    }  # fmt: skip

    answers = [
        client.post("/v1/predict", json=body).json() for body in (whole, whole | more)
    ]

    assert answers[0] == answers[1]


def test_order_and_doubled_rows_change_nothing(
    client: TestClient, whole: dict[str, Any]
) -> None:
    """A CRM may send rows in any order and twice."""
    mixed = {
        name: [*reversed(rows), *rows[:2]]
        for name, rows in whole.items()
        if isinstance(rows, list)
    }

    answers = [
        client.post("/v1/predict", json=body).json() for body in (whole, whole | mixed)
    ]

    assert answers[0] == answers[1]


def test_what_was_answered_is_in_the_journal_with_its_features(
    client: TestClient, company: Company, whole: dict[str, Any]
) -> None:
    """From the journal the answer can be read, and its features to the bit."""
    said = client.post("/v1/predict", json=whole).json()
    desk = client.app.state.desk  # type: ignore[attr-defined]  # TestClient knows ASGI only
    assert isinstance(desk, Desk)
    (entry,) = desk.journal.history(LEAD, limit=1)
    kept = desk.journal.inputs(entry.id)
    assert kept is not None
    catalog = company.first.catalog
    moment = microseconds(company.tables.cut_off)
    seen = build_one(catalog, company.history.lead(LEAD), moment)
    again = features_in(catalog, kept)

    said_now = {**client.get(f"/v1/leads/{LEAD}").json(), "recorded": True}
    assert said_now == {**said, "override": None}
    assert entry.channel == "api"
    assert again.numbers.tobytes() == seen.numbers.tobytes()
    assert again.texts.tolist() == seen.texts.tolist()


def test_a_batch_answers_each_lead_on_its_own(
    client: TestClient, whole: dict[str, Any]
) -> None:
    """One bad lead costs only itself, and answers keep the order of the batch."""
    leads = [{"lead_id": "nobody"}, whole, {"x": 1}, {"lead_id": "L00004"}]
    said = client.post("/v1/predict/batch", json={"leads": leads}).json()
    first, second, third, fourth = said["items"]

    assert (said["predicted"], said["refused"]) == (2, 2)
    assert first["problem"]["status"] == 404
    assert second["prediction"] == client.post("/v1/predict", json=whole).json()
    assert third["problem"]["status"] == 422
    assert fourth["prediction"]["lead_id"] == "L00004"


def test_a_batch_is_recorded(client: TestClient, whole: dict[str, Any]) -> None:
    """What a batch answered is in the journal, as said."""
    ids = ["batch-1", "batch-2"]
    leads = [whole | {"lead_id": lead_id} for lead_id in ids]
    said = client.post("/v1/predict/batch", json={"leads": leads}).json()["items"]

    kept = [client.get(f"/v1/leads/{lead_id}/history").json() for lead_id in ids]

    assert [lead["entries"][0]["channel"] for lead in kept] == ["batch", "batch"]
    shown = [lead["entries"][0]["prediction"] for lead in kept]
    assert [one | {"recorded": True} for one in shown] == [
        item["prediction"] for item in said
    ]


def test_a_batch_has_a_limit(company: Company, tmp_path: Path) -> None:
    """One lead over [serve] max_batch, and none at all, are refused whole."""
    settings = company.apart(tmp_path, max_batch=2)
    with TestClient(create_app(settings)) as asking:
        statuses = [
            asking.post(
                "/v1/predict/batch", json={"leads": [{"lead_id": LEAD}] * count}
            ).status_code
            for count in (0, 1, 2, 3)
        ]

    assert statuses == [422, 200, 200, 422]


def test_history_goes_back_page_by_page(
    client: TestClient, whole: dict[str, Any]
) -> None:
    """Every entry is seen exactly once, newest first."""
    body = whole | {"lead_id": "of/many 'pages'?"}
    for _ in range(5):
        client.post("/v1/predict?reasons=false", json=body)
    path = "/v1/leads/of%2Fmany%20%27pages%27%3F/history"
    ids, before = [], None
    for _ in range(4):
        asked = {"limit": 2} | ({} if before is None else {"before": before})
        said = client.get(path, params=asked).json()
        ids += [entry["id"] for entry in said["entries"]]
        before = said["next_before"]
        if before is None:
            break

    assert len(ids) == 5
    assert ids == sorted(set(ids), reverse=True)


def test_a_lead_before_its_own_beginning_is_refused(
    client: TestClient, whole: dict[str, Any]
) -> None:
    """Nothing can be said of a lead as of a moment when nobody knew of it."""
    answer = client.post("/v1/predict", json=whole | {"as_of": "2025-12-31T00:00:00Z"})

    assert answer.status_code == 422
    assert "as_of" in answer.json()["faults"][0]["where"]


@pytest.mark.parametrize("path", ["/v1/leads/nobody", "/v1/leads/nobody/history"])
def test_a_lead_never_predicted_is_not_found(client: TestClient, path: str) -> None:
    """The journal is asked, and says so when it has nothing."""
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404), ("GET", "/v1/predict", 405),
        ("DELETE", "/v1/leads/7", 405), ("POST", "/v1/model", 415),
        ("GET", "/v1/leads/a%00b", 422), ("GET", "/v1/leads/" + "x" * 501, 422),
        ("GET", "/v1/leads/7/history?limit=0", 422),
        ("GET", "/v1/leads/7/history?limit=ten", 422),
        ("GET", "/v1/leads/7/history?before=99999999999999999999", 422),
        ("POST", "/v1/predict?reasons=perhaps", 415),
    ],
)  # fmt: skip
def test_every_refusal_is_a_problem_document(
    client: TestClient, method: str, path: str, status: int
) -> None:
    """Whoever refuses, router, guard or schema, does it in the same form."""
    answer = client.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["remedy"]


def test_a_service_without_a_model_lives_but_is_not_ready(tmp_path: Path) -> None:
    """With nothing promoted the process runs and says what is missing."""
    with TestClient(create_app(settings_in(tmp_path))) as asking:
        answers = {
            path: asking.get(path).status_code
            for path in ("/healthz", "/readyz", "/v1/model", "/metrics")
        }
        predicted = asking.post("/v1/predict", json={"lead_id": "7"})

    assert answers == {
        "/healthz": 200,
        "/readyz": 503,
        "/v1/model": 503,
        "/metrics": 200,
    }
    assert predicted.status_code == 503
    assert predicted.json()["type"] == "urn:leadcast:problem:no-model"
    assert predicted.headers["retry-after"]


def test_a_service_whose_journal_is_away_is_not_ready(
    company: Company, tmp_path: Path
) -> None:
    """What cannot be recorded is not answered, and readiness says so."""
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder shall be")
    settings = company.apart(tmp_path)
    store = settings.store.model_copy(
        update={"database": f"sqlite:///{blocked / 'journal.db'}"}
    )
    with TestClient(create_app(settings.model_copy(update={"store": store}))) as asking:
        ready = asking.get("/readyz")
        predicted = asking.post("/v1/predict", json={"lead_id": LEAD})

    assert (ready.status_code, predicted.status_code) == (503, 503)


def test_a_failure_inside_tells_nothing(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error nobody foresaw is a problem document without its words."""

    def fail(_: Desk) -> None:
        raise ZeroDivisionError("secret of Ivanov")

    monkeypatch.setattr(Desk, "check", fail)
    app = create_app(settings_in(tmp_path))
    with TestClient(app, raise_server_exceptions=False) as asking:
        answer = asking.get("/readyz")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Ivanov" not in answer.text


def test_the_model_says_what_it_is(client: TestClient, company: Company) -> None:
    """The model's answer is its manifest's, with figures and their intervals."""
    said = client.get("/v1/model").json()
    auc = company.first.manifest.metrics["auc"]

    assert said["bundle_digest"] == company.first.digest
    assert said["metrics"]["auc"] == {
        "value": auc.value, "low": auc.low, "high": auc.high,
    }  # fmt: skip
    assert said["tiers"]["hot"] >= said["tiers"]["warm"]


def test_metrics_count_what_happened_and_name_no_lead(
    client: TestClient, whole: dict[str, Any]
) -> None:
    """Counts are by route pattern, status and tier."""
    client.post("/v1/predict", json=whole)
    client.get("/v1/leads/L00003")
    page = client.get("/metrics").text

    assert 'leadcast_requests_total{route="/v1/predict",status="200"}' in page
    assert 'leadcast_predictions_total{tier="' in page
    assert "leadcast_bundle_info{" in page
    assert "L00003" not in page


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """List path, method and operation of a schema."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_schema_declares_every_problem(client: TestClient) -> None:
    """Each operation lists its refusals as problem+json, and no other 4xx or 5xx."""
    schema = client.get("/openapi.json").json()
    listed = list(operations(schema))

    assert len(listed) == 18
    for path, _, operation in listed:
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"], path
        assert "500" in operation["responses"]
    assert schema["components"]["schemas"]["Problem"]


def test_every_refusal_that_is_sent_is_declared(
    client: TestClient, company: Company, tmp_path: Path
) -> None:
    """What a caller of predict can meet stands in the schema, status by status."""
    schema = client.get("/openapi.json").json()["paths"]
    path = "/v1/predict"
    met = {
        client.post(path, content=b"{", headers=JSON).status_code,
        client.post(path, content=b"{}", headers=JSON).status_code,
        client.post(path, json={"lead_id": "nobody"}).status_code,
        client.post(path, content=b"{}").status_code,
        client.post(path, headers={**JSON, "content-length": "9" * 9}).status_code,
    }
    locked = settings_in(tmp_path, keys=("0" * 64,))
    with TestClient(create_app(locked)) as asking:
        met.add(asking.post(path, json={}).status_code)
    with TestClient(create_app(settings_in(tmp_path))) as asking:
        met.add(asking.post(path, json={}).status_code)

    assert met == {400, 401, 404, 413, 415, 422, 503}
    for known in (path, "/v1/predict/batch"):
        declared = {int(status) for status in schema[known]["post"]["responses"]}
        assert met - declared <= ({404} if known.endswith("batch") else set())


def test_every_reference_of_the_schema_leads_somewhere(client: TestClient) -> None:
    """A generator of clients can resolve the whole document."""
    schema = client.get("/openapi.json").json()
    parts = schema["components"]["schemas"]

    assert {ref.rsplit("/", 1)[1] for ref in references(schema)} <= set(parts)


def references(part: object) -> Iterator[str]:
    """List every reference within a schema."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_nothing_that_is_answered_may_be_left_out(client: TestClient) -> None:
    """In the answers' schemas every key is required and none has a default."""
    schema = client.get("/openapi.json").json()["components"]["schemas"]
    said = [part for name, part in schema.items() if name.endswith("Said")]

    assert len(said) >= 10
    for part in said:
        assert set(part["required"]) == set(part["properties"])
        assert not any("default" in inner for inner in part["properties"].values())


def test_the_pages_are_there(client: TestClient) -> None:
    """A browser finds the list, a lead and the proof beside the API."""
    client.post("/v1/predict", json={"lead_id": LEAD})

    pages = {
        path: client.get(path).headers["content-type"]
        for path in ("/", f"/leads/{LEAD}", "/model")
    }

    assert set(pages.values()) == {"text/html; charset=utf-8"}
