"""Reads what a CRM posts: which things it speaks of, and whether it is the CRM.

Pure. Nothing but ids is ever taken from a body: whoever forges one makes us look at a
card that is there to be looked at.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

MOST_FIELDS: Final = 5_000
OLDEST: Final = timedelta(days=1)
AHEAD: Final = timedelta(hours=1)
ID: Final = re.compile(r"[1-9][0-9]{0,17}")
BITRIX_EVENT: Final = re.compile(
    r"ONCRM(LEAD|DEAL|ACTIVITY)(?:ADD|UPDATE|DELETE|MOVETOCATEGORY)"
)
PING: Final = "ONOFFLINEEVENT"
AMO_LEAD: Final = re.compile(
    r"leads\[(?:add|update|status|delete|restore|responsible)\]\[\d+\]\[id\]"
    r"|leads\[note\]\[\d+\]\[note\]\[element_id\]"
)
AMO_EDITED: Final = re.compile(r"leads\[update\]\[\d+\]\[id\]")
AMO_TASK: Final = re.compile(r"(task\[\w+\]\[\d+\])\[element_id\]")
AMO_LEADS: Final = "2"


class Forged(Exception):
    """The message does not come from our account, or is none at all."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message speaks of."""

    entities: tuple[str, ...]
    is_ping: bool = False
    """The CRM's own queue has something for us."""
    of_cards: bool = False
    """Whether it tells of cards alone, and of nothing that hangs on them."""


def heard_of_bitrix24(
    body: bytes, tokens: Sequence[str], *, now: float, member: str = ""
) -> Heard:
    """Read an event of Bitrix24.

    Parameters
    ----------
    body
        A form.
    tokens
        Application tokens that are ours; each is compared in constant time.
    now
        Seconds since 1970.
    member
        The portal's ``member_id``; empty: any.

    Raises
    ------
    Forged
        The token is none of ours, the portal another one, or the event a day old.
    """
    form = _form(body)
    if member and form.get("auth[member_id]") != member:
        raise Forged
    if not _is_known(form.get("auth[application_token]", ""), tokens):
        raise Forged
    sent = form.get("ts")
    if sent is not None and not _is_recent(sent, now):
        raise Forged
    event = form.get("event", "").upper()
    # An activity's event names the activity: what hangs on a card tells of itself.
    return Heard(tuple(_bitrix_entity(event, form)), event == PING, of_cards=True)


def heard_of_amocrm(body: bytes, account_id: str | None) -> Heard:
    """Read a webhook of amoCRM, whose address was a secret.

    Raises
    ------
    Forged
        It speaks of another account.
    """
    form = _form(body)
    _check_account(form.get("account[id]"), account_id)
    found = [value for name, value in form.items() if AMO_LEAD.fullmatch(name)]
    for name, value in form.items():
        task = AMO_TASK.fullmatch(name)
        if task and form.get(f"{task[1]}[element_type]") == AMO_LEADS:
            found.append(value)
    edited = [name for name in form if AMO_EDITED.fullmatch(name)]
    return Heard(_leads(found), of_cards=len(edited) == len(found))


def heard_of_pipeline(body: bytes, account_id: str | None) -> Heard:
    """Read a call of amoCRM's Digital Pipeline; raises as ``heard_of_amocrm``."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Forged from error
    if not isinstance(told, Mapping):
        raise Forged
    _check_account(_text(told.get("account_id")), account_id)
    event = told.get("event")
    data = event.get("data") if isinstance(event, Mapping) else None
    if not isinstance(data, Mapping):
        raise Forged
    is_lead = _text(data.get("element_type")) == AMO_LEADS
    return Heard(_leads([_text(data.get("id")) or ""]) if is_lead else ())


def entity_in_event(name: Any, data: Any) -> str | None:
    """Name what a row of Bitrix24's own queue speaks of; None if it does not say.

    Examples
    --------
    >>> entity_in_event("ONCRMDEALUPDATE", {"FIELDS": {"ID": "45"}})
    'deal:45'
    """
    fields = data.get("FIELDS") if isinstance(data, Mapping) else None
    key = fields.get("ID") if isinstance(fields, Mapping) else None
    form = {"data[FIELDS][ID]": _text(key) or ""}
    return next(_bitrix_entity(str(name).upper(), form), None)


def _bitrix_entity(event: str, form: Mapping[str, str]) -> Iterator[str]:
    named = BITRIX_EVENT.fullmatch(event)
    key = form.get("data[FIELDS][ID]", "")
    if named and ID.fullmatch(key):
        yield f"{named[1].lower()}:{key}"


def _leads(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"lead:{key}" for key in dict.fromkeys(keys) if ID.fullmatch(key))


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=MOST_FIELDS,
            errors="replace",
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise Forged from error
    return dict(pairs)


def _is_known(token: str, tokens: Sequence[str]) -> bool:
    """Compare with every token, in the same time whichever it is."""
    given = token.encode()
    found = [hmac.compare_digest(given, one.encode()) for one in tokens]
    return any(found)


def _is_recent(sent: str, now: float) -> bool:
    if not sent.isascii() or not sent.isdigit() or len(sent) > 12:
        return False
    age = timedelta(seconds=now - int(sent))
    return -AHEAD <= age <= OLDEST


def _check_account(told: str | None, ours: str | None) -> None:
    if told is None or (ours is not None and told != ours):
        raise Forged


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, int | str) else None
