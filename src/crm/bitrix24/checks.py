"""Whether a portal lets us do what we are to do: rights, plan, mode, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crm.bitrix24.answers import Refused
from crm.bitrix24.client import Client
from crm.bitrix24.fields import flaws_in, look
from leads.errors import BadConfig, Fault

SIMPLE: Final = "2"
NEEDED: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "crm": (("crm",), "to read leads and to write our fields"),
    "sale": (("sale",), "to read payments"),
    "user": (("user", "user_brief", "user_basic"), "to name owners"),
}
"""Scopes by the name that a person ticks: any of these will do, and what for."""
TASKS: Final = (("task", "tasks"), "to set tasks")


WELCOME: Final[Mapping[str, str]] = {
    "placement": "there is no tab in the cards",
    "bizproc": "there is no robot",
}
"""Rights that an application may do without, and what comes of it."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What we are to do on the portal."""

    entity: str = "lead"
    writes: bool = True
    tasks: bool = False


def faults_of(client: Client, wishes: Wishes, *, with_fields: bool) -> list[Fault]:
    """List everything that stands in the way.

    Parameters
    ----------
    wishes
        What we are to do.
    with_fields
        Whether our fields must be there already.

    Raises
    ------
    Unavailable
        The portal did not answer at all.
    """
    asked = client.batch(
        {
            "profile": ("profile", {}),
            "scope": ("scope", {}),
            "mode": ("crm.settings.mode.get", {}),
        }
    )
    faults = _of_scopes(asked.results.get("scope"), wishes)
    told = asked.results.get("profile")
    if wishes.writes and not (isinstance(told, Mapping) and told.get("ADMIN") is True):
        faults.append(
            Fault(
                "Bitrix24",
                "the user that we act as is no administrator, so our fields cannot be"
                " made and leads of others may be missed",
                "Let an administrator, best a user for integrations, make the webhook"
                " or install the application.",
            )
        )
    if str(asked.results.get("mode")) == SIMPLE and wishes.entity == "lead":
        faults.append(
            Fault(
                "Bitrix24",
                "the portal works without leads (simple CRM mode)",
                'Set entity = "deal" in [source] and [crm].',
            )
        )
    if with_fields and wishes.writes and not any(f.column == "crm" for f in faults):
        faults += [flaw.fault for flaw in flaws_in(look(client))]
    return faults


def require(client: Client, wishes: Wishes, *, with_fields: bool) -> None:
    """Refuse with everything that is missing.

    Raises
    ------
    BadConfig
        With all faults at once; a plan without this interface is one of them.
    """
    try:
        faults = faults_of(client, wishes, with_fields=with_fields)
    except Refused as refusal:
        faults = [_of_the_door(refusal)]
    if faults:
        raise BadConfig(
            f"Bitrix24 is not ready: {len(faults)} faults.",
            remedy="Mend them and run again:",
            faults=faults,
        )


def notes_of(client: Client) -> list[str]:
    """List what an application will do without; raises as ``faults_of``."""
    told = client.call("scope")
    scopes = {str(one) for one in told} if isinstance(told, list) else set()
    return [
        f"without the right {name!r} {what}"
        for name, what in WELCOME.items()
        if name not in scopes
    ]


def _of_scopes(told: Any, wishes: Wishes) -> list[Fault]:
    scopes = {str(one) for one in told} if isinstance(told, list) else set()
    needed = dict(NEEDED) | ({"tasks": TASKS} if wishes.tasks else {})
    return [
        Fault(
            "Bitrix24",
            f"our access lacks the right {name!r}, needed {what}",
            "Tick it in the settings of the webhook or application, and save.",
            name,
        )
        for name, (any_of, what) in needed.items()
        if not scopes & set(any_of)
    ]


def _of_the_door(refusal: Refused) -> Fault:
    code = refusal.trouble.code
    if code == "ACCESS_DENIED":
        return Fault(
            "Bitrix24",
            "the portal's plan does not include REST (ACCESS_DENIED)",
            "Take a commercial plan or a Market subscription.",
        )
    return Fault("Bitrix24", f"it answered {code}", refusal.remedy)
