"""The one place that knows which ear hears which CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from crm.amocrm.ear import AmoEar
from crm.amocrm.opening import open_account
from crm.bitrix24.ear import PortalEar
from crm.bitrix24.opening import open_client
from crm.bitrix24.shelf import Shelf
from crm.export import rules_of
from crm.hearing.ear import Ear
from crm.port import Gate
from leads.journal import Journal
from leads.settings import AmoSource, Settings

Hark = Callable[[Settings, Gate, Journal], Ear]
"""Makes the ear of an account; it asks through the gate it is given."""


def _bitrix24(settings: Settings, gate: Gate, journal: Journal) -> Ear:
    crm = settings.crm
    assert crm is not None
    client = open_client(crm, gate, journal)
    folder = settings.store.folder / crm.kind / crm.account
    return PortalEar(
        client, Shelf(folder), rules_of(settings),
        entity=crm.entity, us=lambda: client.door.user,
    )  # fmt: skip


def _amocrm(settings: Settings, gate: Gate, journal: Journal) -> Ear:
    crm, source = settings.crm, settings.source
    assert crm is not None
    assert isinstance(source, AmoSource)
    folder = settings.store.folder / crm.kind / crm.account
    client = open_account(crm, gate, journal)
    ear = AmoEar(client, folder, rules_of(settings), payments=source.payments)
    ear.learn()  # the account's number, for its hooks
    return ear


EARS: Final[Mapping[str, Hark]] = {"bitrix24": _bitrix24, "amocrm": _amocrm}


def ear_of(settings: Settings, gate: Gate, journal: Journal) -> Ear:
    """Open the ear of the configured account; nothing is asked yet."""
    assert settings.crm is not None, "only with a [crm] section"
    return EARS[settings.crm.kind](settings, gate, journal)
