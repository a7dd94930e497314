from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from newsqa.chunk import MAX_TOKENS, TOKENS, Budget, chunk, count_tokens, sentences

PROSE = "The council met on Monday. It voted 7 to 4 for the bridge. Mayor Ilse Brandt said: “We are done.” "
texts = st.text(max_size=1500) | st.lists(
    st.sampled_from([*PROSE.split(". "), "Heading", "第一段落。", "A long word: " + "x" * 300, "\n", "\n\n", "• item"]),
    max_size=80,
).map(". ".join)


def quotes(text: str, bounds: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in bounds]


def test_sentences_keep_abbreviations_and_speech_together() -> None:
    text = "Gen. Ada Roe met U.S. officials on Jan. 5. “It is over.” She left.\nNo full stop here\n\nNext."
    assert quotes(text, sentences(text)) == [
        "Gen. Ada Roe met U.S. officials on Jan. 5.",
        "“It is over.”",
        "She left.",
        "No full stop here",
        "Next.",
    ]


def test_other_scripts_are_split_at_their_own_full_stops() -> None:
    text = "今天天气很好。我们去公园吧！"
    assert quotes(text, sentences(text, "zh")) == ["今天天气很好。", "我们去公园吧！"]


def test_short_text_is_one_passage() -> None:
    assert chunk("One sentence. Another one.") == [(0, 26)]


def test_no_text_has_no_passage() -> None:
    assert chunk(" \n\n ") == []


def test_passages_overlap_by_one_sentence() -> None:
    text = " ".join(f"Sentence number {n} says that the dam at Orvelle held for {n} days." for n in range(60))
    passages = chunk(text)
    known = sentences(text)
    assert len(passages) > 2
    for (_, end), (start, _) in pairwise(passages):
        assert (start, end) in known


def test_a_heading_starts_a_passage_and_is_not_crossed() -> None:
    text = "First part ends here.\n\nWhat happens next\n\nSecond part starts here."
    assert quotes(text, chunk(text)) == ["First part ends here.", "What happens next\n\nSecond part starts here."]


def test_a_list_of_short_lines_is_not_taken_for_headings() -> None:
    text = "The winners:\n" + "\n".join(f"District {n}" for n in range(12)) + "\nThat was all."
    assert chunk(text) == [(0, len(text))]


def test_a_sentence_over_budget_is_split_and_nothing_is_lost() -> None:
    text = "and then " * 400
    passages = chunk(text)
    assert "".join(quotes(text, passages)).replace(" ", "") == text.replace(" ", "")
    assert max(count_tokens(quotes(text, passages))) <= MAX_TOKENS


def test_text_without_white_space_is_split() -> None:
    text = "水" * 2000
    assert "".join(quotes(text, chunk(text))) == text


def test_every_budget_is_kept() -> None:
    characters = Budget(lambda texts: [len(t) for t in texts], 150)
    passages = chunk(PROSE * 20, (TOKENS, characters))
    assert 0 < max(end - start for start, end in passages) <= 150


@given(texts)
def test_sentences_cover_all_but_white_space_in_order(text: str) -> None:
    position = 0
    for start, end in sentences(text):
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


@given(texts)
def test_passages_cover_the_text_in_order_within_budget(text: str) -> None:
    passages = chunk(text)
    covered = 0
    for start, end in passages:
        assert 0 <= start < end <= len(text)
        assert not text[covered:start].strip()
        assert end > covered
        covered = end
    assert not text[covered:].strip()
    assert all(n <= MAX_TOKENS or e - s == 1 for n, (s, e) in zip(count_tokens(quotes(text, passages)), passages))  # noqa: B905
