"""Figures for Prometheus: requests, their seconds, and how well the model's passes are filled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ITEMS = (1, 2, 4, 8, 16, 32, 64)


class Meter:
    """The figures of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        of = {"registry": self.registry}
        self.requests = Counter(
            "earshot_requests", "Requests answered", ("method", "route", "status"), **of
        )
        self.seconds = Histogram(
            "earshot_request_seconds", "Seconds to answer", ("route",), buckets=SECONDS, **of
        )
        self.batches = Histogram(
            "earshot_model_batch_items",
            "Items in one pass of the model",
            ("model", "kind"),
            buckets=ITEMS,
            **of,
        )
        self.sounds = Gauge("earshot_sounds", "Sounds in the index", ("model",), **of)

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self.registry)


class Metered:
    """Counts and times every request by its route, never by its address: few labels."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self.app, self.meter = app, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "other") or "other"
            method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
            self.meter.requests.labels(method, route, str(status)).inc()
            self.meter.seconds.labels(route).observe(time.perf_counter() - begin)
