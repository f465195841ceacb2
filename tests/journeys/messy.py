"""A messy dump in the doubles of both CRMs: mails made leads, typos, shared phones.

All are invented: area code 000, reserved domains. ``LEADS`` is the story; whoever
``paid`` is a client. A portal keeps names and phones on the lead itself, an account of
amoCRM on a contact of each lead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from tests.crm.bitrix24.portal import make

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.founding import PIPELINE
from crm.testing.bitrix24 import Portal, application, opened
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.payments import add_payment
from crm.testing.bitrix24.portal import Context
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.schema import COMPANY, CONTACT, DEAL, LEAD
from crm.testing.clock import Clock

HOUR: Final = 3_600


class Who(NamedTuple):
    """Whom a lead is from."""

    name: str
    phone: str = ""
    mail: str = ""
    company: str = ""
    paid: bool = False


ANNA: Final = "+7 000 345-67-80"
IVAN: Final = "8 (000) 111-22-33"
LEADS: Final[Mapping[str, Who]] = {
    "client": Who("Анна Петрова", ANNA, "anna@mail.example", paid=True),
    "by mail": Who("", "", "Anna+crm@mail.example"),
    "first": Who("Иван Сидоров", IVAN, "ivan@post.example"),
    "again": Who("Сидоров Иван", "+70001112233"),
    "typo": Who("Ivan Sidorof", "80001112233", "ivan@post.example"),
    "namesake": Who("Иван Сидоров", "+7 000 999-88-77", "isid@box.example"),
    "wife": Who("Мария Котова", IVAN, "maria@box.example"),
    "robot": Who("", "", "noreply@bank.example"),
    "own": Who("", "", "sales@acme.example"),
    "firm": Who(
        "Пётр Лимов", "+70005554433", "petr@kedr.example", "ООО «Кедр»", paid=True
    ),
    "colleague": Who("Зоя Белкина", "+70007776655", "zoya@kedr.example"),
    "nobody": Who("Без имени"),
}
ACTS: Final = {
    "by mail": ("link", "client"), "again": ("merge", "first"),
    "typo": ("merge", "first"), "robot": ("close", ""), "own": ("close", ""),
    "colleague": ("look", "firm"), "wife": ("look", "first"), "nobody": ("look", ""),
}  # fmt: skip
"""What the plan must propose, and of which lead; all others are kept."""


def begun() -> datetime:
    """Give the moment at which the story begins."""
    return datetime.now(UTC) - timedelta(hours=10)


class Town(Protocol):
    """A double with the story in it."""

    config: str
    ids: dict[str, str]

    @property
    def app(self) -> Callable[..., Awaitable[None]]:
        """What is served."""
        ...

    @property
    def companions(self) -> list[Callable[[], Awaitable[None]]]:
        """What runs beside it."""
        ...

    def secrets(self, address: str) -> dict[str, str]:
        """Give the environment that lets us in."""
        ...

    def standing(self) -> dict[str, tuple[str, ...]]:
        """Say of each lead its stage and whom it belongs to."""
        ...

    def acts(self) -> list[tuple[str, str]]:
        """List, from the ledger, what was done to whom: every move and every tie."""
        ...

    def comments(self) -> list[str]:
        """List the comments on leads."""
        ...


@dataclass
class BitrixTown:
    """The story in a portal."""

    portal: Portal = field(default_factory=lambda: opened(clock=Clock(begun())))
    ids: dict[str, str] = field(default_factory=dict)
    config: str = """
[source]
kind = "bitrix24"
account = "acme"
[crm]
kind = "bitrix24"
account = "acme"
[clean]
own_domains = ["acme.example"]
close_stage = "JUNK"
duplicate_stage = "JUNK"
[store]
folder = "store"
[company]
language = "en"
"""

    def __post_init__(self) -> None:
        portal = self.portal
        portal.credentials.webhook()
        for number, (key, who) in enumerate(LEADS.items(), start=1):
            self.ids[key] = str(number)
            first, _, last = who.name.partition(" ")
            links: dict[str, Any] = {}
            if who.paid:
                make(portal, "contact", name=first, lastName=last)
                links["contactId"] = len(portal.state.of(CONTACT))
            if who.company:
                make(portal, "company", title=who.company)
                links["companyId"] = len(portal.state.of(COMPANY))
            make(
                portal, "lead", name=first, lastName=last,
                phone=_multi("PHONE", who.phone), email=_multi("EMAIL", who.mail),
                **links,
            )  # fmt: skip
            portal.clock.move(60)
            if who.paid:
                make(portal, "deal", leadId=number)
                deals = len(portal.state.of(DEAL))
                context = Context(portal, Caller("person", "person", 1))
                add_payment(context, deals, amount=500.0, currency="RUB", paid=True)
                change_by(portal, LEAD, number, {"stageId": "CONVERTED"})
        portal.clock.move(5 * HOUR)
        portal.ledger.writes.clear()

    @property
    def app(self) -> Callable[..., Awaitable[None]]:
        """What is served."""
        return application(self.portal)

    @property
    def companions(self) -> list[Callable[[], Awaitable[None]]]:
        """What runs beside it."""
        return [self.portal.clock.follow]

    def secrets(self, address: str) -> dict[str, str]:
        """Give the environment that lets us in."""
        return {"LEADCAST_CRM_URL": f"{address}/rest/1/s3cret/"}

    def standing(self) -> dict[str, tuple[str, ...]]:
        """Say of each lead its stage and whom it belongs to."""
        rows = self.portal.state.of(LEAD)
        found = {}
        for key, number in self.ids.items():
            row = rows[int(number)]
            held = row["contactIds"] or [row["contactId"]]
            told = (*held, "/", row["companyId"])
            found[key] = (row["stageId"], *(str(one) for one in told if one))
        return found

    def acts(self) -> list[tuple[str, str]]:
        """List, from the ledger, what was done to whom: every move and every tie."""
        names = {number: key for key, number in self.ids.items()}
        return [
            (names[write.key], name)
            for write in self.portal.ledger.of("lead")
            for name in ("stageId", "contactIds", "companyId")
            if name in write.after
        ]

    def comments(self) -> list[str]:
        """List the comments on leads."""
        return [row["COMMENT"] for row in self.portal.state.table("comment").values()]


@dataclass
class AmoTown:
    """The story in an account of amoCRM."""

    amo: AmoCrm = field(default_factory=lambda: AmoCrm(clock=Clock(begun())))
    ids: dict[str, str] = field(default_factory=dict)
    config: str = f"""
[source]
kind = "amocrm"
account = "acme"
payments = ["won"]
[crm]
kind = "amocrm"
account = "acme"
[clean]
own_domains = ["acme.example"]
close_stage = "{PIPELINE}/143"
duplicate_stage = "{PIPELINE}/143"
[store]
folder = "store"
[company]
language = "en"
[funnel]
won = ["Won"]
lost = ["Lost"]
"""

    def __post_init__(self) -> None:
        amo, person = self.amo, self.amo.person()
        for key, who in LEADS.items():
            lead = person.create(name="Заявка", price=500)
            self.ids[key] = str(lead)
            fields = [
                {"field_code": code, "values": [{"value": value}]}
                for code, value in (("PHONE", who.phone), ("EMAIL", who.mail))
                if value
            ]
            more: dict[str, Any] = {"custom_fields_values": fields} if fields else {}
            contact = person.create("contacts", name=who.name, **more)
            amo.account.link(("leads", lead), ("contacts", contact), is_main=True)
            if who.company:
                firm = person.create("companies", name=who.company)
                amo.account.link(("leads", lead), ("companies", firm))
            amo.clock.move(60)
            if who.paid:
                person.move(lead, 142)
        amo.clock.move(5 * HOUR)
        amo.ledger.writes.clear()

    @property
    def app(self) -> Callable[..., Awaitable[None]]:
        """What is served."""
        return self.amo.app

    @property
    def companions(self) -> list[Callable[[], Awaitable[None]]]:
        """What runs beside it."""
        return [self.amo.clock.follow]

    def secrets(self, address: str) -> dict[str, str]:
        """Give the environment that lets us in."""
        return {"LEADCAST_CRM_URL": address, "LEADCAST_CRM_TOKEN": self.amo.token}

    def standing(self) -> dict[str, tuple[str, ...]]:
        """Say of each lead its stage and whom it belongs to."""
        account, found = self.amo.account, {}
        for key, number in self.ids.items():
            me = ("leads", int(number))
            ties = [
                f"{kind}/{one}"
                for kind in ("contacts", "companies")
                for one in account.linked(me, kind)
            ]
            stage = account.cards["leads"][int(number)].plain["status_id"]
            found[key] = (str(stage), *ties)
        return found

    def acts(self) -> list[tuple[str, str]]:
        """List, from the ledger, what was done to whom: every move and every tie."""
        names = {number: key for key, number in self.ids.items()}
        moves = [
            (names[write.key], "stageId")
            for write in self.amo.ledger.of("lead")
            if "status_id" in write.after
        ]
        ties = [
            (names[write.key.partition("/")[2]], write.action)
            for write in self.amo.ledger.of("link")
        ]
        return [*moves, *ties]

    def comments(self) -> list[str]:
        """List the comments on leads."""
        notes = self.amo.account.records["notes"].values()
        return [row["params"]["text"] for row in notes]


def _multi(kind: str, value: str) -> list[dict[str, str]]:
    if not value:
        return []
    return [{"ID": "1", "VALUE_TYPE": "WORK", "VALUE": value, "TYPE_ID": kind}]
