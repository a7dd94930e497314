"""The HTTP side: the chat at ``/``, a page for each article, and what guards them."""

from __future__ import annotations

import logging
import socket
import sys
import webbrowser
from pathlib import Path
from threading import Thread
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsqa import pages, web
from newsqa.embed import SentenceTransformerEmbedder
from newsqa.errors import ArticleNotFoundError, NewsQAError, UsageError
from newsqa.ingest import Ingest
from newsqa.qa import QA
from newsqa.service import IngestFactory, Service
from newsqa.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LARGEST = 2**31
GRACE = 2
"""Seconds that open connections get on shutdown; every open tab holds one for good."""
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self' blob:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with everything. Gradio works without the inline scripts that this forbids."""

log = logging.getLogger(__name__)


def create_app(settings: Settings, qa: QA | None = None, ingest: IngestFactory | None = None) -> FastAPI:
    """Put the chat and the article pages into one application."""
    embedder = SentenceTransformerEmbedder(settings)  # one for both: it loads at first use
    service = Service(
        settings,
        (lambda: qa) if qa else (lambda: QA.open(settings, embedder=embedder)),
        ingest or (lambda hook: Ingest(settings, progress=hook, embedder=embedder)),
    )
    # FastAPI's own documentation pages load their script from elsewhere.
    app = FastAPI(title="newsqa", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NewsQAError, _failed)
    app.mount("/newsqa", StaticFiles(directory=Path(__file__).with_name("static")))
    _routes(app, service)
    web.mount(app, service)
    app.state.service = service
    return app


def _routes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/articles/{article_id}", response_class=HTMLResponse)
    def article(
        article_id: str,
        revision: Annotated[int | None, Query(ge=1, lt=LARGEST)] = None,
        start: Annotated[int | None, Query(ge=0, lt=LARGEST)] = None,
        end: Annotated[int | None, Query(ge=0, lt=LARGEST)] = None,
    ) -> str:
        return article_page(service, article_id, revision, start, end)


def article_page(service: Service, article_id: str, revision: int | None, start: int | None, end: int | None) -> str:
    """Render an article with [start, end) marked.

    Raises ArticleNotFoundError; UsageError when the offsets don't fit the article.
    """
    index = service.qa.index
    found = index.article(article_id, revision)
    size = len(found.text)
    if (start is None) != (end is None):
        raise UsageError("A quote needs both 'start' and 'end'.")
    if start is not None and end is not None and not start < end <= size:
        raise UsageError(f"No quote at [{start}, {end}): this article has {size} characters.")
    return pages.article_page(
        found,
        current=index.article(article_id).revision,
        start=start,
        end=end,
        copies=index.copies(article_id),
    )


async def _invalid(_: Request, error: Exception) -> HTMLResponse:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    told = "; ".join(f"{'.'.join(map(str, d['loc'][1:]))}: {d['msg']}" for d in details)
    return HTMLResponse(pages.problem_page("This address makes no sense", told), 400)


async def _failed(_: Request, error: Exception) -> HTMLResponse:
    if isinstance(error, ArticleNotFoundError):
        return HTMLResponse(pages.problem_page("No such article", str(error)), 404)
    if isinstance(error, UsageError):
        return HTMLResponse(pages.problem_page("This address makes no sense", str(error)), 400)
    log.error("%s", error)
    return HTMLResponse(pages.problem_page("The archive can't be read", str(error)), 503)


class Guard:
    """Refuses foreign Host names and cross-site requests, and sends the security headers.

    The Host check stops DNS rebinding: a page elsewhere whose name is pointed at this machine.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY)
            await send(message)

        refused = self._refusal(scope)
        app = self.app if refused is None else PlainTextResponse(refused, 403)
        await app(scope, receive, guarded)

    @staticmethod
    def _refusal(scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _hostname(host) not in LOOPBACK:
            return f"This server answers to {', '.join(LOOPBACK)} only."
        reading = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        origin = headers.get("origin")
        foreign = origin is not None and origin.removeprefix("http://") != host
        if not reading and (foreign or headers.get("sec-fetch-site", "none") not in ("same-origin", "none")):
            return "Requests from other sites are refused."
        return None


def _hostname(host: str) -> str:
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    return (name if port.isdigit() else host).strip("[]").lower()


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 7860, open_browser: bool = False) -> None:
    """Run the chat until a signal ends it; ``port`` 0 takes a free one.

    Raises UsageError for an address that others could reach, and for a port that is taken.
    """
    if host not in LOOPBACK:
        raise UsageError(f"The chat has no log-in, so it listens on {', '.join(LOOPBACK)} only, not {host!r}.")
    app = create_app(settings)
    with _listen(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listening.getsockname()[1]}/"
        sys.stderr.write(f"newsqa chat: {url} (Ctrl+C stops it)\n")
        sys.stderr.flush()
        Thread(target=app.state.service.warm, name="newsqa-warm", daemon=True).start()
        if open_browser:
            webbrowser.open(url)  # the socket listens already: the browser waits for the server
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=GRACE)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UsageError(f"Can't listen on {host}:{port}: {error.strerror}. Try: --port {port + 1}") from error
