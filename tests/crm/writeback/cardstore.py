"""A small CRM over HTTP with a ledger of every applied write, for the delivery's tests.

It limits, loses, answers with 503 and 429, and goes on with a request long after its
sender has died. The vendors' own doubles show their forms; this one shows their faults.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Faults:
    """Shares of requests or of single writes that go wrong, and how late is late."""

    overrun: float = 0.0  # 503, not applied
    limited: float = 0.0  # 429, not applied
    lost_before: float = 0.0  # connection cut, not applied
    lost_after: float = 0.0  # connection cut, applied
    late: float = 0.0  # applied after a while, answered after that
    late_seconds: tuple[float, float] = (0.2, 1.1)
    partial: float = 0.0  # single writes of a batch that are not applied
    halfway: float = 0.0  # connection cut, applied up to some write of the batch
    down: float = 0.0  # any request: 503, 429 or the connection cut, not applied


@dataclass(frozen=True)
class Applied:
    """One write that changed a card."""

    entity: str
    version: int
    fields: Mapping[str, Any]
    at: float


@dataclass
class CardStore:
    """Cards, notes, a strict bucket, and what was done to them."""

    seed: int = 0
    faults: Faults = field(default_factory=Faults)
    burst: float = 1e9
    per_second: float = 1e9
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    clients: dict[str, list[str]] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[Applied] = field(default_factory=list)
    requests: list[tuple[float, str, int]] = field(default_factory=list)
    unclear: list[tuple[str, int]] = field(default_factory=list)
    """Path and size of requests that a caller could not know the end of."""
    poison: set[str] = field(default_factory=set)
    spoilers: set[str] = field(default_factory=set)
    """Cards that make every write they are part of fail as a whole."""
    over_limit: int = 0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()
        self._level = 0.0
        self._measured = -1e18  # the bucket is empty, whatever the clock

    def doubled(self) -> dict[tuple[str, int], int]:
        """Name the versions that a card was given more than once."""
        with self._lock:
            times = Counter((one.entity, one.version) for one in self.ledger)
        return {key: count for key, count in times.items() if count > 1}

    def gone_back(self) -> list[Applied]:
        """List writes that put an older version over a newer one."""
        newest: dict[str, int] = {}
        back = []
        for one in list(self.ledger):
            if one.version < newest.get(one.entity, 0):
                back.append(one)
            newest[one.entity] = max(one.version, newest.get(one.entity, 0))
        return back

    def doubled_notes(self) -> list[str]:
        """Name the markers that more than one note carries."""
        times = Counter(note["marker"] for note in self.notes)
        return [marker for marker, count in times.items() if count > 1]

    def count(self, path: str) -> int:
        """Count requests to a path."""
        return sum(asked == path for _, asked, _ in self.requests)

    def serve(self, path: str, body: Any) -> tuple[int, Any]:
        """Answer one request; status 0 cuts the connection."""
        with self._lock:
            self.requests.append((self.now(), path, len(body)))
            if not self._takes():
                self.over_limit += 1
                return 503, {"error": "QUERY_LIMIT_EXCEEDED"}
            luck = self._random.random()
            late = self._random.random() < self.faults.late
            wait = self._random.uniform(*self.faults.late_seconds) if late else 0.0
        if luck < (down := self.faults.down):
            return self._told(path, body, (503, 429, 0)[int(luck / down * 3)], {})
        if path in {"/read", "/find"}:
            return 200, getattr(self, "_" + path[1:])(body)
        if status := self._refused(luck):
            return self._told(path, body, max(status, 0), {})
        if path == "/write" and self.spoilers & {one["entity"] for one in body}:
            return self._told(path, body, 500, {})
        self.sleep(wait)
        f = self.faults
        before = f.overrun + f.limited + f.lost_before
        cut = before + f.lost_after <= luck < before + f.lost_after + f.halfway
        with self._lock:
            done = self._random.randrange(len(body)) if cut else len(body)
            answer = getattr(self, "_" + path[1:])(body[:done])
        is_lost = cut or before <= luck < before + f.lost_after
        return self._told(path, body, 0 if is_lost else 200, answer)

    def _told(self, path: str, body: Any, status: int, answer: Any) -> tuple[int, Any]:
        """Answer, and keep count of what the caller cannot know the end of."""
        if status in {0, 500} and path in {"/write", "/post"}:
            self.unclear.append((path, len(body)))
        return status, answer

    def _refused(self, luck: float) -> int:
        """Give a status, -1 for a cut connection, 0 for none of these."""
        f = self.faults
        if luck < f.overrun:
            return 503
        if luck < f.overrun + f.limited:
            return 429
        # With lost_after the request is worked on first.
        return -1 if luck < f.overrun + f.limited + f.lost_before else 0

    def _takes(self) -> bool:
        now = self.now()
        leaked = (now - self._measured) * self.per_second
        self._level, self._measured = max(0.0, self._level - leaked), now
        if self._level + 1 > self.burst + 1e-9:
            return False
        self._level += 1
        return True

    def _read(self, entities: list[str]) -> dict[str, Any]:
        with self._lock:
            return {
                entity: None
                if entity not in self.cards
                else {
                    "fields": dict(self.cards[entity]),
                    "stage": self.stages.get(entity),
                    "clients": self.clients.get(entity, []),
                }
                for entity in entities
            }

    def _write(self, changes: list[dict[str, Any]]) -> list[str]:
        answers = []
        for change in changes:
            entity = change["entity"]
            if entity in self.poison:
                answers.append("refused")
            elif self._random.random() < self.faults.partial:
                answers.append("not applied")
            else:
                self.cards[entity].update(change["fields"])
                if change["move"]:
                    self.stages[entity] = change["move"]
                if change["tie"] is not None:
                    self.clients[entity] = change["tie"]
                version = change["fields"]["version"]
                told = change["fields"]
                self.ledger.append(Applied(entity, version, told, self.now()))
                answers.append("applied")
        return answers

    def _find(self, markers: list[str]) -> dict[str, str]:
        with self._lock:
            return {
                note["marker"]: note["id"]
                for note in self.notes
                if note["marker"] in markers
            }

    def _post(self, notes: list[dict[str, Any]]) -> list[str]:
        ids = []
        for note in notes:
            if note["remote_id"] is None:
                made = {**note, "id": f"n{len(self.notes)}"}
                self.notes.append(made)
                ids.append(made["id"])
            else:
                (there,) = [n for n in self.notes if n["id"] == note["remote_id"]]
                there["text"] = note["text"]
                ids.append(there["id"])
        return ids


@contextmanager
def opened(store: CardStore) -> Iterator[str]:
    """Listen on a free port of loopback; give the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            status, answer = store.serve(self.path, body)
            if status == 0:
                self.close_connection = True
                return
            said = json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)
            except OSError:  # the sender is dead
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """Take no notice of a peer that was killed."""

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
