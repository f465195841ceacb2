"""Registering robot and tabs on a portal, once and after our address has changed."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from crm.bitrix24.answers import Refused
from crm.bitrix24.client import LOOPBACK
from crm.bitrix24.robot import enrol_robot
from crm.bitrix24.tab import enrol_tabs
from crm.bitrix24.visits import Call
from leads.errors import BadConfig

ROBOT: Final = "/crm/bitrix24/robot"
TAB: Final = "/crm/bitrix24/tab"
NO_APPLICATION: Final = frozenset({"WRONG_AUTH_TYPE", "ACCESS_DENIED"})


def enrol(call: Call, service: str) -> list[str]:
    """Register the robot and the tabs; safe to repeat.

    Parameters
    ----------
    call
        By the right of the application and of an administrator.
    service
        Where the portal reaches our service, such as ``https://leads.example``.

    Returns
    -------
    list
        What is new.

    Raises
    ------
    BadConfig
        The address is none that the portal may call, or we are no application there.
    Unavailable
        The portal did not answer. Run again: nothing is made twice.
    """
    base = service.rstrip("/")
    parts = urlsplit(base)
    safe = parts.scheme == "https" or parts.hostname in LOOPBACK
    if not (safe and parts.hostname) or parts.query or parts.fragment:
        raise BadConfig(
            f"{service!r} is no address that Bitrix24 calls.",
            remedy="Give the address of `serve` from outside, with https://.",
        )
    try:
        robots = ["robot forecast"] if enrol_robot(call, base + ROBOT) else []
        return robots + [f"tab {place}" for place in enrol_tabs(call, base + TAB)]
    except Refused as refusal:
        if refusal.trouble.code not in NO_APPLICATION:
            raise
        raise BadConfig(
            "Robot and tabs belong to an application, and this is not one"
            f" ({refusal.trouble.code}).",
            remedy="Connect as a local application that an administrator installed,"
            " with the rights bizproc and placement.",
        ) from refusal
