"""Any interleaving of two workers, a slow CRM and new predictions (T06)."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.crm.writeback.saying import decide, record, said

from crm.port import (
    Allowance,
    Card,
    Change,
    Fields,
    Note,
    OurField,
    Outcome,
    Result,
)
from crm.writeback.delivery import Worker
from crm.writeback.offering import Offering
from crm.writeback.outbox import Outbox, Terms
from crm.writeback.pace import PaceGate
from crm.writeback.plan import Policy
from leads.decision import Tier
from leads.journal import Journal
from leads.records import METADATA

LEADS = ("1", "2", "3")
TIERS = st.sampled_from([Tier.HOT, Tier.WARM, Tier.COLD])
ENDINGS = st.lists(
    st.sampled_from(["well", "late", "answer lost", "never came", "lost"]), max_size=3
)
LATE_BY = timedelta(seconds=60)
TERMS = Terms(late_by=LATE_BY, most_attempts=10_000)
BOUNDLESS = Allowance(1e9, 1_000_000_000)
Late = tuple[float, Change]


class ScriptedDesk:
    """Cards in memory; a script says how each write ends and what happens meanwhile."""

    most_at_once = 3
    late_by = LATE_BY

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.cards: dict[str, Fields] = {
            f"lead:{lead}": dict.fromkeys(OurField) for lead in LEADS
        }
        self.ledger: list[tuple[str, int]] = []
        self.late: list[Late] = []
        self.endings: list[str] = []
        self.meanwhile: list[Callable[[], None]] = []

    def page(self, entity: str) -> str:
        """Name the card itself."""
        return entity

    def require_fields(self) -> None:
        """Find nothing wrong."""

    def close(self) -> None:
        """Have nothing open."""

    def read(self, entities: Sequence[str]) -> Mapping[str, Card | None]:
        """Look, and let somebody else act right after."""
        seen = {entity: Card(entity, self.cards[entity]) for entity in entities}
        self.interrupt()
        return seen

    def write(self, changes: Sequence[Change]) -> Sequence[Result]:
        """End each write as scripted; unscripted ones go well."""
        results = []
        for change in changes:
            ending = self.endings.pop() if self.endings else "well"
            if ending in {"well", "answer lost"}:
                self.apply(change)
            if ending == "late":
                self.late.append((self.now() + 59.0, change))
            outcome = {
                "well": Outcome.APPLIED, "never came": Outcome.NOT_APPLIED,
            }.get(ending, Outcome.UNCLEAR)  # fmt: skip
            results.append(Result(outcome))
        self.interrupt()
        return results

    def find(self, notes: Sequence[Note]) -> Mapping[str, str]:
        """Have no notes: nothing of this law asks for any."""
        raise AssertionError(f"{len(notes)} notes were looked for")

    def post(self, notes: Sequence[Note]) -> Sequence[Result]:
        """Take no notes: nothing of this law makes any."""
        raise AssertionError(f"{len(notes)} notes were posted")

    def apply(self, change: Change) -> None:
        """Change a card."""
        version = change.fields[OurField.VERSION]
        assert isinstance(version, int)
        self.cards[change.entity] = {**self.cards[change.entity], **change.fields}
        self.ledger.append((change.entity, version))

    def interrupt(self) -> None:
        """Let somebody else act in the midst."""
        if self.meanwhile:
            self.meanwhile.pop()()


@cache
def empty_journal() -> Path:
    """Make an empty journal once; its copies spare hours of migrations."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    with closing(Journal(f"sqlite:///{folder / 'journal.db'}")) as journal:
        journal.upgrade()
    return folder / "journal.db"


class Interleavings(RuleBasedStateMachine):
    """Two workers on three cards; time passes only where the script says so."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.seconds = 1_000.0
        self.day = 0
        self.wanted: dict[str, Tier] = {}
        self.journal = Journal(
            self.emptied(), also=Offering("acme", decide, step=5, clock=self.micros)
        )
        self.desk = ScriptedDesk(lambda: self.seconds)
        self.gate = PaceGate(self.journal, ["acme"], BOUNDLESS, clock=self.micros)
        self.outbox = Outbox(self.journal, "acme", TERMS, clock=self.micros)

    def emptied(self) -> str:
        """Give the URL of an empty journal."""
        shutil.copyfile(empty_journal(), self.folder / "journal.db")
        return f"sqlite:///{self.folder / 'journal.db'}"

    def micros(self, _: object) -> int:
        """Tell the script's time."""
        return int(self.seconds * 1_000_000)

    def work(self) -> None:
        """Let one worker do one round."""
        Worker(self.outbox, self.desk, gate=self.gate, policy=Policy()).round()

    @rule(lead=st.sampled_from(LEADS), tier=TIERS)
    def predict(self, lead: str, tier: Tier) -> None:
        """Predict a lead anew."""
        self.day += 1
        self.wanted[f"lead:{lead}"] = tier
        record(self.journal, [said(lead, tier, day=self.day)])

    @rule(seconds=st.sampled_from([2.0, 15.0, 30.0, 80.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass, and late writes come in when they are due."""
        self.seconds += seconds
        self.land()

    @rule(endings=ENDINGS)
    def one_works(self, endings: list[str]) -> None:
        """Do one round, with writes that end well or badly."""
        self.desk.endings = endings
        self.work()

    @rule(
        lead=st.sampled_from(LEADS),
        tier=TIERS,
        seconds=st.sampled_from([0.0, 65.0, 75.0]),
        endings=ENDINGS,
    )
    def one_works_and_is_overtaken(
        self, lead: str, tier: Tier, seconds: float, endings: list[str]
    ) -> None:
        """Stop a worker in the midst, longer than its claim; another does its work."""

        def meanwhile() -> None:
            self.predict(lead, tier)
            self.seconds += seconds
            self.land()
            self.work()

        self.desk.endings = endings
        self.desk.meanwhile.append(meanwhile)
        self.work()

    @invariant()
    def nothing_is_doubled_or_put_back(self) -> None:
        """Per card the versions in the ledger rise, each once."""
        for entity in self.desk.cards:
            versions = [v for name, v in self.desk.ledger if name == entity]
            assert versions == sorted(set(versions)), (entity, versions)

    def land(self) -> None:
        """Apply the late writes that are due."""
        due = [one for one in self.desk.late if one[0] <= self.seconds]
        self.desk.late = [one for one in self.desk.late if one[0] > self.seconds]
        for _, change in due:
            self.desk.apply(change)

    def teardown(self) -> None:
        """Let everything end well: each card shows the newest tier."""
        self.desk.endings.clear()
        self.desk.meanwhile.clear()
        for _ in range(8):
            self.seconds += 400.0
            self.land()
            self.work()
        self.nothing_is_doubled_or_put_back()
        shows = {name: self.desk.cards[name][OurField.TIER] for name in self.wanted}
        self.journal.close()
        shutil.rmtree(self.folder)
        assert shows == {name: tier.value for name, tier in self.wanted.items()}


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class ManyInterleavings(Interleavings):
    """The same with the full numbers."""


TestManyInterleavings = pytest.mark.long(ManyInterleavings.TestCase)
TestManyInterleavings.settings = settings(
    TestInterleavings.settings, max_examples=2_000, stateful_step_count=50
)


@pytest.mark.parametrize(
    ("runs", "steps"), [(20, 30), pytest.param(2_000, 50, marks=pytest.mark.long)]
)
def test_interleavings_on_postgresql(postgres_url: str, runs: int, steps: int) -> None:
    """The same on a database that lets workers write at once."""
    with closing(Journal(postgres_url)) as journal:
        journal.upgrade()
    tables = ", ".join(table.name for table in METADATA.sorted_tables)
    emptying = sa.text(f"TRUNCATE {tables}")
    begun = []

    class OnPostgres(Interleavings):
        """Each run begins with empty tables."""

        def emptied(self) -> str:
            """Empty the tables."""
            engine = sa.create_engine(postgres_url)
            with engine.begin() as connection:
                connection.execute(emptying)
            engine.dispose()
            begun.append(self)
            return postgres_url

    run_state_machine_as_test(
        OnPostgres,
        settings=settings(
            TestInterleavings.settings,
            max_examples=runs,
            stateful_step_count=steps,
            phases=[Phase.generate],  # SQLite finds the shortest way much faster
        ),
    )

    assert len(begun) >= runs
