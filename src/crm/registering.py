"""What a CRM is told of us, so that it calls: hooks, events, the robot, the tabs.

All of it is safe to repeat, brings up to date what leads to an earlier address of ours,
and can be taken back.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from crm.amocrm import subscribing as amo_hooks
from crm.amocrm.client import AmoClient, NotInPlan
from crm.bitrix24 import subscribing as events
from crm.bitrix24.client import Client
from crm.bitrix24.enrolling import checked, enrol, withdraw
from leads.errors import BadConfig, Fault
from leads.settings import Crm, Settings

EVENTS: Final = "/crm/bitrix24/events"
HOOKS: Final = "/crm/amocrm/hooks/"
LEAST_KEY: Final = 16
MAKE_ONE: Final = "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
NO_PUBLIC: Final = (
    "[serve] public is not set, so nothing was registered that the CRM would call:"
    " no hooks, no robot, no tab"
)
BY_HAND: Final = (
    "a webhook may not subscribe to events: make an outgoing webhook to {address} in"
    " Bitrix24 and put its token into {variable}, or connect as an application"
)


@dataclass
class Registered:
    """What is new, what was taken back, and what a person should know."""

    made: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def register_portal(client: Client, settings: Settings) -> Registered:
    """Have a portal call us.

    Raises
    ------
    BadConfig
        The address is none that it calls.
    Unavailable
        The portal did not answer, or refused. Run again: nothing is made twice.
    """
    crm, public = _crm_of(settings), settings.serve.public
    if not public:
        return Registered(notes=[NO_PUBLIC] if crm.hear or crm.by_oauth else [])
    address = checked(public) + EVENTS
    if not crm.by_oauth:
        told = BY_HAND.format(address=address, variable=crm.hook_env)
        return Registered(notes=[told] if crm.hear else [])
    done = Registered()
    if crm.hear:
        new = events.subscribe(client, address, queue=_has_queue(client))
        done.made += [f"event {name}" for name in dict.fromkeys(new)]
    done.made += enrol(client.call, public, rights=_rights(client))
    return done


def withdraw_portal(client: Client, settings: Settings) -> Registered:
    """Take back all that a portal was told; raises as ``register_portal``."""
    if not _crm_of(settings).by_oauth:
        return Registered(notes=["a webhook registers nothing; delete it in Bitrix24"])
    gone = events.unsubscribe_all(client)
    done = Registered(gone=[f"event {name}" for name in gone])
    done.gone += withdraw(client.call, rights=_rights(client))
    return done


def register_account(client: AmoClient, settings: Settings) -> Registered:
    """Have an amoCRM account call us.

    Raises
    ------
    BadConfig
        There is no secret for the address of the hook.
    Unavailable
        The account did not answer, or refused. Run again: nothing is made twice.
    """
    crm, public = _crm_of(settings), settings.serve.public
    if not crm.hear:
        return Registered()
    if not public:
        return Registered(notes=[NO_PUBLIC])
    ours, old = public + HOOKS + _key_in(crm), public + HOOKS
    done = Registered()
    try:
        if amo_hooks.subscribe(client, ours):
            done.made.append("webhook of leads, notes and tasks")
        for other in amo_hooks.destinations(client):
            if other.startswith(old) and other != ours:
                amo_hooks.unsubscribe(client, other)
                done.gone.append("webhook with an earlier secret")
    except NotInPlan:
        done.notes.append("the plan has no webhooks (402): only the poll hears")
    return done


def withdraw_account(client: AmoClient, settings: Settings) -> Registered:
    """Take back all hooks at our address; raises as ``register_account``."""
    public = settings.serve.public
    if not public:
        raise BadConfig(
            "Which hooks are ours is told by their address, and [serve] public is not"
            " set.",
            remedy="Set it to what it was when they were made.",
        )
    done = Registered()
    for other in amo_hooks.destinations(client):
        if other.startswith(public + HOOKS):
            amo_hooks.unsubscribe(client, other)
            done.gone.append("webhook of leads, notes and tasks")
    return done


def _crm_of(settings: Settings) -> Crm:
    assert settings.crm is not None, "only with a [crm] section"
    return settings.crm


def _rights(client: Client) -> Collection[str]:
    told = client.call("scope")
    return {str(one) for one in told} if isinstance(told, list) else set()


def _has_queue(client: Client) -> bool:
    """Whether the plan lets events wait for us until we have kept them."""
    told = client.call("feature.get", {"CODE": "rest_offline_extended"})
    value = told.get("value") if isinstance(told, dict) else told
    return value in ("Y", True)


def _key_in(crm: Crm) -> str:
    keys = os.environ.get(crm.hook_env, "").split()
    fit = len(keys) > 0 and all(
        len(key) >= LEAST_KEY and key.replace("-", "").replace("_", "").isalnum()
        for key in keys
    )
    if not fit:
        fault = Fault(
            crm.hook_env,
            f"the variable holds no secret of {LEAST_KEY} letters and digits or more",
            f"Make one and keep it for `serve` too: {MAKE_ONE}",
        )
        raise BadConfig(
            "amoCRM signs nothing, so the address of its hooks must be a secret.",
            remedy="Set this variable:",
            faults=[fault],
        )
    return keys[0]
