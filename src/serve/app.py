"""The service put together, and run."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from crm.courier import Courier, also_of
from leads.errors import Unavailable
from leads.journal import Journal
from leads.settings import Settings
from model.backtest import read_backtest
from serve import pages, problems
from serve.desk import Desk
from serve.guard import Guard
from serve.ingested import Ingested
from serve.insight import Insight
from serve.lane import Lane
from serve.live import Live
from serve.monitor import Monitor, Timer
from serve.pages.evidence import read_evidence
from serve.pages.sight import Sight
from serve.reception import Reception
from serve.recorder import Recorder
from serve.routes import Api, document, router
from serve.security import Doorkeeper, Keys
from serve.visitors import Visitors, visitors_of

VERSION: Final = "1"
DRAIN_SECONDS: Final = 10
MOST_CONNECTIONS: Final = 1_000
BACKLOG: Final = 2_048

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, now: Clock = wall_clock) -> FastAPI:
    """Put the service together; it opens its journal and its model when it starts.

    Parameters
    ----------
    settings
        The configuration.
    now
        The clock.
    """
    monitor = Monitor()
    desk = _desk(settings, monitor, now)
    courier = _courier(desk, monitor)
    insight = Insight(
        settings, journal=desk.journal, history=desk.ingested.history_or_none
    )
    sight = _sight(desk, insight)
    visitors = visitors_of(desk, sight, courier)
    app = FastAPI(
        title="Leadcast",
        version=VERSION,
        description="Which leads will pay, and why.",
        lifespan=_lifespan(desk, courier, visitors),
    )
    app.state.desk = desk
    api = Api(desk, monitor, insight, courier)
    app.include_router(router(api))
    pages.attach(app, sight)
    problems.install(app)
    keys = Keys(settings.serve.keys)
    app.openapi = lambda: dict(document(app, secured=bool(keys)))  # type: ignore[method-assign]  # FastAPI's documented way
    # The last one added is the outermost: time all, ask for the key, read, answer.
    app.add_middleware(Lane, predict=api.predict)
    app.add_middleware(Guard, max_body_bytes=settings.serve.max_body_bytes)
    app.add_middleware(Doorkeeper, keys=keys)
    app.add_middleware(Reception, doors=visitors.doors)
    app.add_middleware(Timer, monitor=monitor)
    return app


def _desk(settings: Settings, monitor: Monitor, now: Clock) -> Desk:
    folder = settings.store.folder
    ingested = Ingested(folder)
    also = also_of(settings, ingested.history_or_none)
    journal = Journal(settings.store.database, also=also)
    return Desk(
        settings,
        live=Live(folder, now=now, on_swap=monitor.swapped, on_refusal=monitor.refused),
        ingested=ingested,
        journal=journal,
        recorder=Recorder(journal, channel="api", now=now),
        now=now,
    )


def _courier(desk: Desk, monitor: Monitor) -> Courier | None:
    """Make what delivers to the CRM; none without a ``[crm]`` section."""
    if desk.settings.crm is None:
        return None
    courier = Courier(desk.settings, desk.journal)
    monitor.watch(courier)
    return courier


def _sight(desk: Desk, insight: Insight) -> Sight:
    folder = desk.settings.store.folder
    return Sight(
        desk.settings,
        desk.journal,
        desk.ingested.history_or_none,
        partial(read_evidence, folder),
        partial(read_backtest, folder),
        insight=insight,
    )


def _lifespan(
    desk: Desk, courier: Courier | None, visitors: Visitors
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(desk.recorder.start)
        await run_in_threadpool(desk.live.look)
        desk.live.start()
        if courier is not None and desk.settings.crm is not None:
            courier.start(desk.settings.crm.workers)
        visitors.start(asyncio.get_running_loop())
        yield
        await run_in_threadpool(visitors.stop)
        if courier is not None:
            await run_in_threadpool(courier.stop)
        await run_in_threadpool(desk.live.stop)
        await run_in_threadpool(desk.recorder.stop)
        desk.close()
        desk.journal.close()

    return lifespan


def bound(host: str, port: int) -> socket.socket:
    """Take an address.

    Raises
    ------
    Unavailable
        Somebody else has it, or it is not ours to take.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with ExitStack() as undone:
            taken = undone.enter_context(socket.socket(family, kind, protocol))
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address)
            taken.listen(BACKLOG)
            undone.pop_all()
    except OSError as error:
        raise Unavailable(
            f"Nothing can listen on {host}:{port}: {error.strerror}.",
            remedy="Stop what does, or choose another with --host and --port.",
        ) from error
    return taken


def serve(settings: Settings, listening: socket.socket) -> None:
    """Serve on a bound socket until told to stop; then drain and return."""
    config = uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http="httptools",
        access_log=False,  # addresses hold the ids of leads
        log_level="warning",
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    # uvicorn drains on these and then raises them once more, to end the process with
    # a signal; to have drained is to have ended well.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _ended)
    uvicorn.Server(config).run(sockets=[listening])


def _ended(_signal: int, _frame: FrameType | None) -> None:
    """Take a signal that was heeded already."""
