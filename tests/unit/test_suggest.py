from __future__ import annotations

import pytest

from newsqa import suggest
from newsqa.types import Article


def article(text: str) -> Article:
    return Article("a", 1, "t", text, None, None, (), None, None, "o", "h")


def test_examples_ask_what_named_people_said_each_of_another_article() -> None:
    texts = [
        "“No,” Tove Lind said. Ada Moor said yes.",
        "Tove Lind said so. The chief, Ines Korr told them.",
        "Nobody spoke.",
        "",
    ]
    assert suggest.questions(map(article, texts)) == ["What did Tove Lind say?", "What did Ines Korr say?"]


def test_there_are_no_more_than_a_few() -> None:
    names = ("Ada Moor", "Tove Lind", "Ines Korr", "Oddny Falk")
    asked = suggest.questions(article(f"{name} said so.") for name in names)
    assert asked == [f"What did {name} say?" for name in names[: suggest.MOST]]


@pytest.mark.parametrize(
    "text",
    [
        "he said",
        "Officials said",
        "NATO HQ said",
        "Ada Moor saidx",
        "<b>X Y</b> said",
        "the Weather Service said",
        "Union of Water Engineers told",
        "Mr Moor said",
        "Old Town Hall said",
    ],
)
def test_who_has_no_full_name_is_not_asked_about(text: str) -> None:
    assert suggest.questions([article(text)]) == []
