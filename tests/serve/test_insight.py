"""Change, what-if and similar leads as the service answers them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.serve.conftest import Company, point

from leads.decision import Prediction
from leads.journal import Journal
from leads.lead import EPOCH
from leads.settings import Settings
from model.examples.snapshots import take
from model.features.twin import build_one
from model.reasons.past import gather
from model.reasons.similar import path_of, write_past
from model.reasons.whatif import Subject, Suggestion, knobs, suggestions
from serve.app import create_app
from serve.scoring import inputs_of, predict

LEAD, STRANGER = "L00150", "not-ingested"
MADE = datetime(2026, 6, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """A service with a journal of its own, and what was recorded there."""

    client: TestClient
    settings: Settings
    entries: tuple[Prediction, ...]

    def get(self, path: str, **query: str) -> Any:
        """Ask for a part of the lead's insight."""
        answer = self.client.get(f"/v1/leads/{LEAD}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def what_if(self, body: dict[str, Any]) -> Any:
        """Ask a what-if."""
        return self.client.post(f"/v1/leads/{LEAD}/what-if", json=body)


@pytest.fixture(scope="module")
def asked(
    company: Company, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    """Predict a lead thrice: by the first model, by the second, and later by it."""
    folder = tmp_path_factory.mktemp("insight")
    apart = company.apart(folder)
    kept = shutil.copytree(apart.store.folder, folder / "store")
    store = apart.store.model_copy(update={"folder": kept})
    settings = apart.model_copy(update={"store": store})
    journal = Journal(settings.store.database)
    journal.upgrade()
    point(settings.store.folder, company.pointers[1])
    write_past(gather(company.second, company.history, settings), settings.store.folder)
    lead = company.history.lead(LEAD)
    born = EPOCH + timedelta(microseconds=lead.created_at)
    said = []
    for day, (bundle, version, lead_id) in enumerate(
        [(company.first, "1", LEAD), (company.second, "2", LEAD),
         (company.second, "2", STRANGER), (company.second, "2", LEAD)]
    ):  # fmt: skip
        as_of = born + timedelta(days=1 + 2 * day)
        moment = lead.created_at + (1 + 2 * day) * 86_400_000_000
        table = build_one(bundle.catalog, lead, moment)
        made = predict(bundle, table, [lead_id], [as_of], version=version)
        journal.record(
            made, made_at=MADE + timedelta(days=day), channel="score",
            inputs=inputs_of(bundle.catalog, table),
        )  # fmt: skip
        said += made
    journal.close()
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield Asked(client, settings, tuple(said))


def test_a_change_adds_up_to_what_the_journal_keeps(asked: Asked) -> None:
    """Parts and lines sum to the stored probabilities, told in both languages."""
    said = asked.get("change")
    _, before, _, after = asked.entries

    assert said["points"] == after.probability - before.probability
    assert said["before"]["prediction"]["probability"] == before.probability
    for pieces in (said["parts"], said["lines"]):
        assert sum(one["points"] for one in pieces) == pytest.approx(said["points"])
        assert sum(one["log_odds"] for one in pieces) == pytest.approx(said["log_odds"])
    assert [part["causes"] for part in said["parts"]] == [
        ["rewritten"], ["model"], ["time"], ["data"],
    ]  # fmt: skip
    assert said["parts"][0]["log_odds"] == said["parts"][1]["log_odds"] == 0.0
    assert "point" in said["headlines"]["en"]
    assert said["headline"] == said["headlines"]["ru"]
    assert said["missing"] == []


def test_since_takes_an_entry_or_an_instant(asked: Asked) -> None:
    """An id means that entry, an instant what stood then; the two agree."""
    first = asked.get("history")["entries"][-1]

    by_id = asked.get("change", since=str(first["id"]))
    by_instant = asked.get("change", since="2026-06-02T23:00:00Z")

    assert by_id == by_instant
    assert by_id["before"] == first
    assert by_id["parts"][1]["causes"] == ["model"]
    assert by_id["parts"][1]["log_odds"] != 0.0


@pytest.mark.parametrize(
    ("since", "status"),
    [("1999-01-01T00:00:00Z", 404), ("999999", 422), ("9" * 30, 422), ("soon", 422),
     ("2026-13-45T00:00:00Z", 422)],
)  # fmt: skip
def test_a_since_that_means_nothing_is_refused(
    asked: Asked, since: str, status: int
) -> None:
    """No entry, no moment, or nothing said before it."""
    answer = asked.client.get(f"/v1/leads/{LEAD}/change", params={"since": since})

    assert answer.status_code == status, answer.text
    assert answer.json()["remedy"]


def test_a_lead_said_once_has_not_changed(asked: Asked) -> None:
    """One prediction is no change, and a stranger has none."""
    for lead_id in (STRANGER, "nobody"):
        answer = asked.client.get(f"/v1/leads/{lead_id}/change")
        assert answer.status_code == 404


def test_a_what_if_starts_at_what_is_stored_and_records_nothing(asked: Asked) -> None:
    """Before is the journal's own number; after has moved; the journal has not."""
    before = asked.get("history")
    said = asked.what_if({"fields": {"size": 3.0}, "events": {"call": 1}})

    assert said.status_code == 200, said.text
    answer = said.json()
    assert answer["before"]["probability"] == asked.entries[-1].probability
    assert answer["before"]["tier"] == asked.entries[-1].tier.value
    moved = answer["after"]["log_odds"] - answer["before"]["log_odds"]
    assert sum(answer["fields"].values()) == pytest.approx(moved, abs=1e-9)
    assert moved != 0.0
    assert "доказательство" in answer["note"]
    assert asked.get("history") == before


def test_a_what_if_is_what_the_lead_would_have_got(
    asked: Asked, company: Company
) -> None:
    """More events give what the model says of a history that holds them."""
    found = asked.what_if({"events": {"call": 2}}).json()["after"]["probability"]
    lead = company.history.lead(LEAD)
    at = lead.created_at + 7 * 86_400_000_000
    calls = tuple(
        next(e for e in lead.events if e.kind == "call")._replace(
            at=at - i, recorded_at=at, value=None
        )
        for i in range(2)
    )
    busier = type(lead)(**{**vars(lead), "events": (*lead.events, *calls)})

    table = build_one(company.second.catalog, busier, at)

    expected = predict(
        company.second, table, [LEAD], [asked.entries[-1].as_of], version="2"
    )[0].probability
    assert found == expected


@pytest.mark.parametrize(
    "body",
    [
        {"fields": {"phone": "+7 900 111-22-33"}},
        {"fields": {"owner": "o"}},
        {"fields": {"created_at": 5.0}},
        {"fields": {"lead_age": 5.0}},
        {"fields": {"city": "Nowhere"}},
        {"fields": {"size": 1e9}},
        {"fields": {"size": "big"}},
        {"fields": {"size": True}},
        {"fields": {"vip": 1.0}},
        {"events": {"call": 1_000}},
        {"events": {"unheard": 1}},
        {"events": {"call": -1}},
        {"events": {"call": 1.5}},
        {"stages": {}},
    ],
)
def test_the_impossible_cannot_be_asked(asked: Asked, body: dict[str, Any]) -> None:
    """Identity, time, unseen levels, numbers out of range: refused, by name."""
    answer = asked.what_if(body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["faults"]


def test_suggestions_name_only_what_sellers_change(company: Company) -> None:
    """By default no attribute of the client; a declared list is obeyed; all counted."""
    bundle = company.second
    for number in range(100, 140):
        lead = company.history.lead(f"L{number:05d}")
        table = build_one(bundle.catalog, lead, lead.created_at + 86_400_000_000)
        subject = Subject(bundle, table)
        assert suggestions(subject) == ()
        for one in suggestions(subject, ["vip", "size"]):
            assert one.name in {"vip", "size"}
            assert one.count >= 30
            assert one.rate > one.rate_now
            assert one.gain > 0
    assert any(knob.name == "vip" for knob in knobs(subject))
    assert "phone" not in {knob.name for knob in knobs(subject)}


def test_some_suggestion_is_made(company: Company) -> None:
    """Of forty leads some could gain by what the seller is said to change."""
    bundle = company.second
    found: list[Suggestion] = []
    for number in range(100, 140):
        lead = company.history.lead(f"L{number:05d}")
        table = build_one(bundle.catalog, lead, lead.created_at + 86_400_000_000)
        found += suggestions(Subject(bundle, table), ["vip", "size", "city"])

    assert found


def test_similar_leads_are_the_nearest_of_the_very_model(
    asked: Asked, company: Company
) -> None:
    """Five leads, nearest first, none of them the lead itself; outcomes are true."""
    said = asked.get("similar")

    distances = [one["distance"] for one in said["leads"]]
    assert len(distances) == 5
    assert distances == sorted(distances)
    assert distances[0] > 0.0
    assert said["converted"] == sum(one["converted"] for one in said["leads"])


def test_past_leads_keep_true_outcomes(asked: Asked, company: Company) -> None:
    """A snapshot counts as converted exactly if its lead paid within the horizon."""
    known = take(company.history, asked.settings).drop_nulls("label")
    past = gather(company.second, company.history, asked.settings)
    paid = company.tables.payments.group_by("lead_id").agg(pl.col("at").min())
    joined = known.join(paid, on="lead_id", how="left", maintain_order="left")
    days = (joined["at"].cast(pl.Int64) - joined["moment"]) / 86_400_000_000

    won = (days > 0) & (days <= asked.settings.conversion.horizon_days)
    assert past.converted.tolist() == won.fill_null(value=False).to_list()
    assert past.converted.any()
    assert not past.converted.all()
    assert past.days[past.converted] == pytest.approx(
        days.to_numpy()[past.converted], rel=1e-6
    )
    assert np.isnan(past.days[~past.converted]).all()
    fewer = gather(company.second, company.history, asked.settings, most=30)
    assert fewer.key.tolist() == past.key[-30:].tolist()


def test_past_leads_hold_nobodys_data(asked: Asked, company: Company) -> None:
    """The file and the answer hold no id, phone, owner or text of any lead's card."""
    path = path_of(asked.settings.store.folder, company.second.digest)
    with np.load(path, allow_pickle=False) as kept:
        texts = {str(t) for name in kept.files for t in np.atleast_1d(kept[name])
                 if kept[name].dtype.kind == "U"}  # fmt: skip
    answer = asked.client.get(f"/v1/leads/{LEAD}/similar").text
    others = set(company.tables.leads["lead_id"]) - {LEAD}
    levels = {text for of in company.second.catalog.levels.values() for text in of}

    fields = set(company.second.catalog.names) | {
        feature.field for feature in company.second.catalog.features
    }
    assert texts <= levels | fields | {company.second.digest}
    assert not any(one in answer for one in others)
    assert not re.search(r"\+7|900 000", " ".join(texts) + answer)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_lead_page_shows_the_three(asked: Asked, lang: str) -> None:
    """Change, what-if and similar leads stand on the page with the API's numbers."""
    page = asked.client.get(f"/leads/{LEAD}", params={"lang": lang, "more.call": "1"})

    assert page.status_code == 200
    for part in ('id="change"', 'id="whatif"', 'id="similar"', 'name="more.call"'):
        assert part in page.text
    after = asked.what_if({"events": {"call": 1}}).json()["after"]["probability"]
    space = "\N{NO-BREAK SPACE}" if lang == "ru" else ""
    assert f"→ {100 * after:.0f}{space}%" in page.text


@pytest.mark.parametrize(
    "query",
    [{"more.call": "99"}, {"more.call": "x"}, {"if.size": "nan"}, {"if.size": "<b>"},
     {"if.vip": "maybe"}, {"more.call": "²"}],
)  # fmt: skip
def test_the_page_refuses_what_the_api_refuses(
    asked: Asked, query: dict[str, str]
) -> None:
    """A form filled in with nonsense is answered with a page that says so."""
    page = asked.client.get(f"/leads/{LEAD}", params={"lang": "en", **query})

    assert page.status_code == 200
    assert "This cannot be asked" in page.text
    assert 'value="<b>"' not in page.text


def test_a_lead_that_was_never_ingested_is_told_less(asked: Asked) -> None:
    """Its card may be tried out, more events may not: nobody knows its history."""
    url = f"/v1/leads/{STRANGER}/what-if"

    card = asked.client.post(url, json={"fields": {"size": 10.0}})
    events = asked.client.post(url, json={"events": {"call": 1}})

    assert card.status_code == 200
    assert events.status_code == 422


def test_a_model_that_is_gone_is_said_so(company: Company, tmp_path: Path) -> None:
    """Without its bundle a prediction can be told, but not asked again."""
    settings = company.apart(tmp_path).model_copy(
        update={"store": company.apart(tmp_path).store.model_copy(
            update={"folder": tmp_path})}
    )  # fmt: skip
    journal = Journal(settings.store.database)
    journal.upgrade()
    lead = company.history.lead(LEAD)
    at = EPOCH + timedelta(microseconds=lead.created_at)
    table = build_one(company.first.catalog, lead, lead.created_at)
    for bundle, version in ((company.first, "1"), (company.second, "2")):
        made = predict(bundle, table, [LEAD], [at], version=version)
        journal.record(made, made_at=MADE, channel="score")
    journal.close()

    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        change = client.get(f"/v1/leads/{LEAD}/change").json()
        asked = client.post(f"/v1/leads/{LEAD}/what-if", json={"events": {}})
        page = client.get(f"/leads/{LEAD}")

    assert [part["causes"] for part in change["parts"]] == [["model", "time", "data"]]
    assert set(change["missing"]) == {"history", "old_model", "new_model"}
    assert sum(p["points"] for p in change["parts"]) == pytest.approx(change["points"])
    assert asked.status_code == 503
    assert page.status_code == 200
    assert 'id="change"' in page.text
    assert 'id="whatif"' not in page.text
