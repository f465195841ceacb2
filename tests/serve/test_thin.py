"""Points answer while data are too few for a model: service, page, card, journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.serve.company import invented_tables, promoted, sent_of, settings_in
from tests.serve.conftest import Company
from tests.serve.markup import read

from crm.port import OurField
from crm.writeback.plan import decision_of
from leads.decision import Prediction, Tier
from leads.history import History
from leads.journal import Journal
from leads.pointed import FIELD, pointed
from leads.settings import PlaybookFile, Settings
from pipelines.score import score_open
from serve.app import create_app
from serve.rebuilding import rebuild

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
POINTS = """\
points:
  fit:
    borders: [10, 5, 1]
    groups:
      size: {most: 8, items: [{when: {card.size: {at_least: 20}}, points: 10}]}
      town: {items: [{when: {card.city: Омск}, points: 2}]}
  engagement:
    borders: [6, 4, 1]
    groups:
      site: {items: [{event: visit, points: 2, half_life: 60d}]}
  tiers: {hot: [B1, B2], warm: [B3, B4, D1]}
"""
REST = """\
branches:
  - {when: {tier: hot}, plan: call}
  - {else: others}
plans:
  call: {segment: Звонить, steps: [Позвонить]}
  others: {segment: Остальные, steps: [Письмо]}
"""
BOOK = "playbook: 1\ntitle: {ru: Схема, en: Chart}\n" + POINTS + REST


@dataclass(frozen=True)
class Young:
    """A company of thirty leads whose model says only the usual rate."""

    settings: Settings
    history: History

    @property
    def file(self) -> Path:
        """Where its playbook is."""
        assert self.settings.playbook is not None
        return self.settings.playbook.file

    def scored(self) -> dict[str, Prediction]:
        """Predict the open leads; give what the journal holds of them last."""
        score_open(self.settings, None, as_of=None, now=NOW)
        with closing(Journal(self.settings.store.database)) as journal:
            ids = [lead_id for lead_id, *_ in journal.ranking()]
            return {one: journal.history(one, limit=1)[0].prediction for one in ids}


@pytest.fixture
def young(tmp_path: Path) -> Young:
    """Ingest thirty leads, learn what can be learned, and write points by hand."""
    settings = settings_in(tmp_path)
    path = tmp_path / "playbook.yaml"
    path.write_text(BOOK, encoding="utf-8")
    settings = settings.model_copy(update={"playbook": PlaybookFile(file=path)})
    tables = invented_tables(30)
    promoted(tables, settings, tmp_path / "work")
    return Young(settings, History(tables))


@pytest.fixture
def asking(young: Young) -> Iterator[TestClient]:
    """Ask the young company's service."""
    with TestClient(create_app(young.settings)) as client:
        yield client


def test_every_open_lead_gets_the_tier_of_its_cell(young: Young) -> None:
    """No lead is left without a tier, and each one's is what its points make."""
    made = young.scored()
    tiers = {"hot": "B1 B2", "warm": "B3 B4 D1"}

    for prediction in made.values():
        said = pointed(prediction)
        assert said is not None
        expected = [t for t, cells in tiers.items() if said.grid in cells] or ["cold"]
        assert prediction.tier.value == expected[0]
    assert {one.tier for one in made.values()} >= {Tier.HOT, Tier.COLD}


def test_the_answer_says_that_it_is_by_points(young: Young, asking: TestClient) -> None:
    """A lead asked for by its id and the same one sent whole say the same points."""
    lead_id = next(iter(young.scored()))
    by_id = asking.post("/v1/predict", json={"lead_id": lead_id}).json()
    whole = sent_of(young.history, lead_id) | {"as_of": by_id["as_of"]}
    sent = asking.post("/v1/predict", json=whole).json()

    assert by_id["tier_by"] == sent["tier_by"] == "points"
    assert by_id["points"] == sent["points"]
    assert by_id["points"]["text"].startswith("По баллам (для модели мало данных)")
    fields = {one["field"] for one in by_id["reasons_for"] + by_id["reasons_against"]}
    assert FIELD not in fields


def test_the_page_and_the_short_card_say_it_too(
    young: Young, asking: TestClient
) -> None:
    """The portrait names every line, and no chance stands on the short card."""
    made = young.scored()
    hot = next(lead for lead, one in made.items() if one.tier is Tier.HOT)
    text = " ".join(read(asking.get(f"/leads/{hot}?lang=en").text).texts)
    card = asking.get(f"/v1/leads/{hot}/card").json()["text"]

    assert "by points" in text
    assert "so the tier comes from these points" in text
    assert card.startswith("Горячий. По баллам (для модели мало данных)")
    assert "%" not in card.split("\n")[0]


def test_a_crm_card_gets_the_tier_but_no_chance(young: Young) -> None:
    """The usual rate is no probability of this lead, so the field stays empty."""
    made = next(iter(young.scored().values()))
    decision = decision_of(made, entity="lead:1", language="ru", money=10)

    assert decision.fields[OurField.TIER] == made.tier.value
    assert decision.fields[OurField.PROBABILITY] is None
    assert decision.fields[OurField.EXPECTED_MONEY] is None
    assert str(decision.fields[OurField.REASONS]).startswith("По баллам")


def test_changed_points_answer_on_the_next_run_and_the_same_ones_add_nothing(
    young: Young,
) -> None:
    """Another tier is a new entry of the journal; a repeated run is none."""
    before = young.scored()
    again = young.scored()
    text = BOOK.replace("hot: [B1, B2], warm: [B3, B4, D1]", "warm: [D1, D2, D3, D4]")
    young.file.write_text(text, encoding="utf-8")
    after = young.scored()

    with closing(Journal(young.settings.store.database)) as journal:
        entries = {one: len(journal.history(one, limit=9)) for one in before}
    assert before == again
    assert Tier.HOT not in {one.tier for one in after.values()}
    moved = {one for one in before if before[one].tier is not after[one].tier}
    assert moved
    assert entries == {one: 1 + (one in moved) for one in before}


def test_what_the_model_had_said_can_still_be_made_again(young: Young) -> None:
    """Points are no word of the bundle: rebuilding finds no difference."""
    lead_id = next(iter(young.scored()))
    with closing(Journal(young.settings.store.database)) as journal:
        found = rebuild(journal, young.settings.store.folder, lead_id)

    assert found.is_equal
    assert found.made.tier is Tier.NO_DATA


def test_without_points_it_is_not_enough_data(young: Young) -> None:
    """Nobody invents a tier where nobody wrote points."""
    text = BOOK.replace(POINTS, "")
    young.file.write_text(text, encoding="utf-8")

    assert {one.tier for one in young.scored().values()} == {Tier.NO_DATA}


def test_a_model_is_not_overruled_by_points(company: Company, tmp_path: Path) -> None:
    """Where a model answers, the portrait stands beside it and the tier is its own."""
    with TestClient(create_app(company.charted(tmp_path, BOOK))) as client:
        said = client.post("/v1/predict", json={"lead_id": "L00003"}).json()
        portrait = client.get("/v1/points/L00003").json()

    assert (said["tier_by"], said["points"]) == ("model", None)
    assert portrait["answers"] is False
    for side in ("fit", "engagement"):
        lines = [one for one in portrait["lines"] if one["side"] == side]
        assert sum(one["points"] for one in lines) == portrait[side]
