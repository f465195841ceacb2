"""What the service counts about itself, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm.courier import Courier
from crm.hearing.listener import Listener
from crm.stoppage import Stop
from crm.writeback.pace import Breaker
from leads.decision import Prediction, Tier
from leads.errors import Unavailable
from serve.live import Serving
from serve.scheduler import Scheduler

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class Monitor:
    """Counts of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "leadcast_requests", "Answers by route and status.",
            ("route", "status"), registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "leadcast_request_seconds", "Time to answer by route.",
            ("route",), registry=self.registry, buckets=SECONDS,
        )  # fmt: skip
        self.predictions = Counter(
            "leadcast_predictions", "Predictions made by tier.",
            ("tier",), registry=self.registry,
        )  # fmt: skip
        self.by_tier = {tier: self.predictions.labels(tier=tier.value) for tier in Tier}
        self.unrecorded = Counter(
            "leadcast_unrecorded", "Predictions answered that found no space.",
            registry=self.registry,
        )  # fmt: skip
        self.swaps = Counter(
            "leadcast_bundle_swaps", "Bundles taken into service.",
            registry=self.registry,
        )  # fmt: skip
        self.refusals = Counter(
            "leadcast_bundle_refusals", "Promoted bundles that were refused.",
            registry=self.registry,
        )  # fmt: skip
        self.hooks = Counter(
            "leadcast_hooks", "Hooks of the CRM by how they ended.",
            ("end",), registry=self.registry,
        )  # fmt: skip
        self.bundle = Gauge(
            "leadcast_bundle_info", "The bundle that serves.",
            ("version", "digest"), registry=self.registry,
        )  # fmt: skip

    def count(self, predictions: Sequence[Prediction], *, recorded: bool) -> None:
        """Count predictions by tier, and those that are in no journal."""
        for prediction in predictions:
            self.by_tier[prediction.tier].inc()
        if not recorded:
            self.unrecorded.inc(len(predictions))

    def swapped(self, serving: Serving) -> None:
        """Note the bundle that serves from now on."""
        self.swaps.inc()
        self.bundle.clear()
        self.bundle.labels(serving.version, serving.bundle.digest).set(1)

    def refused(self) -> None:
        """Note a bundle that was refused."""
        self.refusals.inc()

    def watch(self, courier: Courier) -> None:
        """Show from now on how delivery to the CRM is doing."""
        self.registry.register(Delivery(courier))

    def watch_mornings(self, scheduler: Scheduler) -> None:
        """Show from now on how the morning's run stands."""
        self.registry.register(Mornings(scheduler))

    def overhear(self, listener: Listener) -> None:
        """Show from now on how listening to the CRM is doing."""
        self.registry.register(Hearing(listener))

    def knocked(self, end: str) -> None:
        """Count a hook: heard, forged or failed."""
        self.hooks.labels(end).inc()

    def page(self) -> bytes:
        """Write all counts in Prometheus' text form."""
        return generate_latest(self.registry)


class Delivery(Collector):
    """How delivery is doing, asked of the database when somebody looks."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier

    def describe(self) -> list[Metric]:
        """Name nothing in advance, so that registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Count what waits; nothing while the database does not answer."""
        try:
            state = self._courier.state()
        except Unavailable:
            return
        box = state.outbox
        for name, words, value in (
            ("waiting", "Cards with something new to say.", box.waiting),
            ("oldest_seconds", "Age of the oldest.", box.oldest.total_seconds()),
            ("unclear", "Writes that may have been applied.", box.unclear),
            ("dead", "Cards that were given up.", box.dead),
            ("overridden", "Cards with a person's value.", box.overridden),
            ("per_second", "Writes confirmed, last minute.", box.per_second),
        ):
            yield GaugeMetricFamily(f"leadcast_delivery_{name}", words, value)
        closed = GaugeMetricFamily(
            "leadcast_delivery_breaker_closed", "1 while requests leave.",
            labels=("bucket",),
        )  # fmt: skip
        for one in state.pace:
            closed.add_metric((one.bucket,), one.breaker is Breaker.CLOSED)
        yield closed
        yield _stopped("delivery", state.stop)


class Mornings(Collector):
    """Whether the newest due date is done, asked when somebody looks."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def describe(self) -> list[Metric]:
        """Name nothing in advance, so that registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Say done and late as 0 or 1; nothing where nobody runs mornings."""
        try:
            state = self._scheduler.state()
        except Unavailable:
            return
        if state is not None:
            yield GaugeMetricFamily(
                "leadcast_daily_done", "1 if today's run is done.", state.is_finished
            )
            yield GaugeMetricFamily(
                "leadcast_daily_late", "1 if it should be and is not.", state.is_late
            )


class Hearing(Collector):
    """How listening is doing, asked of the database when somebody looks."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def describe(self) -> list[Metric]:
        """Name nothing in advance, so that registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Count what waits; nothing while the database does not answer."""
        try:
            state = self._listener.state()
        except Unavailable:
            return
        seconds = state.inbox.oldest.total_seconds()
        for name, words, value in (
            ("waiting", "Hints of the CRM that wait.", state.inbox.waiting),
            ("oldest_seconds", "Age of the oldest.", seconds),
            ("dead", "Hints that were given up.", state.inbox.dead),
        ):
            yield GaugeMetricFamily(f"leadcast_hints_{name}", words, value)
        if state.reconciled is not None:
            yield GaugeMetricFamily(
                "leadcast_hints_reconciled_seconds",
                "Since the CRM was last asked for all changes.",
                state.reconciled.total_seconds(),
            )
        yield _stopped("listening", state.stop)


def _stopped(what: str, stop: Stop | None) -> Metric:
    """Say what only a person mends; no sample while nothing has to be."""
    made = GaugeMetricFamily(
        f"leadcast_{what}_stopped", "1 until a person acts.", labels=("kind", "remedy")
    )
    if stop is not None:
        made.add_metric((stop.kind, stop.remedy), 1)
    return made


class Timer:
    """An ASGI middleware that counts every answer and how long it took."""

    def __init__(self, app: ASGIApp, *, monitor: Monitor) -> None:
        self.app = app
        self.monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer, and watch."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        try:
            await self.app(scope, receive, watched)
        finally:
            # The pattern, never the address: addresses hold the ids of leads.
            route = getattr(scope.get("route"), "path", "none")
            self.monitor.requests.labels(route, str(status)).inc()
            self.monitor.seconds.labels(route).observe(time.perf_counter() - started)
