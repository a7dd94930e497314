from __future__ import annotations

from pathlib import Path

import pytest

from fakes import HashEmbedder
from newsqa import quotes
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.settings import Settings

FIRST = "The ferry sank at noon. Nobody was hurt, said the harbour master. The ferry will be raised in spring."
SECOND = "A second ferry, the Lady Orm, brought “everyone” ashore.\n\nThe ferry company praised her crew 👏 loudly."


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("quotes")
    settings = Settings(index=folder / "index")
    for name, text in (("a.txt", FIRST), ("b.txt", SECOND), ("a.txt", FIRST.replace("spring", "autumn"))):
        (folder / name).write_text(f"Headline of {name}\n\n{text}\n", encoding="utf-8")
        Ingest(settings, embedder=HashEmbedder()).index([str(folder / name)])
    return Index.open(settings, HashEmbedder.model_id)


@pytest.mark.parametrize(
    ("quote", "places"),
    [
        ("will be raised in autumn", [True]),
        ("will be raised in spring", [False]),
        ("Nobody was hurt", [True, False]),
        ("ashore.\n\nThe", [True]),
        ("“everyone”", [True]),
        ("crew 👏 loudly", [True]),
        ("The ferry", [True] * 3 + [False] * 2),
        ('"everyone"', []),
        ("nobody was hurt", []),
        ("will  be raised", []),
        ("hurt%", []),
        ("\x00", []),
    ],
)
def test_a_quote_is_found_where_it_stands_word_for_word(index: Index, quote: str, places: list[bool]) -> None:
    found = quotes.find(index, quote)
    assert sorted((place.current for place in found), reverse=True) == places
    assert [place.current for place in found] == places
    for place in found:
        assert index.article(place.article_id, place.revision).text[place.start : place.end] == quote


def test_one_article_alone_is_looked_into(index: Index) -> None:
    (place,) = quotes.find(index, "Lady Orm")
    assert quotes.find(index, "Lady Orm", place.article_id) == [place]
    assert quotes.find(index, "Nobody was hurt", place.article_id) == []


def test_places_are_not_without_end(index: Index) -> None:
    assert len(quotes.find(index, "e")) == quotes.MAX_PLACES


def test_overlapping_places_all_count(tmp_path: Path) -> None:
    assert list(quotes._starts("aaa", "aa")) == [0, 1]
