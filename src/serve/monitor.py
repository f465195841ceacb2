"""What the service counts about itself, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leads.decision import Prediction, Tier
from serve.live import Serving

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
        self.swaps = Counter(
            "leadcast_bundle_swaps", "Bundles taken into service.",
            registry=self.registry,
        )  # fmt: skip
        self.refusals = Counter(
            "leadcast_bundle_refusals", "Promoted bundles that were refused.",
            registry=self.registry,
        )  # fmt: skip
        self.bundle = Gauge(
            "leadcast_bundle_info", "The bundle that serves.",
            ("version", "digest"), registry=self.registry,
        )  # fmt: skip

    def count(self, predictions: Iterable[Prediction]) -> None:
        """Count predictions by tier."""
        for prediction in predictions:
            self.by_tier[prediction.tier].inc()

    def swapped(self, serving: Serving) -> None:
        """Note the bundle that serves from now on."""
        self.swaps.inc()
        self.bundle.clear()
        self.bundle.labels(serving.version, serving.bundle.digest).set(1)

    def refused(self) -> None:
        """Note a bundle that was refused."""
        self.refusals.inc()

    def page(self) -> bytes:
        """Write all counts in Prometheus' text form."""
        return generate_latest(self.registry)


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
