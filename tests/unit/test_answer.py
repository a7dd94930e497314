from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsqa.answer import Sources, build, cite, parts, select, show, within
from newsqa.chunk import sentences
from newsqa.errors import CitationError
from newsqa.types import Answer, Article, Citation, Filters, Passage, Span

TEXT = "The council met. It voted 7 to 4 for the bridge. Nobody was surprised."
QUOTE = "It voted 7 to 4 for the bridge."
VOTE = "7 to 4"
DAILY = Filters(outlets=("Daily",))


def article(identity: str = "a1", text: str = TEXT, outlet: str = "Post") -> Article:
    return Article(identity, 1, "Bridge vote", text, None, outlet, (), "2025-01-02", "en", "x.txt", "hash")


def passage(identity: str = "a1", text: str = TEXT, number: int = 1) -> Passage:
    return Passage(number, identity, 1, 0, len(text), text, "Bridge vote", "Post", "2025-01-02")


def span(score: float, identity: str = "a1", words: str = VOTE, text: str = TEXT) -> Span:
    start = text.index(words)
    return Span(passage(identity, text), start, start + len(words), score)


def cited(text: str, words: str) -> Citation:
    return cite(1, span(0.8, words=words, text=text), article(text=text), sentences=sentences)


def sources(*articles: Article | tuple[Article, Sequence[Article]]) -> Sources:
    pairs = [pair if isinstance(pair, tuple) else (pair, ()) for pair in articles]
    return Sources({pair[0].id: pair for pair in pairs}, sentences)


def test_a_citation_is_verbatim_and_carries_its_source() -> None:
    citation = cite(2, replace(span(0.8), also=(span(0.7, "a2"), span(0.6, "a2"))), article(), sentences=sentences)
    assert (citation.number, citation.quote, citation.answer, citation.score) == (2, QUOTE, VOTE, 0.8)
    assert TEXT[citation.start : citation.end] == QUOTE
    assert TEXT[citation.answer_start : citation.answer_end] == VOTE
    assert (citation.title, citation.outlet, citation.published) == ("Bridge vote", "Post", "2025-01-02")
    assert citation.support == 2


@pytest.mark.parametrize(
    ("text", "answer", "quote"),
    [
        (TEXT, "The council", "The council met."),
        (TEXT, "surprised.", "Nobody was surprised."),
        (TEXT, "the bridge. Nobody", "It voted 7 to 4 for the bridge. Nobody was surprised."),
        (TEXT, "met. It voted 7 to 4 for the bridge. Nobody", TEXT),
        (TEXT, QUOTE, QUOTE),
        (TEXT, " It", f" {QUOTE}"),
        ("Fire\nThe mill burnt.\nNobody died", "died", "Nobody died"),
        ("no full stop and no end in sight", "no end", "no full stop and no end in sight"),
        ("水位上升了三米。桥梁关闭。", "三米", "水位上升了三米。"),
        ("Η γέφυρα κοστίζει 41 εκατομμύρια. Άνοιξε τη Δευτέρα.", "τη Δευτέρα", "Άνοιξε τη Δευτέρα."),
        ("أغلق الجسر. هل يفتح غدا؟ لا.", "غدا", "هل يفتح غدا؟"),
        ("👩‍🚒 saved 3 cats. 🐈", "3 cats", "👩‍🚒 saved 3 cats."),
    ],
)
def test_the_quote_is_the_whole_sentences_around_the_answer(text: str, answer: str, quote: str) -> None:
    citation = cited(text, answer)
    assert (citation.answer, citation.quote) == (answer, quote)


def test_what_lies_between_sentences_is_quoted_as_it_is() -> None:
    assert cited("One.   Two.", "  ").quote == "  "


def test_the_quote_ends_where_the_passage_does() -> None:
    part = Passage(1, "a1", 1, 17, 41, TEXT[17:41], "", None, None)
    assert cite(1, Span(part, 26, 32, 0.5), article(), sentences=sentences).quote == "It voted 7 to 4 for the"


@pytest.mark.parametrize(
    "wrong",
    [
        article(text=TEXT.replace("7", "9")),
        article(text=TEXT.replace("bridge", "brigde")),
        article(text=" " + TEXT),
        article(identity="a2"),
        replace(article(), revision=2),
    ],
)
def test_what_its_article_does_not_hold_is_refused(wrong: Article) -> None:
    with pytest.raises(CitationError):
        cite(1, span(0.8), wrong, sentences=sentences)


@pytest.mark.parametrize(("start", "end"), [(20, 20), (24, 20), (10, 20), (60, 90), (-6, -1)])
def test_an_answer_that_is_empty_or_outside_its_passage_is_refused(start: int, end: int) -> None:
    part = Passage(1, "a1", 1, 17, 70, TEXT[17:], "", None, None)
    with pytest.raises(CitationError):
        cite(1, Span(part, start, end, 0.9), article(), sentences=sentences)


NEWS = st.lists(
    st.sampled_from(["Mayor ", "Voss ", "said ", "“No.” ", "7", ". ", "!\n", "\n", "三米", "。", "؟ ", "🌉", "é"])
)
TEXTS = st.one_of(st.text(), NEWS.map("".join)).filter(bool)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Article, Span]:
    """An article of any text, a passage anywhere in it, and a span anywhere in that."""
    text = draw(TEXTS)
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    low = draw(st.integers(start, end - 1))
    high = draw(st.integers(low + 1, end))
    return article(text=text), Span(Passage(1, "a1", 1, start, end, text[start:end], "", None, None), low, high, 0.5)


@given(cases())
def test_quote_and_answer_are_verbatim_and_nested_in_the_passage(case: tuple[Article, Span]) -> None:
    whole, found = case
    text = whole.text
    citation = cite(1, found, whole, sentences=sentences)
    assert (citation.answer_start, citation.answer_end) == (found.start, found.end)
    assert citation.answer == text[found.start : found.end]
    assert citation.quote == text[citation.start : citation.end]
    assert found.passage.start <= citation.start <= found.start < found.end <= citation.end <= found.passage.end
    assert parts(citation)[1] == citation.answer
    assert "".join(parts(citation)) == citation.quote


@given(cases())
def test_no_sentence_is_cut(case: tuple[Article, Span]) -> None:
    whole, found = case
    citation = cite(1, found, whole, sentences=sentences)
    for start, end in sentences(found.passage.text):
        inside = range(max(citation.start - found.passage.start, start), min(citation.end - found.passage.start, end))
        assert len(inside) in (0, end - start)


@given(cases(), st.text(), st.text())
def test_what_is_moved_to_a_copy_is_verbatim_there(case: tuple[Article, Span], before: str, after: str) -> None:
    whole, found = case
    copy = article("a2", before + whole.text + after, "Daily")
    (moved,) = within(DAILY, [found], sources((whole, [copy])))
    there, here = (cite(1, s, a, sentences=sentences) for s, a in ((moved, copy), (found, whole)))
    assert (there.answer, there.quote) == (here.answer, here.quote)


def test_words_that_are_no_answer_are_cited_without_one() -> None:
    near = show(2, span(0.0, words=QUOTE), article())
    assert (near.number, near.quote, near.answer, near.answer_start, near.answer_end) == (2, QUOTE, None, None, None)
    assert parts(near) == (QUOTE, "", "")
    with pytest.raises(CitationError):
        show(1, span(0.0, words=QUOTE), article(text=TEXT[1:]))


def test_copies_say_whether_they_hold_the_very_quote() -> None:
    same, edited = article("a2"), article("a3", TEXT.replace("bridge", "tunnel"))
    citation = cite(1, span(0.8), article(), [same, edited], sentences=sentences)
    assert [(c.article_id, c.verbatim) for c in citation.also_in] == [("a2", True), ("a3", False)]


def test_answers_differ_in_more_than_case_punctuation_and_articles() -> None:
    spans = [
        span(0.9, words="The council"),
        span(0.8, "a2", "council,", "A council, a city."),
        span(0.7),
        span(0.6, "a3"),
    ]
    assert [s.score for s in select(spans, k=3)] == [0.9, 0.7]


def test_answers_that_overlap_in_one_article_are_one() -> None:
    wider = span(0.8, words="voted 7")
    assert [s.score for s in select([span(0.9), wider, span(0.7, "a2", "4 for")], k=3)] == [0.9, 0.7]


def test_one_article_gives_several_answers_also_in_one_sentence() -> None:
    spans = [span(0.5, words="council"), span(0.9, words="7"), span(0.7, words="4")]
    assert [s.text for s in select(spans, k=3)] == ["7", "4", "council"]


def test_no_more_than_k_answers() -> None:
    assert [s.score for s in select([span(0.5), span(0.9, "a2", "The council met.")], k=1)] == [0.9]


def built(spans: Sequence[Span], filters: Filters = Filters(), archive: Sources | None = None) -> Answer:
    archive = archive or sources(article(), article("a2"))
    return build("q?", spans, [passage()], k=3, min_confidence=0.5, filters=filters, searched=9, sources=archive)


def test_below_the_threshold_it_abstains_and_shows_what_is_near() -> None:
    answer = built([span(0.4)])
    assert (answer.text, answer.citations, answer.confidence, answer.searched) == (None, (), 0.4, 9)
    assert [(c.quote, c.answer) for c in answer.near] == [(TEXT, None)]
    assert answer.reason is not None


def test_only_spans_above_the_threshold_are_answers() -> None:
    answer = built([span(0.4, "a2", "The council met."), span(0.9), span(0.6, words="the bridge")])
    assert [(c.number, c.answer, c.quote) for c in answer.citations] == [(1, VOTE, QUOTE), (2, "the bridge", QUOTE)]
    assert (answer.text, answer.near, answer.reason) == (VOTE, (), None)


def test_nothing_found_says_why() -> None:
    nothing, filtered = (
        build("q?", [], [], k=3, min_confidence=0.5, filters=Filters(), searched=searched, sources=sources())
        for searched in (9, 0)
    )
    assert nothing.reason is not None
    assert "in common" in nothing.reason
    assert filtered.reason is not None
    assert "no articles" in filtered.reason


def test_where_else_the_answer_stands_is_cited_if_filters_drop_the_best_place() -> None:
    other, third = article("a2", outlet="Daily"), article("a3", outlet="Weekly")
    found = replace(span(0.9), also=(span(0.8, "a3"), span(0.7, "a2")))
    answer = built([found], DAILY, sources(article(), other, third))
    (citation,) = answer.citations
    assert (citation.article_id, citation.answer, citation.score, citation.support) == ("a2", VOTE, 0.7, 3)


@pytest.mark.parametrize(
    ("copied", "cited", "score"),
    [
        ("a1", "copy", 0.9),
        ("a2", "copy", 0.8),
        ("a3", "a3", 0.7),
    ],
)
def test_the_best_place_is_cited_be_it_in_a_copy(copied: str, cited: str, score: float) -> None:
    """Of three places and a copy of one of them, filters keep the third and the copy."""
    copy = article("copy", outlet="Daily")
    every = [
        (one, [copy] if one.id == copied else []) for one in (article(), article("a2"), article("a3", TEXT, "Daily"))
    ]
    found = replace(span(0.9), also=(span(0.8, "a2"), span(0.7, "a3")))
    (moved,) = within(DAILY, [found], sources(*every))
    assert (moved.passage.article_id, moved.score, moved.support) == (cited, score, 3)


def test_a_place_that_the_filters_keep_comes_before_its_copies() -> None:
    found = replace(span(0.9), also=(span(0.8, "a2"),))
    archive = sources((article(outlet="Daily"), [article("copy", outlet="Daily")]), article("a2", outlet="Daily"))
    assert list(within(DAILY, [found], archive)) == [found]


def test_a_copy_that_lacks_the_quote_gives_way_to_where_else_the_answer_stands() -> None:
    copy = article("copy", TEXT.replace("bridge", "tunnel"), "Daily")
    found = replace(span(0.9), also=(span(0.8, "a2"),))
    (moved,) = within(DAILY, [found], sources((article(), [copy]), article("a2", outlet="Daily")))
    assert (moved.passage.article_id, moved.score) == ("a2", 0.8)


def test_a_copy_that_the_filters_keep_is_cited_in_its_own_words() -> None:
    copy = article("a2", f"CITY (Wire) - {TEXT}", "Daily")
    found = replace(span(0.8), also=(span(0.7, "a3"),))
    (moved,) = within(Filters(outlets=("daily",)), [found], sources((article(), [copy]), article("a3")))
    citation = cite(1, moved, copy, sentences=sentences)
    assert (citation.article_id, citation.quote, copy.text[citation.start : citation.end]) == ("a2", QUOTE, QUOTE)
    assert (citation.answer, citation.passage, citation.support) == (VOTE, TEXT, 2)


def test_a_copy_that_lacks_the_passage_is_cited_if_it_has_the_quote() -> None:
    copy = article("a2", f"Edited. {QUOTE} So what.", "Daily")
    (moved,) = within(DAILY, [span(0.8)], sources((article(), [copy])))
    assert (moved.text, moved.passage.text, copy.text[moved.start : moved.end]) == (VOTE, QUOTE, VOTE)


def test_what_no_kept_article_says_in_the_same_sentence_is_not_cited() -> None:
    copy = article("a2", TEXT.replace("bridge", "tunnel"), "Daily")
    archive = sources((article(), [copy]))
    assert list(within(DAILY, [span(0.8)], archive)) == []
    assert list(within(Filters(outlets=("Post",)), [span(0.8)], archive)) == [span(0.8)]
