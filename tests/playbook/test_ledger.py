from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.playbook.charts import NOW, TEXT, WORLD, known, lead, prediction

from leads.decision import Override, Prediction, Tier
from leads.errors import Unavailable
from leads.forgetting import forget_before, forget_leads
from leads.journal import Journal
from leads.overruling import overrule
from leads.records import PLANNED
from playbook.decide import Planned, plan_of
from playbook.file import parse_playbook
from playbook.ledger import Ledger, kept_plans, planned_counts
from playbook.plan import Playbook

BOOK = parse_playbook(TEXT, WORLD)
OTHER = parse_playbook(TEXT.replace("tier: hot", "tier: warm"), WORLD)


def ledger_of(book: Playbook) -> Ledger:
    """Decide by a playbook, on leads that have all been ingested."""

    def decide(made: Prediction, override: Tier | None) -> Planned | None:
        if made.lead_id == "unknown":
            return None
        of = known(made, lead(made.lead_id), override=override)
        return plan_of(book, of, now=NOW)

    return Ledger(decide, book.digest, now=lambda: NOW)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[Playbook], Journal]]:
    """Open journals on one database, each deciding by a playbook of its own."""
    journals = []

    def open_with(book: Playbook) -> Journal:
        url = f"sqlite:///{tmp_path / 'journal.db'}"
        journals.append(Journal(url, also=ledger_of(book)))
        journals[-1].upgrade()
        return journals[-1]

    yield open_with
    for journal in journals:
        journal.close()


def record(journal: Journal, *made: Prediction) -> None:
    """Record predictions now."""
    journal.record(made, made_at=NOW, channel="test")


def test_a_decision_is_kept_with_version_path_and_deadline(
    opened: Callable[[Playbook], Journal],
) -> None:
    """Who was given what by which version of the file, and how, can be told later."""
    journal = opened(BOOK)
    record(journal, prediction("A", Tier.HOT), prediction("B"), prediction("unknown"))

    kept = kept_plans(journal, ["A", "B", "unknown"])

    assert set(kept) == {"A", "B"}
    assert (kept["A"].plan, kept["A"].playbook) == ("hot", BOOK.digest)
    assert [step.branch for step in kept["A"].path] == ["1", "1.1", "1.2"]
    assert kept["A"].due_at == NOW + timedelta(hours=4)
    assert (kept["A"].whom, kept["B"].automatic) == ("M1", True)


def test_a_decision_stands_or_falls_with_its_prediction(tmp_path: Path) -> None:
    """If the decision cannot be written, the prediction is not either."""
    url = f"sqlite:///{tmp_path / 'journal.db'}"

    def decide(made: Prediction, _: Tier | None) -> Planned | None:
        raise Unavailable("The playbook is away.", remedy="Ask again.")

    with closing(Journal(url, also=Ledger(decide, "d", now=lambda: NOW))) as journal:
        journal.upgrade()
        with pytest.raises(Unavailable):
            record(journal, prediction("A"))

        assert journal.latest("A") is None


def test_a_changed_file_takes_effect_on_the_next_run(
    opened: Callable[[Playbook], Journal],
) -> None:
    """Predictions made before the change get the new plan, once, and keep the old."""
    journal = opened(BOOK)
    made = [prediction("A", Tier.HOT), prediction("B", Tier.WARM)]
    record(journal, *made)

    renewed = [ledger_of(OTHER).renew(journal, made) for _ in range(2)]

    assert renewed == [2, 0]
    assert planned_counts(journal) == {
        (OTHER.digest, "others"): 1,
        (OTHER.digest, "hot"): 1,
    }
    with journal.reading() as connection:
        assert len(connection.execute(sa.select(PLANNED)).all()) == 4


def test_a_deadline_stands_while_the_plan_does(
    opened: Callable[[Playbook], Journal],
) -> None:
    """A new prediction does not put a task off."""
    journal, later = opened(BOOK), NOW + timedelta(days=1)
    record(journal, prediction("A", Tier.HOT))

    def decide(made: Prediction, _: Tier | None) -> Planned:
        return plan_of(BOOK, known(made, lead(made.lead_id)), now=later)

    ledger = Ledger(decide, OTHER.digest, now=lambda: later)
    ledger.renew(journal, [prediction("A", Tier.HOT)])

    kept = kept_plans(journal, ["A"])["A"]
    assert kept.made_at == later
    assert kept.due_at == NOW + timedelta(hours=4)


def test_going_back_to_an_earlier_file_is_a_change_too(
    opened: Callable[[Playbook], Journal],
) -> None:
    """The newest decision counts, not whether this version ever decided."""
    journal = opened(BOOK)
    made = [prediction("A", Tier.HOT)]
    record(journal, *made)
    ledger_of(OTHER).renew(journal, made)

    assert ledger_of(BOOK).renew(journal, made) == 1
    assert kept_plans(journal, ["A"])["A"].plan == "hot"


def test_counts_are_of_the_latest_prediction_alone(
    opened: Callable[[Playbook], Journal],
) -> None:
    """A lead that was predicted twice is in one plan."""
    journal = opened(BOOK)
    record(journal, prediction("A", Tier.HOT))
    record(journal, prediction("A", as_of=NOW + timedelta(hours=1)))

    assert planned_counts(journal) == {(BOOK.digest, "others"): 1}


def test_a_persons_tier_reaches_the_playbook_while_it_stands(tmp_path: Path) -> None:
    """An override that is withdrawn by time is none."""
    book = parse_playbook(TEXT.replace("{tier: hot}", "{override: hot}"), WORLD)
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with closing(Journal(url, also=ledger_of(book))) as journal:
        journal.upgrade()
        before = NOW - timedelta(days=2)
        overrule(journal, Override("A", Tier.HOT, "M1", before))
        passed = Override("B", Tier.HOT, "M1", before, NOW - timedelta(days=1))
        overrule(journal, passed)
        record(journal, prediction("A"), prediction("B"))

        plans = {one: kept.plan for one, kept in kept_plans(journal, "AB").items()}
    assert plans == {"A": "hot", "B": "others"}


def test_decisions_are_forgotten_with_the_person_and_with_time(
    opened: Callable[[Playbook], Journal],
) -> None:
    """Nothing of a person stays behind in the table of decisions."""
    journal = opened(BOOK)
    record(journal, prediction("A", Tier.HOT), prediction("B"))

    assert forget_leads(journal, ["A"]).planned == 1
    assert set(kept_plans(journal, ["A", "B"])) == {"B"}
    assert forget_before(journal, NOW + timedelta(days=1)).planned == 1
    assert kept_plans(journal, ["B"]) == {}
