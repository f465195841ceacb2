"""``serve``: predictions and pages over HTTP, until told to stop."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from leads.errors import BadConfig, Fault
from leads.settings import Serve, Settings, read_settings
from pipelines.console import ConfigOption, out, table, verb
from serve.lean import import_lightgbm

HostOption = Annotated[
    str | None, typer.Option("--host", help="Instead of the configured one.")
]
PortOption = Annotated[
    int | None, typer.Option("--port", help="Instead of the configured one.")
]


@verb
def serve(
    config: ConfigOption, host: HostOption = None, port: PortOption = None
) -> None:
    """Serve predictions and pages over HTTP."""
    settings = at_address(read_settings(config), host, port)
    serve_here(settings, morning=_morning(config) if settings.daily.run else None)


def at_address(settings: Settings, host: str | None, port: int | None) -> Settings:
    """Serve elsewhere than configured, by the same rules.

    Raises
    ------
    BadConfig
        Others could reach the address and there are no keys; no such port.
    """
    given = {"host": host, "port": port}
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        there = Serve.model_validate({**settings.serve.model_dump(), **chosen})
    except ValidationError as error:
        faults = [
            Fault("the command", item["msg"], "Mend --host, --port or [serve].")
            for item in error.errors(include_url=False)
        ]
        raise BadConfig.of("The address", faults) from error
    return settings.model_copy(update={"serve": there})


def _morning(config: Path) -> list[str]:
    """Say what the service runs every morning: the verb, in a process of its own."""
    return [
        sys.executable,
        "-m",
        "pipelines",
        "daily",
        "--config",
        f"{config.resolve()}",
    ]


def serve_here(settings: Settings, *, morning: Sequence[str] | None = None) -> None:
    """Bind, say where, and serve until told to stop.

    Raises
    ------
    Unavailable
        The address is taken.
    """
    import_lightgbm()
    from serve.app import bound
    from serve.app import serve as serve_on

    with bound(settings.serve.host, settings.serve.port) as listening:
        show(listening)
        serve_on(settings, listening, morning=morning)


def show(listening: socket.socket) -> None:
    """Print the addresses to open."""
    host, port = listening.getsockname()[:2]
    at = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    shown = table("Leadcast serves", "what", "where")
    for what, path in (
        ("leads by tier", "/"),
        ("proof of the model", "/model"),
        ("how to ask", "/docs"),
        ("is it ready", "/readyz"),
    ):
        shown.add_row(what, at + path)
    out.print(shown)
