"""Runs a double on a loopback socket, where connections can really be cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

import typer
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from crm.testing.wire import CUT

LOOPBACK: Final = "127.0.0.1"
LINGER: Final = struct.pack("ii", 1, 0)  # close at once, with a reset

CLOSING_SECONDS: Final = 0.1

App = Callable[..., Awaitable[None]]
Companion = Callable[[], Awaitable[None]]


class CuttingProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with a word for hanging up."""

    def on_message_begin(self) -> None:
        """Offer the reset to the application of this request."""
        super().on_message_begin()
        extensions: dict[str, Any] = {CUT: self._reset}
        self.scope["extensions"] = extensions

    def _reset(self) -> None:
        bare = self.transport.get_extra_info("socket")
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        self.transport.abort()


def taken(port: int) -> socket.socket:
    """Take a port of loopback, or any free one if it is 0.

    Raises
    ------
    typer.BadParameter
        Somebody else has it.
    """
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        what = f"Port {port} cannot be had ({error.strerror}); 0 takes any free one."
        raise typer.BadParameter(what) from error


def address_of(door: socket.socket) -> str:
    """Say where a socket is reached."""
    return f"{LOOPBACK}:{door.getsockname()[1]}"


def server_of(app: App, **more: Any) -> uvicorn.Server:
    """Make a quiet server on loopback only; ``more`` goes to uvicorn."""
    config = uvicorn.Config(
        app,
        host=LOOPBACK,
        port=0,
        http=CuttingProtocol,
        interface="asgi3",
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
        **more,
    )
    return uvicorn.Server(config)


async def serve(
    server: uvicorn.Server,
    companions: Sequence[Companion] = (),
    *,
    door: socket.socket | None = None,
) -> None:
    """Serve until told to exit, with companions (clock, pump) running beside.

    At a door of the caller's; by default at any free port of loopback.
    """
    tasks = [asyncio.ensure_future(companion()) for companion in companions]
    try:
        await server.serve(None if door is None else [door])
    finally:
        # A polite TLS farewell waits half a minute for callers that have gone.
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(CLOSING_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def running(
    app: App, companions: Sequence[Companion] = (), **more: Any
) -> Iterator[str]:
    """Serve from a thread of this process while the block lasts; give the address.

    Only for callers that need a socket (another process, a client without ASGI): the
    double then runs in another thread than the test.
    """
    server = server_of(app, **more)
    thread = threading.Thread(
        target=lambda: asyncio.run(serve(server, companions)), daemon=True
    )
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("The double's server ended before it had started.")
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    scheme = "https" if more.get("ssl_certfile") else "http"
    try:
        yield f"{scheme}://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
