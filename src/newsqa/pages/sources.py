"""The panel beside the chat: a card for each citation of the last answer, and when its articles appeared."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from newsqa import cite
from newsqa.pages.chat import also_in
from newsqa.pages.parts import by_quote, copy_button, emphasised, headline, href, provenance, tight
from newsqa.pages.timeline import timeline
from newsqa.service import Turn
from newsqa.types import Answer, Citation, Passage

CONTEXT = 280
"""Characters of a passage shown on each side of a quote, before the rest is asked for."""


def sources(turns: Sequence[Turn], around: Sequence[Passage] = ()) -> str:
    """Render the cards of the last answer, or the passages near the question when there is none.

    The timeline has what is cited, and what stands ``around``.
    """
    answer = turns[-1].outcome if turns else None
    if not isinstance(answer, Answer):
        return _panel("Sources", Markup('<p class="nq-hint">Quotes appear here, each in its context.</p>'))
    if answer.text is not None:
        cards = (_card(number, cited) for number, cited in enumerate(by_quote(answer.citations), start=1))
        return _panel("Sources", Markup("").join(cards) + timeline(answer.citations, around))
    if answer.near:
        return _panel("Not an answer, but near", Markup("").join(map(_near, answer.near)) + timeline((), answer.near))
    return _panel("Sources", Markup('<p class="nq-hint">Nothing near was found.</p>'))


def _panel(title: str, body: Markup) -> str:
    return str(Markup('<section class="nq-cards"><h2>{}</h2>{}</section>').format(title, body))


def _card(number: int, cited: Sequence[Citation]) -> Markup:
    """Render a quote that is cited, with the answers in it."""
    best = cited[0]
    return Markup(
        '<article class="nq-card" id="nq-source-{0}" tabindex="-1"><h3><span class="nq-number">[{0}]</span> {1}</h3>'
        '<p class="nq-meta">{2}</p>{3}<p><a href="{4}">Open article at the quote</a> · '
        '<a class="nq-back" href="#nq-answer-{0}">Back to the answer</a></p>{5}{6}</article>'
    ).format(
        number,
        headline(best),
        provenance(best),
        _context(cited),
        href(best),
        also_in(best.also_in),
        _copying(best),
    )


def _near(citation: Citation) -> Markup:
    """Render a passage that is no answer."""
    passage = citation.quote
    shown = passage if len(passage) <= CONTEXT else _head(passage, CONTEXT)
    return Markup(
        '<article class="nq-card nq-near"><h3>{}</h3><p class="nq-meta">{}</p>{}'
        '<p><a href="{}">Open article at the passage</a></p>{}</article>'
    ).format(
        headline(citation),
        provenance(citation),
        _folded(tight(shown), tight(passage) if shown != passage else Markup(""), "Whole passage"),
        href(citation),
        also_in(citation.also_in),
    )


def _context(cited: Sequence[Citation]) -> Markup:
    """Render the quote between what stands around it; what is further off is folded."""
    best = cited[0]
    start, end = best.start - best.passage_start, best.end - best.passage_start
    before, after = best.passage[:start], best.passage[end:]
    near_before = before if len(before) <= CONTEXT else "…" + (before[-CONTEXT:].partition(" ")[2] or before[-CONTEXT:])
    near_after = after if len(after) <= CONTEXT else _head(after, CONTEXT)
    quote = Markup("<mark>{}</mark>").format(emphasised(cited, Markup("<strong>{}</strong>")))
    shown = tight(near_before) + quote + tight(near_after)
    whole = tight(before) + quote + tight(after)
    return _folded(shown, whole if whole != shown else Markup(""), "More context")


def _head(value: str, length: int) -> str:
    """Cut at a word, where there are words."""
    return (value[:length].rpartition(" ")[0] or value[:length]) + "…"


def _folded(shown: Markup, whole: Markup, label: str) -> Markup:
    """Render a text, and all of it, if there is more, to be unfolded."""
    first = Markup('<p class="nq-context" dir="auto">{}</p>').format(shown)
    if not whole:
        return first
    return first + Markup(
        '<details class="nq-more"><summary>{}</summary><p class="nq-context" dir="auto">{}</p></details>'
    ).format(label, whole)


def _copying(citation: Citation) -> Markup:
    forms = (
        ("Quote", "Copy the quote with its source", cite.plain),
        ("Markdown", "Copy as Markdown", cite.markdown),
        ("BibTeX", "Copy as BibTeX", cite.bibtex),
        ("CSL-JSON", "Copy as CSL-JSON, for Zotero and pandoc", cite.csl),
    )
    quote, *others = (copy_button(label, name, form(citation)) for label, name, form in forms)
    link = Markup('<button class="nq-copy-link" title="Copy the link to this quote">Link</button>')
    return Markup('<div class="nq-copying"><span>Copy</span> {}</div>').format(Markup(" ").join([quote, link, *others]))
