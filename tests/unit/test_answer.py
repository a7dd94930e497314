from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsqa.answer import build, cite, select, within
from newsqa.errors import CitationError
from newsqa.types import Article, Filters, Passage, Span

TEXT = "The council met. It voted 7 to 4 for the bridge. Nobody was surprised."
QUOTE = "It voted 7 to 4 for the bridge."


def article(identity: str = "a1", text: str = TEXT) -> Article:
    return Article(identity, 1, "Bridge vote", text, None, "Post", (), "2025-01-02", "en", "x.txt", "hash")


def passage(identity: str = "a1", text: str = TEXT, number: int = 1) -> Passage:
    return Passage(number, identity, 1, 0, len(text), text, "Bridge vote", "Post", "2025-01-02")


def span(score: float, identity: str = "a1", quote: str = QUOTE, text: str = TEXT) -> Span:
    start = text.index(quote)
    return Span(passage(identity, text), start, start + len(quote), score)


def test_a_citation_is_verbatim_and_carries_its_source() -> None:
    citation = cite(2, span(0.8), article())
    assert (citation.number, citation.quote, citation.score) == (2, QUOTE, 0.8)
    assert TEXT[citation.start : citation.end] == QUOTE
    assert (citation.title, citation.outlet, citation.published) == ("Bridge vote", "Post", "2025-01-02")


@pytest.mark.parametrize(
    "wrong",
    [
        article(text=TEXT.replace("7", "9")),
        article(text=" " + TEXT),
        article(identity="a2"),
        replace(article(), revision=2),
    ],
)
def test_a_quote_that_its_article_does_not_hold_is_refused(wrong: Article) -> None:
    with pytest.raises(CitationError):
        cite(1, span(0.8), wrong)


def test_an_empty_quote_is_refused() -> None:
    with pytest.raises(CitationError):
        cite(1, Span(passage(), 5, 5, 0.9), article())


@given(st.text(min_size=1), st.data())
def test_whatever_is_cited_is_in_the_article_at_its_offsets(text: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(text) - 1))
    last = data.draw(st.integers(first + 1, len(text)))
    whole = Passage(1, "a1", 1, 0, len(text), text, "", None, None)
    citation = cite(1, Span(whole, first, last, 0.5), article(text=text))
    assert text[citation.start : citation.end] == citation.quote


def test_copies_say_whether_they_hold_the_very_quote() -> None:
    same, edited = article("a2"), article("a3", TEXT.replace("7", "9"))
    citation = cite(1, span(0.8), article(), [same, edited])
    assert [(c.article_id, c.verbatim) for c in citation.also_in] == [("a2", True), ("a3", False)]


def test_answers_come_from_different_articles_and_differ() -> None:
    spans = [span(0.5), span(0.9, quote="The council met."), span(0.7, "a2", "The council  met.", "The council  met.")]
    assert [s.score for s in select([*spans, span(0.6, "a3")], k=3)] == [0.9, 0.6]


def test_no_more_than_k_answers() -> None:
    assert [s.score for s in select([span(0.5), span(0.9, "a2", "The council met.")], k=1)] == [0.9]


def test_below_the_threshold_it_abstains_and_shows_what_is_near() -> None:
    sources = {"a1": (article(), ())}
    answer = build(
        "q?", [span(0.4)], [passage()], k=3, min_confidence=0.5, filters=Filters(), searched=9, articles=sources
    )
    assert (answer.text, answer.citations, answer.confidence, answer.searched) == (None, (), 0.4, 9)
    assert [c.quote for c in answer.near] == [TEXT]
    assert answer.reason is not None


def test_only_spans_above_the_threshold_are_answers() -> None:
    sources = {"a1": (article(), ()), "a2": (article("a2"), ())}
    spans = [span(0.9), span(0.4, "a2", "The council met.")]
    answer = build("q?", spans, [passage()], k=3, min_confidence=0.5, filters=Filters(), searched=9, articles=sources)
    assert [c.number for c in answer.citations] == [1]
    assert (answer.text, answer.near, answer.reason) == (QUOTE, (), None)


def test_nothing_found_says_why() -> None:
    nothing = build("q?", [], [], k=3, min_confidence=0.5, filters=Filters(), searched=9, articles={})
    filtered = build("q?", [], [], k=3, min_confidence=0.5, filters=Filters(), searched=0, articles={})
    assert nothing.reason is not None
    assert "in common" in nothing.reason
    assert filtered.reason is not None
    assert "no articles" in filtered.reason


def test_a_copy_that_the_filters_keep_is_cited_in_its_own_words() -> None:
    copy = replace(article("a2", f"CITY (Wire) - {TEXT}"), outlet="Daily")
    sources = {"a1": (article(), [copy]), "a2": (copy, [article()])}
    (moved,) = within(Filters(outlets=("daily",)), [span(0.8)], sources)
    citation = cite(1, moved, copy)
    assert (citation.article_id, citation.quote, copy.text[citation.start : citation.end]) == ("a2", QUOTE, QUOTE)
    assert citation.passage == TEXT


def test_a_copy_that_lacks_the_passage_is_cited_if_it_has_the_quote() -> None:
    copy = replace(article("a2", f"Edited. {QUOTE} So what."), outlet="Daily")
    (moved,) = within(Filters(outlets=("Daily",)), [span(0.8)], {"a1": (article(), [copy])})
    assert copy.text[moved.start : moved.end] == QUOTE == moved.passage.text


def test_what_no_kept_article_says_is_not_cited() -> None:
    copy = replace(article("a2", TEXT.replace("7", "9")), outlet="Daily")
    assert list(within(Filters(outlets=("Daily",)), [span(0.8)], {"a1": (article(), [copy])})) == []
    assert list(within(Filters(outlets=("Post",)), [span(0.8)], {"a1": (article(), [copy])})) == [span(0.8)]
