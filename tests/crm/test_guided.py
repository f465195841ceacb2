"""A plan reaches the cards of both CRMs: next step, task and stage, no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.crm.test_moving import Account, Amo, Bitrix24, Company, off, settings_of
from tests.crm.writeback.saying import NOW

from crm.beside import ids_of
from crm.courier import Courier, also_of
from crm.port import OurField
from crm.writeback.guidance import Guidance, Guidances, Todo
from crm.writeback.outbox import Outbox, Terms
from leads.decision import Prediction, Tier
from leads.history import History
from leads.journal import Journal
from leads.settings import Settings

DUE = NOW + timedelta(hours=4)
SHOW = Guidance(
    "Meeting: show it", "a", todo=Todo("meeting", "Meeting: show it\nAsk: what?", DUE)
)


@pytest.fixture(params=[Bitrix24, Amo])
def account(request: pytest.FixtureRequest) -> Account:
    """Give a double of each CRM."""
    made: Account = request.param()
    return made


@dataclass
class Guided(Company):
    """A company whose leads are planned as a test says; None: by nobody now."""

    plans: dict[str, Guidance] | None
    settings: Settings

    def stage(self, key: str) -> str:
        """Give people's word for a stage of leads."""
        stages = ids_of(self.settings).stages
        return next(
            word for (kind, _, word), one in stages.items()
            if (kind, one) == ("lead", key)
        )  # fmt: skip

    def due(self) -> list[str]:
        """Name the cards that wait to be written."""
        outbox = Outbox(self.journal, "acme", Terms(timedelta(seconds=60)))
        return [claim.entity for claim in outbox.due(10)]


@contextmanager
def guided(account: Account, folder: Path, **crm: Any) -> Iterator[Guided]:
    """Read an account, and open the write-back of plans to it."""
    settings = settings_of(account, folder, **{"task": True, **crm})
    history = History(account.tables(settings.store.folder))
    offers = also_of(settings, lambda: history)
    assert offers is not None

    def also(connection: sa.Connection, made: Sequence[Prediction]) -> None:
        plans: Guidances | None = None if it.plans is None else dict(it.plans)
        offers(connection, made, plans)

    with closing(Journal(f"sqlite:///{folder / 'journal.db'}", also=also)) as journal:
        journal.upgrade()
        courier = Courier(settings, journal, door=lambda *_: account.desk())
        it = Guided(account, journal, courier, history, {}, settings)
        yield it


def tasks(account: Account) -> list[tuple[str, datetime]]:
    """List the tasks of a double: text and deadline."""
    if isinstance(account, Bitrix24):
        rows = account.portal.state.table("task").values()
        return [(row["DESCRIPTION"], row["DEADLINE"]) for row in rows]
    assert isinstance(account, Amo)
    made = account.amo.account.records["tasks"].values()
    return [
        (one["text"], datetime.fromtimestamp(one["complete_till"], NOW.tzinfo))
        for one in made
    ]


def test_a_plan_gives_the_next_step_and_the_task(
    account: Account, tmp_path: Path
) -> None:
    """Words and deadline are the plan's; a lead without one has the usual advice."""
    planned, free = account.leads[:2]
    with guided(account, tmp_path, **off(account)) as made:
        made.plans = {planned: SHOW}
        made.say(planned, Tier.COLD)
        made.say(free, Tier.COLD)

        cards = [made.delivered(lead) for lead in (planned, free)]
    assert [card.fields[OurField.ACTION] for card in cards] == [SHOW.action, None]
    ((text, deadline),) = tasks(account)
    assert text.startswith("Meeting: show it\nAsk: what?\n[lcp:")
    assert deadline == DUE


def test_only_another_plan_is_news(account: Account, tmp_path: Path) -> None:
    """The same plan, even with another deadline, leaves the card in peace."""
    lead = account.leads[0]
    later = replace(SHOW, todo=replace(SHOW.todo, deadline=DUE + timedelta(days=1)))  # type: ignore[type-var]  # it has one
    with guided(account, tmp_path) as made:
        made.plans = {lead: SHOW}
        made.say(lead, Tier.COLD)
        made.delivered(lead)
        made.plans = {lead: later}
        made.say(lead, Tier.COLD)
        idle = made.due()
        made.plans = {lead: Guidance("Mail: send the price", "b")}
        made.say(lead, Tier.COLD)
        moved = made.due()
        card = made.delivered(lead)

    assert idle == []
    assert moved == [f"lead:{lead}"]
    assert card.fields[OurField.ACTION] == "Mail: send the price"


def test_another_task_is_news_though_the_next_step_reads_the_same(
    account: Account, tmp_path: Path
) -> None:
    """The task is changed, not made anew."""
    lead = account.leads[0]
    other = replace(SHOW, mark="b", todo=replace(SHOW.todo, text="Meeting: ask less"))  # type: ignore[type-var]  # it has one
    with guided(account, tmp_path) as made:
        for plan in (SHOW, other):
            made.plans = {lead: plan}
            made.say(lead, Tier.COLD)
            made.delivered(lead)

    ((text, _),) = tasks(account)
    assert text.startswith("Meeting: ask less")


def test_while_nobody_can_plan_cards_keep_what_they_say(
    account: Account, tmp_path: Path
) -> None:
    """A playbook with a fault in it takes no plan off any card; tiers are written."""
    lead = account.leads[0]
    with guided(account, tmp_path) as made:
        made.plans = {lead: SHOW}
        made.say(lead, Tier.COLD)
        made.delivered(lead)
        made.plans = None
        made.say(lead, Tier.COLD)
        idle = made.due()
        made.say(lead, Tier.WARM)
        card = made.delivered(lead)
        made.plans = {lead: SHOW}
        made.say(lead, Tier.WARM)
        again = made.due()

    assert (idle, again) == ([], [])
    assert card.fields[OurField.TIER] == "warm"
    assert card.fields[OurField.ACTION] == SHOW.action


def test_a_stage_of_the_plan_is_suggested_in_people_s_words(
    account: Account, tmp_path: Path
) -> None:
    """It takes the place of what the tier would suggest, and nothing moves."""
    lead = account.leads[0]
    with guided(account, tmp_path) as made:
        word = made.stage(account.after)
        made.plans = {lead: replace(SHOW, stage=word)}
        made.say(lead)

        card = made.delivered(lead)
    assert card.stage == account.before
    assert (
        card.fields[OurField.ACTION] == f"Meeting: show it Предлагаемая стадия: {word}."
        or card.fields[OurField.ACTION] == f"Meeting: show it Suggested stage: {word}."
    )


@pytest.mark.parametrize("tier", [Tier.HOT, Tier.WARM])
@pytest.mark.parametrize("pair", ["on", "off"])
def test_a_plan_moves_only_where_its_pair_is_on(
    account: Account, tmp_path: Path, tier: Tier, pair: str
) -> None:
    """The pair is switched on for hot leads: plans move those, and no others."""
    lead = account.leads[0]
    with guided(account, tmp_path, **({} if pair == "on" else off(account))) as made:
        word = made.stage(account.after)
        made.plans = {lead: replace(SHOW, stage=word, moves=True)}
        made.say(lead, tier)

        card = made.delivered(lead)
    is_moved = pair == "on" and tier is Tier.HOT
    assert card.stage == (account.after if is_moved else account.before)
    assert (word in str(card.fields[OurField.ACTION])) is not is_moved


def test_who_was_moved_by_a_person_is_moved_by_no_plan(
    account: Account, tmp_path: Path
) -> None:
    """The stage is looked at again right before the move."""
    lead = account.leads[0]
    with guided(account, tmp_path) as made:
        word = made.stage(account.after)
        made.plans = {lead: replace(SHOW, stage=word, moves=True)}
        made.say(lead)
        account.moved_by_a_person(lead)

        card = made.delivered(lead)
    assert card.stage not in {account.before, account.after}


def test_a_task_is_for_whom_the_plan_names(account: Account, tmp_path: Path) -> None:
    """By the CRM's own number of that person, whatever the plan calls them."""
    with guided(account, tmp_path) as made:
        (name, key), *_ = ids_of(made.settings).people.items()
        whom = replace(SHOW.todo, whom=name)  # type: ignore[type-var]  # it has one
        made.plans = dict.fromkeys(account.leads, replace(SHOW, todo=whom))
        made.say(account.leads[0])
        (claim,) = Outbox(made.journal, "acme", Terms(timedelta(seconds=60))).due(1)

    assert [wish.responsible for wish in claim.decision.wishes] == [key]
