"""The example archive keeps what its README promises."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from newsqa.clean import clean
from newsqa.fetch import Fetcher
from newsqa.formats import parse
from newsqa.settings import Settings
from newsqa.types import Document, Draft

EXAMPLES = Path(__file__).parents[2] / "examples"
ARCHIVE = EXAMPLES / "archive"
KINDS = {"who", "when", "where", "how_many", "said", "why", "how", "yes_no", "org", "quote", "what"}
PER_SOURCE = {"pages": 12, "html": 13, "feed.xml": 10, "atom.xml": 7, "export.jsonl": 13, "export.csv": 6}
FERRY = (
    "https://www.cpa-wire.example/2025/01/28/ferry-lady-corrin-fire",
    "https://kessholmobserver.example/news/ferry-passengers-ashore-after-fire",
    "https://www.harbourcourier.example/news/lady-corrin-fire-all-246-safe",
)
TRAWLER = (
    "https://www.cpa-wire.example/2025/05/05/petrels-hope-seized-marl-strait",
    "https://www.harbourcourier.example/news/sundrel-orvane-accusations-trawler",
)


@dataclass(frozen=True)
class Read:
    """An article and the part of the archive that it came from."""

    source: str
    draft: Draft


@pytest.fixture(scope="module")
def articles() -> list[Read]:
    settings = Settings()
    found = []
    for document in Fetcher(settings).documents(str(ARCHIVE)):
        assert isinstance(document, Document), document
        source = Path(document.location).relative_to(ARCHIVE.resolve()).parts[0]
        for draft in parse(document, {}, settings):
            assert isinstance(draft, Draft), draft
            found.append(Read(source, clean(draft)))
    return found


@pytest.fixture(scope="module")
def texts(articles: list[Read]) -> dict[str, str]:
    return {read.draft.url or "": read.draft.text for read in articles}


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_every_source_gives_its_articles(articles: list[Read]) -> None:
    assert Counter(read.source for read in articles) == PER_SOURCE


def test_every_article_has_its_own_url_and_a_title(articles: list[Read]) -> None:
    urls = [read.draft.url for read in articles]
    assert None not in urls
    assert len(set(urls)) == len(urls)
    assert [read.draft.url for read in articles if not 10 <= len(read.draft.title) <= 120] == []


def test_every_article_has_an_outlet_and_a_date_in_the_half_year(articles: list[Read]) -> None:
    outlets = {read.draft.outlet for read in articles}
    assert outlets == {
        "Corriveld Press Agency",
        "Harbour Courier",
        "Kessholm Observer",
        "Le Messager d’Ombrin",
        "Northern Ledger",
        "Radio Ilvesk",
        "The Vantry Gazette",
        "Toln Valley Post",
        "Η Φωνή των Σαρίων",
    }
    published = [read.draft.published or "" for read in articles]
    assert (min(published)[:7], max(published)[:7]) == ("2025-01", "2025-06")


def test_languages(articles: list[Read]) -> None:
    assert Counter(read.draft.language for read in articles) == {"en": 59, "fr": 1, "el": 1}


def test_bodies_end_where_the_story_ends(articles: list[Read]) -> None:
    left = ("Share on", "Post a Comment", "Source:", "Link:", "cookies", "appeared first on", "Subscribe", "Read more")
    found = [(read.draft.url, words) for read in articles for words in left if words in read.draft.text]
    assert found == []


def test_the_pasted_page_holds_its_body_once(texts: dict[str, str]) -> None:
    page = (ARCHIVE / "pages" / "toln-flood-nine-dead.txt").read_text(encoding="utf-8")
    url = "https://www.vantrygazette.example/nation/toln-flood-nine-dead-13022025"
    quote = "Twice they had the money and twice they spent it elsewhere"
    assert (page.count(quote), texts[url].count(quote)) == (2, 1)


def test_wire_copies(texts: dict[str, str]) -> None:
    quote = '"On a night like last Thursday we would be having a different conversation."'
    assert [quote in texts[url] for url in FERRY] == [True, True, True]
    assert len({texts[url] for url in FERRY}) == 3
    assert texts[TRAWLER[0]] == texts[TRAWLER[1]]


def test_correction_and_revised_figure(texts: dict[str, str]) -> None:
    correction = "Correction: An earlier version of this article said"
    assert [url for url, text in texts.items() if correction in text] == [
        "https://northernledger.example/deals/ardmoor-bids-for-brandvold"
    ]
    revised = texts["https://www.tolnvalleypost.example/2025/02/25/flood-toll-lowered-to-16"]
    assert "revised down from 17 to 16" in revised


def test_questions_are_many_and_their_ids_unique(questions: list[dict[str, Any]]) -> None:
    assert len({question["id"] for question in questions}) == len(questions)
    assert len({question["question"] for question in questions}) == len(questions)
    answerable = [question for question in questions if question["answers"]]
    assert len(answerable) >= 66
    assert len(questions) - len(answerable) >= 22


def test_questions_cover_every_kind(questions: list[dict[str, Any]]) -> None:
    kinds = Counter(question["kind"] for question in questions if question["answers"])
    assert set(kinds) == KINDS
    assert min(kinds.values()) >= 5


def test_unanswerable_questions_name_no_article(questions: list[dict[str, Any]]) -> None:
    assert [q["id"] for q in questions if bool(q["answers"]) != bool(q["articles"])] == []


def test_every_answer_is_verbatim_in_a_named_article(questions: list[dict[str, Any]], texts: dict[str, str]) -> None:
    missing = [
        (question["id"], answer)
        for question in questions
        for answer in question["answers"]
        if not any(answer in texts[url] for url in question["articles"])
    ]
    assert missing == []


def test_every_named_article_holds_an_answer(questions: list[dict[str, Any]], texts: dict[str, str]) -> None:
    empty = [
        (question["id"], url)
        for question in questions
        for url in question["articles"]
        if not any(answer in texts[url] for answer in question["answers"])
    ]
    assert empty == []
