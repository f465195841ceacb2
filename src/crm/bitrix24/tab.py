"""The tab in the cards of leads and deals: what its opening says, and its place.

The post comes through the user's browser, so nothing in it is believed: the token of
the application is compared, and the user's own token is shown to the portal before a
word of the lead is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm.bitrix24.visits import Call

PLACES: Final = {"CRM_LEAD_DETAIL_TAB": "lead", "CRM_DEAL_DETAIL_TAB": "deal"}
TITLES: Final = {"ru": "Прогноз", "en": "Forecast"}


@dataclass(frozen=True, slots=True)
class Opening:
    """A user opened our tab in a card."""

    kind: str
    number: int
    access: str = field(repr=False)
    """The user's own token."""


def opening_in(form: Mapping[str, str]) -> Opening | None:
    """Read the form of an opening; None if it is none of a card.

    Examples
    --------
    >>> options = '{"ID":"253"}'
    >>> place = {"PLACEMENT": "CRM_LEAD_DETAIL_TAB", "PLACEMENT_OPTIONS": options}
    >>> opening_in({**place, "AUTH_ID": "t"}).number
    253
    >>> opening_in(place) is None
    True
    """
    kind = PLACES.get(form.get("PLACEMENT", ""))
    access = form.get("AUTH_ID", "")
    try:
        told: Any = json.loads(form.get("PLACEMENT_OPTIONS", ""))
    except (ValueError, RecursionError):
        return None
    number = str(told.get("ID", "")) if isinstance(told, dict) else ""
    plain = number.isascii() and number.isdigit() and len(number) <= 18
    if kind is None or not access or not plain:
        return None
    return Opening(kind, int(number), access)


def enrol_tabs(call: Call, handler: str) -> list[str]:
    """Bind the tab in the cards of leads and deals; give the places that are new.

    One that leads to another address of ours, left from an earlier install, is taken
    away.

    Raises
    ------
    Refused, Unavailable
        As ``Visits.call``.
    """
    bound = _bound(call)
    made = []
    for place in PLACES:
        for other in (h for p, h in bound if p == place and h != handler):
            call("placement.unbind", {"PLACEMENT": place, "HANDLER": other})
        if (place, handler) not in bound:
            titles = {language: {"TITLE": t} for language, t in TITLES.items()}
            call(
                "placement.bind",
                {"PLACEMENT": place, "HANDLER": handler, "TITLE": TITLES["ru"],
                 "LANG_ALL": titles},
            )  # fmt: skip
            made.append(place)
    return made


def withdraw_tabs(call: Call) -> list[str]:
    """Take our tabs away, wherever they lead; give the places.

    Raises as ``enrol_tabs``.
    """
    gone = []
    for place, handler in sorted(_bound(call)):
        if place in PLACES:
            call("placement.unbind", {"PLACEMENT": place, "HANDLER": handler})
            gone.append(place)
    return gone


def _bound(call: Call) -> set[tuple[str, str]]:
    told = call("placement.get", {})
    rows = told if isinstance(told, list) else []
    return {
        (str(row.get("placement")), str(row.get("handler")))
        for row in rows
        if isinstance(row, Mapping)
    }
