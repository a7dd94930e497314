"""A conversation <-> what a browser keeps of it.

But for what a follow-up borrowed of an answer, no text of an article leaves the archive: an answer is kept as
the places of its quotes, which are read again when it is shown again. What was removed from the archive is gone
from old conversations too.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from newsqa.answer import show
from newsqa.errors import ArticleNotFoundError
from newsqa.index import Index
from newsqa.permalink import fingerprint, follow
from newsqa.qa import MAX_QUESTION
from newsqa.service import MAX_TURNS, Turn
from newsqa.types import Answer, Citation, Filters, Passage, Span, Stage

LONGEST = 500_000
"""Characters of a kept conversation that are read."""
MOST_CITED = 100
"""Citations of a kept answer that are read again, and as many passages near it."""
PLACE = (
    *("article_id", "revision", "start", "end", "answer_start", "answer_end"),
    *("passage_start", "passage_end", "score", "support"),
)
"""What is kept of a citation, besides its fingerprint."""
GONE = "This answer's articles are no longer in the archive, or no longer say so. Ask again."


def keep(turns: list[Turn]) -> str:
    """Write a conversation as JSON, '' when it is empty; a turn that is still going on is left out."""
    done = [_turn(turn) for turn in turns if not isinstance(turn.outcome, Stage)]
    return json.dumps(done, separators=(",", ":")) if done else ""


def _turn(turn: Turn) -> dict[str, Any]:
    days = {"since": turn.filters.since, "until": turn.filters.until, "as_of": turn.filters.as_of}
    kept: dict[str, Any] = {"question": turn.question, "asked": turn.asked, "outlets": turn.filters.outlets}
    if turn.filters.languages:
        kept["languages"] = turn.filters.languages
    kept |= {name: day.isoformat() for name, day in days.items() if day}
    if isinstance(turn.outcome, Answer):
        answer = turn.outcome
        kept |= {"confidence": answer.confidence, "searched": answer.searched, "reason": answer.reason}
        kept |= {"cited": list(map(_cited, answer.citations)), "near": list(map(_cited, answer.near))}
    elif isinstance(turn.outcome, str):
        kept["problem"] = turn.outcome
    return kept


def _cited(citation: Citation) -> dict[str, Any]:
    return {name: getattr(citation, name) for name in PLACE} | {"mark": fingerprint(citation.quote)}


def restore(index: Index, kept: str) -> list[Turn]:
    """Read a conversation again; one that isn't in this form is no conversation, whoever wrote it."""
    try:
        return [_restored(index, turn) for turn in json.loads(kept[:LONGEST])[-MAX_TURNS:]]
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return []


def _restored(index: Index, kept: dict[str, Any]) -> Turn:
    since, until, as_of = (
        date.fromisoformat(kept[name]) if name in kept else None for name in ("since", "until", "as_of")
    )
    languages = tuple(map(str, kept.get("languages", ())))
    filters = Filters(since, until, tuple(map(str, kept["outlets"])), as_of=as_of, languages=languages)
    asked = None if kept["asked"] is None else str(kept["asked"])[:MAX_QUESTION]
    turn = Turn(str(kept["question"])[:MAX_QUESTION], GONE, filters, asked)
    if "problem" in kept:
        return replace(turn, outcome=str(kept["problem"])[:MAX_QUESTION])
    with index.reading():
        cited, near = (
            tuple(found for one in kept[name][:MOST_CITED] if (found := _citation(index, one)))
            for name in ("cited", "near")
        )
    if kept["cited"] and not cited:
        return turn
    cited = tuple(replace(one, number=number) for number, one in enumerate(cited, start=1))
    reason = None if cited else str(kept["reason"])[:MAX_QUESTION]
    figures = (float(kept["confidence"]), reason, int(kept["searched"]))
    return replace(turn, outcome=Answer(turn.standalone, cited[0].answer if cited else None, cited, near, *figures))


def _citation(index: Index, kept: dict[str, Any]) -> Citation | None:
    """Cite again what was cited, None where the archive doesn't say so any more."""
    start, end = int(kept["start"]), int(kept["end"])
    try:
        found = follow(index, str(kept["article_id"]), int(kept["revision"]), start, end, str(kept["mark"]))
    except ArticleNotFoundError:
        return None
    article, by = found.article, found.start - start
    low = min(found.start, max(0, int(kept["passage_start"]) + by))
    high = max(found.end, min(len(article.text), int(kept["passage_end"]) + by))
    about = (article.title, article.outlet, article.published)
    passage = Passage(0, article.id, article.revision, low, high, article.text[low:high], *about)
    span = Span(passage, found.start, found.end, min(1.0, max(0.0, float(kept["score"]))))
    shown = replace(show(1, span, article, index.copies(article.id)), support=int(kept["support"]))
    if kept["answer_start"] is None:
        return shown
    first, last = int(kept["answer_start"]) + by, int(kept["answer_end"]) + by
    if not found.start <= first < last <= found.end:
        return None
    return replace(shown, answer=article.text[first:last], answer_start=first, answer_end=last)
