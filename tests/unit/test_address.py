from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsqa import address
from newsqa.address import Asked
from newsqa.types import Filters

texts = st.text(st.characters(codec="utf-8"), min_size=1)


def test_a_query_string_carries_question_and_filters() -> None:
    filters = Filters(
        date(2025, 1, 2), date(2025, 2, 3), ("A & B", "C"), as_of=date(2025, 3, 4), languages=("en", "pt")
    )
    written = address.write("Who said “12%”?", filters)
    assert written == (
        "?q=Who+said+%E2%80%9C12%25%E2%80%9D%3F&outlet=A+%26+B&outlet=C&lang=en&lang=pt"
        "&from=2025-01-02&to=2025-02-03&asof=2025-03-04"
    )
    assert address.read(written) == Asked(
        "Who said “12%”?", ["A & B", "C"], "2025-01-02", "2025-02-03", "2025-03-04", ["en", "pt"]
    )


@given(texts, st.lists(texts, max_size=3))
def test_what_is_written_is_read_again(question: str, outlets: list[str]) -> None:
    assert address.read(address.write(question, Filters(outlets=tuple(outlets)))) == Asked(
        question, outlets, "", "", "", []
    )


def test_what_is_missing_is_empty_and_what_is_unknown_ignored() -> None:
    assert address.read("utm_source=x&q=") == Asked("", [], "", "", "", [])


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="fields"):
        address.read("?q=a" + "&outlet=b" * address.MOST)
