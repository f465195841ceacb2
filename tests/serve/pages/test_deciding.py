"""A tier set on a page: only by our own form, and beside the model's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.serve import example

from leads.decision import Override, Tier
from leads.overruling import overrule, standing_override, standing_overrides, withdraw
from serve.guard import Guard
from serve.pages import attach
from serve.pages.deciding import LASTS, Seals
from serve.pages.links import file_of
from serve.pages.listing import Wanted
from serve.pages.report import write_report
from serve.pages.sight import Sight

LEAD, OTHER = "L-00001", "L-00002"
FORM = {"tier": "hot", "by": "u7", "days": "30", "do": "set"}


@pytest.fixture
def sight(tmp_path: Path) -> Iterator[Sight]:
    """Open a small company at a fixed moment."""
    with example.sight(tmp_path, example.lead_ids(6)) as opened:
        yield replace(opened, now=lambda: example.NOW)


def serving(sight: Sight) -> TestClient:
    """Serve the pages behind the guard."""
    app = FastAPI()
    attach(app, sight)
    app.add_middleware(Guard, max_body_bytes=100_000)
    return TestClient(app, follow_redirects=False)


def sealed(client: TestClient, lead_id: str = LEAD) -> dict[str, str]:
    """Open a lead's page and fill in its form."""
    page = client.get(f"/leads/{lead_id}").text
    found = re.search('name="seal" value="([^"]+)"', page)
    assert found is not None
    return FORM | {"seal": found[1]}


def test_a_sealed_form_sets_and_withdraws_a_tier(sight: Sight) -> None:
    """What the page's own form says is done, and the browser is sent to the page."""
    client = serving(sight)
    form = sealed(client)

    answer = client.post(f"/leads/{LEAD}", data=form)

    assert (answer.status_code, answer.headers["location"]) == (
        303, f"/leads/{LEAD}#content",
    )  # fmt: skip
    until = example.NOW + timedelta(days=30)
    set_now = standing_override(sight.journal, LEAD, now=example.NOW)
    assert set_now == Override(LEAD, Tier.HOT, "u7", example.NOW, until)
    client.post(f"/leads/{LEAD}", data=form | {"do": "withdraw"})
    assert standing_override(sight.journal, LEAD, now=example.NOW) is None


@pytest.mark.parametrize("seal", ["", "1.2", "²." + "0" * 64, "x" * 999])
def test_a_form_without_our_seal_sets_nothing(sight: Sight, seal: str) -> None:
    """A foreign page can send a form with the reader's key, but has no seal."""
    answer = serving(sight).post(f"/leads/{LEAD}", data=FORM | {"seal": seal})

    assert answer.status_code == 403
    assert standing_overrides(sight.journal, now=example.NOW) == {}


def test_a_seal_is_of_one_lead_and_grows_old(sight: Sight) -> None:
    """A seal taken from one lead's page opens no other, nor its own the next day."""
    client = serving(sight)
    form = sealed(client, OTHER)
    assert client.post(f"/leads/{LEAD}", data=form).status_code == 403
    seals = Seals(b"s")
    seal = seals.of(LEAD, example.NOW)

    assert seals.holds(seal, LEAD, example.NOW + LASTS - timedelta(seconds=1))
    assert not seals.holds(seal, LEAD, example.NOW + LASTS)
    assert not seals.holds(seal, LEAD, example.NOW - timedelta(seconds=1))
    assert not Seals(b"t").holds(seal, LEAD, example.NOW)
    assert standing_overrides(sight.journal, now=example.NOW) == {}


@pytest.mark.parametrize(
    "wrong",
    [{"tier": "not enough data"}, {"tier": ""}, {"by": " "}, {"by": "x" * 101},
     {"days": "8"}, {"days": "-1"}],
)  # fmt: skip
def test_an_unfit_form_is_refused_with_the_way_out(
    sight: Sight, wrong: dict[str, str]
) -> None:
    """A tier nobody can set, nobody who sets it, or a term not offered."""
    client = serving(sight)

    answer = client.post(f"/leads/{LEAD}", data=sealed(client) | wrong)

    assert answer.status_code == 422
    assert "Choose a tier and say who you are" in answer.text
    assert standing_overrides(sight.journal, now=example.NOW) == {}


def test_forms_go_to_leads_pages_only_and_are_read_strictly(sight: Sight) -> None:
    """Elsewhere only JSON is taken; a field named twice or no UTF-8 is refused."""
    client = serving(sight)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    assert client.post("/v1/predict", data=FORM).status_code == 415
    for body, status in ((b"by=a&by=b", 400), (b"by=%ff", 400), (b"by=\xff", 400),
                         (b"a" * 20_000, 413), (b"", 403)):  # fmt: skip
        answer = client.post(f"/leads/{LEAD}", content=body, headers=kind)
        assert answer.status_code == status, body


def test_both_tiers_stand_side_by_side_everywhere(sight: Sight, tmp_path: Path) -> None:
    """Today, portrait, files and twins show the person's beside the model's value."""
    until = example.NOW + timedelta(days=7)
    before = sight.dossier(LEAD)
    assert before is not None
    other = Tier.HOT if before.tier is not Tier.HOT else Tier.COLD
    overrule(sight.journal, Override(LEAD, other, "u<7>", example.NOW, until))
    client = serving(sight)

    row = next(row for row in sight.every(Wanted(closed=True)) if row.lead_id == LEAD)
    assert row.override is not None
    assert (row.tier, row.override.tier) == (before.tier, other)
    today = client.get("/?closed=yes&overruled=yes").text
    assert today.count('role="rowheader"') == 1
    for text in (today, client.get(f"/leads/{LEAD}").text):
        assert "Set by a person" in text
        assert "The model says" in text
        assert "u&lt;7&gt;" in text
    assert (
        "not for the tier that a person set (by u&lt;7&gt;)"
        in client.get(f"/leads/{LEAD}").text
    )
    sheet = client.get("/leads.csv?closed=yes").content.decode("utf-8-sig")
    cells = {line["Lead"]: line for line in csv.DictReader(io.StringIO(sheet))}
    assert cells[LEAD]["Set by"] == "u<7>"
    assert cells[LEAD]["Tier"] != cells[LEAD]["Tier set by a person"] != ""
    assert cells[OTHER]["Tier set by a person"] == ""
    write_report(sight, tmp_path / "r", now=example.NOW)
    path = tmp_path / "r" / "leads" / file_of(LEAD)
    twin = orjson.loads(path.with_suffix(".json").read_bytes())
    assert (twin["tier"], twin["override"]["tier"]) == (before.tier, other)
    assert "<form" not in path.read_text("utf-8")


def test_an_ended_or_withdrawn_tier_is_shown_nowhere(sight: Sight) -> None:
    """What no longer stands is not listed: its end has come, or it was withdrawn."""
    end = example.NOW + timedelta(hours=1)
    overrule(sight.journal, Override(LEAD, Tier.HOT, "u7", example.NOW, end))
    overrule(sight.journal, Override(OTHER, Tier.HOT, "u7", example.NOW))
    assert set(standing_overrides(sight.journal, now=example.NOW)) == {LEAD, OTHER}
    withdraw(sight.journal, OTHER, by="u8", now=end)
    later = replace(sight, now=lambda: end)

    assert standing_overrides(sight.journal, now=end) == {}
    assert later.listing(Wanted(closed=True)).overruled == 0
