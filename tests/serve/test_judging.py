from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.serve.conftest import Company

from leads.journal import Journal
from model.bundle.whole import Bundle
from serve.rebuilding import rebuild
from serve.short import card_text


def predicted(client: TestClient, lead_id: str) -> dict[str, object]:
    """Predict an ingested lead with reasons."""
    answer = client.post("/v1/predict", json={"lead_id": lead_id})
    assert answer.status_code == 200, answer.text
    said: dict[str, object] = answer.json()
    assert said.pop("recorded") is True
    return said


def test_points_of_all_reasons_are_told(client: TestClient) -> None:
    """Each reason says its points; they have the sign of its share."""
    said = client.post("/v1/predict", json={"lead_id": "L00001"}).json()
    found = said["reasons_for"] + said["reasons_against"]

    assert found
    assert all(reason["points"] * reason["share"] > 0 for reason in found)


def test_a_tier_is_set_beside_the_machines(client: TestClient) -> None:
    """The answer shows both; reasons stay those of the machine's own tier."""
    machine = predicted(client, "L00002")
    other = "cold" if machine["tier"] != "cold" else "hot"
    sent = {"tier": other, "by": "u7", "until": "2099-01-01T00:00:00+03:00"}

    put = client.put("/v1/leads/L00002/override", json=sent)

    assert put.status_code == 200
    said = client.get("/v1/leads/L00002").json()
    assert said["override"] == put.json()
    assert (said["override"]["tier"], said["override"]["by"]) == (other, "u7")
    assert said["override"]["until"] == "2098-12-31T21:00:00+00:00"
    assert {k: v for k, v in said.items() if k != "override"} == machine
    assert "reasons" not in str(said["override"])


def test_a_withdrawn_tier_is_gone(client: TestClient) -> None:
    """After DELETE, which may be repeated, the machine's tier stands alone."""
    predicted(client, "L00003")
    client.put("/v1/leads/L00003/override", json={"tier": "hot", "by": "u7"})
    for _ in range(2):
        gone = client.delete("/v1/leads/L00003/override", params={"by": "u8"})
        assert gone.status_code == 204

    assert client.get("/v1/leads/L00003").json()["override"] is None


@pytest.mark.parametrize(
    "sent",
    [
        {"tier": "not enough data", "by": "u"},
        {"tier": "hot"},
        {"tier": "hot", "by": ""},
        {"tier": "hot", "by": "u", "reason": "mine"},
        {"tier": "hot", "by": "u", "until": "2020-01-01T00:00:00Z"},
        {"tier": "hot", "by": "u", "until": "2099-02-30T00:00:00Z"},
        [],
    ],
)
def test_what_is_no_override_is_refused(client: TestClient, sent: object) -> None:
    """A tier nobody can set, no name, an end in the past or a false day: 422."""
    predicted(client, "L00004")

    answer = client.put("/v1/leads/L00004/override", json=sent)

    assert answer.status_code == 422
    assert client.get("/v1/leads/L00004").json()["override"] is None


def test_nothing_is_kept_of_a_lead_nobody_asked_about(client: TestClient) -> None:
    """An override or a card of a lead that was never predicted is not found."""
    sent = {"tier": "hot", "by": "u"}

    assert client.put("/v1/leads/nobody/override", json=sent).status_code == 404
    assert client.get("/v1/leads/nobody/card").status_code == 404


@pytest.mark.parametrize("form", ["text", "bb"])
def test_the_card_says_what_the_journal_holds(
    client: TestClient, company: Company, form: str
) -> None:
    """The short form is made of the stored prediction, in the company's language."""
    predicted(client, "L00005")
    journal = Journal(company.settings.store.database)
    stored = journal.latest("L00005")
    journal.close()
    assert stored is not None

    said = client.get("/v1/leads/L00005/card", params={"form": form}).json()

    expected = card_text(stored, form="bb" if form == "bb" else "text", language="ru")
    assert said == {"lead_id": "L00005", "form": form, "text": expected}
    assert client.get("/v1/leads/L00005/card?form=html").status_code == 422


def test_reasons_are_read_back_and_never_made_anew(
    client: TestClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the model out of reach the journal still tells the same reasons."""
    machine = predicted(client, "L00006")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a stored prediction was made anew")

    monkeypatch.setattr(Bundle, "explain", refuse)
    monkeypatch.setattr(Bundle, "contributions", refuse)
    monkeypatch.setattr(Bundle, "log_odds", refuse)

    latest = client.get("/v1/leads/L00006").json()
    past = client.get("/v1/leads/L00006/history").json()["entries"][0]["prediction"]

    assert {k: v for k, v in latest.items() if k != "override"} == machine
    assert past == machine


def test_a_past_prediction_is_rebuilt_to_the_bit(
    client: TestClient, company: Company
) -> None:
    """Stored inputs through the stored bundle give every stored field again."""
    for number in range(20, 40):
        predicted(client, f"L000{number}")
    journal = Journal(company.settings.store.database)
    folder = company.settings.store.folder
    done = [rebuild(journal, folder, f"L000{number}") for number in range(20, 40)]
    journal.close()

    assert [(each.differs, each.is_equal) for each in done] == [((), True)] * 20
    assert all(each.made == each.entry.prediction for each in done)
