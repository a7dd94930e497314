"""The panel beside the chat: a card for each citation of the last answer, and when its articles appeared."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from newsqa import cite
from newsqa.escape import text
from newsqa.pages.chat import also_in
from newsqa.pages.parts import copy_button, emphasised, headline, href, provenance, tight
from newsqa.pages.timeline import timeline
from newsqa.service import Turn
from newsqa.types import Answer, Citation

CONTEXT = 280
"""Characters of a passage shown on each side of a quote, before the rest is asked for."""


def sources(turns: Sequence[Turn]) -> str:
    """Render the cards of the last answer, or the passages near the question when there is none."""
    answer = turns[-1].outcome if turns else None
    if not isinstance(answer, Answer):
        return _panel("Sources", Markup('<p class="nq-hint">Quotes appear here, each in its context.</p>'))
    if answer.text is not None:
        return _panel("Sources", _cards(answer.citations, marked=True))
    if answer.near:
        return _panel("Not an answer, but near", _cards(answer.near, marked=False))
    return _panel("Sources", Markup('<p class="nq-hint">Nothing near was found.</p>'))


def _panel(title: str, body: Markup) -> str:
    return str(Markup('<section class="nq-cards"><h2>{}</h2>{}</section>').format(title, body))


def _cards(citations: Sequence[Citation], *, marked: bool) -> Markup:
    cards = Markup("").join(_card(citation, marked=marked) for citation in citations)
    return cards + timeline(citations)


def _card(citation: Citation, *, marked: bool) -> Markup:
    return Markup(
        '<article class="nq-card{}" id="nq-source-{}" tabindex="-1"><h3>{}{}</h3><p class="nq-meta">{}</p>'
        '{}<p><a href="{}">Open article at the {}</a> '
        '<button class="nq-copy-link" title="Copy the link to this quote">Copy link</button>{}</p>{}{}</article>'
    ).format(
        "" if marked else " nq-near",
        citation.number,
        Markup('<span class="nq-number">[{}]</span> ').format(citation.number) if marked else "",
        headline(citation),
        provenance(citation),
        _context(citation, marked=marked),
        href(citation),
        "quote" if marked else "passage",
        _back(citation) if marked else "",
        also_in(citation.also_in),
        _copying(citation),
    )


def _back(citation: Citation) -> Markup:
    return Markup(' · <a class="nq-back" href="#nq-answer-{}">Back to the answer</a>').format(citation.number)


def _context(citation: Citation, *, marked: bool) -> Markup:
    """Render the quote between what stands around it; what is further off is folded."""
    start, end = citation.start - citation.passage_start, citation.end - citation.passage_start
    before, after = citation.passage[:start], citation.passage[end:]
    near_before, near_after = before, after
    if len(before) > CONTEXT:
        near_before = "…" + before[-CONTEXT:].partition(" ")[2]
    if len(after) > CONTEXT:
        near_after = after[:CONTEXT].rpartition(" ")[0] + "…"
    quote = text(citation.quote)
    if marked:
        quote = Markup("<mark>{}</mark>").format(emphasised(citation, Markup("<strong>{}</strong>")))
    shown = Markup('<p class="nq-context" dir="auto">{}</p>').format(tight(near_before) + quote + tight(near_after))
    if (near_before, near_after) == (before, after):
        return shown
    whole = tight(before) + quote + tight(after)
    return shown + Markup(
        '<details class="nq-more"><summary>More context</summary><p class="nq-context" dir="auto">{}</p></details>'
    ).format(whole)


def _copying(citation: Citation) -> Markup:
    forms = (
        ("Quote", "Copy the quote with its source", cite.plain),
        ("Markdown", "Copy as Markdown", cite.markdown),
        ("BibTeX", "Copy as BibTeX", cite.bibtex),
        ("CSL-JSON", "Copy as CSL-JSON, for Zotero and pandoc", cite.csl),
    )
    buttons = Markup(" ").join(copy_button(label, name, form(citation)) for label, name, form in forms)
    return Markup('<div class="nq-copying"><span>Copy</span> {}</div>').format(buttons)
