"""The chat page: arranges Gradio components and wires them to the service; nothing else.

Handlers show errors as messages and leave every control enabled, so that no
failure can leave the page dead.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# Read once, at import: without them Gradio reports to its makers and asks a hub for news.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr
from fastapi import FastAPI

from newsqa import pages
from newsqa.errors import NewsQAError
from newsqa.qa import MAX_QUESTION
from newsqa.service import Service, Turn, filters
from newsqa.types import Progress, Report, Stage

ASKING = 4
"""Questions answered at a time; more of them wait."""
WAITING = 64
"""Requests that may wait; more are told that the queue is full."""
MAX_UPLOAD = "1gb"

Update = Any
"""What a handler gives to a component: a value, ``gr.update(...)`` or ``gr.skip()``."""


class Handlers:
    """What happens on the page, each event one method."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def load(self) -> tuple[Update, ...]:
        """Fill header and outlets and enable the box, which is off until then."""
        return *self._archive(), gr.update(interactive=True)

    def _archive(self) -> tuple[Update, Update]:
        try:
            status = self.service.describe()
            outlets = [(f"{outlet} ({articles:,})", outlet) for outlet, articles in self.service.outlets()]
        except NewsQAError as error:
            status, outlets = str(error), []
        return pages.header(status), gr.update(choices=outlets)

    async def ask(
        self, question: str, turns: list[Turn], outlets: list[str], since: str | None, until: str | None
    ) -> AsyncIterator[tuple[Update, ...]]:
        """Stream states, then the answer.

        The work is done in a thread, since Gradio can't cancel what blocks: until it could,
        the page would drop the next question.
        """
        try:
            chosen = filters(outlets, since, until)
        except NewsQAError as error:
            yield *_conversation([*turns, Turn(question[:MAX_QUESTION], str(error))]), gr.skip()
            return
        box = gr.update(value="")
        steps = self.service.ask(question, turns, chosen)
        while now := await asyncio.to_thread(next, steps, None):
            yield *_conversation(now), box
            box = gr.skip()

    def stop(self, turns: list[Turn]) -> tuple[Update, ...]:
        """Say that the running question was stopped; the event itself is cancelled by Gradio."""
        if turns and isinstance(turns[-1].outcome, Stage):
            turns = [*turns[:-1], replace(turns[-1], outcome="Stopped.")]
        return _conversation(turns)

    def new(self) -> tuple[Update, ...]:
        """Start an empty conversation."""
        return _conversation([])

    def add(self, files: list[str] | None) -> Iterator[tuple[Update, ...]]:
        """Index uploaded files, with progress, then refresh header and outlets."""
        for event in self.service.add([Path(file) for file in files or []]):
            if isinstance(event, Progress):
                yield pages.progress(event), gr.skip(), gr.skip(), gr.skip()
            else:
                ended = pages.report(event) if isinstance(event, Report) else pages.notice(event)
                yield ended, *self._archive(), None


def _conversation(turns: list[Turn]) -> tuple[Update, ...]:
    """What to show of a conversation: its turns, sources, state, and Stop while it is going on."""
    running = bool(turns) and isinstance(turns[-1].outcome, Stage)
    return pages.conversation(turns), pages.sources(turns), turns, gr.update(visible=running)


@dataclass(frozen=True, slots=True)
class Parts:
    """The components of the page that events read or change."""

    turns: gr.State
    header: gr.Markdown
    new: gr.Button
    chat: gr.Markdown
    box: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    outlets: gr.Dropdown
    since: gr.Textbox
    until: gr.Textbox
    sources: gr.Markdown
    files: gr.File
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
                question = _question_row()
                chosen = _filters()
            with gr.Column(scale=2, min_width=320, elem_id="nq-side"):
                sources = _panel(pages.sources([]), "nq-sources")
                adding = _adding(visible=not service.read_only)
        _wire(page, Handlers(service), Parts(turns, header, new, chat, *question, *chosen, sources, *adding))
    page.queue(max_size=WAITING, default_concurrency_limit=ASKING, api_open=False)
    return page


def _wire(page: gr.Blocks, handlers: Handlers, on: Parts) -> None:
    conversation = [on.chat, on.sources, on.turns, on.stop]
    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    long: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "once"}
    page.load(handlers.load, None, [on.header, on.outlets, on.box], **quick)
    asking = gr.on(
        [on.box.submit, on.ask.click],
        handlers.ask,
        [on.box, on.turns, on.outlets, on.since, on.until],
        [*conversation, on.box],
        concurrency_id="ask",
        concurrency_limit=ASKING,
        **long,
    )
    on.stop.click(handlers.stop, on.turns, conversation, cancels=[asking], **quick)
    on.new.click(handlers.new, None, conversation, cancels=[asking], **quick)
    if not handlers.service.read_only:
        changed = [on.added, on.header, on.outlets, on.files]
        on.files.upload(handlers.add, on.files, changed, concurrency_id="ingest", concurrency_limit=1, **long)


def mount(app: FastAPI, service: Service) -> None:
    """Serve the page at ``/``; the routes that ``app`` already has come first."""
    page = build(service)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        head='<link rel="stylesheet" href="/newsqa/newsqa.css"><script defer src="/newsqa/newsqa.js"></script>',
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


def _filters() -> tuple[gr.Dropdown, gr.Textbox, gr.Textbox]:
    """Dates are text here and date inputs in the browser (newsqa.js): `gr.DateTime` drops what it can't read."""
    with gr.Accordion("Filters", open=False, elem_id="nq-filters"), gr.Row():
        outlets = gr.Dropdown([], label="Outlets", multiselect=True, min_width=290, elem_id="nq-outlets")
        since, until = (
            gr.Textbox(label=label, placeholder="2016-12-28", max_lines=1, min_width=170, elem_id=f"nq-{label.lower()}")
            for label in ("From", "To")
        )
    return outlets, since, until


def _adding(*, visible: bool) -> tuple[gr.File, gr.Markdown]:
    with gr.Accordion("Add articles", open=False, visible=visible, elem_id="nq-add"):
        files = gr.File(label="Text, HTML, feeds, JSON Lines, CSV", file_count="multiple", height=150)
        added = _panel("", "nq-added")
    return files, added
