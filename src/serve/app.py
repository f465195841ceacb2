"""The service put together, and run."""

from __future__ import annotations

import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Final, Protocol

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from crm.courier import Courier, also_of
from crm.doors import connecting_of
from crm.watchwords import Watchwords, watchwords_of
from leads.errors import Unavailable
from leads.journal import Journal
from leads.settings import CrmAccount, Settings
from model.backtest.outcomes import read_backtest
from serve import pages, problems
from serve.desk import Desk
from serve.doorway import Doorway, door_of
from serve.guard import Guard
from serve.ingested import Ingested
from serve.insight import Insight
from serve.installing import Installing
from serve.lane import Lane
from serve.listening import Listening, listening_of
from serve.live import Live
from serve.monitor import Monitor, Timer
from serve.overlay import Overlay, fresh_of
from serve.pages.evidence import read_evidence
from serve.pages.seen import Seen
from serve.pages.sight import Sight, wall_clock
from serve.planning import Planning
from serve.reception import Reception
from serve.recorder import Recorder
from serve.routes import Api, document, router
from serve.scheduler import Scheduler
from serve.security import Doorkeeper, Keys
from serve.visitors import House, Visitors, visitors_of

VERSION: Final = "1"
DRAIN_SECONDS: Final = 10
MOST_CONNECTIONS: Final = 1_000
BACKLOG: Final = 2_048

Clock = Callable[[], datetime]


class Beside(Protocol):
    """Something that works in threads of its own while the service runs."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, and let nothing be lost."""


def create_app(
    settings: Settings,
    *,
    now: Clock = wall_clock,
    morning: Sequence[str] | None = None,
) -> FastAPI:
    """Put the service together; it opens its journal and its model when it starts.

    Parameters
    ----------
    settings
        The configuration.
    now
        The clock.
    morning
        The command that does the morning's run; with none, runs are only watched.
    """
    monitor = Monitor()
    desk = _desk(settings, monitor, now)
    courier = _courier(desk, monitor)
    scheduler = Scheduler(settings, desk.journal, command=morning, now=now)
    monitor.watch_mornings(scheduler)
    listening = listening_of(desk)
    insight = Insight(
        settings,
        journal=desk.journal,
        history=desk.ingested.history_or_none,
        fresh=fresh_of(settings, desk.journal),
    )
    sight = _sight(desk, insight)
    words = _words(desk)
    visitors = visitors_of(_house(desk, sight, courier, words, listening))
    threads: tuple[Beside | None, ...] = (courier, scheduler, listening, visitors)
    beside = [one for one in threads if one is not None]
    app = FastAPI(
        title="Leadcast",
        version=VERSION,
        description="Which leads will pay, and why.",
        lifespan=_lifespan(desk, beside),
    )
    app.state.desk = desk
    api = Api(desk, monitor, insight, scheduler, courier, listening)
    app.include_router(router(api))
    pages.attach(app, sight)
    problems.install(app, page=pages.refusal(sight))
    secured = bool(settings.serve.keys)
    app.openapi = lambda: dict(document(app, secured=secured))  # type: ignore[method-assign]  # FastAPI's documented way
    _guard(app, api, words, visitors)
    return app


def _words(desk: Desk) -> Watchwords | None:
    """Open what the CRM's own posts are known by; none without a CRM."""
    crm = desk.settings.crm
    return None if crm is None else watchwords_of(crm, desk.journal)


def _house(
    desk: Desk,
    sight: Sight,
    courier: Courier | None,
    words: Watchwords | None,
    listening: Listening | None,
) -> House | None:
    if courier is None or words is None:
        return None
    look_again = None if listening is None else listening.look_again
    return House(desk, sight, courier, words, look_again)


def _guard(
    app: FastAPI, api: Api, words: Watchwords | None, visitors: Visitors
) -> None:
    """Put up the doors; the last one added is the outermost.

    Time all, let the CRM in by doors of its own, ask for the key, read, answer.
    """
    desk, monitor = api.desk, api.monitor
    serve = desk.settings.serve
    app.add_middleware(Lane, predict=api.predict)
    app.add_middleware(Guard, max_body_bytes=serve.max_body_bytes)
    app.add_middleware(Doorkeeper, keys=Keys(serve.keys))
    _take_consents(app, desk)
    listening = api.listening
    if listening is not None and words is not None:
        listener = listening.listener
        monitor.overhear(listener)
        door = door_of(listening.crm, listener.ear, words)
        app.add_middleware(Doorway, door=door, listener=listener, count=monitor.knocked)
    app.add_middleware(Reception, doors=visitors.doors)
    app.add_middleware(Timer, monitor=monitor)


def _take_consents(app: FastAPI, desk: Desk) -> None:
    """Let a person connect the account while the service runs, if by OAuth."""
    settings = desk.settings
    for section in (settings.crm, settings.source):
        if isinstance(section, CrmAccount) and section.by_oauth:
            app.add_middleware(
                Installing,
                connecting=partial(connecting_of, section, desk.journal, desk.now),
                kind=section.kind,
                language=settings.company.language,
            )
            return


def _desk(settings: Settings, monitor: Monitor, now: Clock) -> Desk:
    folder = settings.store.folder
    ingested = Ingested(folder)
    planning = Planning(settings, ingested.history_or_none, now=now)
    also = planning.also(also_of(settings, ingested.history_or_none))
    journal = Journal(settings.store.database, also=also)
    desk = Desk(
        settings,
        live=Live(folder, now=now, on_swap=monitor.swapped, on_refusal=monitor.refused),
        overlay=Overlay(ingested, fresh_of(settings, journal)),
        journal=journal,
        recorder=Recorder(journal, channel="api", now=now),
        now=now,
    )
    desk.planning = planning
    return desk


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
        partial(read_evidence, folder, desk.settings),
        partial(read_backtest, folder),
        insight=insight,
        now=desk.now,
        planning=desk.planning,
        seen=Seen.of(desk.settings, desk.journal),
    )


def _lifespan(
    desk: Desk, beside: Sequence[Beside]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(desk.recorder.start)
        await run_in_threadpool(desk.live.look)
        desk.live.start()
        for one in beside:
            one.start()
        yield
        for one in reversed(beside):
            await run_in_threadpool(one.stop)
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


def serve(
    settings: Settings,
    listening: socket.socket,
    *,
    morning: Sequence[str] | None = None,
) -> None:
    """Serve on a bound socket until told to stop; then drain and return."""
    config = uvicorn.Config(
        create_app(settings, morning=morning),
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
