from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.crm.writeback.carddesk import HttpDesk
from tests.crm.writeback.cardstore import CardStore, opened
from tests.crm.writeback.herd import drained
from tests.crm.writeback.saying import record, said

from crm.courier import Courier, also_of, wishes_of
from crm.port import AccessLost, CardDesk, Gate, NoteKind
from crm.stoppage import Stop
from crm.writeback.preview import preview
from leads.decision import Reason, Tier
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


def test_a_courier_need_not_wait_for_its_next_look(tmp_path: Path) -> None:
    """Whoever records wakes it, so a card says it long before the idle look."""
    settings = company(tmp_path)
    store = CardStore(cards={"lead:7": {}})
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with (
        closing(Journal(url, also=also_of(settings))) as journal,
        opened(store) as address,
    ):
        journal.upgrade()
        courier = Courier(settings, journal, door=lambda _, g, __: HttpDesk(address, g))
        worker = courier.worker()
        courier._workers.append(worker)
        stopping = threading.Event()
        run = partial(worker.run, stopping, idle=timedelta(seconds=30))
        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.3)
        record(journal, [said("7", Tier.HOT)])
        drained(journal, seconds=10)
        stopping.set()
        worker.wake()
        thread.join(5)
        courier.stop()

        assert not thread.is_alive()


class Shut(HttpDesk):
    """A desk to which access was taken, until it is given back."""

    is_lost = True

    def page(self, entity: str) -> str:
        """Name the card itself."""
        return entity

    def require_fields(self) -> None:
        """Refuse while access is lost."""
        if self.is_lost:
            raise AccessLost(
                "There is no access.", remedy="Connect.", retry_after=timedelta(0)
            )


def test_what_only_a_person_mends_is_told_until_it_is_mended(tmp_path: Path) -> None:
    """The state names it with the way out, and no longer once all is well."""
    with (
        closing(Journal(f"sqlite:///{tmp_path / 'journal.db'}")) as journal,
        opened(CardStore()) as address,
    ):
        journal.upgrade()
        settings = company(tmp_path)
        courier = Courier(settings, journal, door=lambda _, g, __: Shut(address, g))
        courier.check()
        lost = courier.state().stop
        Shut.is_lost = False
        courier.check()
        found = courier.state().stop
        courier.stop()

        assert lost == Stop("AccessLost", "There is no access.", "Connect.")
        assert found is None


def test_a_task_names_no_reason_against_the_lead(tmp_path: Path) -> None:
    """A task is advice to call: only advisable reasons for are in it."""
    made = replace(said("7", Tier.HOT), reasons=tuple(
        Reason("f", share, None, None, None, text={"en": text}, advisable=advisable)
        for share, text, advisable in (
            (-0.9, "No budget", True), (0.5, "Asked a price", True),
            (0.4, "Born in May", False),
        )
    ))  # fmt: skip
    (task,) = [w for w in wishes_of(made, company(tmp_path)) if w.kind is NoteKind.TASK]

    assert task.text == "Call: Asked a price"
