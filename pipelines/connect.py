"""``connect``: make a CRM ready for us, and check every day that it still is."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from crm.amocrm import installing as amocrm
from crm.amocrm.opening import open_client
from crm.amocrm.source import gate_of as amocrm_gate_of
from crm.bitrix24.checks import Wishes, require
from crm.bitrix24.client import Client, webhook_in
from crm.bitrix24.enrolling import enrol
from crm.bitrix24.fields import WANTED
from crm.bitrix24.installing import install
from crm.bitrix24.source import gate_of
from leads.errors import BadConfig
from leads.journal import Journal
from leads.settings import AmoSource, Bitrix24Source, Crm, Settings, read_settings
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
ServiceOption = Annotated[
    str | None,
    typer.Option(
        "--service",
        metavar="URL",
        help="Bitrix24: where the portal reaches `serve`; registers robot and tabs.",
    ),
]


@verb
def connect(
    kind: Annotated[Kind, typer.Argument(help="Which CRM.")],
    config: ConfigOption,
    check: CheckOption = False,
    repair: RepairOption = False,
    service: ServiceOption = None,
) -> None:
    """Check rights and plan, and make our fields on the cards of a CRM."""
    settings = read_settings(config)
    account = _account(settings, kind)
    if kind is Kind.AMOCRM:
        assert not isinstance(account, Bitrix24Source)
        _connect_amocrm(settings, account, check=check, repair=repair)
        return
    wishes = _wishes(settings)
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        gate = gate_of(account.account, account.address, journal)
        with closing(Client(webhook_in(account.url_env), gate)) as client:
            require(client, wishes, with_fields=check)
            made = []
            if wishes.writes and not check:
                language = settings.company.language
                made = install(client, language=language, repair=repair)
            if service is not None and not check:
                made += enrol(client.call, service)
    log.info("connected", kind=kind.value, account=account.account, made=made)
    show(made, wishes)


def _connect_amocrm(
    settings: Settings, account: Crm | AmoSource, *, check: bool, repair: bool
) -> None:
    language, now = settings.company.language, datetime.now(UTC)
    token = os.environ.get(account.token_env, "")
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        gate = amocrm_gate_of(account.account, account.address, journal)
        with closing(open_client(account, gate)) as client:
            if settings.crm is None:
                found = amocrm.ready(client, token=token, now=now)
            else:
                found = amocrm.install(
                    client, language=language, token=token, now=now,
                    check=check, repair=repair,
                )  # fmt: skip
    log.info("connected", kind="amocrm", account=account.account, made=found.made)
    for one in found.made:
        out.print(f"made     {one}")
    for note in found.notes:
        out.print(f"[yellow]note[/]     {note}")
    stand = "" if settings.crm is None else "; all our fields stand on leads"
    out.print(f"ready    account {found.account}, user {found.user}{stand}")


def show(made: list[str], wishes: Wishes) -> None:
    """Print what was made, and that all stands."""
    if made:
        fields = table("Made", "card", "field")
        for one in made:
            fields.add_row(*one.split(" ", 1))
        out.print(fields)
    stand = f"{len(WANTED)} fields stand on leads and on deals" if wishes.writes else ""
    out.print("ready    rights and plan suffice" + (f"; {stand}" if stand else ""))


def _account(settings: Settings, kind: Kind) -> Crm | Bitrix24Source | AmoSource:
    """Find whose account it is: where we write, else where we read."""
    for one in (settings.crm, settings.source):
        if isinstance(one, Crm | Bitrix24Source | AmoSource) and one.kind == kind.value:
            return one
    raise BadConfig(
        f"Neither [crm] nor [source] has kind = {kind.value!r}.",
        remedy="Add one; README tells how.",
    )


def _wishes(settings: Settings) -> Wishes:
    crm, source = settings.crm, settings.source
    entity = source.entity if isinstance(source, Bitrix24Source) else "lead"
    if crm is None:
        return Wishes(entity, writes=False)
    return Wishes(crm.entity, writes=True, tasks=crm.task)
