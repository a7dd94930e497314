from __future__ import annotations

import pytest

from newsqa import suggest
from newsqa.types import Article


def article(text: str) -> Article:
    return Article("a", 1, "t", text, None, None, (), None, None, "o", "h")


def test_examples_ask_who_holds_an_office_each_of_another_article() -> None:
    texts = [
        "“No,” said Tove Lind, the mayor of Marrow. Ada Moor, editor of the Harbour Courier, said yes.",
        "Tove Lind, the mayor of Marrow, said so. Ines Korr, the outgoing head of Brackwater Rescue, left.",
        "Nobody spoke.",
        "",
        "Oddny Falk, former general secretary of the Union of Keepers and Pilots; she retired.",
    ]
    assert suggest.questions(map(article, texts)) == [
        "Who is the mayor of Marrow?",
        "Who is the outgoing head of Brackwater Rescue?",
        "Who is the former general secretary of the Union of Keepers and Pilots?",
    ]


def test_there_are_no_more_than_a_few() -> None:
    asked = suggest.questions(article(f"Ada Moor, mayor of {town}.") for town in ("Marrow", "Ilvesk", "Toln", "Vantry"))
    assert asked == [f"Who is the mayor of {town}?" for town in ("Marrow", "Ilvesk", "Toln")]


@pytest.mark.parametrize(
    "text",
    [
        "the mayor of Marrow, said",
        "Moor, mayor of Marrow, said",
        "Ada Moor is the mayor of Marrow.",
        "Ada Moor, mayor of the town, said",
        "Ada Moor, mayor of Marrow said",
        "Ada Moor, a part of Marrow, said",
        "Ada Moor, director of John R. Oake's works, said",
    ],
)
def test_what_names_no_holder_of_an_office_is_not_asked_about(text: str) -> None:
    assert suggest.questions([article(text)]) == []
