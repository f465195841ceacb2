"""Erased leads leave what was read of a CRM, and stay out of what will be read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from crm.amocrm.erasing import erase as erase_in_amocrm
from crm.amocrm.shelf import Shelf as AmoShelf
from crm.amocrm.source import KIND as AMOCRM
from crm.bitrix24.erasing import erase as erase_in_bitrix24
from crm.bitrix24.shelf import Shelf as Bitrix24Shelf
from crm.bitrix24.source import KIND as BITRIX24
from leads.settings import AmoSource, Bitrix24Source, Settings


def erase_pages(settings: Settings, lead_ids: Sequence[str]) -> int:
    """Strike leads out of the raw rows of the configured CRM; count the rows.

    None if the source is no CRM or nothing was read of it yet.

    Raises
    ------
    Unavailable
        What was read is damaged or cannot be written.
    """
    source, store = settings.source, settings.store.folder
    if isinstance(source, Bitrix24Source):
        folder = store / BITRIX24 / source.account
        if folder.exists():
            shelf = Bitrix24Shelf(folder)
            return erase_in_bitrix24(shelf, lead_ids, entity=source.entity)
    if isinstance(source, AmoSource):
        folder = store / AMOCRM / source.account
        if folder.exists():
            with closing(AmoShelf(folder)) as amo:
                return erase_in_amocrm(amo, lead_ids)
    return 0
