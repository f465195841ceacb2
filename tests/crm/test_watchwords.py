"""A CRM's own posts are known by words of the environment and of the consent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm.sealing import Seal
from crm.tokens import Tokens, TokenStore
from crm.watchwords import Watchwords
from leads.journal import Journal
from leads.settings import Crm

B24 = Crm(kind="bitrix24", account="acme", auth="application")
AMO = Crm(kind="amocrm", account="acme", auth="oauth", redirect="https://us.example/a")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TokenStore]:
    """Open an empty store; nothing is renewed here."""
    with closing(Journal(f"sqlite:///{tmp_path / 'journal.db'}")) as journal:
        journal.upgrade()
        yield TokenStore(journal, "bitrix24", seal=Seal(), renew=lambda old, _: old)


def consent(store: TokenStore, application: str) -> None:
    """Keep what a consent brought."""
    end = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(hours=1)
    store.keep("acme", Tokens("a", "r", end, member="m", application=application))


def test_nobody_is_known_before_there_is_a_word(store: TokenStore) -> None:
    """Neither without a consent nor after one that brought no word is "" a word."""
    before = Watchwords(B24, store, environment={}).known("WORDS")
    consent(store, "")
    after = Watchwords(B24, store, environment={"WORDS": "  "}).known("WORDS")

    assert not before.admits("", "")
    assert not after.admits("", "m")


def test_a_word_that_comes_later_is_found(store: TokenStore) -> None:
    """The consent may be given while the service runs; it is looked for in time."""
    seconds = [0.0]
    words = Watchwords(B24, store, environment={}, clock=lambda: seconds[0])
    assert not words.known().admits("t0ken", "m")
    consent(store, "t0ken")
    seconds[0] = 3.0

    assert words.known().admits("t0ken", "m")
    assert not words.known().admits("t0ken", "another")
    assert not words.known().admits("another", "m")


def test_words_of_both_places_are_known_at_once(store: TokenStore) -> None:
    """A portal may tell of its leads by an outgoing webhook beside the application."""
    consent(store, "t0ken")
    words = Watchwords(B24, store, environment={"WORDS": "one two"})

    admitted = [words.known("WORDS").admits(w, "m") for w in ("one", "two", "t0ken")]
    assert admitted == [True, True, True]
    assert not words.known().admits("one", "m")


def test_amocrm_brings_no_word(store: TokenStore) -> None:
    """Its consent tells the account's number alone."""
    consent(store, "whatever")

    known = Watchwords(AMO, store, environment={}).known()
    assert (known.words, known.member) == ((), "m")
