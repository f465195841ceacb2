"""Who is told of changes: outgoing webhooks, bound handlers, the offline queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class OutgoingWebhook:
    """A webhook that a person clicked together; its token never changes."""

    url: str
    events: frozenset[str]
    token: str
    id: int


@dataclass(frozen=True, slots=True)
class Binding:
    """A handler that an application bound to an event."""

    client_id: str
    event: str
    handler: str
    user: int
    id: int
    offline: bool = False
    connector: str = ""
    least_seconds: float = 0.0  # between two pings of ONOFFLINEEVENT


@dataclass(slots=True)
class QueueRow:
    """A change that waits in the offline queue of one application and connector."""

    id: int
    client_id: str
    connector: str
    event: str
    data: dict[str, Any]
    at: datetime
    message: str
    process: str = ""
    reserved_at: float = 0.0
    failed: bool = False


@dataclass(slots=True)
class Workflow:
    """A client's automation that called our robot and may wait for the answer."""

    id: str
    token: str
    code: str
    document: str
    until: float
    answered: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    log: str = ""


@dataclass
class Subscriptions:
    """All of them, as plain lists."""

    webhooks: list[OutgoingWebhook] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    queue: list[QueueRow] = field(default_factory=list)
    last_ping: dict[str, float] = field(default_factory=dict)
    robots: dict[str, dict[str, Any]] = field(default_factory=dict)
    triggers: dict[str, str] = field(default_factory=dict)
    triggered: list[tuple[str, int, int]] = field(default_factory=list)
    placements: list[dict[str, Any]] = field(default_factory=list)
    workflows: list[Workflow] = field(default_factory=list)
