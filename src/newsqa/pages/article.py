"""Pages of their own: an article, and what is wrong with an address."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from newsqa.escape import article_href, safe_url, text
from newsqa.pages.parts import copy_link, provenance
from newsqa.permalink import fingerprint
from newsqa.types import Article

_PAGE = Markup(
    '<!doctype html>\n<html lang="{}"><head><meta charset="utf-8"><title>{}</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<base href="{}"><link rel="stylesheet" href="newsqa/newsqa.css">{}</head><body class="nq-page">'
    '<header><a href="./">newsqa</a></header><main>{}</main></body></html>\n'
)
_SCRIPT = Markup('<script type="module" src="newsqa/newsqa.js"></script>')


def page(title: str, main: Markup, *, language: str = "en", base: str = "./", script: bool = False) -> str:
    """Render a page of its own; ``base`` leads from its address to the chat's, and all links go out from there."""
    return str(_PAGE.format(text(language), text(title), base, _SCRIPT if script else "", main))


def article_page(
    article: Article,
    *,
    current: int | None = None,
    start: int | None = None,
    end: int | None = None,
    start_now: int | None = None,
    copies: Sequence[Article] = (),
) -> str:
    """Render an article as a page; [start, end) is marked, with the id ``quote``.

    ``current`` is the article's newest revision, when that is another one, and ``start_now`` where
    the quote stands in it.
    """
    quoted = start is not None and end is not None
    place = (start or 0, end or 0)
    main = Markup('<article dir="auto"><h1>{}</h1>{}{}{}<div class="nq-text">{}</div></article>').format(
        text(article.title or "Untitled"),
        _article_meta(article, copies),
        _permalink(article, *place),
        _superseded(article, current, place if quoted else None, start_now),
        _paragraphs(article.text, *place),
    )
    return page(article.title or "Untitled", main, language=article.language or "en", base="../", script=True)


def problem_page(title: str, message: str) -> str:
    """Render a page that says what is wrong with an article's address."""
    main = Markup("<h1>{}</h1><p>{}</p>").format(text(title), text(message))
    return page(title, main, base="../")


def _article_meta(article: Article, copies: Sequence[Article]) -> Markup:
    lines = [provenance(article)]
    if article.authors:
        lines.append(Markup("By <bdi>{}</bdi>").format(text(", ".join(article.authors))))
    if url := safe_url(article.url):
        link = Markup('<a href="{}" rel="noopener noreferrer nofollow"><bdi>{}</bdi></a>')
        lines.append(link.format(text(url), text(url)))
    if copies:
        lines.append(Markup("Also in: {}").format(Markup(", ").join(map(copy_link, copies))))
    return Markup("").join(Markup('<p class="nq-meta">{}</p>').format(line) for line in lines)


def _permalink(article: Article, start: int, end: int) -> Markup:
    """Say which revision this is, and where the quote in it, if any, can be found again."""
    if start >= end:
        return Markup('<p class="nq-meta">Revision {}</p>').format(article.revision)
    address = article_href(article.id, article.revision, start, end, fingerprint(article.text[start:end]))
    return Markup(
        '<p class="nq-meta">Revision {} · <a href="{}">Link to this quote</a> '
        '<button class="nq-copy-link" title="Copy the link to this quote">Copy link</button></p>'
    ).format(article.revision, text(address))


def _superseded(article: Article, current: int | None, quote: tuple[int, int] | None, now: int | None) -> Markup:
    """Say what became of the article, and of its quote, after this revision."""
    if current is None or current == article.revision:
        return Markup("")
    newer, said = article_href(article.id, current), "is newer"
    if quote and now is None:
        said = "is newer and no longer has the quote in these words"
    elif quote and now is not None:
        start, end = quote
        newer = article_href(article.id, current, now, now + end - start, fingerprint(article.text[start:end]))
        said = "is newer and still has the quote, word for word"
    return Markup(
        '<p class="nq-problem">This is revision {} as it was cited. <a href="{}">Revision {}</a> {}.</p>'
    ).format(article.revision, text(newer), current, said)


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
