"""What a server counts, for Prometheus. Names of things alone, never what was asked or who asked."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsqa.server.guard import path_of
from newsqa.service import Service

METHODS = ("GET", "HEAD", "POST", "DELETE")
AREAS = ("/api/", "/articles/", "/healthz", "/metrics", "/login", "/newsqa/", "/mcp")
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The figures of one server."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "newsqa_requests", "Requests answered.", ("method", "area", "status"), registry=self._registry
        )
        self._questions = Counter(
            "newsqa_questions",
            "Questions, by how they ended: answered, abstained, refused, failed, stopped.",
            ("outcome",),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "newsqa_question_seconds",
            "Seconds from question to end, waiting in line included.",
            registry=self._registry,
            buckets=BUCKETS,
        )
        running = Gauge("newsqa_questions_running", "Questions being answered.", registry=self._registry)
        running.set_function(lambda: service.line.served)
        waiting = Gauge("newsqa_questions_waiting", "Questions waiting in line.", registry=self._registry)
        waiting.set_function(lambda: service.line.waiting)
        service.observe = self._asked

    def _asked(self, outcome: str, seconds: float) -> None:
        self._questions.labels(outcome).inc()
        self._seconds.observe(seconds)

    def answered(self, method: str, path: str, status: int) -> None:
        """Count a request; only names that are known become labels, as each is kept for good."""
        area = next((area.strip("/") for area in AREAS if path.startswith(area)), "chat")
        self._requests.labels(method if method in METHODS else "other", area, status).inc()

    def text(self) -> bytes:
        """Write the figures as Prometheus reads them."""
        return generate_latest(self._registry)


class Measured:
    """Counts what an application answers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], path_of(scope)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.answered(method, path, message["status"])
            await send(message)

        await self._app(scope, receive, counted)
