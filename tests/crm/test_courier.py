from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from tests.crm.writeback.carddesk import HttpDesk
from tests.crm.writeback.cardstore import CardStore, opened
from tests.crm.writeback.herd import drained
from tests.crm.writeback.saying import record, said

from crm.courier import Courier, also_of
from crm.port import CardDesk, Gate
from crm.writeback.preview import preview
from leads.decision import Tier
from leads.errors import BadConfig
from leads.journal import Journal
from leads.settings import Crm, Settings

CRM = Crm(kind="bitrix24", account="acme", comment=True, task=True)


def company(tmp_path: Path) -> Settings:
    """Configure a company with a CRM."""
    source = {"kind": "files", "folder": tmp_path}
    return Settings.model_validate({"source": source, "crm": CRM})


def test_a_recorded_prediction_reaches_its_card(tmp_path: Path) -> None:
    """Put together from settings: journal, outbox, threads, card, comment and task."""
    settings = company(tmp_path)
    store = CardStore(cards={"lead:7": {}, "deal:8": {}})
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with (
        closing(Journal(url, also=also_of(settings))) as journal,
        opened(store) as address,
    ):
        journal.upgrade()

        def door(_: Crm, gate: Gate, __: Journal) -> CardDesk:
            return HttpDesk(address, gate)

        courier = Courier(settings, journal, door=door)
        record(journal, [said("7", Tier.HOT), said("deal:8"), said("not a card")])
        found = preview(courier.outbox, courier.desk, courier.policy)
        courier.start(2)
        drained(journal, seconds=20)
        courier.stop()

        assert {card.entity for card, _ in found.changes} == {"lead:7", "deal:8"}
        assert store.cards["lead:7"]["tier"] == "hot"
        assert store.cards["deal:8"]["tier"] == "warm"
        assert len(store.notes) == 3  # two comments, and a task for the hot one
        assert courier.state().outbox.waiting == 0
        assert [one.bucket for one in courier.state().pace] == ["bitrix24/acme"]


def test_a_crm_without_its_secret_is_refused(tmp_path: Path) -> None:
    """Where the environment lacks the secret, the variable is named."""
    with (
        closing(Journal(f"sqlite:///{tmp_path / 'journal.db'}")) as journal,
        pytest.raises(BadConfig, match="LEADCAST_CRM_URL"),
    ):
        Courier(company(tmp_path), journal)
