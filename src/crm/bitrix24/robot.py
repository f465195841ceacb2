"""The robot "Conversion forecast": what the client's automation calls, and gets back.

A workflow that calls it waits until it is answered, so it is always answered: if there
is nothing to say, with an empty tier and a word in the workflow's log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from crm.bitrix24.answers import Refused
from crm.bitrix24.visits import Call
from crm.port import Fields, OurField

CODE: Final = "lcp_forecast"
LOG: Final = "Leadcast: {said}"
CLASSES: Final = {"CCrmDocumentLead": "lead", "CCrmDocumentDeal": "deal"}
DOCUMENT: Final = re.compile(r"(LEAD|DEAL)_([0-9]{1,18})")
LONGEST: Final = timedelta(hours=1)
"""As long as the token of a call is good."""

NAME: Final = {"ru": "Прогноз конверсии", "en": "Conversion forecast"}
DESCRIPTION: Final = {
    "ru": "Говорит, с какой вероятностью лид заплатит, насколько он срочный и почему.",
    "en": "Says how likely a lead will pay, how urgent it is, and why.",
}
RETURNED: Final[Mapping[OurField, tuple[str, str, str]]] = {
    OurField.TIER: ("string", "Категория (hot, warm, cold)", "Tier (hot, warm, cold)"),
    OurField.PROBABILITY: ("int", "Вероятность, %", "Probability, %"),
    OurField.EXPECTED_MONEY: ("double", "Ожидаемые деньги", "Expected money"),
    OurField.REASONS: ("text", "Причины", "Reasons"),
    OurField.ACTION: ("text", "Что делать", "What to do next"),
}
"""What the workflow gets: type, and the name in Russian and English."""


@dataclass(frozen=True, slots=True)
class RobotCall:
    """One call of the robot by the client's automation."""

    kind: str
    number: int
    event_token: str = field(repr=False)
    access: str = field(repr=False)
    """The token to answer with."""
    waits: timedelta


def robot_call_in(form: Mapping[str, str]) -> RobotCall | None:
    """Read the form that the portal posts; None if it is no call of our robot.

    Examples
    --------
    >>> robot_call_in({"code": "another"}) is None
    True
    """
    found = DOCUMENT.fullmatch(form.get("document_id[2]", ""))
    event = form.get("event_token", "")
    access = form.get("auth[access_token]", "")
    if form.get("code") != CODE or found is None or not event or not access:
        return None
    kind = CLASSES.get(form.get("document_id[1]", ""))
    if kind is None or kind != found[1].lower():
        return None
    told = form.get("timeout_duration", "")
    seconds = int(told) if told.isascii() and told.isdigit() and len(told) < 9 else 0
    waits = min(timedelta(seconds=seconds) if seconds else LONGEST, LONGEST)
    return RobotCall(kind, int(found[2]), event, access, waits)


def values_of(fields: Fields) -> dict[str, str]:
    """Say a decision as the values that the workflow gets; empty where unknown."""
    told = {name: fields.get(name) for name in RETURNED}
    return {
        name.value: "" if value is None else str(value) for name, value in told.items()
    }


def nothing(why: str) -> tuple[dict[str, str], str]:
    """Say that there is nothing to say: empty values, and why."""
    return values_of({}), LOG.format(said=why)


def answer(call: Call, event_token: str, values: Mapping[str, str], said: str) -> None:
    """Let the workflow go on with values.

    Raises
    ------
    GateClosed, Unavailable
        It may not have got them. Answering twice does no harm: a token works once.
    """
    body = {"EVENT_TOKEN": event_token, "RETURN_VALUES": dict(values)}
    call("bizproc.event.send", {**body, "LOG_MESSAGE": said})


def enrol_robot(call: Call, handler: str) -> bool:
    """Add the robot, or bring the one that is there up to date; give if it is new.

    Parameters
    ----------
    call
        By the right of the application and of an administrator.
    handler
        The address of ``/crm/bitrix24/robot`` here, on the application's domain.

    Raises
    ------
    Refused, Unavailable
        As ``Visits.call``.
    """
    fields = {
        "HANDLER": handler,
        "AUTH_USER_ID": 1,
        "USE_SUBSCRIPTION": "Y",
        "NAME": NAME,
        "DESCRIPTION": DESCRIPTION,
        "RETURN_PROPERTIES": {
            name.value: {"Name": {"ru": ru, "en": en}, "Type": kind}
            for name, (kind, ru, en) in RETURNED.items()
        },
        "DOCUMENT_TYPE": ["crm", "CCrmDocumentLead", "LEAD"],
        "FILTER": {"INCLUDE": [["crm", name] for name in CLASSES]},
    }
    try:
        call("bizproc.robot.add", {"CODE": CODE, **fields})
    except Refused as refusal:
        if refusal.trouble.code != "ERROR_ACTIVITY_ALREADY_INSTALLED":
            raise
        call("bizproc.robot.update", {"CODE": CODE, "FIELDS": fields})
        return False
    return True


def withdraw_robot(call: Call) -> bool:
    """Take the robot away; give whether it was there. Raises as ``Visits.call``."""
    told = call("bizproc.robot.list", {})
    if CODE not in (told if isinstance(told, list) else []):
        return False
    call("bizproc.robot.delete", {"CODE": CODE})
    return True


def is_over(refusal: Refused) -> bool:
    """Whether the workflow waits no more: its token was used or has ended."""
    return refusal.trouble.code == "ACCESS_DENIED"


def texts_of(told: Any) -> dict[str, str]:
    """Read stored values back."""
    return {str(name): str(value) for name, value in dict(told).items()}
