"""A client of the small CRM, as a vendor's client would be, and a way to plant bugs."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from crm.port import (
    GATE,
    Allowance,
    Card,
    Change,
    Fields,
    Gate,
    GateClosed,
    Heard,
    Note,
    OurField,
    Outcome,
    Result,
)
from leads.errors import Unavailable

BOUNDLESS = Allowance(1e6, 1_000_000)


def quiet(_: str) -> None:
    """Let a step pass."""


@dataclass
class HttpDesk:
    """Reads and writes cards over a socket; ``at`` is told of each step."""

    address: str
    gate: Gate
    most_at_once: int = 10
    late_by: timedelta = timedelta(seconds=2)
    timeout: float = 0.6
    at: Callable[[str], None] = quiet

    def page(self, entity: str) -> str:
        """Name the card itself."""
        return entity

    def require_fields(self) -> None:
        """Find nothing wrong."""

    def close(self) -> None:
        """Have nothing open."""

    def read(self, entities: Sequence[str]) -> Mapping[str, Card | None]:
        """Look at cards."""
        found = self._sure("/read", list(entities))
        return {entity: _card(entity, found[entity]) for entity in entities}

    def write(self, changes: Sequence[Change]) -> Sequence[Result]:
        """Write changes."""
        body = [
            {
                "entity": one.entity,
                "fields": {name.value: _plain(v) for name, v in one.fields.items()},
                "move": one.move and one.move.after,
                "tie": one.tie and one.tie.after,
            }
            for one in changes
        ]
        return self._results("/write", body)

    def find(self, notes: Sequence[Note]) -> Mapping[str, str]:
        """Find notes."""
        found: dict[str, str] = self._sure("/find", [note.marker for note in notes])
        return found

    def post(self, notes: Sequence[Note]) -> Sequence[Result]:
        """Create or change notes."""
        body = [
            {"marker": n.marker, "text": n.text, "remote_id": n.remote_id}
            for n in notes
        ]
        return self._results("/post", body)

    def _results(self, path: str, body: list[Any]) -> list[Result]:
        try:
            status, answer = self._ask(path, body)
        except GateClosed as closed:
            late = Result(Outcome.NOT_APPLIED, GATE, closed.retry_after)
            return [late] * len(body)
        except ConnectionRefusedError:
            return [Result(Outcome.NOT_APPLIED, "REFUSED")] * len(body)
        except (OSError, http.client.HTTPException):
            return [Result(Outcome.UNCLEAR, "LOST")] * len(body)
        if status in {429, 503}:
            return [Result(Outcome.NOT_APPLIED, str(status))] * len(body)
        if status == 500:
            return [Result(Outcome.UNCLEAR, "500")] * len(body)
        if path == "/post":
            return [Result(Outcome.APPLIED, remote_id=one) for one in answer]
        return [Result(Outcome(one), "SAID_NO") for one in answer]

    def _sure(self, path: str, body: list[Any]) -> Any:
        try:
            status, answer = self._ask(path, body)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable("No answer.", remedy="Wait.") from error
        if status != 200:
            raise Unavailable(f"{status}.", remedy="Wait.")
        return answer

    def _ask(self, path: str, body: list[Any]) -> tuple[int, Any]:
        self.gate.enter()
        try:
            status, answer = self._exchange(path, json.dumps(body).encode())
        except (OSError, http.client.HTTPException):
            self.gate.heard(Heard.DOWN)
            raise
        health = {200: Heard.WELL, 500: Heard.DOWN}
        self.gate.heard(health.get(status, Heard.LIMITED))
        return status, answer

    def _exchange(self, path: str, body: bytes) -> tuple[int, Any]:
        line = http.client.HTTPConnection(self.address, timeout=self.timeout)
        with closing(line):
            if path == "/write":
                self.at("before send")
            line.request("POST", path, body)
            if path == "/write":
                self.at("after send")
            answer = line.getresponse()
            said = answer.read()
            if path == "/write":
                self.at("after answer")
        return answer.status, json.loads(said)


def _card(entity: str, found: Any) -> Card | None:
    if found is None:
        return None
    given = found["fields"]
    fields: Fields = {name: _typed(name, given.get(name.value)) for name in OurField}
    owners = tuple(found["clients"])
    return Card(entity, fields, stage=found["stage"], clients=owners)


def _typed(name: OurField, value: Any) -> Any:
    if name is OurField.AS_OF and value is not None:
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)
