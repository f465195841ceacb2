"""``/events`` and ``/webhooks``: two ways of hearing what happened."""

from __future__ import annotations

from typing import Any, Final

from crm.testing.amocrm.account import SINGULAR, Change
from crm.testing.amocrm.desk import Asked, Desk, Route, hal, nothing
from crm.testing.amocrm.events import Event
from crm.testing.amocrm.hooks import SETTINGS
from crm.testing.amocrm.listing import Filter, among, listed, within
from crm.testing.amocrm.problems import NOT_A_CHOICE, Finding, invalid, problem
from crm.testing.wire import Answer

MOST_EVENTS: Final = 100
MOST_HOOKS: Final = 100


def list_events(desk: Desk, asked: Asked) -> Answer:
    """Answer a page of the log, at most 100 entries.

    The newest come first, as no order is documented: a reader that pages meanwhile
    sees entries move from one page to the next.
    """
    desk.need("events")
    filter_ = Filter(asked)
    types, keys = filter_.one_of("type"), filter_.one_of("entity_id")
    ids, authors = filter_.one_of("id"), filter_.one_of("created_by")
    kinds, since = filter_.one_of("entity"), filter_.between("created_at")
    filter_.done()

    def rows() -> list[Event]:
        found = [
            event
            for event in desk.events.entries
            if among(event.type, types)
            and among(event.key, keys)
            and (ids is None or event.id in ids)
            and among(event.by, authors)
            and among(SINGULAR[event.kind], kinds)
            and within(event.at, since)
        ]
        return sorted(found, key=lambda event: (event.at, event.number), reverse=True)

    account = desk.account.profile.account_id
    return listed(
        desk,
        asked,
        name="events",
        rows=rows,
        shown=lambda event: event.shown(account),
        most=MOST_EVENTS,
    )


def list_hooks(desk: Desk, asked: Asked) -> Answer:
    """Answer the subscriptions, also those that were switched off."""
    desk.need("webhooks")
    filter_ = Filter(asked)
    wanted = filter_.one_of("destination")
    filter_.done()
    hooks = desk.hooks.subscriptions
    return listed(
        desk,
        asked,
        name="webhooks",
        rows=lambda: [h for h in hooks.values() if among(h["destination"], wanted)],
        shown=dict,
    )


def post_hook(desk: Desk, asked: Asked) -> Answer:
    """Subscribe an address; subscribing it anew replaces and switches on again."""
    desk.need("webhooks")
    desk.need_admin(asked.hand)
    destination, settings = _subscription(asked.item())
    old = desk.hooks.at(destination)
    if old is None and len(desk.hooks.subscriptions) >= MOST_HOOKS:
        raise problem(422, f"At most {MOST_HOOKS} webhooks")
    before = dict(old or {})
    hook = desk.hooks.subscribe(destination, settings, by=asked.hand.user_id)
    action = "update" if old else "add"
    desk.account.changed(
        Change("webhooks", hook["id"], action, before, dict(hook), asked.hand)
    )
    return hal(hook, status=200 if old else 201)


def delete_hook(desk: Desk, asked: Asked) -> Answer:
    """Unsubscribe an address; 404 if it is none of ours."""
    desk.need("webhooks")
    desk.need_admin(asked.hand)
    hook = desk.hooks.at(str(asked.item().get("destination")))
    if hook is None:
        raise problem(404, "There is no such webhook")
    del desk.hooks.subscriptions[hook["id"]]
    desk.account.changed(Change("webhooks", hook["id"], "delete", hook, {}, asked.hand))
    return nothing()


def _subscription(item: dict[str, Any]) -> tuple[str, list[str]]:
    destination, settings = item.get("destination"), item.get("settings")
    found = []
    if not isinstance(destination, str) or not destination.startswith("http"):
        found.append(Finding(NOT_A_CHOICE, "destination"))
    if not isinstance(settings, list) or not settings:
        found.append(Finding(NOT_A_CHOICE, "settings"))
        settings = []
    for place, setting in enumerate(settings):
        if not isinstance(setting, str) or setting not in SETTINGS:
            found.append(Finding(NOT_A_CHOICE, f"settings.{place}"))
    if found:
        raise invalid({"0": found})
    return str(destination), list(settings)


ROUTES: Final = (
    Route("GET", "events", list_events),
    Route("GET", "webhooks", list_hooks),
    Route("POST", "webhooks", post_hook),
    Route("DELETE", "webhooks", delete_hook),
)
