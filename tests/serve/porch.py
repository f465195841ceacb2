"""The doorway of a service, served by processes that are killed and born again.

It reads one line per child and answers with the process id of the new one; all of them
listen on one socket, whose number is the second argument.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psycopg
import uvicorn
from sqlalchemy.dialects.postgresql import psycopg as _dialect
from starlette.responses import Response

from crm.hearing.inbox import Inbox
from crm.hearing.message import heard_of_bitrix24
from leads.journal import Journal
from serve.doorway import BITRIX24, Door, Doorway

# Loaded before the forks: a child that lives for 0.2 s must not spend it importing.
PRELOADED = (psycopg, _dialect)
KEY = "a-token-long-enough"
NOW = 1_795_300_000.0


def doorway_of(
    inbox: Inbox, *, count: Callable[[str], None] = lambda _: None
) -> Doorway:
    """Make a doorway for Bitrix24 in front of nothing."""
    listener: Any = SimpleNamespace(inbox=inbox, wake=lambda **_: None)
    door = Door({BITRIX24: lambda _, body: heard_of_bitrix24(body, [KEY], now=NOW)})
    return Doorway(Response("", 404), door=door, listener=listener, count=count)


def serve(url: str, listening: socket.socket) -> None:
    """Be a service until killed."""
    inbox = Inbox(Journal(url), "acme")
    config = uvicorn.Config(
        doorway_of(inbox), log_level="critical", lifespan="off", http="httptools"
    )
    uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    """Fork a service for every line."""
    url, number = sys.argv[1], int(sys.argv[2])
    listening = socket.socket(fileno=number)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(0)
            try:
                serve(url, listening)
            finally:
                os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
