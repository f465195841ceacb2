"""Connecting from the command line: consent, checks, fields, and no secret anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.double import CLIENT
from crm.testing.bitrix24 import Portal, application, opened
from crm.testing.bitrix24.records import drop_field
from crm.testing.serving import running
from crm.writeback.tables import OUTBOX
from leads.journal import Journal
from pipelines.__main__ import app

SECRET = "c4n4ry-of-the-client"
BITRIX24 = """
[source]
kind = "files"
folder = "."
[store]
folder = "store"
[crm]
kind = "bitrix24"
account = "acme"
auth = "application"
auth_url = "{address}"
"""
AMOCRM = """
[source]
kind = "amocrm"
account = "acme"
auth = "oauth"
redirect = "https://app.example/amo/cb"
[crm]
kind = "amocrm"
account = "acme"
auth = "oauth"
redirect = "https://app.example/amo/cb"
"""


@dataclass
class Shell:
    """A person at a terminal with a browser beside it."""

    config: Path
    address: str
    folder: Path
    said: str = ""

    def run(self, *words: str, paste: str = "\n") -> Result:
        """Run a command; all that it says is kept."""
        verb, *rest = words
        done = CliRunner().invoke(
            app, [verb, *rest, "--config", str(self.config)], input=paste
        )
        self.said += done.output + done.stderr + repr(done.exception)
        return done

    def came_back(self, state: str, code: str) -> str:
        """Give what a person would paste."""
        return f"https://app.example/cb?code={code}&state={state}\n"


@pytest.fixture
def portal() -> Portal:
    """Open a portal with a local application of ours."""
    made = opened()
    install = made.credentials.install("https://app.example/crm/bitrix24/install")
    install.client_secret = SECRET
    return made


@pytest.fixture
def shell(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """Sit down before a configuration for the portal."""
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "st4te")
    with running(application(portal)) as address:
        portal.renamed_to = address.removeprefix("http://")
        config = tmp_path / "acme.toml"
        config.write_text(BITRIX24.format(address=address))
        for name, value in (
            ("URL", address), ("CLIENT", "local.demo"), ("SECRET", SECRET),
        ):  # fmt: skip
            monkeypatch.setenv(f"LEADCAST_CRM_{name}", value)
        yield Shell(config, address, tmp_path)


def test_a_portal_is_connected_from_the_command_line(
    shell: Shell, portal: Portal
) -> None:
    """One run lets us in, checks and makes fields; the next asks nobody."""
    code = portal.credentials.code("local.demo", 1)
    first = shell.run("connect", "bitrix24", paste=shell.came_back("st4te", code))

    assert first.exit_code == 0, first.output
    assert f"{shell.address}/oauth/authorize/?client_id=local.demo" in first.output
    assert "let in   as user 1" in first.output
    assert "8 fields stand on leads and on deals" in first.output
    again = shell.run("connect", "bitrix24", "--check")
    assert again.exit_code == 0
    assert "authorize" not in shell.run("connect", "bitrix24").output


def test_a_person_who_only_presses_enter_is_told_what_is_missing(shell: Shell) -> None:
    """Without a consent there are no tokens, and that is said with the way out."""
    done = shell.run("connect", "bitrix24")

    assert done.exit_code == 4
    assert "was never connected" in done.stderr


def test_a_forged_answer_is_refused(shell: Shell, portal: Portal) -> None:
    """Another state than ours ends the run."""
    code = portal.credentials.code("local.demo", 1)
    done = shell.run("connect", "bitrix24", paste=shell.came_back("forged", code))

    assert done.exit_code == 2
    assert "No consent is under way" in done.stderr


def test_rights_that_an_application_lacks_are_told(
    shell: Shell, portal: Portal
) -> None:
    """What must be there refuses, what is only welcome is noted."""
    client = portal.credentials.applications["local.demo"]
    client.scopes = frozenset({"crm", "sale", "user"})
    code = portal.credentials.code("local.demo", 1)
    done = shell.run("connect", "bitrix24", paste=shell.came_back("st4te", code))
    client.scopes = frozenset({"crm", "user"})
    poor = shell.run("connect", "bitrix24", "--check")

    assert done.exit_code == 0
    assert "without the right 'placement'" in done.output
    assert poor.exit_code == 2
    assert "lacks the right 'sale'" in poor.stderr


def test_delivering_ends_with_what_a_person_changed(
    shell: Shell, portal: Portal
) -> None:
    """A deleted field stops the run, names the repair, and counts against no card."""
    code = portal.credentials.code("local.demo", 1)
    shell.run("connect", "bitrix24", paste=shell.came_back("st4te", code))
    drop_field(portal, "UF_CRM_LCP_ACTION")
    _due(shell.folder)

    done = shell.run("deliver", "--once")
    assert done.exit_code == 2
    assert "lcp_action" in done.stderr
    assert "connect bitrix24 --repair" in done.stderr
    assert _attempts(shell.folder) == 0
    assert shell.run("connect", "bitrix24", "--repair").exit_code == 0
    assert shell.run("connect", "bitrix24", "--check").exit_code == 0


def test_delivering_ends_where_access_was_taken(shell: Shell, portal: Portal) -> None:
    """A refused refresh stops the run and says how to connect again."""
    code = portal.credentials.code("local.demo", 1)
    shell.run("connect", "bitrix24", paste=shell.came_back("st4te", code))
    portal.credentials.pairs.clear()
    held = portal.credentials.grant("local.demo")
    held.used = True
    portal.credentials.pairs = {"access2": held}
    _due(shell.folder)
    _rename_access(shell.folder, "access2")

    done = shell.run("deliver", "--once")
    assert done.exit_code == 4
    assert "connect bitrix24" in done.stderr
    assert _attempts(shell.folder) == 0


@contextmanager
def reached(amo: AmoCrm, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let an account be reached over a socket, as the environment tells."""

    async def slowly(scope: object, receive: object, send: object) -> None:
        amo.clock.move(0.5)
        await amo.app(scope, receive, send)  # type: ignore[arg-type]

    with running(slowly) as address:
        for name, value in (
            ("URL", address), ("CLIENT", CLIENT.client_id),
            ("SECRET", CLIENT.client_secret),
        ):  # fmt: skip
            monkeypatch.setenv(f"LEADCAST_CRM_{name}", value)
        yield address


def test_an_amocrm_account_is_connected_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same there: consent, rights, fields."""
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "st4te")
    amo = AmoCrm()
    config = tmp_path / "acme.toml"
    config.write_text(AMOCRM)

    with reached(amo, monkeypatch) as address:
        shell = Shell(config, address, tmp_path)
        code = amo.tokens.code(CLIENT.client_id)
        done = shell.run("connect", "amocrm", paste=shell.came_back("st4te", code))

    assert done.exit_code == 0, shell.said
    assert "let in   as user" in done.output
    assert "all our fields stand on leads" in done.output
    assert CLIENT.client_secret not in shell.said


CALLING = (
    AMOCRM.replace('redirect = "https://app.example/amo/cb"\n', "")
    + 'hear = true\n[serve]\npublic = "https://leads.example/"\n'
)


@pytest.fixture
def amo() -> AmoCrm:
    """Open an account whose integration comes back to our service."""
    made = AmoCrm()
    back = "https://leads.example/crm/amocrm/install"
    made.tokens.install(replace(CLIENT, redirect_uri=back))
    return made


@pytest.fixture
def seller(
    amo: AmoCrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """Sit down before a configuration for the account, which shall call us."""
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "st4te")
    monkeypatch.delenv("LEADCAST_HOOK_KEY", raising=False)
    config = tmp_path / "acme.toml"
    config.write_text(CALLING)

    with reached(amo, monkeypatch) as address:
        yield Shell(config, address, tmp_path)


def test_an_amocrm_account_is_had_call_us(
    seller: Shell, amo: AmoCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hooks go to the public address under its secret, once, and are taken back."""
    paste = seller.came_back("st4te", amo.tokens.code(CLIENT.client_id))
    keyless = seller.run("connect", "amocrm", paste=paste)
    monkeypatch.setenv("LEADCAST_HOOK_KEY", "old-secret-of-letters")
    first = seller.run("connect", "amocrm")
    monkeypatch.setenv("LEADCAST_HOOK_KEY", "new-secret-of-letters")
    second, third = (seller.run("connect", "amocrm") for _ in range(2))
    there = [h["destination"] for h in amo.hooks.subscriptions.values()]
    gone = seller.run("connect", "amocrm", "--disconnect")

    assert keyless.exit_code == 2
    assert "LEADCAST_HOOK_KEY: the variable holds no secret" in keyless.stderr
    assert "calls us webhook of leads, notes and tasks" in first.output
    assert "gone     webhook with an earlier secret" in second.output
    assert "calls us" not in third.output
    assert there == ["https://leads.example/crm/amocrm/hooks/new-secret-of-letters"]
    assert "our tokens" in gone.output
    assert not amo.hooks.subscriptions
    assert "secret-of-letters" not in seller.said


def test_no_secret_is_said_or_kept_in_the_open(
    shell: Shell, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through consent, renewal, refusal and a crash: no secret in output or files."""
    key = "ZmDfcTF7_60GrrY167zsiPd67pEvs0aGOv2oasOM1Pg="
    monkeypatch.setenv("LEADCAST_TOKEN_KEY", key)
    code = portal.credentials.code("local.demo", 1)
    shell.run("connect", "bitrix24", paste=shell.came_back("st4te", code))
    portal.clock.move(3_601)
    shell.run("connect", "bitrix24", "--check")
    shell.run("connect", "bitrix24", "--again", paste=shell.came_back("x", "c0de"))
    portal.deleted = True
    shell.run("connect", "bitrix24", "--check")
    shell.run("deliver", "--once")

    hidden = {SECRET, key}
    for pair in portal.credentials.pairs.values():
        hidden |= {f'"{pair.access}"', f'"{pair.refresh}"'}
    assert len(portal.credentials.pairs) == 2
    kept = b"".join(f.read_bytes() for f in shell.folder.rglob("*") if f.is_file())
    for word in hidden:
        assert word not in shell.said
        assert word.encode() not in kept
    for pair in portal.credentials.pairs.values():
        assert pair.refresh not in shell.said
        assert pair.access not in shell.said


def _journal(folder: Path) -> Journal:
    return Journal(f"sqlite:///{folder / 'store' / 'leadcast.db'}")


def _due(folder: Path) -> None:
    """Put one card into the outbox, due now."""
    row = {
        "account": "acme", "entity": "lead:1", "lead_id": "1", "desired_version": 1,
        "desired": json.dumps({"entity": "lead:1", "fields": {}, "wishes": []}),
        "confirmed_version": 0, "shown_version": 0, "shown": "{}", "overridden": "",
        "token": 0, "lease_until": 0, "next_at": 1, "attempts": 0, "is_check": False,
        "offered_at": 1,
    }  # fmt: skip
    journal = _journal(folder)
    with journal.writing() as connection:
        connection.execute(OUTBOX.insert().values(**row))
    journal.close()


def _attempts(folder: Path) -> int:
    journal = _journal(folder)
    with journal.reading() as connection:
        found: int = connection.execute(OUTBOX.select()).one().attempts
    journal.close()
    return found


def _rename_access(folder: Path, access: str) -> None:
    """Let the kept pair be one that the portal gave and took back."""
    journal = _journal(folder)
    sealed = "plain:" + json.dumps(
        {"access": access, "refresh": "r", "application": ""}
    )
    with journal.writing() as connection:
        connection.exec_driver_sql("UPDATE crm_tokens SET sealed = ?", (sealed,))
    journal.close()
