"""Tokens are kept unreadable, renewed once, and a lost access is said aloud."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from crm.consents import Consents
from crm.port import AccessLost
from crm.sealing import KEY_ENV, seal_in
from crm.tokens import RefreshRefused, RenewalFailed, Terms, Tokens, TokenStore
from crm.transport import Patience
from leads.databaseclock import database_micros
from leads.errors import BadConfig
from leads.journal import Journal

NOW = datetime.now(UTC)
CANARY = "c4n4ry"
FIRST = Tokens(
    f"{CANARY}-access-0", f"{CANARY}-refresh-0", NOW + timedelta(hours=1),
    member="m1", user="7", application=f"{CANARY}-application",
)  # fmt: skip


@dataclass
class Server:
    """Gives pairs, or fails as told."""

    fails: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __call__(self, old: Tokens, now: datetime) -> Tokens:
        """Give the next pair."""
        self.asked.append(old.refresh)
        if self.fails:
            raise self.fails.pop()
        number = len(self.asked)
        end = now + timedelta(hours=1)
        return Tokens(f"{CANARY}-access-{number}", f"{CANARY}-refresh-{number}", end)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open an empty journal."""
    with closing(Journal(f"sqlite:///{tmp_path / 'journal.db'}")) as opened:
        opened.upgrade()
        yield opened


def store_of(journal: Journal, server: Server, *, key: str = "",
             ahead: timedelta | None = None) -> TokenStore:  # fmt: skip
    """Open a store with an account connected."""
    made = TokenStore(
        journal, "bitrix24", seal=seal_in({KEY_ENV: key}), renew=server,
        terms=Terms(ahead=ahead), sleep=lambda _: None,
    )  # fmt: skip
    made.keep("acme", FIRST)
    return made


def stored(journal: Journal) -> str:
    """Read the row as whoever has the database would."""
    with journal.reading() as connection:
        return str(connection.execute(sa.text("SELECT * FROM crm_tokens")).all())


def test_with_a_key_the_database_shows_no_secret(journal: Journal) -> None:
    """Whoever has the file alone has nothing; with the key all comes back."""
    store = store_of(journal, Server(), key=Fernet.generate_key().decode())

    assert CANARY not in stored(journal)
    assert store.get("acme") == FIRST


def test_a_changed_key_opens_what_the_old_one_locked(journal: Journal) -> None:
    """The first key locks, all open, a stranger's opens nothing and says no secret."""
    old, new, stranger = (Fernet.generate_key().decode() for _ in range(3))
    store_of(journal, Server(), key=old)

    both = seal_in({KEY_ENV: f"{new},{old}"})
    renewed = TokenStore(journal, "bitrix24", seal=both, renew=Server())
    assert renewed.get("acme") == FIRST
    for key in (stranger, ""):
        other = TokenStore(
            journal, "bitrix24", seal=seal_in({KEY_ENV: key}), renew=Server()
        )
        with pytest.raises(BadConfig, match=KEY_ENV) as refusal:
            other.get("acme")
        assert old not in str(refusal.value)


def test_a_key_that_is_none_is_refused_unseen() -> None:
    """The variable is named, its value never."""
    with pytest.raises(BadConfig, match=KEY_ENV) as refusal:
        seal_in({KEY_ENV: CANARY})

    assert CANARY not in str(refusal.value)


def test_without_a_key_the_file_is_closed_to_others(
    journal: Journal, tmp_path: Path
) -> None:
    """Nobody but the owner may read a database that holds open tokens."""
    for file in tmp_path.glob("journal.db*"):
        file.chmod(0o644)
    store_of(journal, Server())

    modes = {stat.S_IMODE(f.stat().st_mode) for f in tmp_path.glob("journal.db*")}
    assert modes == {0o600}


def test_nothing_shows_a_secret_by_itself(journal: Journal) -> None:
    """Forms for people hold neither token."""
    store = store_of(journal, Server())

    for shown in (store.get("acme"), store.application_of("acme"), store):
        assert CANARY not in repr(shown)
    assert store.application_of("acme").token == f"{CANARY}-application"


def test_what_a_renewal_does_not_repeat_stays(journal: Journal) -> None:
    """Member, user and application token outlive the pair that they came with."""
    store = store_of(journal, Server())
    store.again("acme", FIRST.access)

    kept = store.get("acme")
    assert kept.access == f"{CANARY}-access-1"
    assert (kept.member, kept.user, kept.application) == ("m1", "7", FIRST.application)


def test_a_token_is_renewed_once_and_only_if_it_is_the_stale_one(
    journal: Journal,
) -> None:
    """Who comes later gets the pair that the first one fetched."""
    server = Server()
    store = store_of(journal, server)

    assert [store.again("acme", FIRST.access) for _ in range(3)] == [
        f"{CANARY}-access-1"
    ] * 3
    assert server.asked == [FIRST.refresh]


@pytest.mark.parametrize(("left", "asked"), [(11, 0), (9, 1)])
def test_renewing_ahead_begins_ten_minutes_before_the_end(
    journal: Journal, left: int, asked: int
) -> None:
    """Earlier would wear out tokens, later would meet a 401."""
    server = Server()
    store = store_of(journal, server, ahead=timedelta(minutes=10))
    store.keep("acme", Tokens("a", "r", datetime.now(UTC) + timedelta(minutes=left)))
    store.access("acme")

    assert len(server.asked) == asked


def test_a_token_that_is_good_is_used_while_none_can_be_renewed(
    journal: Journal,
) -> None:
    """A server of tokens that is away does no harm before the end."""
    away = RenewalFailed("Away.", remedy="-", retry_after=timedelta(seconds=1))
    store = store_of(journal, Server([away]), ahead=timedelta(minutes=10))
    store.keep("acme", Tokens("a", "r", datetime.now(UTC) + timedelta(minutes=5)))

    assert store.access("acme") == "a"
    assert store.access("acme") == f"{CANARY}-access-2"


def test_a_refused_refresh_stops_everybody_and_says_how_to_connect(
    journal: Journal,
) -> None:
    """After the one refusal nothing is asked any more, until a person connects."""
    server = Server([RefreshRefused()])
    store = store_of(journal, server)

    for _ in range(3):
        with pytest.raises(AccessLost, match="pipelines connect bitrix24"):
            store.again("acme", FIRST.access)
        with pytest.raises(AccessLost):
            store.access("acme")
    assert len(server.asked) == 1
    store.keep("acme", FIRST)
    assert store.access("acme") == FIRST.access


def test_a_pair_that_came_late_is_kept_though_the_lease_was_taken(
    journal: Journal,
) -> None:
    """A sleeper's answer is the only key there is: it undoes the other's refusal."""
    other = Server([RefreshRefused()])
    terms = Terms(lease=timedelta(0))
    second = TokenStore(journal, "bitrix24", seal=seal_in({}), renew=other, terms=terms)

    class Sleeper(Server):
        def __call__(self, old: Tokens, now: datetime) -> Tokens:
            new = super().__call__(old, now)
            with pytest.raises(AccessLost):  # meanwhile, with the token that was used
                second.again("acme", old.access)
            return new

    first = TokenStore(
        journal, "bitrix24", seal=seal_in({}), renew=Sleeper(), terms=terms
    )
    first.keep("acme", FIRST)

    assert first.again("acme", FIRST.access) == f"{CANARY}-access-1"
    assert second.access("acme") == f"{CANARY}-access-1"


def test_a_refusal_does_not_override_a_newer_pair(journal: Journal) -> None:
    """Whoever was refused because another was faster uses what the other has kept."""
    store = store_of(journal, Server())
    newer = replace(FIRST, access="newer", refresh="newest")

    def refused(old: Tokens, now: datetime) -> Tokens:
        del old, now
        store.keep("acme", newer)
        raise RefreshRefused

    slow = TokenStore(journal, "bitrix24", seal=seal_in({}), renew=refused)
    told = slow.again("acme", FIRST.access)
    assert told == store.access("acme") == "newer"
    assert store.again("acme", "newer") == f"{CANARY}-access-1"


def test_who_waits_for_another_gives_up_in_the_end(journal: Journal) -> None:
    """A holder that died is waited for until its lease ends, and no longer."""
    store = store_of(journal, Server())
    with journal.writing() as connection:
        far = database_micros(connection) + 10**9
        connection.execute(sa.text(f"UPDATE crm_tokens SET lease_until = {far}"))

    with pytest.raises(RenewalFailed, match="Another worker"):
        store.again("acme", FIRST.access)


def test_a_reader_does_not_wait_for_a_person(journal: Journal) -> None:
    """However patient a read is, a lost access ends it at once."""
    slept: list[float] = []
    store = TokenStore(journal, "amocrm", seal=seal_in({}), renew=Server())

    with pytest.raises(AccessLost):
        Patience(sleep=slept.append).asking(lambda: store.access("acme"), again=())
    assert slept == []


def test_an_account_that_was_never_connected_says_so(journal: Journal) -> None:
    """No tokens is a refusal with the way out."""
    store = TokenStore(journal, "amocrm", seal=seal_in({}), renew=Server())

    with pytest.raises(AccessLost, match=r"never connected.*connect amocrm"):
        store.access("acme")


def test_a_state_is_good_once_in_time_and_for_its_account(journal: Journal) -> None:
    """A forged, repeated, late or foreign state brings nothing."""
    late: list[int] = [0]

    def clock(connection: sa.Connection) -> int:
        return database_micros(connection) + late[0]

    ours = Consents(journal, "amocrm", "acme", clock=clock)
    for state in ("s1", "s2"):
        ours.begin(state)

    assert not Consents(journal, "amocrm", "other").take("s1")
    assert [ours.take(state) for state in ("forged", "s1", "s1")] == [
        False, True, False,
    ]  # fmt: skip
    assert ours.is_open()
    late[0] = 3_601 * 10**6
    assert not ours.is_open()
    assert not ours.take("s2")
