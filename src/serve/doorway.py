"""Where a CRM knocks: its hooks, kept before they are answered.

An ASGI middleware in front of all others, for a CRM has no API key and posts forms. Its
addresses have locks of their own, and whoever does not fit learns nothing: the same
short answer whatever was wrong, nothing read but ids, nothing written.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crm.hearing.ear import Ear
from crm.hearing.listener import Listener
from crm.hearing.message import (
    Forged,
    Heard,
    heard_of_amocrm,
    heard_of_bitrix24,
    heard_of_pipeline,
)
from crm.watchwords import Watchwords
from leads.errors import TooLarge, Unavailable
from leads.settings import Crm
from serve.body import read_body
from serve.problems import Refusal

BITRIX24: Final = "/crm/bitrix24/events"
AMOCRM: Final = "/crm/amocrm/hooks/"
PIPELINE: Final = "/crm/amocrm/digital/"
MOST_BYTES: Final = 262_144
BODY_SECONDS: Final = 5.0
LEAST_KEY: Final = 16

Lock = Callable[[str, bytes], Heard]
"""Reads a message, given what follows the address; ``Forged`` if it does not fit."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Door:
    """The addresses of one CRM: the lock of each, by what the address begins with."""

    locks: Mapping[str, Lock]

    def at(self, path: str) -> tuple[str, Lock] | None:
        """Find the lock of an address, and what follows in it."""
        for begin, lock in self.locks.items():
            if path == begin or (begin.endswith("/") and path.startswith(begin)):
                return path.removeprefix(begin), lock
        return None


class Doorway:
    """Takes hooks in; everything else goes on to the app.

    Parameters
    ----------
    door
        Which addresses there are.
    listener
        Whose inbox keeps the hints, and who is woken.
    count
        Told how each ended: ``"heard"``, ``"forged"`` or ``"failed"``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: Door,
        listener: Listener,
        count: Callable[[str], None],
    ) -> None:
        self.app = app
        self.door = door
        self.listener = listener
        self.count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a hook, or let the app answer."""
        found = self.door.at(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        answer = await self._answer(scope, receive, *found)
        await answer(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, rest: str, lock: Lock
    ) -> Response:
        try:
            if scope["method"] != "POST":
                raise Forged
            body = await read_body(receive, most=MOST_BYTES, seconds=BODY_SECONDS)
            heard = await run_in_threadpool(self._kept, lock, rest, body)
        except (Forged, Refusal, TooLarge):
            self.count("forged")
            return _said(403, "refused")
        except Unavailable as error:
            # amoCRM repeats; Bitrix24 does not, and is asked by the poll.
            log.warning("hook_failed", why=type(error).__name__)
            self.count("failed")
            return _said(503, "later")
        self.listener.wake(queue=heard.is_ping)
        self.count("heard")
        return _said(200, "heard")

    def _kept(self, lock: Lock, rest: str, body: bytes) -> Heard:
        """Read a message and keep its hints; in a thread, for both ask the database."""
        heard = lock(rest, body)
        self.listener.inbox.note(heard.entities, whole=not heard.of_cards)
        return heard


def door_of(crm: Crm, ear: Ear, words: Watchwords) -> Door:
    """Make the addresses of the configured CRM.

    Its secrets come from the environment (tokens of Bitrix24, several apart by spaces,
    or the last part of amoCRM's addresses) or, for an application of Bitrix24, with the
    consent. Without any the doors stay shut, and only the poll hears.
    """
    keys = _keys_in(crm, is_needed=not words.by_consent)
    if crm.kind == "bitrix24":
        return Door({BITRIX24: partial(_bitrix24, keys, words)})

    def number() -> str | None:
        return ear.number or words.known().member or None

    def hook(body: bytes) -> Heard:
        return heard_of_amocrm(body, number())

    def pipeline(body: bytes) -> Heard:
        return heard_of_pipeline(body, number())

    locks = {AMOCRM: hook, PIPELINE: pipeline}
    return Door({at: partial(_amocrm, keys, read) for at, read in locks.items()})


def _keys_in(crm: Crm, *, is_needed: bool) -> list[str]:
    keys = os.environ.get(crm.hook_env, "").split()
    is_short = any(len(key) < LEAST_KEY for key in keys)
    if is_short or (is_needed and not keys):
        log.warning("hooks_shut", why=f"{crm.hook_env} holds no key long enough")
    return [] if is_short else keys


def _bitrix24(keys: Sequence[str], words: Watchwords, _rest: str, body: bytes) -> Heard:
    known = words.known()
    tokens = [*keys, *known.words]
    return heard_of_bitrix24(body, tokens, now=time.time(), member=known.member)


def _amocrm(
    keys: Sequence[str], read: Callable[[bytes], Heard], rest: str, body: bytes
) -> Heard:
    given = rest.encode()
    found = [hmac.compare_digest(given, key.encode()) for key in keys]
    if not any(found):
        raise Forged
    return read(body)


def _said(status: int, what: str) -> Response:
    headers = {} if status == 200 else {"Connection": "close"}
    body = f'{{"status":"{what}"}}'.encode()
    return Response(body, status, headers, "application/json")
