"""Stage, action and money reach the cards of both CRMs; a stage moves only as set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.crm.amocrm import line
from tests.crm.bitrix24 import portal as portals
from tests.crm.writeback.saying import NOW, said

from crm.amocrm import cards as amo_cards
from crm.amocrm.fields import flaws_in, look, mend
from crm.bitrix24.cards import Desk
from crm.bitrix24.installing import install
from crm.bitrix24.reading import Reading
from crm.bitrix24.shelf import Shelf
from crm.bitrix24.source import tables_of
from crm.courier import Courier, also_of, decide_of
from crm.port import Card, CardDesk, OurField
from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.founding import INBOX_STATUS, PIPELINE
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.schema import LEAD
from leads.decision import Outlook, Prediction, Reason, Tier
from leads.history import History
from leads.journal import Journal
from leads.lead import EPOCH
from leads.settings import Settings
from leads.tables import Tables

OUTLOOK = Outlook(0.2, 0.5, {30: 0.37}, 12.0, 4_440_000, "RUB")
GOOD = Reason(
    "visits",
    0.5,
    "3",
    120,
    0.18,
    {"en": "Visits: 3. Of 120 18%.", "ru": "Визиты: 3. Из 120 — 18 %."},
)
BAD = Reason("size", -0.2, "2", 90, 0.05, {"en": "2 people", "ru": "2 человека"})
SHAKY = replace(GOOD, advisable=False, text={"en": "odd", "ru": "странно"})


class Account(Protocol):
    """A double with three leads that stand at ``before``."""

    kind: str
    before: str
    after: str
    leads: list[str]

    def tables(self, store: Path) -> Tables:
        """Read the account as ``ingest`` does."""

    def desk(self) -> CardDesk:
        """Open a desk of it."""

    def moved_by_a_person(self, lead: str) -> None:
        """Let a person move a lead somewhere else."""


class Bitrix24:
    """A portal."""

    kind, before, after = "bitrix24", "NEW", "IN_PROCESS"

    def __init__(self) -> None:
        self.portal = portals.portal_of(lead=3)
        self.leads = ["1", "2", "3"]
        install(portals.client_of(self.portal), language="en")

    def tables(self, store: Path) -> Tables:
        """Read the account as ``ingest`` does."""
        shelf = Shelf(store / "bitrix24" / "acme")
        patience = portals.patient(self.portal.clock.move)
        client = portals.client_of(self.portal)
        Reading(client, shelf, entity="lead", patience=patience).run()
        return tables_of(shelf, line.RULES, entity="lead", us="1")

    def desk(self) -> CardDesk:
        """Open a desk of it."""
        return Desk(portals.client_of(self.portal))

    def moved_by_a_person(self, lead: str) -> None:
        """Let a person move a lead somewhere else."""
        change_by(self.portal, LEAD, int(lead), {"stageId": "PROCESSED"})


class Amo:
    """An account."""

    kind = "amocrm"
    before, after = f"{PIPELINE}/{INBOX_STATUS + 1}", f"{PIPELINE}/{INBOX_STATUS + 2}"

    def __init__(self) -> None:
        self.amo = AmoCrm()
        client = line.client_of(self.amo)
        mend(client, flaws_in(look(client)), language="en")
        person = self.amo.person()
        self.leads = [str(person.create(name=name)) for name in "abc"]

    def tables(self, store: Path) -> Tables:
        """Read the account as ``ingest`` does."""
        return line.read(self.amo, store / "amocrm" / "acme")

    def desk(self) -> CardDesk:
        """Open a desk of it."""
        return amo_cards.Desk(line.client_of(self.amo))

    def moved_by_a_person(self, lead: str) -> None:
        """Let a person move a lead somewhere else."""
        self.amo.person().edit(int(lead), status_id=INBOX_STATUS + 3)


@dataclass
class Company:
    """An account that was read, and the write-back to it."""

    account: Account
    journal: Journal
    courier: Courier
    history: History

    def say(self, lead: str, tier: Tier = Tier.HOT, **more: Any) -> None:
        """Predict a lead as of when the account was read."""
        as_of = EPOCH + timedelta(microseconds=self.history.cut_off)
        prediction = replace(said(lead, tier), as_of=as_of, outlook=OUTLOOK, **more)
        self.journal.record([prediction], made_at=NOW, channel="score")

    def delivered(self, lead: str) -> Card:
        """Write back all that is due; give the lead's card."""
        while self.courier.worker().round().claimed:
            pass
        card = self.courier.desk.read([f"lead:{lead}"])[f"lead:{lead}"]
        assert card is not None
        return card


def settings_of(account: Account, folder: Path, **crm: Any) -> Settings:
    """Configure write-back with one stage pair for hot leads."""
    move = {"tier": "hot", "before": account.before, "after": account.after,
            "words": "Move on to the next stage.", "on": True}  # fmt: skip
    return Settings.model_validate(
        {
            "source": {"kind": account.kind, "account": "acme"},
            "crm": {"kind": account.kind, "account": "acme", "moves": [move], **crm},
            "store": {"folder": folder / "store"},
        }
    )


@contextmanager
def company(account: Account, folder: Path, **crm: Any) -> Iterator[Company]:
    """Read an account, and open the write-back to it."""
    settings = settings_of(account, folder, **crm)
    history = History(account.tables(settings.store.folder))
    url = f"sqlite:///{folder / 'journal.db'}"
    also = also_of(settings, lambda: history)
    with closing(Journal(url, also=also)) as journal:
        journal.upgrade()
        courier = Courier(settings, journal, door=lambda *_: account.desk())
        yield Company(account, journal, courier, history)


@pytest.fixture(params=[Bitrix24, Amo])
def account(request: pytest.FixtureRequest) -> Account:
    """Give a double of each CRM."""
    made: Account = request.param()
    return made


def off(account: Account) -> dict[str, Any]:
    """Switch the stage pair off."""
    pair = {"tier": "hot", "before": account.before, "after": account.after}
    return {"moves": [{**pair, "words": "Move on to the next stage.", "on": False}]}


def test_a_hot_lead_is_moved_where_its_pair_is_switched_on(
    account: Account, tmp_path: Path
) -> None:
    """Stage, money and what to do next go on the card in one write."""
    with company(account, tmp_path) as made:
        made.say(account.leads[0])
        made.say(account.leads[1], Tier.WARM)

        hot, warm = (made.delivered(lead) for lead in account.leads[:2])
    assert hot.stage == account.after
    assert hot.fields[OurField.EXPECTED_MONEY] == 44_400
    assert str(hot.fields[OurField.ACTION]).startswith("Call: ")
    assert warm.stage == account.before
    assert warm.fields[OurField.ACTION] is None


def test_a_pair_that_is_off_is_only_suggested(account: Account, tmp_path: Path) -> None:
    """The stage stays, and the card says what could be done."""
    with company(account, tmp_path, **off(account)) as made:
        made.say(account.leads[0])

        card = made.delivered(account.leads[0])
    assert card.stage == account.before
    assert "Move on to the next stage." in str(card.fields[OurField.ACTION])


def test_who_was_moved_by_a_person_meanwhile_is_left_there(
    account: Account, tmp_path: Path
) -> None:
    """The stage is looked at again right before the move."""
    with company(account, tmp_path) as made:
        made.say(account.leads[0])
        account.moved_by_a_person(account.leads[0])

        card = made.delivered(account.leads[0])
    assert card.stage not in {account.before, account.after}
    assert card.fields[OurField.TIER] == "hot"


def test_no_more_are_moved_than_a_day_may_have(
    account: Account, tmp_path: Path
) -> None:
    """Beyond the cap a move is a suggestion."""
    with company(account, tmp_path, moves_per_day=1) as made:
        for lead in account.leads:
            made.say(lead)

        cards = [made.delivered(lead) for lead in account.leads]
    assert sum(card.stage == account.after for card in cards) == 1


def test_a_stage_that_the_prediction_did_not_see_is_no_ground(
    account: Account, tmp_path: Path
) -> None:
    """A lead that came after the last ingest is told of, and not moved."""
    with company(account, tmp_path) as made:
        known = made.history.tables
        others = known.leads.filter(known.leads["lead_id"] != account.leads[0])
        stages = known.stages.filter(known.stages["lead_id"] != account.leads[0])
        changes = known.field_changes.clear()
        fewer = replace(known, leads=others, stages=stages, field_changes=changes)
        settings = settings_of(account, tmp_path)
        decide = decide_of(settings, lambda: History(fewer))

        decision = decide(said(account.leads[0], Tier.HOT))
    assert decision is not None
    assert decision.stage is None


def decided(prediction: Prediction, tmp_path: Path, **company: str) -> dict[str, Any]:
    """Say what a card without a CRM source would show, by field."""
    settings = Settings.model_validate(
        {
            "company": company,
            "source": {"kind": "files", "folder": tmp_path},
            "crm": {"kind": "bitrix24", "account": "acme"},
        }
    )
    decision = decide_of(settings)(prediction)
    assert decision is not None
    return {name.value: value for name, value in decision.fields.items()}


def test_only_what_is_advice_is_given_as_a_reason_to_call(tmp_path: Path) -> None:
    """What speaks against a lead, or is not backed by the past, is no reason."""
    hot = replace(said("7", Tier.HOT), reasons=(BAD, SHAKY, GOOD))

    assert decided(hot, tmp_path, language="ru")["action"] == "Позвонить: Визиты: 3"
    assert decided(replace(hot, reasons=()), tmp_path)["action"] == "Call"


@pytest.mark.parametrize(
    ("outlook", "money"),
    [
        (OUTLOOK, 44_400),
        (replace(OUTLOOK, currency="JPY"), 4_440_000),
        (replace(OUTLOOK, expected_minor=None), None),
    ],
)
def test_money_is_in_whole_units_of_its_currency(
    outlook: Outlook, money: int | None, tmp_path: Path
) -> None:
    """Money that is known no more is taken off the card."""
    shown = decided(replace(said("7"), outlook=outlook), tmp_path)

    assert shown["expected_money"] == money


def test_without_an_outlook_money_is_left_as_it_stands(tmp_path: Path) -> None:
    """A prediction that was not asked for money says nothing of it."""
    assert "expected_money" not in decided(said("7"), tmp_path)
