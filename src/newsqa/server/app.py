"""One application: the chat at ``/``, the API, a page for each article, and the guard before all of it."""

from __future__ import annotations

import socket
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Form, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

import newsqa
from newsqa import pages, permalink, web
from newsqa.embed import default_embedder
from newsqa.errors import NewsQAError, UsageError
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.qa import QA
from newsqa.server import problems, routes, views
from newsqa.server.access import SESSION_SECONDS, Access, Kind, Rate, client_of
from newsqa.server.calls import Calls
from newsqa.server.guard import COOKIE, LOOPBACK, Guard, Rules
from newsqa.server.metrics import Measured, Metrics
from newsqa.server.schemas import LARGEST
from newsqa.server.slices import InSlices
from newsqa.service import IngestFactory, Service
from newsqa.settings import Settings

GRACE = 2
"""Seconds that open connections get on shutdown; every open tab holds one for good."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve. ``port`` 0 takes a free one; ``rate`` 0 sets no limit."""

    host: str = "127.0.0.1"
    port: int = 7860
    token: str | None = None
    """Allows everything."""
    read_token: str | None = None
    """Allows what changes nothing."""
    allow_hosts: tuple[str, ...] = ()
    """Names that others reach this server by, through a proxy."""
    root_path: str = ""
    """Path that a proxy serves it under."""
    read_only: bool = False
    rate: int = 600
    """Requests a minute that each client may send."""

    def rules(self) -> Rules:
        """What the guard goes by; raises UsageError when others could reach the server without a token."""
        tokens = {Kind.WRITE: self.token, Kind.READ: self.read_token}
        access = Access({kind: token for kind, token in tokens.items() if token})
        if not access.tokens and (self.host not in LOOPBACK or self.allow_hosts):
            raise UsageError(
                f"Without a token only this machine is served, on {', '.join(LOOPBACK)}, not "
                f"{', '.join((self.host, *self.allow_hosts))}. Set one: newsqa serve --token, or NEWSQA_TOKEN."
            )
        if self.root_path and (not self.root_path.startswith("/") or self.root_path.endswith("/")):
            raise UsageError(f"--root-path should look like /news, got {self.root_path!r}")
        named = () if self.host in ("0.0.0.0", "::") else (self.host,)
        hosts = tuple(name.lower() for name in (*named, *self.allow_hosts) if name not in LOOPBACK)
        return Rules(access, hosts, self.read_only, Rate(self.rate) if self.rate else None)


def create_service(
    settings: Settings, *, read_only: bool = False, qa: QA | None = None, ingest: IngestFactory | None = None
) -> Service:
    """Make what the chat and the API share; ``qa`` and ``ingest`` stand in for those of ``settings``."""
    embedder = default_embedder(settings)  # one for both: it loads at first use
    return Service(
        settings,
        (lambda: qa) if qa else (lambda: QA.open(settings, embedder=embedder)),
        None
        if read_only
        else ingest or (lambda hook: Ingest(settings, progress=hook, embedder=InSlices(embedder), aside=True)),
    )


def create_app(service: Service, options: Options = Options()) -> FastAPI:
    """Put everything into one application."""
    rules = options.rules()
    metrics = Metrics(service)
    app = FastAPI(title="newsqa", openapi_url=None)
    app.add_middleware(Calls)
    app.add_middleware(Guard, rules=rules)
    app.add_middleware(Measured, metrics=metrics)
    app.add_exception_handler(RequestValidationError, problems.invalid_page)
    app.add_exception_handler(NewsQAError, problems.failed_page)
    app.add_exception_handler(HTTPException, problems.astray)
    api = routes.create_api(service, options.root_path)
    app.mount("/api/v1", api)
    app.mount("/api", api)  # the current version
    app.mount("/newsqa", StaticFiles(directory=Path(newsqa.__file__).with_name("static")))
    _pages(app, service)
    _server(app, api, metrics)
    _login(app, rules.access)
    web.mount(app, service)
    app.state.service = service
    return app


def _pages(app: FastAPI, service: Service) -> None:
    @app.get("/articles/{article_id}", response_class=HTMLResponse)
    async def article(
        article_id: str,
        revision: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
        start: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
        end: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
        mark: Annotated[str | None, Query(max_length=64)] = None,
    ) -> str:
        return await service.read(lambda index: _article_page(index, article_id, revision, start, end, mark))


def _article_page(
    index: Index, article_id: str, revision: int | None, start: int | None, end: int | None, mark: str | None
) -> str:
    with index.reading():
        current, now = index.article(article_id).revision, None
        if revision and start is not None and end is not None and mark:
            landing = permalink.follow(index, article_id, revision, start, end, mark)
            found, start, end, now = landing.article, landing.start, landing.end, landing.start_now
        else:
            found = index.article(article_id, revision)
            routes.marked(found, start, end)
        copies = index.copies(article_id)
    return pages.article_page(found, current=current, start=start, end=end, start_now=now, copies=copies)


def _server(app: FastAPI, api: FastAPI, metrics: Metrics) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics")
    async def figures() -> PlainTextResponse:
        return PlainTextResponse(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/openapi.json")
    async def openapi() -> dict[str, Any]:
        return routes.document(api)

    @app.get("/docs", response_class=HTMLResponse)
    async def reference() -> str:
        return views.reference_page(routes.document(api))


def _login(app: FastAPI, access: Access) -> None:
    @app.get("/login", response_class=HTMLResponse)
    async def form(wanted: Annotated[str, Query(alias="next")] = "") -> str:
        return views.login_page(_within(wanted))

    @app.post("/login")
    async def login(
        request: Request, token: Annotated[str, Form()] = "", wanted: Annotated[str, Form(alias="next")] = ""
    ) -> Response:
        client = client_of(request.client and request.client.host)
        if wait := access.failures.wait(client):
            problem = f"Too many wrong tokens came from this address. Try again in {wait} seconds."
            return HTMLResponse(views.login_page(_within(wanted), problem), 429, {"Retry-After": str(wait)})
        kind = access.kind(token.strip())
        if kind is None:
            access.failures.spend(client)
            return HTMLResponse(views.login_page(_within(wanted), "This token is wrong."), 401)
        response = RedirectResponse(_within(wanted), 303)
        response.set_cookie(
            COOKIE,
            access.session(kind),
            max_age=SESSION_SECONDS,
            path=request.scope.get("root_path") or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    @app.post("/logout")
    async def logout(request: Request) -> RedirectResponse:
        response = RedirectResponse("login", 303)
        response.delete_cookie(COOKIE, path=request.scope.get("root_path") or "/")
        return response


def _within(wanted: str) -> str:
    """Return where to go on if that is here: two slashes, or a backslash, lead to another host."""
    here = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if here else "./"


def serve(settings: Settings, options: Options = Options(), *, name: str = "serve", open_browser: bool = False) -> None:
    """Serve the chat and the API until a signal ends it.

    Raises UsageError for options that make no sense together, and for a port that is taken.
    """
    options.rules()  # before the models are looked for
    service = create_service(settings, read_only=options.read_only)
    app = create_app(service, options)

    def started(url: str) -> None:
        Thread(target=service.warm, name="newsqa-warm", daemon=True).start()
        if open_browser:
            webbrowser.open(url)  # the socket listens already: the browser waits for the server

    run(app, options, f"newsqa {name}", started)


def run(app: ASGIApp, options: Options, name: str, started: Callable[[str], object]) -> None:
    """Listen, say where, and serve until a signal ends it."""
    with _listen(options.host, options.port) as listening:
        host = f"[{options.host}]" if ":" in options.host else options.host
        url = f"http://{host}:{listening.getsockname()[1]}{options.root_path}/"
        sys.stderr.write(f"{name}: {url} (Ctrl+C stops it)\n")
        sys.stderr.flush()
        started(url)
        config = uvicorn.Config(
            app,
            log_level="warning",
            timeout_graceful_shutdown=GRACE,
            root_path=options.root_path,
            proxy_headers=bool(options.allow_hosts),  # else a client could call itself what it likes
            server_header=False,
        )
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UsageError(f"Can't listen on {host}:{port}: {error.strerror}. Try: --port {port + 1}") from error
