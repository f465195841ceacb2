"""``connect``: make a CRM ready for us, and check every day that it still is."""

from __future__ import annotations

import os
import secrets
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer

from crm.amocrm import installing as amocrm
from crm.amocrm.opening import open_account
from crm.bitrix24.checks import Wishes, notes_of, require
from crm.bitrix24.fields import WANTED
from crm.bitrix24.installing import install
from crm.bitrix24.opening import open_client
from crm.connecting import given_in
from crm.doors import connecting_of, gate_of, tokens_of
from crm.registering import (
    Registered,
    register_account,
    register_portal,
    withdraw_account,
    withdraw_portal,
)
from crm.sealing import KEY_ENV, seal_in
from crm.tokens import AccessLost, TokenStore
from leads.errors import BadConfig
from leads.journal import Journal
from leads.settings import Bitrix24Source, CrmAccount, Settings, read_settings
from pipelines.console import ConfigOption, log, out, table, verb


class Kind(StrEnum):
    """The CRMs that can be connected."""

    BITRIX24 = "bitrix24"
    AMOCRM = "amocrm"


CheckOption = Annotated[
    bool, typer.Option("--check", help="Change nothing; say whether all is well.")
]
RepairOption = Annotated[
    bool, typer.Option("--repair", help="Mend fields that people changed or deleted.")
]
DisconnectOption = Annotated[
    bool,
    typer.Option(
        "--disconnect",
        help="Take back hooks, events, robot and tabs, and forget the tokens.",
    ),
]
AgainOption = Annotated[
    bool,
    typer.Option("--again", help="Ask a person anew, though there is access already."),
]
INSTALLER: Final = "/crm/bitrix24/install"
UNHEARD: Final = (
    "Bitrix24 has not sent its application token yet, so its events and the tab are"
    " refused; install the application once more while `connect --again` waits"
)
PASTE: Final = (
    "Paste the address that the browser ended at; only Enter if the service took it"
)


@verb
def connect(
    kind: Annotated[Kind, typer.Argument(help="Which CRM.")],
    config: ConfigOption,
    check: CheckOption = False,
    repair: RepairOption = False,
    again: AgainOption = False,
    disconnect: DisconnectOption = False,
) -> None:
    """Check rights and plan, make our fields on the cards, have the CRM call us."""
    settings = read_settings(config)
    section = _account(settings, kind)
    if disconnect and (check or repair or again):
        raise BadConfig(
            "--disconnect takes back what the other options make.",
            remedy="Give it alone.",
        )
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        if disconnect:
            _disconnect(settings, section, journal)
            return
        if section.by_oauth and not check:
            _let_us_in(section, journal, again=again)
        if kind is Kind.AMOCRM:
            _connect_amocrm(settings, section, journal, check=check, repair=repair)
        else:
            _connect_bitrix24(settings, section, journal, check=check, repair=repair)


def _disconnect(settings: Settings, section: CrmAccount, journal: Journal) -> None:
    """Leave the CRM as we found it but for our fields, which hold what was said."""
    gate = gate_of(section, journal)
    store = tokens_of(section, journal) if section.by_oauth else None
    if store is not None and not _has_access(store, section.account):
        _note("there is no access any more; delete the application in the CRM itself")
        done = Registered()
    elif settings.crm is None:
        done = Registered()
    elif section.kind == "bitrix24":
        with closing(open_client(section, gate, journal)) as client:
            done = withdraw_portal(client, settings)
    else:
        with closing(open_account(section, gate, journal)) as account:
            done = withdraw_account(account, settings)
    if store is not None and store.forget(section.account):
        done.gone.append("our tokens")
    log.info("disconnected", kind=section.kind, account=section.account, gone=done.gone)
    for one in done.gone:
        out.print(f"gone     {one}")
    for note in done.notes:
        _note(note)
    out.print("ready    nothing calls us any more; our fields stay until deleted there")


def _let_us_in(section: CrmAccount, journal: Journal, *, again: bool) -> None:
    """Have a person give consent, unless there is access already."""
    store = tokens_of(section, journal)
    if not again and _has_access(store, section.account):
        return
    connecting = connecting_of(section, journal, lambda: datetime.now(UTC))
    address = connecting.begin(secrets.token_urlsafe(32))
    out.print("open     in a browser, as an administrator, within the hour:")
    out.print(address, soft_wrap=True, highlight=False, markup=False)
    if section.kind == "bitrix24":
        out.print(f"or       install the application in Bitrix24 ({INSTALLER})")
    if came := _pasted():
        connecting.finish(given_in(came))
    kept = store.get(section.account)
    log.info("let_in", kind=section.kind, account=section.account, user=kept.user)
    out.print(f"let in   as user {kept.user} of account {kept.member}")
    if section.kind == "bitrix24" and not kept.application:
        _note(UNHEARD)
    if not seal_in().locks:
        _note(f"{KEY_ENV} is not set, so tokens lie unencrypted in the database")


def _pasted() -> str:
    """Ask a person; where nobody is there to answer, the service may have taken it."""
    try:
        return str(typer.prompt(PASTE, default="", show_default=False)).strip()
    except typer.Abort:
        return ""


def _has_access(store: TokenStore, account: str) -> bool:
    try:
        store.access(account)
    except AccessLost:
        return False
    return True


def _connect_bitrix24(
    settings: Settings,
    section: CrmAccount,
    journal: Journal,
    *,
    check: bool,
    repair: bool,
) -> None:
    wishes = _wishes(settings)
    gate = gate_of(section, journal)
    with closing(open_client(section, gate, journal)) as client:
        require(client, wishes, with_fields=check)
        notes = notes_of(client) if section.by_oauth else []
        made, called = [], Registered()
        if wishes.writes and not check:
            made = install(client, language=settings.company.language, repair=repair)
            called = register_portal(client, settings)
    log.info("connected", kind=section.kind, account=section.account, made=made)
    show(made, wishes)
    _show_registered(called, notes)


def _connect_amocrm(
    settings: Settings,
    section: CrmAccount,
    journal: Journal,
    *,
    check: bool,
    repair: bool,
) -> None:
    language, now = settings.company.language, datetime.now(UTC)
    # A token of ours is renewed before its end; only a copied one needs looking after.
    token = "" if section.by_oauth else os.environ.get(section.token_env, "")
    gate = gate_of(section, journal)
    with closing(open_account(section, gate, journal)) as client:
        if settings.crm is None:
            found, called = amocrm.ready(client, token=token, now=now), Registered()
        else:
            found = amocrm.install(
                client, language=language, token=token, now=now,
                check=check, repair=repair,
            )  # fmt: skip
            called = Registered() if check else register_account(client, settings)
    log.info("connected", kind="amocrm", account=section.account, made=found.made)
    for one in found.made:
        out.print(f"made     {one}")
    stand = "" if settings.crm is None else "; all our fields stand on leads"
    out.print(f"ready    account {found.account}, user {found.user}{stand}")
    _show_registered(called, found.notes)


def _show_registered(called: Registered, notes: list[str]) -> None:
    for one in called.made:
        out.print(f"calls us {one}")
    for one in called.gone:
        out.print(f"gone     {one}")
    for note in (*notes, *called.notes):
        _note(note)


def _note(text: str) -> None:
    out.print(f"[yellow]note[/]     {text}")


def show(made: list[str], wishes: Wishes) -> None:
    """Print what was made, and that all stands."""
    if made:
        fields = table("Made", "card", "field")
        for one in made:
            fields.add_row(*one.split(" ", 1))
        out.print(fields)
    stand = f"{len(WANTED)} fields stand on leads and on deals" if wishes.writes else ""
    out.print("ready    rights and plan suffice" + (f"; {stand}" if stand else ""))


def _account(settings: Settings, kind: Kind) -> CrmAccount:
    """Find whose account it is: where we write, else where we read."""
    for one in (settings.crm, settings.source):
        if isinstance(one, CrmAccount) and one.kind == kind.value:
            return one
    raise BadConfig(
        f"Neither [crm] nor [source] has kind = {kind.value!r}.",
        remedy="Add one; docs/crm.md tells how.",
    )


def _wishes(settings: Settings) -> Wishes:
    crm, source = settings.crm, settings.source
    entity = source.entity if isinstance(source, Bitrix24Source) else "lead"
    if crm is None:
        return Wishes(entity, writes=False)
    return Wishes(crm.entity, writes=True, tasks=crm.task)
