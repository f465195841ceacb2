"""Registering robot and tabs on a portal, once and after our address has changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from crm.bitrix24.answers import Refused
from crm.bitrix24.client import LOOPBACK
from crm.bitrix24.robot import enrol_robot, withdraw_robot
from crm.bitrix24.tab import enrol_tabs, withdraw_tabs
from crm.bitrix24.visits import Call
from leads.errors import BadConfig

ROBOT: Final = "/crm/bitrix24/robot"
TAB: Final = "/crm/bitrix24/tab"
BIZPROC: Final = "bizproc"
PLACEMENT: Final = "placement"
ELSEWHERE: Final = "ERROR_WRONG_HANDLER_URL"
NO_APPLICATION: Final = frozenset({"WRONG_AUTH_TYPE", "ACCESS_DENIED"})


def enrol(
    call: Call, service: str, *, rights: Collection[str] = (BIZPROC, PLACEMENT)
) -> list[str]:
    """Register the robot and the tabs; safe to repeat.

    Parameters
    ----------
    call
        By the right of the application and of an administrator.
    service
        Where the portal reaches our service, such as ``https://leads.example``.
    rights
        What the application may do: without ``bizproc`` there is no robot, without
        ``placement`` no tab.

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
    base = checked(service)
    made = []
    with _explained():
        if BIZPROC in rights and enrol_robot(call, base + ROBOT):
            made.append("robot forecast")
        if PLACEMENT in rights:
            made += [f"tab {place}" for place in enrol_tabs(call, base + TAB)]
    return made


def withdraw(
    call: Call, *, rights: Collection[str] = (BIZPROC, PLACEMENT)
) -> list[str]:
    """Take robot and tabs away; safe to repeat. Raises and gives as ``enrol``."""
    gone = []
    with _explained():
        if BIZPROC in rights and withdraw_robot(call):
            gone.append("robot forecast")
        if PLACEMENT in rights:
            gone += [f"tab {place}" for place in withdraw_tabs(call)]
    return gone


def checked(service: str) -> str:
    """Give an address without its last slash, if the portal may call it.

    Raises
    ------
    BadConfig
        It may not.
    """
    base = service.rstrip("/")
    parts = urlsplit(base)
    safe = parts.scheme == "https" or parts.hostname in LOOPBACK
    if not (safe and parts.hostname) or parts.query or parts.fragment:
        raise BadConfig(
            f"{service!r} is no address that Bitrix24 calls.",
            remedy="Give the address of `serve` from outside, with https://, as"
            " [serve] public.",
        )
    return base


@contextmanager
def _explained() -> Iterator[None]:
    """Put what a person did wrong into words."""
    try:
        yield
    except Refused as refusal:
        code = refusal.trouble.code
        if code == ELSEWHERE:
            raise BadConfig(
                "Bitrix24 takes a robot only from the domain of the application.",
                remedy="Give [serve] public and the handler path of the application"
                " the same domain.",
            ) from refusal
        if code not in NO_APPLICATION:
            raise
        raise BadConfig(
            f"Robot and tabs belong to an application, and this is not one ({code}).",
            remedy="Connect as a local application that an administrator installed,"
            " with the rights bizproc and placement.",
        ) from refusal
