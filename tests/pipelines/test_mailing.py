"""The digest by e-mail: to a real server, at most once, again only if surely lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import ValidationError
from tests.serve.service import free_port

from leads.errors import BadConfig
from leads.journal import Journal
from leads.runs import Run, Runs
from leads.settings import DailyMail
from pipelines.daily import SENDING, Morning, mail_step
from pipelines.mailing import NotSent, send
from serve.pages.letter import Letter

NOW = datetime(2026, 11, 22, 4, 3, tzinfo=UTC)
DAY = date(2026, 11, 22)
LETTER = Letter("Кому звонить", "<p>Лид <b>L-1</b></p>", "Лид L-1\n")


class Postbox:
    """A mail server that keeps letters, or answers as a test tells it to."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.answers: list[str] = []
        self.refused: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Take a recipient unless the test refuses it."""
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, _session: Any, envelope: Any
    ) -> str:
        """Keep the letter and answer; "hang up" takes it and says nothing."""
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("2") or answer == "hang up":
            made = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(made, EmailMessage)
            self.letters.append(made)
        if answer == "hang up":
            server.transport.abort()
        return answer


@pytest.fixture
def postbox() -> Postbox:
    """Make an empty postbox."""
    return Postbox()


@pytest.fixture
def mail(postbox: Postbox) -> Iterator[DailyMail]:
    """Run the server on a port that is free."""
    server = Controller(postbox, hostname="127.0.0.1", port=free_port())
    server.start()
    yield mail_to(server.port)
    server.stop()


def mail_to(port: int, **more: Any) -> DailyMail:
    """Address two people by a server of this machine."""
    given = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "from": "leadcast@example.com",
        "to": ["a@example.com", "b@example.com"],
    }
    return DailyMail.model_validate(given | more)


def test_a_letter_arrives_whole(mail: DailyMail, postbox: Postbox) -> None:
    """Both parts, Russian letters, both recipients, one id for the date."""
    said = send(LETTER, mail, day=DAY, now=NOW)

    (got,) = postbox.letters
    plain, html = got.get_body(("plain",)), got.get_body(("html",))
    assert said == "sent to 2"
    assert got["Subject"] == "Кому звонить"
    assert got["To"] == "a@example.com, b@example.com"
    assert got["Message-ID"] == "<leadcast-2026-11-22@example.com>"
    assert plain is not None
    assert plain.get_content() == LETTER.text
    assert html is not None
    assert html.get_content().strip() == LETTER.html


def test_what_the_server_refuses_may_be_sent_again(
    mail: DailyMail, postbox: Postbox
) -> None:
    """A busy server, and one that is not there, surely took nothing."""
    postbox.answers = ["451 try later"]

    with pytest.raises(NotSent, match="SMTPDataError 451"):
        send(LETTER, mail, day=DAY, now=NOW)
    with pytest.raises(NotSent, match="ConnectionRefusedError"):
        send(LETTER, mail_to(1), day=DAY, now=NOW)
    assert postbox.letters == []


def test_one_refused_recipient_does_not_keep_it_from_the_other(
    mail: DailyMail, postbox: Postbox
) -> None:
    """It is said how many got it; if all are refused nobody did."""
    postbox.refused = {"a@example.com"}
    assert send(LETTER, mail, day=DAY, now=NOW) == "sent to 1 of 2"

    postbox.refused.add("b@example.com")
    with pytest.raises(NotSent):
        send(LETTER, mail, day=DAY, now=NOW)


def test_a_server_that_falls_silent_at_the_end_gets_no_second_letter(
    mail: DailyMail, postbox: Postbox
) -> None:
    """Whether it took the letter nobody can know, so it counts as perhaps sent."""
    postbox.answers = ["hang up"]

    said = send(LETTER, mail, day=DAY, now=NOW)

    assert said.startswith("perhaps sent")
    assert len(postbox.letters) == 1


def test_a_password_never_goes_over_an_open_line() -> None:
    """Without TLS a user is refused, but on this machine."""
    with pytest.raises(ValidationError, match="for all to read"):
        mail_to(25, host="mail.example.com", user_env="MAIL_USER")


def test_a_missing_password_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of its variable, before anything is sent."""
    monkeypatch.setenv("MAIL_USER", "u")
    monkeypatch.delenv("LEADCAST_MAIL_PASSWORD", raising=False)

    with pytest.raises(BadConfig, match="LEADCAST_MAIL_PASSWORD"):
        send(LETTER, mail_to(1, user_env="MAIL_USER"), day=DAY, now=NOW)


class Sender:
    """The step of the run that mails, over a row of its own."""

    def __init__(self, runs: Runs, mail: DailyMail) -> None:
        self.runs = runs
        claimed = runs.claim(DAY)
        assert claimed is not None
        self.run: Run = claimed
        self.settings: Any = SimpleNamespace(daily=SimpleNamespace(mail=mail))

    def note(self, what: str, said: str) -> None:
        """Write down how far it has come."""
        self.run = self.runs.note(self.run, **{what: said})

    def go(self) -> str:
        """Do the step as the run does."""
        morning = Morning(self.settings, self.run, NOW, lambda _: None, self.note)
        return mail_step(morning, write=lambda *_, **__: LETTER)["mail"]


@pytest.fixture
def sender(tmp_path: Path, mail: DailyMail) -> Iterator[Sender]:
    """Claim a date."""
    with closing(Journal(f"sqlite:///{tmp_path / 'j.db'}")) as journal:
        journal.upgrade()
        yield Sender(Runs(journal), mail)


def test_a_refused_letter_is_tried_again_and_goes_out_once(
    sender: Sender, postbox: Postbox
) -> None:
    """The note that it begins is taken back when the server surely refused it."""
    postbox.answers = ["451 try later"]

    with pytest.raises(NotSent):
        sender.go()
    noted = dict(sender.run.done)
    second = sender.go()

    assert SENDING not in noted
    assert second == "sent to 2"
    assert len(postbox.letters) == 1


def test_a_kill_while_it_goes_out_sends_no_second_letter(
    sender: Sender, postbox: Postbox
) -> None:
    """Who comes after one that was killed in between finds the note, and sends none."""
    sender.go()  # and is killed before the step is written down as done
    again = sender.go()

    assert again.startswith("perhaps sent")
    assert len(postbox.letters) == 1
