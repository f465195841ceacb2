"""How a funnel is looked over and a dump of leads is cleaned."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from leads.settings.section import Section, Share

Name = Annotated[str, Field(min_length=1, max_length=200)]


class Question(Section):
    """Card fields that leads of one category must have before a stage.

    ``field`` and ``value`` name the category (``client_type`` is ``b2b``); without them
    the question is for every lead.
    """

    field: str = ""
    value: str = ""
    required: tuple[Name, ...] = Field(min_length=1)
    before: Name


class Audit(Section):
    """What the audit of the funnel calls much, and who works.

    ``crowd`` open leads in one stage are a crowd. ``people`` are the kinds of events
    that a person of the company makes, ``called`` the calls among them; ``task_set``
    and ``task_done`` the kinds that open and close a task. None of them: the usual
    names are looked for.
    """

    crowd: int = Field(default=100, ge=1)
    people: tuple[Name, ...] = (
        "call", "call_out", "outgoing_call", "chat_out", "meeting", "email",
        "mail_out", "sms_out", "note", "common", "task", "task_added",
        "task_completed", "crm_todo", "crm_tasks_task", "invoice_sent",
    )  # fmt: skip
    called: tuple[Name, ...] = ("call", "call_out", "outgoing_call")
    task_set: tuple[Name, ...] = ("task", "task_added", "crm_todo", "crm_tasks_task")
    task_done: tuple[Name, ...] = ("task_completed", "task_done")


class Clean(Section):
    """Which card fields tell who a lead is, and where to put what is none.

    Each field may be named by several columns. ``region`` is where numbers without a
    country code are from; ``own_domains`` are the company's own mail domains, whose
    letters are no leads. ``close_stage`` and ``duplicate_stage`` are named as the CRM
    does (``"JUNK"``; amoCRM: ``"pipeline/status"``).
    """

    phone: tuple[Name, ...] = ("phone", "телефон")
    email: tuple[Name, ...] = ("email", "e-mail", "почта")
    inn: tuple[Name, ...] = ("inn", "инн", "contact: инн", "company: инн")
    name: tuple[Name, ...] = ("name", "имя", "фио")
    company: tuple[Name, ...] = ("company", "компания", "организация")
    region: str = Field(default="RU", pattern=r"^[A-Z]{2}$")
    own_domains: tuple[Name, ...] = ()
    close_stage: str = ""
    duplicate_stage: str = ""
    sure: Share = 0.95
