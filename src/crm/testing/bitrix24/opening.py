"""A portal on its first day: stages, pipelines and sources, no records yet."""

from __future__ import annotations

from typing import Any

from crm.testing.bitrix24.account import STANDARD, PortalProfile
from crm.testing.bitrix24.portal import Portal
from crm.testing.bitrix24.schema import DEAL, INVOICE, LEAD
from crm.testing.bitrix24.stages import (
    DEAL_STAGES,
    INVOICE_STAGES,
    LEAD_STAGES,
    add_pipeline,
    add_source,
)
from crm.testing.bitrix24.state import Category

SECOND_PIPELINE = 9


def opened(profile: PortalProfile = STANDARD, **more: Any) -> Portal:
    """Open a portal; ``more`` goes to ``Portal``.

    It has the lead stages, deal pipelines 0 and 9, an invoice pipeline, three sources,
    user 1 (administrator) and user 7, who sees only the records they answer for.
    """
    portal = Portal(profile, **more)
    state = portal.state
    add_pipeline(state, LEAD, Category(0, LEAD.type_id, "Лиды"), LEAD_STAGES)
    add_pipeline(state, DEAL, Category(0, DEAL.type_id, "Общая"), DEAL_STAGES)
    second = Category(SECOND_PIPELINE, DEAL.type_id, "Продление")
    add_pipeline(state, DEAL, second, DEAL_STAGES)
    invoices = Category(3, INVOICE.type_id, "Счета")
    add_pipeline(state, INVOICE, invoices, INVOICE_STAGES)
    for source, name in (("WEB", "Сайт"), ("CALL", "Звонок"), ("EMAIL", "Почта")):
        add_source(state, source, name)
    return portal
