"""The only module that makes HTML: the chat's panels and the articles' pages.

Gradio takes what the panels' functions return as Markdown, so each gives one HTML
block on one line. What is foreign goes through `escape`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

from markupsafe import Markup

from newsqa.answer import parts
from newsqa.escape import article_href, safe_url, text
from newsqa.service import Turn
from newsqa.types import (
    Answer,
    Article,
    Citation,
    Copy,
    Filters,
    Progress,
    Rejection,
    Report,
    Stage,
    parse_published,
)

CONTEXT = 280
"""Characters of a passage shown on each side of a quote."""
SHOWN_REJECTIONS = 20
INVITATION = "Ask about the articles in your archive. Every answer is a verbatim quote with its source."


def when(published: str | None) -> str:
    """Write a date for a person: ``28 December 2016``, with the time and zone where known."""
    if not published:
        return "no date"
    try:
        value = parse_published(published)
    except ValueError:
        return published
    day = f"{value.day} {value:%B %Y}"
    return f"{day}, {value:%H:%M %Z}".rstrip() if isinstance(value, datetime) else day


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Write ``1 article`` or ``14,822 articles``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


# Chat ------------------------------------------------------------------------------------------


def conversation(turns: Sequence[Turn]) -> str:
    """Render a conversation, each turn a heading and its outcome."""
    if not turns:
        return str(Markup('<div><p class="nq-invitation">{}</p></div>').format(INVITATION))
    return str(Markup('<div class="nq-turns">{}</div>').format(Markup("").join(map(_turn, turns))))


def _turn(turn: Turn) -> Markup:
    return Markup('<section class="nq-turn"><h2 dir="auto">{}</h2>{}{}</section>').format(
        text(turn.question), _narrowed(turn.filters), _outcome(turn.outcome)
    )


def _narrowed(filters: Filters) -> Markup:
    words = [*filters.outlets]
    words += [f"from {when(filters.since.isoformat())}"] if filters.since else []
    words += [f"to {when(filters.until.isoformat())}"] if filters.until else []
    return Markup('<p class="nq-meta">Only {}</p>').format(text(", ".join(words))) if words else Markup("")


def _outcome(outcome: Answer | Stage | str) -> Markup:
    if isinstance(outcome, Stage):
        return Markup('<p class="nq-state">{}</p>').format(text(outcome.message))
    if isinstance(outcome, str):
        return Markup('<p class="nq-problem">{}</p>').format(text(outcome))
    if outcome.text is None:
        return _no_answer(outcome)
    first, *others = map(_quoted, outcome.citations)
    further = Markup('<p class="nq-further">Further answers</p>') if others else Markup("")
    return Markup('<div class="nq-answer">{}{}{}</div>').format(first, further, Markup("").join(others))


def _quoted(citation: Citation) -> Markup:
    return Markup(
        '<blockquote class="nq-quote" dir="auto">{}</blockquote>'
        '<p class="nq-from"><a href="{}">[{}]</a> {} · <bdi>{}</bdi>{}</p>'
    ).format(
        _emphasised(citation, Markup("<mark>{}</mark>")),
        _href(citation),
        citation.number,
        _provenance(citation),
        text(citation.title or "Untitled"),
        f" · found in {count(citation.support, 'article')}" if citation.support > 1 else "",
    )


def _emphasised(citation: Citation, emphasis: Markup) -> Markup:
    """Give the quote with its answer inside ``emphasis``."""
    before, answer, after = map(text, parts(citation))
    return before + emphasis.format(answer) + after


def _no_answer(answer: Answer) -> Markup:
    near = "The nearest passages are shown beside; they are not answers." if answer.near else ""
    return Markup('<div class="nq-none"><p class="nq-verdict">No answer found in {}.</p><p>{} {}</p></div>').format(
        count(answer.searched, "article"), text(answer.reason or ""), near
    )


def sources(turns: Sequence[Turn]) -> str:
    """Render the panel beside the chat: one card for each citation of the last answer."""
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
    return Markup("").join(_card(citation, marked=marked) for citation in citations)


def _card(citation: Citation, *, marked: bool) -> Markup:
    return Markup(
        '<article class="nq-card{}"><h3>{}<bdi>{}</bdi></h3><p class="nq-meta">{}</p>'
        '<p class="nq-context" dir="auto">{}</p><p><a href="{}">Open the article at the {}</a></p>{}</article>'
    ).format(
        "" if marked else " nq-near",
        Markup('<span class="nq-number">[{}]</span> ').format(citation.number) if marked else "",
        text(citation.title or "Untitled"),
        _provenance(citation),
        _context(citation, marked=marked),
        _href(citation),
        "quote" if marked else "passage",
        _also_in(citation.also_in),
    )


def _context(citation: Citation, *, marked: bool) -> Markup:
    start, end = citation.start - citation.passage_start, citation.end - citation.passage_start
    before, after = citation.passage[:start], citation.passage[end:]
    if len(before) > CONTEXT:
        before = "…" + before[-CONTEXT:].partition(" ")[2]
    if len(after) > CONTEXT:
        after = after[:CONTEXT].rpartition(" ")[0] + "…"
    quote = text(citation.quote)
    if marked:
        quote = Markup("<mark>{}</mark>").format(_emphasised(citation, Markup("<strong>{}</strong>")))
    return _tight(before) + quote + _tight(after)


def _tight(value: str) -> Markup:
    return text(re.sub(r"\n{2,}", "\n", value))


def _also_in(copies: Sequence[Copy]) -> Markup:
    if not copies:
        return Markup("")
    links = [_copy_link(copy, "" if copy.verbatim else " (in other words)") for copy in copies]
    return Markup('<p class="nq-also">Also in: {}</p>').format(Markup(", ").join(links))


def _copy_link(copy: Copy | Article, note: str = "") -> Markup:
    article_id = copy.article_id if isinstance(copy, Copy) else copy.id
    label = f"{copy.outlet or copy.title or 'another article'}, {when(copy.published)}"
    link = Markup('<a href="{}"><bdi>{}</bdi></a>{}')
    return link.format(text(article_href(article_id, copy.revision)), text(label), note)


def _provenance(item: Citation | Article) -> Markup:
    return Markup("<bdi>{}</bdi> · {}").format(text(item.outlet or "unknown outlet"), text(when(item.published)))


def _href(citation: Citation) -> Markup:
    return text(article_href(citation.article_id, citation.revision, citation.start, citation.end))


# Archive ---------------------------------------------------------------------------------------


def header(status: str) -> str:
    """Render the line above the chat."""
    return str(Markup('<div class="nq-header"><h1>newsqa</h1><p>{}</p></div>').format(text(status)))


def notice(message: str) -> str:
    """Render one line about adding files."""
    return str(Markup('<div class="nq-state" role="status">{}</div>').format(text(message)))


def progress(step: Progress) -> str:
    """Render how far indexing is."""
    of = f" of {step.total:,}" if step.total is not None else ""
    return notice(f"{step.stage}: {step.done:,}{of} {step.unit}…")


def report(done: Report) -> str:
    """Render what an indexing run did, with what it rejected and why."""
    counts = [f"{done.added:,} added", f"{done.updated:,} updated", f"{done.unchanged:,} unchanged"]
    if done.copies:
        counts.append(count(done.copies, "near copy", "near copies"))
    return str(
        Markup('<div class="nq-report" role="status"><p>Articles: {}.</p>{}</div>').format(
            text(", ".join(counts)), _rejections(done.rejected)
        )
    )


def _rejections(rejected: Sequence[Rejection]) -> Markup:
    if not rejected:
        return Markup("")
    items = [_rejection(rejection) for rejection in rejected[:SHOWN_REJECTIONS]]
    if more := len(rejected) - SHOWN_REJECTIONS > 0 and len(rejected) - SHOWN_REJECTIONS:
        items.append(Markup("<li>and {:,} more</li>").format(more))
    return Markup("<p>{} rejected:</p><ul>{}</ul>").format(len(rejected), Markup("").join(items))


def _rejection(rejection: Rejection) -> Markup:
    line = "" if rejection.line is None else f", line {rejection.line:,}"
    name = PurePath(rejection.location).name + line
    return Markup("<li><bdi>{}</bdi>: {}</li>").format(text(name), text(rejection.reason))


# Pages of their own ----------------------------------------------------------------------------

_PAGE = Markup(
    '<!doctype html>\n<html lang="{}"><head><meta charset="utf-8"><title>{}</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="stylesheet" href="/newsqa/newsqa.css"></head><body class="nq-page">'
    '<header><a href="/">newsqa</a></header><main>{}</main></body></html>\n'
)


def article_page(
    article: Article,
    *,
    current: int | None = None,
    start: int | None = None,
    end: int | None = None,
    copies: Sequence[Article] = (),
) -> str:
    """Render an article as a page; [start, end) is marked, with the id ``quote``.

    ``current`` is the article's newest revision, when that is another one.
    """
    main = Markup('<article dir="auto"><h1>{}</h1>{}{}<div class="nq-text">{}</div></article>').format(
        text(article.title or "Untitled"),
        _article_meta(article, copies),
        _superseded(article, current),
        _paragraphs(article.text, start or 0, end or 0),
    )
    return str(_PAGE.format(text(article.language or "en"), text(article.title or "Untitled"), main))


def problem_page(title: str, message: str) -> str:
    """Render a page that says what is wrong."""
    main = Markup("<h1>{}</h1><p>{}</p>").format(text(title), text(message))
    return str(_PAGE.format("en", text(title), main))


def _article_meta(article: Article, copies: Sequence[Article]) -> Markup:
    lines = [_provenance(article)]
    if article.authors:
        lines.append(Markup("By <bdi>{}</bdi>").format(text(", ".join(article.authors))))
    if url := safe_url(article.url):
        link = Markup('<a href="{}" rel="noopener noreferrer nofollow"><bdi>{}</bdi></a>')
        lines.append(link.format(text(url), text(url)))
    if copies:
        lines.append(Markup("Also in: {}").format(Markup(", ").join(map(_copy_link, copies))))
    return Markup("").join(Markup('<p class="nq-meta">{}</p>').format(line) for line in lines)


def _superseded(article: Article, current: int | None) -> Markup:
    if current is None or current == article.revision:
        return Markup("")
    return Markup(
        '<p class="nq-problem">This is revision {} as it was cited. <a href="{}">Revision {} is newer.</a></p>'
    ).format(article.revision, text(article_href(article.id, current)), current)


def _paragraphs(body: str, start: int, end: int) -> Markup:
    """Split at line ends; the part of a line inside [start, end) is marked."""
    parts: list[Markup] = []
    first = True
    for line in re.finditer(r"[^\n]+", body):
        low, high = (min(max(at, line.start()), line.end()) for at in (start, end))
        inside = Markup("")
        if low < high:
            anchor = Markup(' id="quote"') if first else ""
            inside = Markup("<mark{}>{}</mark>").format(anchor, text(body[low:high]))
            first = False
        parts.append(
            Markup('<p dir="auto">{}{}{}</p>').format(
                text(body[line.start() : low]), inside, text(body[high : line.end()])
            )
        )
    return Markup("").join(parts)
