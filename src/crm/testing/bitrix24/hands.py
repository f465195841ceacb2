"""What people of a portal do, by addresses: they let leads come, act and move.

Nothing of it is our client's: it is how a demo and a person with a browser play the
company beside us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from crm.testing.bitrix24.cardpage import our_fields, ours_on
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.portal import Context, Portal
from crm.testing.bitrix24.records import add, change_by
from crm.testing.bitrix24.robots import run_robot
from crm.testing.bitrix24.schema import LEAD
from crm.testing.bitrix24.timeline import add_activity

COPIED: Final = ("sourceId", "utmSource", "utmCampaign", "currencyId", "assignedById")
OTHER: Final = 6
"""The type of an activity that an application gave its own kind."""

Hand = Callable[..., Any]
"""Takes the portal and what the address names; gives the answer."""


def come(portal: Portal, like: str) -> dict[str, int]:
    """Let a lead come of which as much is told as of another."""
    told, ours = portal.state.of(LEAD)[int(like)], our_fields(portal)
    names = {*COPIED, *portal.state.custom_of(LEAD)} - {one.name for one in ours}
    values = {name: told[name] for name in sorted(names) if name in told}
    return {"lead": int(add(_person(portal), LEAD, values)["id"])}


def act(portal: Portal, lead: str, kind: str) -> dict[str, int]:
    """Let a lead do something, such as ``SETUP_DONE``; it is written down as done."""
    now = portal.clock.now
    values = {
        "OWNER_TYPE_ID": LEAD.type_id, "OWNER_ID": int(lead), "TYPE_ID": OTHER,
        "PROVIDER_ID": kind, "SUBJECT": kind.lower(), "COMPLETED": "Y",
        "RESPONSIBLE_ID": 1, "START_TIME": now, "END_TIME": now,
    }  # fmt: skip
    return {"activity": int(add_activity(_person(portal), values)["id"])}


def move(portal: Portal, lead: str, stage: str) -> dict[str, str]:
    """Let a manager move a lead."""
    change_by(portal, LEAD, int(lead), {"stageId": stage})
    return {"stage": stage}


def automate(portal: Portal, lead: str) -> dict[str, str]:
    """Let the client's automation call our robot."""
    robot = next(iter(portal.subscriptions.robots))
    return {"waiting": run_robot(portal, robot, LEAD, int(lead)).id}


def answered(portal: Portal, lead: str) -> dict[str, Any]:
    """Tell what the automation got back last."""
    for flow in reversed(portal.subscriptions.workflows):
        if flow.document == f"LEAD_{lead}":
            return {"answered": flow.answered, "values": flow.values, "log": flow.log}
    return {"answered": False, "values": {}, "log": ""}


def shown(portal: Portal, lead: str) -> dict[str, str | None]:
    """Tell what our fields show on a card, and its stage."""
    return ours_on(portal, int(lead))


def _person(portal: Portal) -> Context:
    return Context(portal, Caller("person", "person", 1))


HANDS: Final[tuple[tuple[str, str, Hand], ...]] = (
    ("POST", r"/demo/robot/(\d+)", automate),
    ("GET", r"/demo/robot/(\d+)", answered),
    ("POST", r"/demo/stage/(\d+)/([A-Z_]+)", move),
    ("POST", r"/demo/lead/(\d+)", come),
    ("POST", r"/demo/event/(\d+)/([A-Z_]+)", act),
    ("GET", r"/demo/card/(\d+)", shown),
)
"""Method, address, and who does it."""
