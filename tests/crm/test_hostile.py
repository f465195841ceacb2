"""T11: whatever a CRM answers, nothing counts as written, and soon it is over."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
import pytest
from tests.crm.amocrm.test_cards import connected
from tests.crm.bitrix24.portal import Gate
from tests.crm.bitrix24.test_cards import ready
from tests.seeds import tell

from crm.amocrm.client import AmoClient, judged
from crm.bitrix24.client import Client, Webhook
from crm.port import CardDesk, Change, OurField, Outcome
from crm.transport import MOST_BYTES, Limits, Lost, Transport
from leads.errors import LeadcastError

MEGABYTE = 1_000_000
WHOLE = 0.6
MOST_MEMORY = MOST_BYTES + MEGABYTE
READ_WHOLE = "10 MB"
"""Within the limit, and read as JSON: its reader reserves twelve times as much."""
LIMITS = Limits(connect=timedelta(seconds=0.3), whole=timedelta(seconds=WHOLE))


@dataclass(frozen=True)
class Reply:
    """Bytes of an answer, in parts with a pause between them."""

    head: str = "HTTP/1.1 200 OK"
    headers: tuple[str, ...] = ()
    body: bytes = b""
    parts: tuple[bytes, ...] = ()
    pause: float = 0.0
    repeat: int = 1

    def chunks(self) -> Iterator[bytes]:
        """Give what to send, and when."""
        lines = [self.head, "content-type: application/json", *self.headers]
        if not self.parts:
            lines.append(f"content-length: {len(self.body)}")
        yield ("\r\n".join(lines) + "\r\n\r\n").encode()
        yield self.body
        for _ in range(self.repeat):
            yield from self.parts


def said(value: object, status: str = "200 OK", *headers: str) -> Reply:
    """Answer with JSON."""
    return Reply(f"HTTP/1.1 {status}", headers, orjson.dumps(value))


def asking(wait: str, status: str = "429 Too Many Requests") -> Reply:
    """Ask to be left alone for so long."""
    return said({"error": "x"}, status, f"retry-after: {wait}")


ODD: dict[str, object] = {
    "id": 1, "stageId": {}, "updatedTime": [], "field_id": [], "values": {"a": 1},
    **{f"UF_CRM_LCP_{name.name}": {"x": []} for name in OurField},
}  # fmt: skip
FAST = b"10000\r\n" + bytes(65_536) + b"\r\n"
CHUNKED = "transfer-encoding: chunked"
CASES: dict[str, Reply] = {
    "wait -1": asking("-1"),
    "wait 0": asking("0"),
    "wait 1e9": asking("1e9"),
    "wait 1000000000": asking("1000000000"),
    "wait abc": asking("abc"),
    "wait 2099": asking("Fri, 31 Dec 2099 23:59:59 GMT"),
    "wait in 503": asking("-1", "503 Service Unavailable"),
    "wait in a body": said({"error": "x", "retry_after": 1e308}, "429 Slow"),
    "wait of a wrong type": said({"error": "x", "retry_after": ["x"]}, "429 Slow"),
    "error in 200": said({"error": "INTERNAL_SERVER_ERROR"}),
    "empty error in 200": said({"error": "", "result": True}),
    "zero error in 200": said({"error": 0, "result": {"result": {}}}),
    "null": said(None),
    "true": Reply(body=b"true"),
    "a number": said(7),
    "a text": said("ok"),
    "a list": said([]),
    "an empty map": said({}),
    "result true": said({"result": True, "_embedded": True}),
    "result a list": said({"result": [], "_embedded": []}),
    "result null": said({"result": {"result": None}, "_embedded": {"leads": None}}),
    "rows of texts": said(
        {
            "result": {"result": {"c0": "yes", "lead": "yes"}},
            "_embedded": {"leads": ["x"]},
        }
    ),
    "rows of lists": said(
        {"result": {"result": {"c0": [[]]}}, "_embedded": {"leads": [[]]}}
    ),
    "rows of others": said(
        {
            "result": {"result": {"c0": {"item": {"id": 99}}}},
            "_embedded": {"leads": [{"id": 99}]},
        }
    ),
    "fields of wrong types": said(
        {
            "result": {"result": {"c0": {"item": {"id": "1", "x": 1}}}},
            "_embedded": {"leads": [{"id": 1, "custom_fields_values": ["x"]}]},
        }
    ),
    "values of wrong types": said(
        {
            "result": {"result": {"lead": {"items": [ODD]}}},
            "_embedded": {"leads": [{"id": 1, "custom_fields_values": [ODD]}]},
        }
    ),
    "rows that are a number": said(
        {"result": {"result": 7}, "_embedded": {"leads": 7, "errors": {"update": 7}}}
    ),
    "faults of wrong types": said({"validation-errors": 7}, "400 Bad Request"),
    "faults that are texts": said(
        {"validation-errors": ["x", {"errors": ["y"]}], "error": {"x": []}}, "400 Bad"
    ),
    "created": said({}, "201 Created"),
    "no content": Reply("HTTP/1.1 204 No Content"),
    "html": Reply(body=b"<html>Please sign in</html>"),
    "half of a body": Reply(parts=(b'{"result":',), headers=("content-length: 999",)),
    "broken json": Reply(body=b'{"result": {"result": {"c0"'),
    "bad utf-8": Reply(body=b'{"result": "\xff\xfe"}'),
    "not http": Reply("SSH-2.0-OpenSSH"),
    "moved": said({}, "302 Found", "location: {trap}"),
    "moved for good": said({}, "308 Permanent Redirect", "location: {trap}"),
    "gzip bomb": Reply(
        headers=("content-encoding: gzip",), body=gzip.compress(bytes(50 * MEGABYTE))
    ),
    READ_WHOLE: Reply(body=b'{"x":"' + b"x" * 10 * MEGABYTE + b'"}'),
    "40 MB": Reply(
        headers=(f"content-length: {40 * MEGABYTE}",),
        parts=(bytes(MEGABYTE),), repeat=40,
    ),
    "endless": Reply(
        headers=(CHUNKED,), parts=(b"1\r\nx\r\n",), pause=0.05, repeat=1_200
    ),
    "endless and fast": Reply(headers=(CHUNKED,), parts=(FAST,), repeat=2_000),
    "trickling headers": Reply(headers=("{trickle}",), pause=0.1),
    "silence": Reply(headers=("content-length: 9",), parts=(b"",), pause=60.0),
}  # fmt: skip


@dataclass
class Trap:
    """Takes connections, and counts who was sent here."""

    address: str = ""
    came: list[bytes] = field(default_factory=list)
    reply: Reply = field(default_factory=Reply)
    trap: str = ""


@contextmanager
def listening(reply: Reply, trap: str = "") -> Iterator[Trap]:
    """Answer every request with these bytes."""
    scene, ending = Trap(reply=reply, trap=trap), threading.Event()

    def serve(line: socket.socket) -> None:
        with line:
            try:
                scene.came.append(_heard(line))
                for chunk in _worded(scene):
                    line.sendall(chunk)
                    if ending.wait(reply.pause):
                        return
            except OSError:
                return

    def accept() -> None:
        while not ending.is_set():
            try:
                line, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(line,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        scene.address = f"http://127.0.0.1:{server.getsockname()[1]}"
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield scene
        ending.set()
        server.shutdown(socket.SHUT_RDWR)
    thread.join(2)


def _heard(line: socket.socket) -> bytes:
    """Take in a request."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        part = line.recv(65_536)
        if not part:
            return heard
        heard += part
    head, _, body = heard.partition(b"\r\n\r\n")
    lengths = [
        int(one.partition(b":")[2])
        for one in head.lower().split(b"\r\n")
        if one.startswith(b"content-length")
    ]
    while len(body) < sum(lengths):
        body += line.recv(65_536)
    return head + body


def _worded(scene: Trap) -> Iterator[bytes]:
    for chunk in scene.reply.chunks():
        if b"{trickle}" in chunk[:200]:
            yield from (b"HTTP/1.1 200 OK\r\nx: ", *[b"x"] * 600)
        elif b"{trap}" in chunk[:200]:
            yield chunk.replace(b"{trap}", scene.trap.encode())
        else:
            yield chunk


@dataclass
class Vendor:
    """Opens a desk that knows its fields, towards any address."""

    entity: str
    desk: CardDesk
    towards: Callable[[str, Gate], Client | AmoClient]


def bitrix24() -> Vendor:
    """Give a desk of a portal."""
    _, desk = ready()

    def client(address: str, gate: Gate) -> Client:
        return Client(Webhook(address, "/rest/1/s3cret/"), gate, limits=LIMITS)

    return Vendor("lead:1", desk, client)


def amocrm() -> Vendor:
    """Give a desk of an account."""
    _, desk, (entity,) = connected()
    desk.read([entity])

    def client(address: str, gate: Gate) -> AmoClient:
        line = Transport(address, gate, judge=judged, limits=LIMITS)
        return AmoClient(line, lambda: "token")

    return Vendor(entity, desk, client)


VENDORS = {"bitrix24": bitrix24, "amocrm": amocrm}


def test_there_are_forty_cases() -> None:
    """Count them, so that none is lost."""
    assert len(CASES) >= 40


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_hostile_answer_counts_as_written(vendor: str) -> None:
    """Read or written, nothing is believed, no redirect followed, all over in time."""
    opened = VENDORS[vendor]()
    wrong, slowest, largest = [], 0.0, 0
    with listening(said({})) as trap:
        for name, reply in CASES.items():
            with listening(reply, trap.address) as scene:
                found = suffered(opened, scene.address)
            slowest = max(slowest, found.seconds)
            largest = max(largest, 0 if name == READ_WHOLE else found.bytes)
            wrong += [f"{name}: {one}" for one in found.wrong]
        tell(
            f"T11 {vendor}", cases=len(CASES), slowest=f"{slowest:.2f} s",
            largest=f"{largest / 2**20:.1f} MB", redirects=len(trap.came), wrong=wrong,
        )  # fmt: skip

        assert wrong == []
        assert trap.came == []
        assert largest <= MOST_MEMORY


@pytest.mark.long
@pytest.mark.parametrize("name", ["endless", "trickling headers", "silence"])
def test_an_answer_without_end_is_over_in_thirty_seconds(name: str) -> None:
    """With the limits of every day, whatever part of the answer it is that drips."""
    with listening(CASES[name]) as scene:
        line = Transport(scene.address, Gate(), judge=judged)
        begun = time.monotonic()
        with closing(line), pytest.raises(Lost):
            line.post("/", {})
        took = time.monotonic() - begun
    tell("T11", case=name, seconds=f"{took:.1f}")

    assert took <= 31


@dataclass
class Suffered:
    """What became of one look and one write."""

    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    bytes: int = 0


def suffered(vendor: Vendor, address: str) -> Suffered:
    """Look at a card and write it, at an address that answers with nonsense."""
    ended, gate = Suffered(), Gate()
    change = Change(vendor.entity, {OurField.VERSION: 3, OurField.TIER: "hot"})
    with closing(vendor.towards(address, gate)) as client:
        vendor.desk._client = client  # type: ignore[attr-defined]  # of either
        with measured(ended):
            try:
                card = vendor.desk.read([vendor.entity])[vendor.entity]
                if card is not None:
                    ended.wrong.append(f"read {card}")
            except LeadcastError:
                pass
        with measured(ended):
            (result,) = vendor.desk.write([change])
        if result.outcome is Outcome.APPLIED:
            ended.wrong.append(f"{result}")
        asked = result.retry_after
        if asked is not None and not timedelta(0) < asked <= timedelta(minutes=10):
            ended.wrong.append(f"waits {asked}")
    return ended


@contextmanager
def measured(ended: Suffered) -> Iterator[None]:
    """Measure time and memory of one request."""
    tracemalloc.start()
    begun = time.monotonic()
    try:
        yield
    finally:
        ended.seconds = max(ended.seconds, time.monotonic() - begun)
        ended.bytes = max(ended.bytes, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    if ended.seconds > 2 * WHOLE + 1:
        ended.wrong.append(f"took {ended.seconds:.1f} s")
