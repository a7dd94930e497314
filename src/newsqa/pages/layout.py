"""The components of the chat page and where they stand; `newsqa.web` gives them something to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import gradio as gr

from newsqa.pages.archive import header, notice
from newsqa.pages.chat import conversation, earlier, file, kept
from newsqa.pages.sources import sources
from newsqa.qa import MAX_QUESTION


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
class Saying:
    """The components that take what a person says about an answer; ``saved`` is for newsqa.js."""

    note: gr.Textbox
    right: gr.Button
    wrong: gr.Button
    save: gr.Button
    saved: gr.Markdown


@dataclass(frozen=True, slots=True)
class Adding:
    """The components that add articles."""

    files: gr.File
    url: gr.Textbox
    fetch: gr.Button
    added: gr.Markdown


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole page; ``opening`` and ``going`` are written into by newsqa.js alone."""

    header: gr.Markdown
    new: gr.Button
    box: gr.Textbox
    ask: gr.Button
    opening: gr.Textbox
    going: gr.Textbox
    talk: Talk
    filtering: Filtering
    saying: Saying
    adding: Adding


def components(group: Talk | Filtering) -> Iterator[gr.blocks.Block]:
    """Yield the components of a group, in their order."""
    for field in fields(group):
        yield getattr(group, field.name)


def arrange(*, read_only: bool) -> Layout:
    """Make the components, within a `gr.Blocks`."""
    turns = gr.State([])
    with gr.Row(elem_id="nq-top"):
        top = _panel(header("", writable=not read_only), "nq-header")
        new = gr.Button("New chat", variant="secondary", size="sm", elem_id="nq-new")
    with gr.Row(elem_id="nq-main"):
        with gr.Column(scale=3, min_width=320, elem_id="nq-talk"):
            chat = _panel(conversation([]), "nq-chat")
            opinion, heard, saying = _opinion()
            box, ask, stop = _question_row()
            filtering = _filters()
        with gr.Column(scale=2, min_width=320, elem_id="nq-side"):
            cards = _panel(sources([]), "nq-sources")
            _panel(earlier(), "nq-history")
            adding = _adding(visible=not read_only)
    record = _panel(kept(""), "nq-kept")
    opening, going = (gr.Textbox(elem_id=f"nq-{name}", visible="hidden") for name in ("opening", "going"))
    talk = Talk(turns, chat, cards, record, stop, opinion, heard)
    return Layout(top, new, box, ask, opening, going, talk, filtering, saying, adding)


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


def _opinion() -> tuple[gr.Column, gr.Markdown, Saying]:
    with gr.Column(visible=False, elem_id="nq-opinion") as opinion:
        with gr.Row():
            note = gr.Textbox(
                label="Note on the answer",
                placeholder="Was that right? A note, if you like",
                max_lines=1,
                container=False,
                scale=3,
                elem_id="nq-note",
            )
            right = gr.Button("Right", size="sm", min_width=70)
            wrong = gr.Button("Wrong", size="sm", min_width=70)
            save = gr.Button("Export opinions", size="sm", min_width=70, elem_id="nq-export")
        heard = _panel(notice(""), "nq-heard")
        saved = _panel(file("", ""), "nq-saved")
    return opinion, heard, Saying(note, right, wrong, save, saved)


def _adding(*, visible: bool) -> Adding:
    with gr.Accordion("Add articles", open=False, visible=visible, elem_id="nq-add"):
        files = gr.File(label="Text, HTML, feeds, JSON Lines, CSV", file_count="multiple", height=150)
        with gr.Row():
            url = gr.Textbox(label="Page or feed", placeholder="https://…", max_lines=1, scale=4, elem_id="nq-url")
            fetch = gr.Button("Add", size="sm", min_width=70)
        added = _panel("", "nq-added")
    return Adding(files, url, fetch, added)
