"""T02: the database falls, not the worker; it needs a PostgreSQL of its own."""

from __future__ import annotations

import itertools
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from tests.conftest import SERVER_USER, _as_server_user, _binary, _run
from tests.crm.writeback.cardstore import CardStore, Faults, opened
from tests.crm.writeback.crew import Crew
from tests.crm.writeback.herd import drained, lost
from tests.crm.writeback.saying import decide, record, said
from tests.seeds import seed_of, tell

from crm.writeback.offering import Offering
from leads.decision import Tier
from leads.errors import Unavailable
from leads.journal import Journal

TIERS = (Tier.HOT, Tier.WARM, Tier.COLD)
BACK_WITHIN = 5.0


class Server:
    """A PostgreSQL that can be stopped like by a power cut; it does fsync."""

    def __init__(self, folder: Path, pg_ctl: str, as_user: list[str]) -> None:
        self.folder = folder
        options = f"-k {folder} -c listen_addresses='' -c shared_buffers=16MB"
        self._control = [*as_user, pg_ctl, "-D", str(folder / "data"), "-w"]
        self._start = ["-l", str(folder / "log"), "-o", options, "start"]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"postgresql://{SERVER_USER}@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        _run([*self._control, *self._start], self.folder)

    def crash(self) -> None:
        """Stop without a word to anybody."""
        _run([*self._control, "-m", "immediate", "stop"], self.folder)


@contextmanager
def server() -> Iterator[Server]:
    """Make a cluster, run it, and throw it away."""
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("POSTGRESQL ABSENT: no initdb and pg_ctl; nothing proved on it")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    as_user = _as_server_user(folder)
    _run(
        [*as_user, initdb, "-D", str(folder / "data"), "-U", SERVER_USER,
         "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync"],
        folder,
    )  # fmt: skip
    made = Server(folder, pg_ctl, as_user)
    made.start()
    try:
        yield made
    finally:
        made.crash()
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("crashes", "leads"), [(2, 150), pytest.param(20, 2_000, marks=pytest.mark.long)]
)
def test_a_database_that_falls_loses_and_doubles_nothing(
    crashes: int, leads: int
) -> None:
    """T02: after each crash the same workers go on within 5 s; all is written once.

    Predictions are made all the while: one that was said to be recorded stays so.
    """
    seed = seed_of("T02", 11)
    faults = Faults(late=0.3, late_seconds=(0.05, 0.4), lost_after=0.03)
    store = CardStore(seed, faults)
    store.cards = {f"lead:{number}": {} for number in range(leads)}
    offering = Offering("acme", decide, step=5)
    with (
        server() as database,
        closing(Journal(database.url, also=offering)) as journal,
        opened(store) as address,
    ):
        journal.upgrade()
        record(journal, [said(str(number)) for number in range(leads)])
        waits, seer = [], Seer(journal, leads, seed)
        with Crew(journal, address, most_at_once=5).at_work(3), seer.at_work():
            for _ in range(crashes):
                time.sleep(0.5)
                database.crash()
                time.sleep(0.2)
                before = len(store.requests)
                database.start()
                waits.append(_until_at_work(store, before))
        with Crew(journal, address, most_at_once=5).at_work(3):
            drained(journal, seconds=30 + leads / 10)
        forgotten = seer.forgotten()
        tell(
            "T02", crashes=crashes, cards=leads, writes=len(store.ledger),
            predicted=len(seer.kept), refused=seer.refused, forgotten=len(forgotten),
            doubled=len(store.doubled()), back_in=f"{max(waits):.1f} s at most",
        )  # fmt: skip

        assert forgotten == []
        assert (lost(journal, store), store.doubled(), store.gone_back()) == (
            [],
            {},
            [],
        )
        assert max(waits) <= BACK_WITHIN


@dataclass
class Seer:
    """Predicts leads while the database falls, and remembers what was recorded."""

    journal: Journal
    leads: int
    seed: int
    kept: list[tuple[str, datetime]] = field(default_factory=list)
    refused: int = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Predict until the block ends."""
        over = threading.Event()
        thread = threading.Thread(target=self._predict, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(20)

    def _predict(self, over: threading.Event) -> None:
        luck = random.Random(self.seed)
        for day in itertools.count(1):
            if over.wait(0.02):
                return
            made = said(str(luck.randrange(self.leads)), luck.choice(TIERS), day=day)
            try:
                record(self.journal, [made])
            except Unavailable:
                self.refused += 1
            else:
                self.kept.append((made.lead_id, made.as_of))

    def forgotten(self) -> list[tuple[str, datetime]]:
        """Name what was said to be recorded and is not there."""
        there = {
            (lead, one.prediction.as_of)
            for lead in {lead for lead, _ in self.kept}
            for one in self.journal.history(lead, limit=200)
        }
        return [one for one in self.kept if one not in there]


def _until_at_work(store: CardStore, before: int) -> float:
    begun = time.monotonic()
    while len(store.requests) <= before:
        assert time.monotonic() - begun < 2 * BACK_WITHIN, "nobody came back"
        time.sleep(0.02)
    return time.monotonic() - begun
