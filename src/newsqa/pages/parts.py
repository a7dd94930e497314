"""What several panels are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from newsqa.escape import article_href, text
from newsqa.pages.words import when
from newsqa.permalink import fingerprint
from newsqa.types import Article, Citation, Copy

LONGEST = 400
"""Characters shown of a headline or an outlet's name; an article's own page shows them all."""


def short(value: str) -> Markup:
    """Escape a name, its end left out where nobody would read it."""
    return text(value if len(value) <= LONGEST else value[:LONGEST] + "…")


def provenance(item: Citation | Article) -> Markup:
    """Render outlet and date."""
    return Markup("<bdi>{}</bdi> · {}").format(short(item.outlet or "unknown outlet"), text(when(item.published)))


def headline(item: Citation | Article) -> Markup:
    """Render the title, however it is written and whether or not there is one."""
    return Markup("<bdi>{}</bdi>").format(short(item.title or "Untitled"))


def href(citation: Citation) -> Markup:
    """Give the quote's permalink."""
    mark = fingerprint(citation.quote)
    return text(article_href(citation.article_id, citation.revision, citation.start, citation.end, mark))


def by_quote(citations: Sequence[Citation]) -> list[tuple[Citation, ...]]:
    """Put citations of the very same words together: answers that one sentence gives are shown in it once."""
    found: dict[tuple[str, int, int, int], list[Citation]] = {}
    for one in citations:
        found.setdefault((one.article_id, one.revision, one.start, one.end), []).append(one)
    return [tuple(group) for group in found.values()]


def emphasised(cited: Sequence[Citation], emphasis: Markup) -> Markup:
    """Give the quote that citations share, each of their answers inside ``emphasis``."""
    quote, first = cited[0].quote, cited[0].start
    shown, done = Markup(""), 0
    for start, end in sorted((one.answer_start or first, one.answer_end or first) for one in cited):
        if done <= start - first < end - first:  # answers overlap in no conversation but a forged one
            shown += text(quote[done : start - first]) + emphasis.format(text(quote[start - first : end - first]))
            done = end - first
    return shown + text(quote[done:])


def tight(value: str) -> Markup:
    """Escape with paragraphs as lines."""
    return text(re.sub(r"\n{2,}", "\n", value))


def copy_link(copy: Copy | Article, note: str = "") -> Markup:
    """Render a link to another article that tells the same story."""
    article_id = copy.article_id if isinstance(copy, Copy) else copy.id
    label = f"{copy.outlet or copy.title or 'another article'}, {when(copy.published)}"
    link = Markup('<a href="{}"><bdi>{}</bdi></a>{}')
    return link.format(text(article_href(article_id, copy.revision)), short(label), note)


def copy_button(label: str, name: str, words: str) -> Markup:
    """Render a button that copies ``words``: newsqa.js takes them from the element behind it."""
    return Markup('<button class="nq-copy" title="{}">{}</button><pre class="nq-words">{}</pre>').format(
        name, label, text(words)
    )
