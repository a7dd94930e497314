"""The conversation, and what is around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from markupsafe import Markup

from newsqa import address
from newsqa.escape import text
from newsqa.pages.parts import by_quote, copy_link, emphasised, headline, href, provenance
from newsqa.pages.words import count, language_name, likelihood, when
from newsqa.service import Turn
from newsqa.types import Answer, Citation, Copy, Filters, Stage

INVITATION = "Ask about the articles in your archive. Every answer is a verbatim quote with its source."
LONGEST_NAMED = 60
"""Characters of an answer that are repeated under its quote."""


def conversation(turns: Sequence[Turn], examples: Sequence[str] = ()) -> str:
    """Render a conversation, each turn a heading and its outcome; an empty one invites, with ``examples``."""
    if not turns:
        return str(Markup('<div><p class="nq-invitation">{}</p>{}</div>').format(INVITATION, _examples(examples)))
    shown = [_turn(turn, last=turn is turns[-1]) for turn in turns]
    return str(Markup('<div class="nq-turns">{}</div>').format(Markup("").join(shown)))


def kept(record: str) -> str:
    """Render what newsqa.js keeps of the conversation in this browser."""
    return str(Markup('<div><pre class="nq-words">{}</pre></div>').format(text(record)))


def file(name: str, words: str) -> str:
    """Render what newsqa.js saves as a file as soon as another name comes."""
    return str(Markup('<div><pre class="nq-words" title="{}">{}</pre></div>').format(text(name), text(words)))


def earlier() -> str:
    """Render what newsqa.js fills with the conversations that this browser kept."""
    return '<div><details class="nq-earlier"><summary>Earlier chats</summary><ul class="nq-chats"></ul></details></div>'


def _examples(questions: Sequence[str]) -> Markup:
    if not questions:
        return Markup("")
    link = Markup('<li><a class="nq-go" href="{}"><bdi>{}</bdi></a></li>')
    items = Markup("").join(link.format(text(address.write(one)), text(one)) for one in questions)
    return Markup('<p class="nq-hint">For example:</p><ul class="nq-examples">{}</ul>').format(items)


def _turn(turn: Turn, *, last: bool) -> Markup:
    return Markup('<section class="nq-turn"><h2 dir="auto">{}</h2>{}{}{}{}</section>').format(
        text(turn.question), _meant(turn), _chips(turn), _outcome(turn, last=last), _foot(turn)
    )


def _meant(turn: Turn) -> Markup:
    if turn.asked is None:
        return Markup("")
    return Markup(
        '<p class="nq-meant">Asked as: <bdi class="nq-asked">{}</bdi> '
        '<button class="nq-correct">Correct it</button></p>'
    ).format(text(turn.asked))


def _chips(turn: Turn) -> Markup:
    chips = [
        Markup(
            '<li><a class="nq-go nq-chip" title="Ask without this filter" href="{}"><bdi>{}</bdi> ×</a></li>'
        ).format(text(address.write(turn.standalone, without)), text(words))
        for words, without in _filters(turn.filters)
    ]
    return Markup('<ul class="nq-chips">{}</ul>').format(Markup("").join(chips)) if chips else Markup("")


def _filters(filters: Filters) -> Iterator[tuple[str, Filters]]:
    """Yield each filter in words, with the filters that are left without it."""
    for number, outlet in enumerate(filters.outlets):
        others = filters.outlets[:number] + filters.outlets[number + 1 :]
        yield f"only {outlet}", replace(filters, outlets=others)
    for language in filters.languages:
        others = tuple(other for other in filters.languages if other != language)
        yield f"in {language_name(language)}", replace(filters, languages=others)
    if filters.since:
        yield f"from {when(filters.since.isoformat())}", replace(filters, since=None)
    if filters.until:
        yield f"to {when(filters.until.isoformat())}", replace(filters, until=None)
    if filters.as_of:
        yield f"as of {when(filters.as_of.isoformat())}", replace(filters, as_of=None)


def _foot(turn: Turn) -> Markup:
    """Render the link that asks again, which can be shared; newsqa.js shows it in the address bar too."""
    if isinstance(turn.outcome, Stage):
        return Markup("")
    return Markup(
        '<p class="nq-foot"><a class="nq-go nq-again" href="{}">Ask again</a> '
        '<button class="nq-copy-link" title="Copy a link that asks this, with its filters">Copy link</button></p>'
    ).format(text(address.write(turn.standalone, turn.filters)))


def _outcome(turn: Turn, *, last: bool) -> Markup:
    outcome = turn.outcome
    if isinstance(outcome, Stage):
        return Markup('<p class="nq-state">{}</p>').format(text(outcome.message))
    if isinstance(outcome, str):
        return Markup('<p class="nq-problem">{}</p>').format(text(outcome))
    if outcome.text is None:
        return _no_answer(outcome, turn.filters)
    first, *others = (_quoted(n, cited, last=last) for n, cited in enumerate(by_quote(outcome.citations), start=1))
    further = Markup('<p class="nq-further">Further answers</p>') if others else Markup("")
    return Markup('<div class="nq-answer">{}{}{}</div>').format(first, further, Markup("").join(others))


def _quoted(number: int, cited: Sequence[Citation], *, last: bool) -> Markup:
    """Render a quote with the answers in it."""
    best = cited[0]
    return Markup(
        '<blockquote class="nq-quote" dir="auto">{}</blockquote><p class="nq-from">{} {} · {} · {}</p>{}'
    ).format(
        emphasised(cited, Markup("<mark>{}</mark>")),
        _reference(number, best, last=last),
        provenance(best),
        headline(best),
        Markup("; ").join(_sureness(one, named=len(cited) > 1) for one in cited),
        also_in(best.also_in),
    )


def _sureness(citation: Citation, *, named: bool) -> Markup:
    """Say how sure an answer is, and which one, where a quote has several."""
    answer = citation.answer or ""
    return Markup('{}{}<span class="nq-likely" title="confidence {:.2f}">{}</span>').format(
        Markup("<bdi>{}</bdi>: ").format(text(answer[:LONGEST_NAMED] + "…" * (len(answer) > LONGEST_NAMED)))
        if named
        else "",
        f"found in {count(citation.support, 'article')} · " if citation.support > 1 else "",
        citation.score,
        likelihood(citation.score),
    )


def _reference(number: int, citation: Citation, *, last: bool) -> Markup:
    """Lead to the card beside the chat, which only the last answer has, else to the article."""
    if not last:
        return Markup('<a href="{}" title="Open the article at the quote">[{}]</a>').format(href(citation), number)
    return Markup('<a href="#nq-source-{0}" id="nq-answer-{0}" title="Go to source {0}">[{0}]</a>').format(number)


def also_in(copies: Sequence[Copy]) -> Markup:
    """Render the articles that tell the same story, folded."""
    if not copies:
        return Markup("")
    links = [copy_link(copy, "" if copy.verbatim else " (in other words)") for copy in copies]
    return Markup('<details class="nq-also"><summary>Also in {}</summary><ul>{}</ul></details>').format(
        count(len(copies), "other", "others"), Markup("").join(Markup("<li>{}</li>").format(link) for link in links)
    )


def _no_answer(answer: Answer, filters: Filters) -> Markup:
    narrowed = ", ".join(words for words, _ in _filters(filters)) or "every article"
    near = "The nearest passages are shown as sources; they are not answers." if answer.near else ""
    return Markup(
        '<div class="nq-none"><p class="nq-verdict">No answer found in {}.</p>'
        "<p>Searched: <bdi>{}</bdi>. {} {}</p></div>"
    ).format(count(answer.searched, "article"), text(narrowed), text(answer.reason or ""), near)
