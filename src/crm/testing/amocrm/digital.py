"""The Digital Pipeline: calls a widget's address when a lead appears in a status.

The CRM's own automation, as JSON; there are no return values: who is called writes back
through the API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm.testing.amocrm.account import Account, Change
from crm.testing.pump import Message, Poster, Pump

JSON: Final = {"content-type": "application/json"}
APPEARED: Final = 15
LEAD: Final = 2
REPEATS: Final = 4
REPEAT_SECONDS: Final = 900.0  # four in an hour; how they are spread is not documented
MOST_BAD: Final = 100
COUNTED_SECONDS: Final = 300.0
PAUSE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Trigger:
    """A widget that was hung on a status by hand, with what was set in it."""

    pipeline_id: int
    status_id: int
    url: str
    settings: Mapping[str, Any] = field(default_factory=dict)


class DigitalPipeline:
    """Calls the triggers of a status.

    Attributes
    ----------
    triggers
        Hung on by the test, as a person does it in the CRM.
    """

    def __init__(
        self, account: Account, post: Poster, *, seed: int, patience_seconds: float
    ) -> None:
        self.triggers: list[Trigger] = []
        self.pump = Pump(
            account.clock,
            post,
            seed=seed,
            again=self._again,
            patience_seconds=patience_seconds,
        )
        self._account = account
        self._paused_until = 0.0
        self._counted_from = 0.0
        account.listeners.append(self.hear)

    def hear(self, change: Change) -> None:
        """Call those whose status a lead has entered."""
        if change.kind != "leads" or not (
            change.differs("status_id") or change.differs("pipeline_id")
        ):
            return
        where = (change.after["pipeline_id"], change.after["status_id"])
        for trigger in self.triggers:
            if (trigger.pipeline_id, trigger.status_id) == where:
                self._send(self._message(trigger, int(change.key)))

    def _message(self, trigger: Trigger, lead: int) -> Message:
        profile = self._account.profile
        data = {
            "id": lead,
            "element_type": LEAD,
            "status_id": trigger.status_id,
            "pipeline_id": trigger.pipeline_id,
        }
        body = {
            "event": {
                "type": APPEARED,
                "type_code": "lead_appeared_in_status",
                "data": data,
                "time": self._account.now,
            },
            "action": {"settings": {"widget": {"settings": dict(trigger.settings)}}},
            "subdomain": profile.subdomain,
            "account_id": profile.account_id,
        }
        text = json.dumps(body, ensure_ascii=False).encode()
        return Message(trigger.url, text, f"digital pipeline {lead}", dict(JSON))

    def _send(self, message: Message) -> None:
        wait = self._paused_until - self._account.clock.elapsed
        if wait > 0:
            self._account.clock.after(wait, lambda: self.pump.send(message))
        else:
            self.pump.send(message)

    def _again(self, status: int, attempt: int) -> float | None:
        del status
        now = self._account.clock.elapsed
        since = max(now - COUNTED_SECONDS, self._counted_from)
        bad = 0
        for tried in reversed(self.pump.deliveries):
            if tried.at < since:
                break
            bad += not 200 <= tried.status < 300
        if bad > MOST_BAD:
            self._paused_until = now + PAUSE_SECONDS
            self._counted_from = self._paused_until
        return REPEAT_SECONDS if attempt <= REPEATS else None
