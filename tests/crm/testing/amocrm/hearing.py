"""A receiver of events that notes what it hears and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.crm.testing.amocrm.talking import ask

from crm.testing import brackets
from crm.testing.amocrm import AmoCrm, AmoProfile
from crm.testing.pump import asgi_poster

HOOK = "https://app.example/amo/hook/s3cret"
ALL = ["add_lead", "update_lead", "status_lead", "responsible_lead", "delete_lead",
       "restore_lead", "note_lead", "add_task", "update_task", "add_contact",
       "update_contact", "add_company"]  # fmt: skip


class Ear:
    """An ASGI application; ``answer`` gives the status of each try, 0 hangs."""

    def __init__(self, answer: Callable[[int], int] = lambda _: 200) -> None:
        self.heard: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.answer = answer
        self.amo = AmoCrm()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Note the body, then answer."""
        body = (await receive())["body"]
        dict_headers = dict(scope["headers"])
        as_json = dict_headers[b"content-type"] == b"application/json"
        told = json.loads(body) if as_json else brackets.decode(body.decode())
        self.heard.append(told)
        self.times.append(self.amo.clock.elapsed)
        status = self.answer(len(self.heard))
        if not status:
            await asyncio.sleep(60)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def of(self, *path: Any) -> list[Any]:
        """List what was heard under a path of keys, where there is something."""
        found = []
        for told in self.heard:
            node: Any = told
            for step in path:
                inside = isinstance(node, dict) and step in node
                inside = inside or (isinstance(node, list) and step < len(node))
                node = node[step] if inside else None
            if node is not None:
                found.append(node)
        return found

    def listen(self, seconds: float = 0, *, step: float = 60) -> None:
        """Deliver what is due, now and as the clock goes on."""

        async def run() -> None:
            await self.amo.deliver()
            for _ in range(int(seconds / step)):
                await self.amo.clock.advance(step)
                await self.amo.deliver()

        asyncio.run(run())


def hearing(
    answer: Callable[[int], int] = lambda _: 200,
    *,
    settings: list[str] | None = None,
    profile: AmoProfile | None = None,
) -> tuple[AmoCrm, Ear]:
    """Make an account whose events a receiver hears."""
    ear = Ear(answer)
    amo = ear.amo = AmoCrm(profile, post=asgi_poster(ear.app), patience_seconds=0.05)
    ask(amo, "POST", "webhooks", {"destination": HOOK, "settings": settings or ALL})
    return amo, ear
