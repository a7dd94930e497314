"""What went wrong, for whoever asked: problem details (RFC 9457) for programs, a page for people."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from newsqa import pages
from newsqa.errors import (
    ArticleNotFoundError,
    BusyError,
    CitationError,
    FormatError,
    IndexLockedError,
    NewsQAError,
    SourceError,
    UsageError,
)
from newsqa.service import UNEXPECTED

MEDIA_TYPE = "application/problem+json"
RETRY = {BusyError: 2, IndexLockedError: 30}
"""Seconds after which trying again may help."""

log = logging.getLogger(__name__)


class Problem(BaseModel):
    """Why a request was not done, as RFC 9457 has it, and ``error``: a name of newsqa.errors where it is one."""

    type: str = Field(default="about:blank", description="Always about:blank: the status says what kind it is.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What went wrong, with which value, and what helps.")
    error: str | None = Field(default=None, description="The error's name, as `newsqa --json` writes it.")


def phrase(status: int) -> str:
    """Say what a status means."""
    return HTTPStatus(status).phrase


def described(status: int, detail: str, error: str | None = None) -> Problem:
    """Make a problem of a status."""
    return Problem(title=phrase(status), status=status, detail=detail, error=error)


def response(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Send a problem."""
    content = problem.model_dump(exclude_none=True)
    return JSONResponse(content, problem.status, headers, MEDIA_TYPE)


def of(error: NewsQAError) -> Problem:
    """Make a problem of an error of ours."""
    match error:
        case UsageError() | SourceError() | FormatError():
            status = 422
        case ArticleNotFoundError():
            status = 404
        case CitationError():
            status = 500
        case _:
            status = 503
    return described(status, str(error), type(error).__name__)


def retry(error: NewsQAError) -> dict[str, str]:
    """Return the header that says when to try again, where that may help."""
    return {"Retry-After": str(RETRY[type(error)])} if type(error) in RETRY else {}


# For programs ----------------------------------------------------------------------------------


async def failed(_: Request, error: Exception) -> JSONResponse:
    """Answer for an error of ours."""
    assert isinstance(error, NewsQAError)
    problem = of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s", error)
    return response(problem, retry(error))


async def invalid(_: Request, error: Exception) -> JSONResponse:
    """Answer for a request that doesn't fit the schema."""
    assert isinstance(error, RequestValidationError)
    return response(described(422, _told(error.errors()), "UsageError"))


async def refused(request: Request, error: Exception) -> JSONResponse:
    """Answer for an address or a method that there isn't."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_allowed(request)))
    return response(described(error.status_code, error.detail), headers)


def _allowed(request: Request) -> set[str]:
    """What the address answers to; the error itself knows of one of its routes alone."""
    routes = iter_route_contexts(request.app.routes)
    return {m for route in routes if route.matches(request.scope)[0] is not Match.NONE for m in route.methods or ()}


async def astray(request: Request, error: Exception) -> Response:
    """Answer for an address that leads to no application, such as one with a line end in it."""
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(f"{request.scope.get('root_path', '')}/api/"):
        return await refused(request, error)
    return PlainTextResponse(error.detail, error.status_code, error.headers)


async def unexpected(_: Request, error: Exception) -> JSONResponse:
    """Answer for a defect; the server logs it."""
    return response(described(500, UNEXPECTED))


# For people ------------------------------------------------------------------------------------


async def invalid_page(_: Request, error: Exception) -> HTMLResponse:
    """Show that an address makes no sense."""
    assert isinstance(error, RequestValidationError)
    return HTMLResponse(pages.problem_page("This address makes no sense", _told(error.errors())), 400)


async def failed_page(_: Request, error: Exception) -> HTMLResponse:
    """Show an error of ours."""
    if isinstance(error, ArticleNotFoundError):
        return HTMLResponse(pages.problem_page("Not in this archive", str(error)), 404)
    if isinstance(error, UsageError):
        return HTMLResponse(pages.problem_page("This address makes no sense", str(error)), 400)
    log.error("%s", error)
    return HTMLResponse(pages.problem_page("The archive can't be read", str(error)), 503)


def _told(details: Any) -> str:  # noqa: ANN401  pydantic's own
    return "; ".join(f"{'.'.join(map(str, d['loc'][1:])) or 'body'}: {d['msg']}" for d in details)
