"""T15: what no hook told is found by asking; the CRM's own queue loses nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.crm.bitrix24.portal import Carrier, Gate, make
from tests.crm.bitrix24.test_reading import RULES
from tests.crm.hearing.town import Town, emptied, ingested, listener_of

from crm.bitrix24.client import Client, Entry
from crm.bitrix24.ear import PortalEar
from crm.bitrix24.oauth import OAuth
from crm.bitrix24.shelf import Shelf
from crm.granting import Credentials, renewing
from crm.hearing.inbox import Inbox
from crm.hearing.listener import Listener
from crm.hearing.watch import QUEUE, Watch
from crm.sealing import Seal
from crm.testing.bitrix24 import Portal, opened
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.schema import LEAD
from crm.testing.bitrix24.subscriptions import Binding
from crm.tokens import Tokens, TokenStore
from leads.journal import Journal

HOST = "https://demo.bitrix24.test"
MINUTE = 60
POLL = 5 * MINUTE
LATEST = 10 * MINUTE


@dataclass
class World:
    """A town, its hooks with their losses, a listener, and one clock for all."""

    town: Town
    listener: Listener
    rng: random.Random
    lost: float
    seconds: int = 0
    changed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The moment of the change and the new state, of leads not predicted so yet."""
    late: list[int] = field(default_factory=list)

    def change(self, *, hooks: bool) -> None:
        """Let a person change a lead; its hook may be lost."""
        lead = str(self.rng.randint(1, 60))
        size = self.rng.randint(1, 999)
        if self.town.sizes.get(lead) == size:
            return
        self.town.change(lead, size)
        self.town.changed_at[lead] = self.town.seen_at
        self.changed[lead] = (self.seconds, size)
        if hooks and self.rng.random() >= self.lost:
            self.listener.inbox.note([f"lead:{lead}"])

    def listen(self, journal: Journal) -> None:
        """Let the listener work, and see what it has caught up with."""
        self.listener.ask()
        emptied(self.listener)
        for lead, (at, size) in list(self.changed.items()):
            latest = journal.latest(lead)
            if latest is not None and round(latest.probability * 1000) == size:
                self.late.append(self.seconds - at)
                del self.changed[lead]


def world_of(journal: Journal, seed: int) -> World:
    """Make a world; the database's clock is the world's."""
    town = Town()
    town.change("1", 1)
    listener = listener_of(journal, town, ingested(town))
    listener.terms = replace(listener.terms, every=timedelta(seconds=POLL))
    world = World(town, listener, random.Random(seed), lost=0.1)

    def clock(_: sa.Connection) -> int:
        return 10**15 + world.seconds * 1_000_000

    listener.inbox.clock = clock
    listener.watch = Watch(journal, "acme", clock=clock)
    return world


@pytest.mark.parametrize(
    ("hours", "skew"),
    [(1, 0), (1, 3_600), pytest.param(24, -3_600, marks=pytest.mark.long)],
)
def test_lost_hooks_are_found(journal: Journal, hours: int, skew: int) -> None:
    """A tenth is lost, and all for 15 minutes: each change is found in 10 minutes."""
    seed = 15
    world = world_of(journal, seed)
    for second in range(0, hours * 3_600, 20):
        world.seconds = second
        world.town.ticks = second + skew
        down = 1_200 <= second < 2_100
        if second < hours * 3_600 - LATEST and world.rng.random() < 0.3:
            world.change(hooks=not down)
        if not down or second % POLL == 0:
            world.listen(journal)
    print(f"T15 seed {seed}: {len(world.late)} changes, {max(world.late)} s")  # noqa: T201

    assert world.changed == {}
    assert max(world.late) <= LATEST


class Killed(BaseException):
    """Stands for a process that ends between two instructions."""


class AppClient(Client):
    """A client of an application that may die around a call."""

    rng: random.Random | None = None
    share = 0.0

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Call, or die before or after it."""
        self.die()
        told = super().call(method, params)
        self.die()
        return told

    def die(self) -> None:
        """Die, or not, by lot."""
        if self.rng is not None and self.rng.random() < self.share:
            raise Killed


@contextmanager
def queued_portal(journal: Journal) -> Iterator[tuple[Portal, AppClient]]:
    """Open a portal that queues events of leads for an application."""
    portal = opened()
    portal.credentials.webhook()
    client_id = portal.credentials.install("https://us/app").client_id
    for what in ("ADD", "UPDATE"):
        portal.subscriptions.bindings.append(
            Binding(client_id, f"ONCRMLEAD{what}", "", 1, 1, offline=True)
        )
    entry, carrier = entry_of(portal, journal), Carrier(portal)
    with closing(AppClient(entry, Gate(), carrier=carrier)) as client:
        yield portal, client


def entry_of(portal: Portal, journal: Journal) -> Entry:
    """Let us in as the application; a run of hours outlives many a token."""
    app = portal.credentials.applications["local.demo"]
    keys = Credentials(app.client_id, app.client_secret)
    oauth = OAuth(HOST, keys, server=HOST, carrier=Carrier(portal))
    store = TokenStore(journal, "bitrix24", seal=Seal(), renew=renewing(oauth))
    pair = portal.credentials.grant(app.client_id)
    end = datetime.now(UTC) + timedelta(hours=1)
    store.keep("acme", Tokens(pair.access, pair.refresh, end, user="1"))
    return Entry(HOST, store, "acme")


def _busy(portal: Portal, rng: random.Random) -> set[str]:
    """Let people make and change leads; name all there are."""
    for turn in range(rng.randint(1, 3)):
        make(portal, "lead")
        number = rng.randint(1, max(portal.state.of(LEAD)))
        change_by(portal, LEAD, number, {"comments": f"{turn}"})
    return {f"lead:{number}" for number in portal.state.of(LEAD)}


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.long)])
def test_the_queue_loses_nothing(journal: Journal, kills: int, tmp_path: Any) -> None:
    """Whoever dies between reading the queue and keeping it, every event is kept."""
    seed = 151
    rng = random.Random(seed)
    inbox = Inbox(journal, "acme")
    with queued_portal(journal) as (portal, client):
        client.rng, client.share = rng, 0.15
        ear = PortalEar(client, Shelf(tmp_path), RULES, entity="lead", us=lambda: "1")
        told, killed = set(), 0

        def keep(entities: Sequence[str]) -> None:
            client.die()
            inbox.note(entities)
            client.die()

        while client.share:
            portal.clock.move(60)
            told |= _busy(portal, rng)
            client.share = 0.15 if killed < kills else 0.0
            turn = Watch(journal, "acme", QUEUE).turn(timedelta(0))
            try:
                ear.drain(turn.process if turn else "", keep)
            except Killed:
                killed += 1
        left = portal.subscriptions.queue
    kept = {one.entity for one in inbox.take(10_000)}
    print(f"T15 seed {seed}: {len(told)} things, {killed} kills")  # noqa: T201

    assert kept == told
    assert left == []
