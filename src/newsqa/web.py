"""The chat page: arranges Gradio components and wires them to the service; nothing else.

Handlers show errors as messages and leave every control enabled, so that no
failure can leave the page dead.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

# Read once, at import: without them Gradio reports to its makers and asks a hub for news.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr
from fastapi import FastAPI

from newsqa import address, history, pages
from newsqa.errors import NewsQAError
from newsqa.qa import MAX_QUESTION
from newsqa.service import UNEXPECTED, Service, Turn, filters
from newsqa.types import Answer, Progress, Report, Stage

WAITING = 64
"""Requests that may wait for Gradio; more are told that the queue is full."""
MAY_WRITE = "x-newsqa-may-write"
"""Set by the server on requests that may change the archive."""
NEEDS_TOKEN = "This needs the token that may write."
MAX_UPLOAD = "1gb"

log = logging.getLogger(__name__)

Update = Any
"""What a handler gives to a component: a value, ``gr.update(...)`` or ``gr.skip()``."""


class Handlers:
    """What happens on the page, each event one method."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def load(self) -> tuple[Update, ...]:
        """Fill header and outlets; newsqa.js then calls `open`."""
        return await asyncio.to_thread(self._archive)

    def _archive(self) -> tuple[Update, Update]:
        try:
            status = self.service.describe()
            outlets = [(f"{outlet} ({articles:,})", outlet) for outlet, articles in self.service.outlets()]
        except NewsQAError as error:
            status, outlets = str(error), []
        except Exception:  # newsqa.js waits for a header before it opens the box
            log.exception("Describing the archive failed")
            status, outlets = UNEXPECTED, []
        return pages.header(status), gr.update(choices=outlets)

    async def open(self, kept: str) -> tuple[Update, ...]:
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
        return *self._show(turns, examples), gr.update(interactive=True)

    async def new(self) -> tuple[Update, ...]:
        """Start an empty conversation."""
        return await self.open("")

    async def ask(
        self,
        question: str,
        turns: list[Turn],
        outlets: list[str],
        since: str | None,
        until: str | None,
        as_of: str | None,
    ) -> AsyncIterator[tuple[Update, ...]]:
        """Stream states, then the answer.

        Nothing here blocks, since Gradio can't cancel what does: until it could, the page
        would drop the next question.
        """
        try:
            chosen = filters(outlets, since, until, as_of)
        except NewsQAError as error:
            yield *self._show([*turns, Turn(question[:MAX_QUESTION], str(error))]), gr.skip()
            return
        box = gr.update(value="")
        async for now in self.service.converse(question, turns, chosen):
            yield *self._show(now), box
            box = gr.skip()

    async def go(self, query: str, turns: list[Turn]) -> AsyncIterator[tuple[Update, ...]]:
        """Set question and filters as a query string has them, and ask."""
        try:
            asked = address.read(query)
        except ValueError:
            yield *self._show([*turns, Turn("?", "This link asks for too much.")]), *[gr.skip()] * 5
            return
        chosen = (asked.outlets, asked.since, asked.until, asked.as_of)
        async for *conversation, box in self.ask(asked.question, turns, *chosen):
            yield *conversation, box, *chosen
            chosen = (gr.skip(),) * 4

    def _show(self, turns: list[Turn], examples: Sequence[str] = ()) -> tuple[Update, ...]:
        """What to show of a conversation, in the order of `Talk`."""
        outcome = turns[-1].outcome if turns else None
        running = isinstance(outcome, Stage)
        return (
            turns,
            pages.conversation(turns, examples),
            pages.sources(turns),
            gr.skip() if running else pages.kept(history.keep(turns)),
            gr.update(visible=running),
            gr.update(visible=isinstance(outcome, Answer) and not self.service.read_only),
            pages.notice(""),
        )

    def stop(self, turns: list[Turn]) -> tuple[Update, ...]:
        """Say that the running question was stopped; the event itself is cancelled by Gradio."""
        if turns and isinstance(turns[-1].outcome, Stage):
            turns = [*turns[:-1], replace(turns[-1], outcome="Stopped.")]
        return self._show(turns)

    async def right(self, turns: list[Turn], note: str, request: gr.Request) -> tuple[Update, ...]:
        """Keep that the last answer was right."""
        return await self._remark(turns, note, request, right=True)

    async def wrong(self, turns: list[Turn], note: str, request: gr.Request) -> tuple[Update, ...]:
        """Keep that the last answer was wrong."""
        return await self._remark(turns, note, request, right=False)

    async def _remark(self, turns: list[Turn], note: str, request: gr.Request, *, right: bool) -> tuple[Update, ...]:
        said = "Kept in the index folder, under feedback. Nothing was sent."
        try:
            if MAY_WRITE not in request.headers:
                said = NEEDS_TOKEN
            elif turns:
                await self.service.remark(turns[-1], right=right, note=note)
        except (NewsQAError, OSError) as error:
            said = f"Not kept: {error}"
        return pages.notice(said), ""

    async def add(self, files: list[str] | None, url: str, request: gr.Request) -> AsyncIterator[tuple[Update, ...]]:
        """Index uploaded files and an address, with progress, then refresh header and outlets."""
        if MAY_WRITE not in request.headers:
            yield pages.notice(NEEDS_TOKEN), gr.skip(), gr.skip(), None, gr.skip()
            return
        urls = [url.strip()] if url.strip() else []
        async for event in self.service.add([Path(file) for file in files or []], urls):
            if isinstance(event, Progress):
                yield pages.progress(event), *[gr.skip()] * 4
            else:
                ended = pages.report(event) if isinstance(event, Report) else pages.notice(event)
                yield ended, *await asyncio.to_thread(self._archive), None, "" if isinstance(event, Report) else url


@dataclass(frozen=True, slots=True)
class Talk:
    """The components that show a conversation."""

    turns: gr.State
    chat: gr.Markdown
    sources: gr.Markdown
    kept: gr.Markdown
    stop: gr.Button
    opinion: gr.Column
    heard: gr.Markdown


@dataclass(frozen=True, slots=True)
class Filtering:
    """The components that narrow the search."""

    outlets: gr.Dropdown
    since: gr.Textbox
    until: gr.Textbox
    as_of: gr.Textbox


@dataclass(frozen=True, slots=True)
class Parts:
    """The other components of the page that events read or change; ``opening`` and ``going`` are newsqa.js's."""

    header: gr.Markdown
    new: gr.Button
    box: gr.Textbox
    ask: gr.Button
    opening: gr.Textbox
    going: gr.Textbox
    note: gr.Textbox
    right: gr.Button
    wrong: gr.Button
    files: gr.File
    url: gr.Textbox
    fetch: gr.Button
    added: gr.Markdown


def build(service: Service) -> gr.Blocks:
    """Arrange the page; `mount` serves it."""
    page = gr.Blocks(title="newsqa", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400))
    with page:
        turns = gr.State([])
        with gr.Row(elem_id="nq-top"):
            header = _panel(pages.header(""), "nq-header")
            new = gr.Button("New chat", variant="secondary", size="sm", elem_id="nq-new")
        with gr.Row(elem_id="nq-main"):
            with gr.Column(scale=3, min_width=320, elem_id="nq-talk"):
                chat = _panel(pages.conversation([]), "nq-chat")
                box, ask, stop = _question_row()
                chosen = _filters()
            with gr.Column(scale=2, min_width=320, elem_id="nq-side"):
                sources = _panel(pages.sources([]), "nq-sources")
                opinion, note, right, wrong, heard = _opinion()
                _panel(pages.earlier(), "nq-history")
                adding = _adding(visible=not service.read_only)
        kept = _panel(pages.kept(""), "nq-kept")
        opening, going = (gr.Textbox(elem_id=f"nq-{name}", visible="hidden") for name in ("opening", "going"))
        talk = Talk(turns, chat, sources, kept, stop, opinion, heard)
        _wire(
            page,
            Handlers(service),
            talk,
            chosen,
            Parts(header, new, box, ask, opening, going, note, right, wrong, *adding),
        )
    page.queue(max_size=WAITING, api_open=False)
    return page


def _wire(page: gr.Blocks, handlers: Handlers, talk: Talk, chosen: Filtering, on: Parts) -> None:
    conversation, narrowing = list(_components(talk)), list(_components(chosen))
    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    long: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "once"}
    # The service has its own line for questions, which the API stands in too.
    asking = long | {"concurrency_limit": None}
    page.load(handlers.load, None, [on.header, chosen.outlets], **quick)
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
        for button, handler in ((on.right, handlers.right), (on.wrong, handlers.wrong)):
            button.click(handler, [talk.turns, on.note], [talk.heard, on.note], **quick)
        changed = [on.added, on.header, chosen.outlets, on.files, on.url]
        gr.on(
            [on.files.upload, on.url.submit, on.fetch.click],
            handlers.add,
            [on.files, on.url],
            changed,
            concurrency_id="ingest",
            concurrency_limit=1,
            **long,
        )


def _components(group: Talk | Filtering) -> Iterator[gr.blocks.Block]:
    for field in fields(group):
        yield getattr(group, field.name)


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


def _panel(value: str, elem_id: str) -> gr.Markdown:
    return gr.Markdown(value, elem_id=elem_id, latex_delimiters=[], sanitize_html=True)


def _question_row() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    with gr.Row(elem_id="nq-ask"):
        box = gr.Textbox(
            label="Question",
            placeholder="Who said what, when?",
            max_length=MAX_QUESTION,
            max_lines=4,
            interactive=False,
            container=False,
            scale=6,
            elem_id="nq-question",
        )
        ask = gr.Button("Ask", variant="primary", min_width=80, elem_id="nq-send")
        stop = gr.Button("Stop", variant="secondary", visible=False, min_width=80, elem_id="nq-stop")
    return box, ask, stop


def _filters() -> Filtering:
    """Dates are text here and date inputs in the browser (newsqa.js): `gr.DateTime` drops what it can't read."""
    with gr.Accordion("Filters", open=False, elem_id="nq-filters"), gr.Row():
        outlets = gr.Dropdown(
            [], label="Outlets", multiselect=True, allow_custom_value=True, min_width=220, elem_id="nq-outlets"
        )
        since, until, as_of = (
            gr.Textbox(label=label, placeholder="2016-12-28", max_lines=1, min_width=120, elem_classes="nq-day")
            for label in ("From", "To", "As of")
        )
    return Filtering(outlets, since, until, as_of)


def _opinion() -> tuple[gr.Column, gr.Textbox, gr.Button, gr.Button, gr.Markdown]:
    with gr.Column(visible=False, elem_id="nq-opinion") as opinion:
        with gr.Row():
            note = gr.Textbox(
                label="Note on the answer",
                placeholder="Is this right? A note, if you like",
                max_lines=1,
                container=False,
                scale=3,
                elem_id="nq-note",
            )
            right = gr.Button("Right", size="sm", min_width=70)
            wrong = gr.Button("Wrong", size="sm", min_width=70)
        heard = _panel(pages.notice(""), "nq-heard")
    return opinion, note, right, wrong, heard


def _adding(*, visible: bool) -> tuple[gr.File, gr.Textbox, gr.Button, gr.Markdown]:
    with gr.Accordion("Add articles", open=False, visible=visible, elem_id="nq-add"):
        files = gr.File(label="Text, HTML, feeds, JSON Lines, CSV", file_count="multiple", height=150)
        with gr.Row():
            url = gr.Textbox(label="Page or feed", placeholder="https://…", max_lines=1, scale=4, elem_id="nq-url")
            fetch = gr.Button("Add", size="sm", min_width=70)
        added = _panel("", "nq-added")
    return files, url, fetch, added
