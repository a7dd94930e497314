from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from newsqa import escape, pages
from newsqa.service import Turn
from newsqa.types import Answer, Article, Citation

HIDDEN = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters=HIDDEN))
lines = st.lists(words, max_size=6).map("\n".join)


@given(words)
def test_escaping_changes_no_word(value: str) -> None:
    assert html.unescape(escape.text(value)) == value


@given(st.text())
def test_any_text_escapes_to_harmless_utf8(value: str) -> None:
    escaped = str(escape.text(value))
    assert re.search(r"[<>\"'`$*_{}\\\[\]()!|~@:/\n\u202a-\u202e\u2066-\u2069]", escaped) is None
    escaped.encode()


@given(lines, st.data())
def test_the_marked_part_is_exactly_what_the_offsets_say(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    page = pages.article_page(Article("a", 1, "t", text, None, None, (), None, None, "o", "h"), start=start, end=end)
    marked = [html.unescape(found) for found in re.findall("<mark[^>]*>(.*?)</mark>", page, re.S)]
    assert "".join(marked) == text[start:end].replace("\n", "")


@given(lines.filter(bool), st.data())
def test_the_emphasised_part_of_a_quote_is_exactly_the_answer(quote: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(quote) - 1))
    end = data.draw(st.integers(start + 1, len(quote)))
    before, passage = 7, f"Before {quote} after"
    place = (quote, before, before + len(quote), quote[start:end], before + start, before + end)
    about = ("t", None, None, None, passage, 0, len(passage), 0.5)
    turns = [Turn("q?", Answer("q?", quote[start:end], (Citation(1, "a", 1, *place, *about),), (), 0.5, None, 1))]
    (said,) = re.findall("<blockquote[^>]*>(.*?)</blockquote>", pages.conversation(turns))
    (shown,) = re.findall("<mark>(.*?)</mark>", pages.sources(turns))
    for markup, tag in ((said, "mark"), (shown, "strong")):
        parts = re.split(f"</?{tag}>", markup)
        assert [html.unescape(part) for part in parts] == [quote[:start], quote[start:end], quote[end:]]
