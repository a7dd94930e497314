"""The chat page: wires its components to the service; nothing else.

Handlers show errors as messages and leave every control enabled, so that no
failure can leave the page dead.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

# Read once, at import: without them Gradio reports to its makers and asks a hub for news.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr
from fastapi import FastAPI

from newsqa import address, feedback, history, pages
from newsqa.errors import NewsQAError
from newsqa.pages import layout
from newsqa.pages.layout import Layout
from newsqa.qa import MAX_QUESTION
from newsqa.service import UNEXPECTED, Service, Turn, filters
from newsqa.types import Answer, Passage, Progress, Report, Stage

WAITING = 64
"""Requests that may wait for Gradio; more are told that the queue is full."""
MAY_WRITE = "x-newsqa-may-write"
"""Set by the server on requests that may change the archive."""
NEEDS_TOKEN = "This needs the token that may write."
MAX_UPLOAD = "1gb"
AROUND = 12
"""How many passages near an answered question the timeline is drawn from."""

log = logging.getLogger(__name__)

Update = Any
"""What a handler gives to a component: a value, ``gr.update(...)`` or ``gr.skip()``."""


class Handlers:
    """What happens on the page, each event one method.

    The page sends what its fields hold, but others may send anything: a field can be None.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    async def load(self, request: gr.Request) -> tuple[Update, ...]:
        """Fill header and outlets; newsqa.js then calls `open`."""
        return await asyncio.to_thread(self._archive, writable=MAY_WRITE in request.headers)

    def _archive(self, *, writable: bool) -> tuple[Update, Update]:
        try:
            status = self.service.describe()
            outlets = [(f"{outlet} ({articles:,})", outlet) for outlet, articles in self.service.outlets()]
        except NewsQAError as error:
            status, outlets = str(error), []
        except Exception:  # newsqa.js waits for a header before it opens the box
            log.exception("Describing the archive failed")
            status, outlets = UNEXPECTED, []
        return pages.header(status, writable=writable), gr.update(choices=outlets)

    async def open(self, kept: str | None) -> tuple[Update, ...]:
        """Show a conversation that this browser kept, or an empty one, and enable the box.

        The box is off until then: what is kept would come in place of what was asked meanwhile.
        """
        turns: list[Turn] = []
        try:
            turns = await self.service.read(lambda index: history.restore(index, kept or ""))
            examples = [] if turns else await asyncio.to_thread(self.service.examples)
        except NewsQAError:  # there is no archive yet, which the header says
            examples = []
        except Exception:  # the box must be enabled whatever happens
            log.exception("Opening a conversation failed")
            examples = []
        return *await self._show(turns, examples), gr.update(interactive=True)

    async def new(self) -> tuple[Update, ...]:
        """Start an empty conversation."""
        return await self.open("")

    async def ask(
        self,
        question: str | None,
        turns: list[Turn],
        outlets: list[str] | None,
        since: str | None,
        until: str | None,
        as_of: str | None,
        languages: Sequence[str] = (),
    ) -> AsyncIterator[tuple[Update, ...]]:
        """Stream states, then the answer; nothing happens where nothing was typed.

        Nothing here blocks, since Gradio can't cancel what does: until it could, the page
        would drop the next question.
        """
        if not question or not question.strip():
            return
        try:
            chosen = filters(outlets or [], since, until, as_of, languages)
        except NewsQAError as error:
            yield *await self._show([*turns, Turn(question[:MAX_QUESTION], str(error))]), gr.skip()
            return
        box = gr.update(value="")
        async for now in self.service.converse(question, turns, chosen):
            yield *await self._show(now), box
            box = gr.skip()

    async def go(self, query: str | None, turns: list[Turn]) -> AsyncIterator[tuple[Update, ...]]:
        """Set question and filters as a query string has them, and ask."""
        try:
            asked = address.read(query or "")
        except ValueError:
            yield *await self._show([*turns, Turn("?", "This link asks for too much.")]), *[gr.skip()] * 5
            return
        chosen = (asked.outlets, asked.since, asked.until, asked.as_of)
        async for *conversation, box in self.ask(asked.question, turns, *chosen, asked.languages):
            yield *conversation, box, *chosen
            chosen = (gr.skip(),) * 4

    async def _show(self, turns: list[Turn], examples: Sequence[str] = ()) -> tuple[Update, ...]:
        """What to show of a conversation, in the order of `layout.Talk`."""
        outcome = turns[-1].outcome if turns else None
        running = isinstance(outcome, Stage)
        return (
            turns,
            pages.conversation(turns, examples),
            pages.sources(turns, await self._around(turns)),
            gr.skip() if running else pages.kept(history.keep(turns)),
            gr.update(visible=running),
            gr.update(visible=isinstance(outcome, Answer) and not self.service.read_only),
            pages.notice(""),
        )

    async def _around(self, turns: list[Turn]) -> Sequence[Passage]:
        """Passages near the last question, where it has an answer: without one, the answer brings them."""
        last = turns[-1] if turns else None
        if last is None or not isinstance(last.outcome, Answer) or last.outcome.text is None:
            return ()
        try:
            return await self.service.search(last.standalone, k=AROUND, filters=last.filters)
        except Exception:  # the answer is shown all the same
            log.exception("Searching for the timeline failed")
            return ()

    async def stop(self, turns: list[Turn]) -> tuple[Update, ...]:
        """Say that the running question was stopped; the event itself is cancelled by Gradio."""
        if turns and isinstance(turns[-1].outcome, Stage):
            turns = [*turns[:-1], replace(turns[-1], outcome="Stopped.")]
        return await self._show(turns)

    async def right(self, turns: list[Turn], note: str | None, request: gr.Request) -> tuple[Update, ...]:
        """Keep that the last answer was right."""
        return await self._remark(turns, note, request, right=True)

    async def wrong(self, turns: list[Turn], note: str | None, request: gr.Request) -> tuple[Update, ...]:
        """Keep that the last answer was wrong."""
        return await self._remark(turns, note, request, right=False)

    async def _remark(
        self, turns: list[Turn], note: str | None, request: gr.Request, *, right: bool
    ) -> tuple[Update, ...]:
        said = "Kept in the index folder, under feedback. Nothing was sent."
        try:
            if MAY_WRITE not in request.headers:
                said = NEEDS_TOKEN
            elif turns:
                await self.service.remark(turns[-1], right=right, note=note or "")
        except (NewsQAError, OSError) as error:
            said = f"Not kept: {error}"
        return pages.notice(said), ""

    async def save(self, request: gr.Request) -> tuple[Update, Update]:
        """Give the opinions to newsqa.js, which saves them as a file."""
        if MAY_WRITE not in request.headers:
            return pages.notice(NEEDS_TOKEN), gr.skip()
        try:
            questions = await self.service.read(lambda index: feedback.questions(index.folder))
        except (NewsQAError, OSError) as error:
            return pages.notice(f"Not saved: {error}"), gr.skip()
        if not questions:
            return pages.notice("No answer has been called right yet."), gr.skip()
        name = f"opinions-{datetime.now():%Y-%m-%d-%H%M%S-%f}.jsonl"
        return pages.notice(f"Answers that were called right, for: newsqa evaluate {name}"), pages.file(name, questions)

    async def add(
        self, files: list[str] | None, url: str | None, request: gr.Request
    ) -> AsyncIterator[tuple[Update, ...]]:
        """Index uploaded files and an address, with progress, then refresh header and outlets."""
        if MAY_WRITE not in request.headers:
            yield pages.notice(NEEDS_TOKEN), gr.skip(), gr.skip(), None, gr.skip()
            return
        url = (url or "").strip()
        if not files and not url:
            yield pages.notice("Drop a file, or give the address of a page or feed."), *[gr.skip()] * 4
            return
        async for event in self.service.add([Path(file) for file in files or []], [url] if url else []):
            if isinstance(event, Progress):
                yield pages.progress(event), *[gr.skip()] * 4
            else:
                ended = pages.report(event) if isinstance(event, Report) else pages.notice(event)
                archive = await asyncio.to_thread(self._archive, writable=True)
                yield ended, *archive, None, "" if isinstance(event, Report) else url


def build(service: Service) -> gr.Blocks:
    """Make the page; `mount` serves it."""
    page = gr.Blocks(title="newsqa", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400))
    with page:
        _wire(page, Handlers(service), layout.arrange(read_only=service.read_only))
    page.queue(max_size=WAITING, api_open=False)
    return page


def _wire(page: gr.Blocks, handlers: Handlers, on: Layout) -> None:
    talk = on.talk
    conversation, narrowing = list(layout.components(talk)), list(layout.components(on.filtering))
    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    long: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "once"}
    # The service has its own line for questions, which the API stands in too.
    # A question that is sent while the one before it is still being stopped waits for that, and isn't lost.
    asking = long | {"concurrency_limit": None, "trigger_mode": "always_last"}
    page.load(handlers.load, None, [on.header, on.filtering.outlets], **quick)
    asked = [
        gr.on(
            [on.box.submit, on.ask.click],
            handlers.ask,
            [on.box, talk.turns, *narrowing],
            [*conversation, on.box],
            **asking,
        ),
        on.going.submit(
            handlers.go,
            [on.going, talk.turns],
            [*conversation, on.box, *narrowing],
            **asking,
        ),
    ]
    on.opening.submit(handlers.open, on.opening, [*conversation, on.box], cancels=asked, **quick)
    on.new.click(handlers.new, None, [*conversation, on.box], cancels=asked, **quick)
    talk.stop.click(handlers.stop, talk.turns, conversation, cancels=asked, **quick)
    if not handlers.service.read_only:
        _wire_writing(handlers, on, quick, long | {"concurrency_id": "ingest", "concurrency_limit": 1})


def _wire_writing(handlers: Handlers, on: Layout, quick: dict[str, Any], adding: dict[str, Any]) -> None:
    saying, into = on.saying, on.adding
    for button, handler in ((saying.right, handlers.right), (saying.wrong, handlers.wrong)):
        button.click(handler, [on.talk.turns, saying.note], [on.talk.heard, saying.note], **quick)
    saying.save.click(handlers.save, None, [on.talk.heard, saying.saved], **quick)
    gr.on(
        [into.files.upload, into.url.submit, into.fetch.click],
        handlers.add,
        [into.files, into.url],
        [into.added, on.header, on.filtering.outlets, into.files, into.url],
        **adding,
    )


def mount(app: FastAPI, service: Service) -> None:
    """Serve the page at ``/``; the routes that ``app`` already has come first."""
    page = build(service)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        head='<link rel="stylesheet" href="newsqa/newsqa.css"><script type="module" src="newsqa/newsqa.js"></script>',
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=MAX_UPLOAD,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
    )
    # Gradio checks that a file was uploaded, and isn't just any path on this machine, only in
    # what it launched itself.
    page.has_launched = True
