"""What every request passes first, whatever it asks for: the chat's own files, queue and uploads too."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsqa.server import problems
from newsqa.server.access import Access, Kind, Rate, client_of
from newsqa.settings import MEGABYTE
from newsqa.web import MAY_WRITE

LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "newsqa_session"
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self' blob:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with less, browsers send the form to log in as if from nowhere
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with everything. Gradio works without the inline scripts that this forbids."""
OPEN = ("/healthz", "/login", "/newsqa/newsqa.css")
"""What is answered without a token."""
GRADIO = "/gradio_api/"
ASKING = {f"{GRADIO}{name}" for name in ("queue/join", "run/predict", "cancel", "reset")}
PAGE = ASKING | {f"{GRADIO}{name}" for name in ("app_id", "info", "queue/data", "upload", "upload_progress")}
"""What the chat's page asks of Gradio, besides a heartbeat. Nothing else of what Gradio offers is answered: it
fetches from elsewhere, keeps states of pages as files, and gains more with each version."""
READING = {f"/api/{version}{name}" for version in ("", "v1/") for name in ("ask", "ask/stream", "search", "verify")}
READING |= ASKING | {"/logout", "/mcp"}
"""Where something is sent that changes nothing. Whatever else is sent needs a token that may write."""
UPLOADS = ("/api/articles", "/api/v1/articles", f"{GRADIO}upload")
LARGEST_UPLOAD = 1024 * MEGABYTE
LARGEST_BODY = MEGABYTE


@dataclass(frozen=True)
class Rules:
    """What a server asks of requests."""

    access: Access
    hosts: tuple[str, ...] = ()
    """Names that it answers to, besides those of this machine."""
    read_only: bool = False
    rate: Rate | None = None
    """Requests a client may send; None for as many as it likes. Reading pages doesn't count."""


class Guard:
    """Lets a request through, or refuses it, and sends the security headers.

    The check of the Host stops DNS rebinding: a page elsewhere whose name is pointed at this machine.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = RequestBodyLimitMiddleware(app, LARGEST_BODY)
        self._uploads = RequestBodyLimitMiddleware(app, LARGEST_UPLOAD)
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY)
            await send(message)

        path = path_of(scope)
        app: ASGIApp | None = self._refusal(scope, path)
        if app is None:
            app = self._uploads if path in UPLOADS else self._app
        await app(scope, receive, guarded)

    def _refusal(self, scope: Scope, path: str) -> Response | None:
        asked = Asked(scope, path)
        known = self._foreign(asked) or self._too_large(asked) or self._unknown(asked)
        return known or self._unused(asked) or self._too_often(asked)

    def _foreign(self, asked: Asked) -> Response | None:
        host = asked.headers.get("host", "")
        name = _hostname(host)
        ours = (*LOOPBACK, *self._rules.hosts)
        if name not in ours:
            return asked.refused(403, f"This server answers to {', '.join(ours)} only, not {name!r}: --allow-host")
        # Who ends TLS in front of this server may not say so.
        schemes = ("http", "https") if name in self._rules.hosts else (asked.scope["scheme"].replace("ws", "http"),)
        origin = asked.headers.get("origin")
        foreign = origin is not None and origin not in [f"{scheme}://{host}" for scheme in schemes]
        if foreign or not (asked.from_here or asked.followed):
            return asked.refused(403, "Requests from other sites are refused.")
        return None

    def _too_large(self, asked: Asked) -> Response | None:
        limit = LARGEST_UPLOAD if asked.path in UPLOADS else LARGEST_BODY
        size = asked.headers.get("content-length", "0")
        if size.isdecimal() and int(size[:20]) > limit:
            return asked.refused(413, f"The limit here is {limit // MEGABYTE} MB.")
        return None

    def _unknown(self, asked: Asked) -> Response | None:
        """Refuse who has no token, or none for this, and note for what comes after whether it may write."""
        del MutableHeaders(scope=asked.scope)[MAY_WRITE]
        if asked.path in OPEN:
            return None
        kind = self._kind(asked)
        if isinstance(kind, Response):
            return kind
        if kind is None:
            return asked.unknown()
        if kind is Kind.WRITE and not self._rules.read_only:
            # Reading the session has replaced the headers that the scope had.
            MutableHeaders(scope=asked.scope)[MAY_WRITE] = "yes"
        elif not asked.reading and asked.path not in READING:
            why = "This server is read-only." if self._rules.read_only else "This needs the token that may write."
            return asked.refused(403, why)
        return None

    def _kind(self, asked: Asked) -> Kind | Response | None:
        access = self._rules.access
        if not access.tokens:
            return Kind.WRITE
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return access.session_kind(HTTPConnection(asked.scope).cookies.get(COOKIE, ""))
        if wait := access.failures.wait(asked.client):
            return asked.refused(429, "Too many wrong tokens came from this address.", {"Retry-After": str(wait)})
        kind = access.kind(token.strip())
        if kind is None:
            access.failures.spend(asked.client)
            return asked.refused(401, "The token is wrong.", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return kind

    def _unused(self, asked: Asked) -> Response | None:
        beats = asked.path.startswith(f"{GRADIO}heartbeat/")
        if asked.path.startswith(GRADIO) and asked.path not in PAGE and not beats:
            return asked.refused(404, "The chat doesn't use this.")
        return None

    def _too_often(self, asked: Asked) -> Response | None:
        rate = self._rules.rate
        if rate is None or (asked.reading and not asked.of_program):
            return None
        if wait := rate.wait(asked.client):
            return asked.refused(429, "Too many requests came from this address.", {"Retry-After": str(wait)})
        rate.spend(asked.client)
        return None


def path_of(scope: Scope) -> str:
    """Return the path of a request without the one that a proxy serves all this under."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if path.startswith(f"{root}/") else path


class Asked:
    """A request, as the guard sees it."""

    def __init__(self, scope: Scope, path: str) -> None:
        self.scope = scope
        self.path = path
        self.headers = Headers(scope=scope)
        self.client = client_of((scope.get("client") or (None,))[0])
        self.reading = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        self.of_program = path.startswith(("/api/", "/mcp")) or path == "/metrics"

    @property
    def from_here(self) -> bool:
        """Whether a page of this server asks, or what is no page: a program, or a person who types the address."""
        return self.headers.get("sec-fetch-site", "none") in ("same-origin", "none")

    @property
    def followed(self) -> bool:
        """Whether a person follows a link; the page that has it is shown nothing of the answer."""
        return self.reading and self.headers.get("sec-fetch-dest") == "document"

    def refused(self, status: int, why: str, headers: dict[str, str] | None = None) -> Response:
        """Refuse, in the form that who asks reads."""
        if self.of_program:
            return problems.response(problems.described(status, why), headers)
        return PlainTextResponse(why, status, headers)

    def unknown(self) -> Response:
        """Ask for a token: people are led to where they can give it."""
        if self.reading and not self.of_program and "text/html" in self.headers.get("accept", ""):
            root: str = self.scope.get("root_path", "")
            query = self.scope["query_string"].decode("latin-1")
            wanted = f"{root}{self.path}" + (f"?{query}" if query else "")
            return RedirectResponse(f"{root}/login?next={quote(wanted, safe='')}", 303)
        return self.refused(401, "Send a token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})


def _hostname(host: str) -> str:
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    return (name if port.isdigit() else host).strip("[]").lower()
