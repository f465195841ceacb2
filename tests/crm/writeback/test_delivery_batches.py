"""T08 and T09: batches that fail in part, and cards that always fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.crm.writeback.cardstore import CardStore, Faults
from tests.crm.writeback.herd import lost
from tests.crm.writeback.saying import record, said
from tests.crm.writeback.timelapse import TERMS, Stage, staged
from tests.seeds import seed_of, tell

from crm.port import Allowance
from leads.decision import Prediction, Tier

TIERS = (Tier.HOT, Tier.WARM, Tier.COLD)
ALLOWANCE = Allowance(2.0, 5)
LARGE = 2_000_000
SCALES = [300, pytest.param(2_000, marks=pytest.mark.long)]


class Watchful(CardStore):
    """A CRM that notes who sends again without looking, or what was done already."""

    def __init__(self, seed: int, faults: Faults) -> None:
        super().__init__(seed, faults)
        self.batches = 0
        self.failed = 0
        self.done: set[tuple[str, int]] = set()
        self.repeated: list[tuple[str, int]] = []
        self.unknown: set[str] = set()
        """Cards of batches whose end was unclear, not looked at since."""
        self.blind: list[str] = []

    def serve(self, path: str, body: Any) -> tuple[int, Any]:
        """Answer, and watch."""
        if path == "/read":
            self.unknown -= set(body)
        if path != "/write":
            return super().serve(path, body)
        self.batches += 1
        cards = {one["entity"] for one in body}
        self.blind += cards & self.unknown
        keys = [(one["entity"], one["fields"]["version"]) for one in body]
        self.repeated += self.done.intersection(keys)
        begun = len(self.ledger)
        status, answer = super().serve(path, body)
        self.done |= {(one.entity, one.version) for one in self.ledger[begun:]}
        self.failed += 0 if status != 200 else answer.count("not applied")
        self.unknown |= cards if status == 0 else set()
        return status, answer


def harm(stage: Stage) -> tuple[object, ...]:
    """List what must stay empty whatever happens."""
    store = stage.store
    return lost(stage.journal, store), store.doubled(), store.gone_back()


@pytest.mark.parametrize(
    ("leads", "batches"), [(150, 8), pytest.param(2_000, 1_000, marks=pytest.mark.long)]
)
def test_only_what_failed_or_is_unclear_is_sent_again(
    url: str, leads: int, batches: int
) -> None:
    """T08: of fifty a tenth fails, one batch in ten dies half-way; nothing is redone.

    A batch whose end was unclear is never sent again as it was: each of its cards is
    looked at first, and those that were written are not written again.
    """
    store = Watchful(seed_of("T08", 8), Faults(partial=0.1, halfway=0.1))
    with staged(url, store, leads=leads) as stage:

        def script() -> None:
            day = 0
            while store.batches < batches:
                tier, names = TIERS[day % 3], map(str, range(leads))
                record(stage.journal, [said(name, tier, day=day) for name in names])
                stage.drained(seconds=3_600)
                day += 1

        stage.played(2, script)
        tell(
            "T08", batches=store.batches, writes=len(store.ledger),
            failed=store.failed, half_way=len(store.unclear),
            repeated_successes=len(store.repeated), sent_unseen=len(store.blind),
            lost=len(lost(stage.journal, store)),
        )  # fmt: skip

        assert store.unclear
        assert harm(stage) == ([], {}, [])
        assert (store.repeated, store.blind) == ([], [])
        assert stage.upkeep().state().dead == 0


def delivered(url: str, leads: int, *, poison: int) -> tuple[float, Stage]:
    """Deliver to a CRM that refuses some cards for good; give the time it took."""
    store = CardStore(seed_of("T09", 9), burst=5, per_second=2.0)
    with staged(url, store, leads=leads, allowance=ALLOWANCE) as stage:
        store.poison = {f"lead:{number * 7}" for number in range(poison // 2)}
        for number in range(poison - poison // 2):
            del store.cards[f"lead:{number * 11 + 1}"]
        took = []

        def script() -> None:
            record(stage.journal, [_odd(number) for number in range(leads)])
            took.append(stage.drained(seconds=600))

        stage.played(2, script)
        if poison:
            _replayed(stage, leads, poison)
        return took[0], stage


def _replayed(stage: Stage, leads: int, poison: int) -> None:
    """Mend the poisoned cards and replay, twice."""
    store, upkeep = stage.store, stage.upkeep()
    letters = {(one.entity, one.why) for one in upkeep.dead()}
    refused = {(name, "SAID_NO") for name in store.poison}
    gone = {f"lead:{number}" for number in range(leads)} - store.cards.keys()
    before = len(store.ledger)

    assert letters == refused | {(name, "GONE") for name in gone}
    assert before == leads - poison
    store.poison = set()
    store.cards |= {name: {} for name in gone}
    assert upkeep.replay() == poison
    stage.played(1, lambda: stage.clock.sleep(90))
    assert len(store.ledger) == leads
    assert upkeep.replay() == 0
    stage.played(1, lambda: stage.clock.sleep(90))
    tell(
        "T09", delivered=before, dead=len(letters), replayed=len(store.ledger) - before,
        second_replay=len(store.ledger) - leads, over_limit=store.over_limit,
    )  # fmt: skip
    assert len(store.ledger) == leads
    assert store.over_limit == 0
    assert harm(stage) == ([], {}, [])


def _odd(number: int) -> Prediction:
    """Predict; every hundredth has a reason that no card could hold as it is."""
    made = said(str(number))
    if number % 100:
        return made
    words = {"en": "3\0 visits " + "x" * LARGE, "ru": "3\0 визита"}
    return replace(made, reasons=(replace(made.reasons[0], text=words),))


@pytest.mark.parametrize("leads", SCALES)
def test_a_poisoned_card_holds_nobody_up_and_can_be_replayed(
    url: str, tmp_path_factory: pytest.TempPathFactory, leads: int
) -> None:
    """T09: ten cards end as dead letters, the others in the time they take anyway."""
    clean = f"sqlite:///{tmp_path_factory.mktemp('clean') / 'journal.db'}"
    usual, _ = delivered(clean, leads, poison=0)
    took, _ = delivered(url, leads, poison=10)
    tell("T09", seconds=f"{took:.1f}", without_poison=f"{usual:.1f}")

    assert took <= 1.1 * usual


def test_a_card_that_spoils_its_whole_batch_is_found(url: str) -> None:
    """T09: where one card makes all fifty fail, the others are written without it.

    It is given up once it failed too often while others were written.
    """
    leads, terms = 120, replace(TERMS, most_attempts=8)
    store = CardStore(seed_of("T09", 9))
    store.spoilers = {"lead:3", f"lead:{leads // 2}"}
    with staged(url, store, leads=leads, terms=terms, idle=5.0) as stage:
        upkeep, clock = stage.upkeep(), stage.clock

        def script() -> None:
            record(stage.journal, [said(str(number)) for number in range(leads)])
            begun = clock.now()
            while len(store.ledger) < leads - 2:
                assert clock.now() - begun < 1_800, len(store.ledger)
                clock.sleep(5.0)
            tell("T09 spoilt batches", seconds=f"{clock.now() - begun:.0f}")
            for day in range(1, 9):
                record(stage.journal, [said("1", TIERS[day % 2], day=day)])
                clock.sleep(150)

        stage.played(2, script)

        written = {one.entity for one in store.ledger}
        assert written == store.cards.keys() - store.spoilers
        assert store.doubled() == {}
        letters = {(one.entity, one.why) for one in upkeep.dead()}
        assert letters == {(name, "TOO_MANY_ATTEMPTS") for name in store.spoilers}
