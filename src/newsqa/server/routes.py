"""The API: an application of its own, mounted under ``/api/v1``, that speaks JSON whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterable
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, File, Form, Request, UploadFile
from fastapi import Path as InPath
from fastapi import Query as InQuery
from fastapi.exceptions import RequestValidationError
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from newsqa import quotes
from newsqa.errors import NewsQAError, UsageError
from newsqa.http import normal_url
from newsqa.index import Index
from newsqa.server import problems, schemas
from newsqa.server.problems import Problem
from newsqa.server.schemas import LARGEST, MAX_OUTLETS
from newsqa.service import Service
from newsqa.types import Answer, Article, Filters, Report, Stage

ABOUT = """Ask an archive of news articles. Every answer is a verbatim quote: `article.text[start:end] == quote`, in
Unicode code points, where the article is the one under `/articles/{article_id}?revision={revision}`.

Names are those that `newsqa --json` writes. Where the server has tokens, send one: `Authorization: Bearer TOKEN`.
Errors are problem details (RFC 9457, `application/problem+json`)."""
MAX_LISTED = 500
MAX_SOURCES = 100
"""Files or addresses in one request."""


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document problems: those given, and those that any request may meet."""
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    met = sorted({*statuses, 401, 403, 422, 429, 503})
    return {status: {"content": content, "description": problems.phrase(status)} for status in met}


router = APIRouter(responses=_problems())
ArticleId = Annotated[str, InPath(max_length=200, description="As /articles and answers give it.")]
Offset = Annotated[int | None, InQuery(ge=0, le=LARGEST)]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Archive = Annotated[Service, Depends(_service)]


def _room(service: Archive) -> None:
    """Say that too many wait before a stream begins; then it could only be said within."""
    service.line.check()


# Asking ----------------------------------------------------------------------------------------


@router.post("/ask", tags=["Asking"], responses=_problems(400, 413, 500))
async def ask(question: schemas.Question, service: Archive) -> Answer:
    """Answer a question with quotes, or abstain: then `text` is null and `reason` says why."""
    async for step in service.ask(**question.asked):
        if isinstance(step, Answer):
            return step
    raise AssertionError("asking always ends with an Answer")


@router.post(
    "/ask/stream",
    tags=["Asking"],
    response_class=EventSourceResponse,
    responses=_problems(400, 413, 500),
    dependencies=[Depends(_room)],
)
async def ask_stream(question: schemas.Question, service: Archive) -> AsyncIterable[ServerSentEvent]:
    """Answer as server-sent events: `stage` (name, message) as the work goes on, then `answer` or `problem`."""
    try:
        async for step in service.ask(**question.asked):
            yield ServerSentEvent(event="stage" if isinstance(step, Stage) else "answer", data=step)
    except NewsQAError as error:
        yield ServerSentEvent(event="problem", data=problems.of(error))


@router.post("/search", tags=["Asking"], responses=_problems(400, 413))
async def search(query: schemas.Query, service: Archive) -> schemas.Passages:
    """Return the passages that come nearest, by meaning and by words. They are not answers."""
    found = await service.search(query.query, k=query.k, filters=query.filters)
    return schemas.Passages(passages=[schemas.Found.model_validate(passage) for passage in found])


@router.post("/verify", tags=["Asking"], responses=_problems(400, 413))
async def verify(quote: schemas.Quote, service: Archive) -> schemas.Verified:
    """Tell whether a quote stands in the archive, character by character, and where."""
    places = await service.read(lambda index: quotes.find(index, quote.quote, quote.article_id))
    return schemas.Verified(verbatim=bool(places), places=places)


# Articles --------------------------------------------------------------------------------------


@router.get("/articles", tags=["Articles"])
async def articles(
    service: Archive,
    since: Annotated[schemas.Day | None, InQuery(description="Published on this day or later.")] = None,
    until: Annotated[schemas.Day | None, InQuery(description="Published on this day or earlier.")] = None,
    outlet: Annotated[list[str], InQuery(max_length=MAX_OUTLETS, description="Only of this; repeatable.")] = [],  # noqa: B006
    language: Annotated[
        list[schemas.Language], InQuery(max_length=MAX_OUTLETS, description="Only in this: en; repeatable.")
    ] = [],  # noqa: B006
    limit: Annotated[int, InQuery(ge=1, le=MAX_LISTED)] = 50,
    offset: Annotated[int, InQuery(ge=0, le=LARGEST, description="How many to pass over.")] = 0,
) -> schemas.Listing:
    """List articles, newest first, undated ones last."""
    filters = Filters(since, until, tuple(outlet), languages=tuple(language))

    def listed(index: Index) -> schemas.Listing:
        with index.reading():
            found = [schemas.heading(article) for article in index.articles(filters, limit=limit, offset=offset)]
            return schemas.Listing(articles=found, total=index.count(filters))

    return await service.read(listed)


@router.get("/articles/{article_id}", tags=["Articles"], responses=_problems(404))
async def article(
    article_id: ArticleId,
    service: Archive,
    revision: Annotated[int | None, InQuery(ge=1, le=LARGEST, description="Else the current one.")] = None,
    start: Offset = None,
    end: Offset = None,
) -> schemas.Shown:
    """Return an article, with `marked` the part from `start` to `end` where these are given."""
    return await service.read(lambda index: shown(index, article_id, revision, start, end))


def shown(index: Index, article_id: str, revision: int | None, start: int | None, end: int | None) -> schemas.Shown:
    """Read an article; raises ArticleNotFoundError, UsageError when the offsets don't fit it."""
    with index.reading():
        found = index.article(article_id, revision)
        return schemas.Shown(
            **schemas.heading(found).model_dump(),
            text=found.text,
            revisions=index.revisions(article_id),
            copies=[schemas.heading(copy) for copy in index.copies(article_id)],
            marked=marked(found, start, end),
        )


def marked(found: Article, start: int | None, end: int | None) -> schemas.Marked | None:
    """Return a part of an article; raises UsageError when the offsets don't fit it."""
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise UsageError("A quote needs both 'start' and 'end'.")
    if not start < end <= len(found.text):
        raise UsageError(f"No quote at [{start}, {end}): this article has {len(found.text)} characters.")
    return schemas.Marked(start=start, end=end, quote=found.text[start:end])


@router.post("/articles", tags=["Articles"], responses=_problems(400, 413))
async def add_articles(
    service: Archive,
    files: Annotated[list[UploadFile], File(max_length=MAX_SOURCES, description="Text, HTML, feeds, exports.")] = [],  # noqa: B006
    urls: Annotated[list[str], Form(max_length=MAX_SOURCES, description="Pages and feeds on the internet.")] = [],  # noqa: B006
    follow: Annotated[bool, Form(description="Fetch the pages that a feed links to.")] = False,
) -> Report:
    """Index files and addresses, and remember them; answers when it is done. What can't be used is in `rejected`."""
    if not files and not urls:
        raise UsageError("Send 'files' or 'urls'.")
    # Addresses alone: a path of this machine is none.
    locations = [normal_url(url) for url in urls] + [
        await service.keep(file.file, file.filename or "") for file in files
    ]
    async for event in service.index(locations, follow=follow):
        if isinstance(event, Report):
            return event
    raise AssertionError("indexing always ends with a Report")


@router.delete("/articles/{article_id}", tags=["Articles"], responses=_problems(404))
async def remove_article(article_id: ArticleId, service: Archive) -> Report:
    """Remove an article from all answers, at once; indexing its source again doesn't bring it back."""
    return await service.remove(article_id)


# The server ------------------------------------------------------------------------------------


@router.get("/status", tags=["Server"])
async def status(service: Archive) -> schemas.Status:
    """Tell what the archive holds and how it was built."""
    state = await service.read(lambda index: index.status())
    del state["index"]  # where it is on this machine is nobody else's business
    return schemas.Status.model_validate(state | {"read_only": service.read_only})


def create_api(service: Service, root_path: str = "") -> FastAPI:
    """Make the application."""
    api = FastAPI(
        title="newsqa",
        version=version("newsqa"),
        description=ABOUT,
        servers=[{"url": f"{root_path}/api/v1"}],
        # Its own pages load their script from elsewhere, and the document is served beside the chat.
        openapi_url=None,
        exception_handlers={
            NewsQAError: problems.failed,
            RequestValidationError: problems.invalid,
            HTTPException: problems.refused,
            Exception: problems.unexpected,
        },
    )
    api.include_router(router)
    api.state.service = service
    return api


def document(api: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with what every answer that is none looks like, and how to send a token."""
    if api.openapi_schema is None:
        components = api.openapi()["components"]
        components["schemas"]["Problem"] = Problem.model_json_schema()
        components["schemas"].pop("HTTPValidationError", None)
        components["schemas"].pop("ValidationError", None)
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        api.openapi()["security"] = [{"token": []}, {}]
        # FastAPI puts an event's schema where only the next version of OpenAPI looks for it.
        stream = api.openapi()["paths"]["/ask/stream"]["post"]["responses"]["200"]["content"]
        stream["text/event-stream"] = {"schema": stream["text/event-stream"]["itemSchema"]}
    return api.openapi()
