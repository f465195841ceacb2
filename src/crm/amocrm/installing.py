"""Looks at an account before anything is written there, and puts our fields in it.

Everything that is wrong is told at once. What only narrows (a plan without an event
log, a token that ends soon) is a note; what would make a write fail is a fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from crm.amocrm.client import (
    AmoClient,
    BadRequest,
    NoRight,
    NotAuthorised,
    NotInPlan,
    NotThere,
    ends_at,
)
from crm.amocrm.fields import State, flaws_in, look, mend, require_sound
from leads.errors import BadConfig, Fault

SOON: Final = timedelta(days=30)
SECTIONS: Final = {
    "events": "without an event log stages and fields have no past",
    "catalogs": "without catalogs there are no invoices",
}
"""What a plan may lack: its address, and what comes of it."""

NEEDED: Final = ("view", "edit")
DENIED: Final = "D"


@dataclass
class Findings:
    """What an account is like."""

    account: str = ""
    user: str = ""
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    """What was created or mended."""


def install(
    client: AmoClient,
    *,
    language: str,
    token: str,
    now: datetime,
    check: bool = False,
    repair: bool = False,
) -> Findings:
    """Check token, rights and plan; make the fields that are absent.

    Safe to repeat: what stands is left alone.

    Parameters
    ----------
    language
        Of what people read in the account: ``"ru"`` or ``"en"``.
    token
        Looked at for its end, never told.
    check
        Only look; a field that is absent is a fault then.
    repair
        Also mend fields that a person has changed.

    Raises
    ------
    BadConfig
        With every fault.
    Unavailable
        The account did not answer. Run it again: nothing is made twice.
    """
    found = ready(client, token=token, now=now)
    flaws = flaws_in(look(client))
    if not check:
        wanted = [one for one in flaws if repair or one.state is State.ABSENT]
        mend(client, wanted, language=language)
        found.made = [
            one.wanted.code for one in wanted if one.state is not State.OTHER_TYPE
        ]
    require_sound(look(client))
    return found


def ready(client: AmoClient, *, token: str, now: datetime) -> Findings:
    """Look at token, rights and plan, and refuse what would fail; nothing is changed.

    Raises
    ------
    BadConfig
        With every fault.
    """
    found = inspect(client, token=token, now=now)
    if found.faults:
        raise BadConfig(
            "amoCRM is not ready; nothing was changed.",
            remedy="Mend this and run it again:",
            faults=found.faults,
        )
    return found


def inspect(client: AmoClient, *, token: str, now: datetime) -> Findings:
    """Look at token, rights and plan; nothing is changed."""
    found = Findings()
    _token(found, token, now)
    try:
        account = client.get("account") or {}
    except (NotAuthorised, NotInPlan, NoRight, NotThere, BadRequest) as error:
        found.faults.append(Fault("account", error.what, error.remedy))
        return found
    found.account = str(account.get("subdomain") or account.get("id"))
    found.user = str(account.get("current_user_id"))
    _rights(found, client)
    for section, why in SECTIONS.items():
        try:
            client.get(section, {"limit": 1})
        except NotInPlan:
            found.notes.append(f"the plan has no {section} (402): {why}")
        except NoRight as error:
            found.faults.append(Fault(section, error.what, error.remedy))
    return found


def _token(found: Findings, token: str, now: datetime) -> None:
    ends = ends_at(token)
    if ends is None:
        return
    if ends <= now:
        remedy = "Make a new long-lived token in amoCRM."
        found.faults.append(Fault("token", f"it ended on {ends:%Y-%m-%d}", remedy))
    elif ends - now <= SOON:
        found.notes.append(f"the token ends on {ends:%Y-%m-%d}: make a new one in time")


def _rights(found: Findings, client: AmoClient) -> None:
    """Look at what the token's user may do: see and change leads, make fields."""
    try:
        user: dict[str, Any] = client.get(f"users/{found.user}") or {}
    except (NoRight, NotThere) as error:
        found.notes.append(f"the user's rights could not be read: {error.what}")
        return
    rights = user.get("rights") or {}
    leads = rights.get("leads") or {}
    found.faults += [
        Fault("rights", f"user {found.user} may not {one} leads", "Grant that right.")
        for one in NEEDED
        if leads.get(one) == DENIED
    ]
    if not rights.get("is_admin"):
        what = f"user {found.user} is no administrator, so fields cannot be made"
        remedy = "Let an administrator make the token."
        found.faults.append(Fault("rights", what, remedy))
