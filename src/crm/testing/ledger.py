"""What was asked of a double and what came of it: the witness of every fault test.

Two lists: requests as they came in, and writes as they were applied. A late write is
applied after its request was answered, a doubled one twice by the same request; only
here can that be seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

ABSENT: Final = None
"""Stands for "had no such field" in ``before`` and ``after``."""


@dataclass(slots=True)
class Request:
    """One HTTP request: ``status`` is 0 while it is under way or was never answered."""

    number: int
    at: datetime
    method: str
    credential: str
    params: Mapping[str, Any]
    status: int = 0
    error: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """One applied change of one record.

    ``before`` and ``after`` hold only what changed; ``request`` is 0 when a person or
    the CRM itself made the change.
    """

    number: int
    request: int
    method: str
    asked_at: datetime
    applied_at: datetime
    entity: str
    key: str
    action: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lateness(self) -> float:
        """Seconds between the asking and the applying."""
        return (self.applied_at - self.asked_at).total_seconds()


class Ledger:
    """All requests and all applied writes of a double, in order, with queries."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.writes: list[Write] = []

    def asked(
        self, at: datetime, method: str, *, credential: str, params: Mapping[str, Any]
    ) -> Request:
        """Open the entry of a request; the caller fills in how it ended."""
        request = Request(len(self.requests) + 1, at, method, credential, params)
        self.requests.append(request)
        return request

    def applied(
        self,
        request: Request | None,
        at: datetime,
        change: tuple[str, str, str],
        *,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> Write:
        """Enter a write: ``change`` is (entity, key, action), action add/update/delete.

        ``before`` and ``after`` may be whole records: what is equal is left out.
        """
        entity, key, action = change
        changed = [
            name
            for name in {**before, **after}
            if before.get(name, ABSENT) != after.get(name, ABSENT)
        ]
        write = Write(
            number=len(self.writes) + 1,
            request=request.number if request else 0,
            method=request.method if request else "",
            asked_at=request.at if request else at,
            applied_at=at,
            entity=entity,
            key=key,
            action=action,
            before={name: before.get(name, ABSENT) for name in changed},
            after={name: after.get(name, ABSENT) for name in changed},
        )
        self.writes.append(write)
        return write

    def of(self, entity: str, key: str | int | None = None) -> list[Write]:
        """List the writes to one kind of record, or to one record."""
        return [
            write
            for write in self.writes
            if write.entity == entity and (key is None or write.key == str(key))
        ]

    def by_request(self, number: int) -> list[Write]:
        """List what one request applied: nothing, one write, or too many."""
        return [write for write in self.writes if write.request == number]

    def values(self, entity: str, key: str | int, name: str) -> list[Any]:
        """List the values that a field of a record was given, in order."""
        return [
            write.after[name] for write in self.of(entity, key) if name in write.after
        ]

    def keys(self, entity: str) -> list[str]:
        """List the records of a kind that were ever written, each once."""
        return list(dict.fromkeys(write.key for write in self.of(entity)))

    def called(self, method: str) -> list[Request]:
        """List the requests to one method."""
        return [request for request in self.requests if request.method == method]

    def refused(self, *errors: str) -> list[Request]:
        """List the requests that ended in one of these error codes."""
        return [request for request in self.requests if request.error in errors]

    def late(self, seconds: float = 0.0) -> list[Write]:
        """List the writes applied more than so many seconds after the asking."""
        return [write for write in self.writes if write.lateness > seconds]

    def doubled(
        self, entity: str, mark: Callable[[Write], object | None], action: str = "add"
    ) -> dict[object, int]:
        """Count the marks that were written more than once.

        Parameters
        ----------
        entity
            Kind of record, for example ``comment``.
        mark
            Reads from a write what must be there once only (a marker in a text, or
            lead and version); ``None`` leaves the write out.
        action
            Which writes count.
        """
        found = (mark(write) for write in self.of(entity) if write.action == action)
        counts = Counter(each for each in found if each is not None)
        return {each: count for each, count in counts.items() if count > 1}

    def went_back(self, entity: str, version: str) -> list[Write]:
        """List the writes that put an older version after a newer one.

        ``version`` names a field that must only grow in each record; writes that do
        not touch it do not count. Numbers may be written as text.
        """
        return list(self._falls(entity, version))

    def _falls(self, entity: str, version: str) -> Iterator[Write]:
        newest: dict[str, float] = {}
        for write in self.of(entity):
            if write.after.get(version) is None:
                continue
            value = float(write.after[version])
            if value < newest.get(write.key, value):
                yield write
            newest[write.key] = max(value, newest.get(write.key, value))
