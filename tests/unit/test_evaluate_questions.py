"""Questions in every form that is read, and what is wrong with those that are not."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from newsqa.clean import article_key
from newsqa.errors import UsageError
from newsqa.evaluate.questions import kind, read
from newsqa.types import Draft
from newsqa.writer import article_id

URL = "https://orvelle.example/bridge"
ID = article_id(article_key(Draft("", url=URL), ""))
OTHER = article_id(article_key(Draft("", url=f"{URL}-2"), ""))
OWN = {"id": "q1", "question": "Who voted?", "kind": "vote", "answers": ["the council"], "articles": [URL]}
CONTEXT = {
    "title": "Bridge",
    "context": "The council voted 7 to 4.",
    "qas": [
        {"id": "a", "question": "Who voted?", "answers": [{"text": "The council", "answer_start": 0}] * 2},
        {"id": "b", "question": "Who abstained?", "answers": []},
    ],
}
QUIZ = {
    "id": "z1",
    "question": "Which body voted?",
    "choices": ["council", "court"],
    "answer": "council",
    "search_articles": [URL, f"{URL}-2"],
    "articles_with_answer": [URL],
}


def written(tmp_path: Path, *records: Any) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_own_form(tmp_path: Path) -> None:
    bare = {"question": "When?", "answers": []}
    first, second = read(written(tmp_path, OWN, bare)).asked
    assert (first.id, first.text, first.kind, first.answers) == ("q1", "Who voted?", "vote", ("the council",))
    assert first.labelled == first.given == {ID}
    assert (second.id, second.kind, second.answers, second.labelled) == ("2", "when", (), frozenset())


def test_a_conversation_is_asked_turn_by_turn_as_what_each_means(tmp_path: Path) -> None:
    first = {"question": "Who chairs the union?", "answers": ["Davit Ekholm"], "quote": "Davit Ekholm chairs it."}
    turns = [
        first | {"article": URL},
        {"question": "When did he say that?", "answers": []},
        {"question": "What does a bus ticket cost in Kessholm?", "answers": ["2.40"]},
    ]
    asked = read(written(tmp_path, {"id": "c7", "split": "dev", "turns": turns}, {"turns": turns[:1]})).asked
    assert [(one.id, one.kind) for one in asked] == [
        ("c7.1", "first turn, dev"),
        ("c7.2", "later turn, dev"),
        ("c7.3", "later turn, dev"),
        ("2.1", "first turn"),
    ]
    assert "Davit Ekholm" in asked[1].text
    assert [asked[0].text, asked[2].text] == [turns[0]["question"], turns[2]["question"]]
    assert [one.labelled for one in asked] == [{ID}, set(), set(), {ID}]


def test_a_context_a_line(tmp_path: Path) -> None:
    first, second = read(written(tmp_path, CONTEXT)).asked
    assert (first.id, first.kind, first.answers) == ("a", "who", ("The council",))
    assert second.answers == ()
    assert first.article is second.article
    assert first.article
    assert (first.article.title, first.article.text) == ("Bridge", CONTEXT["context"])


@pytest.mark.parametrize("indent", [None, 2])
def test_squad_as_it_is_published(tmp_path: Path, indent: int | None) -> None:
    paragraphs = [{"context": text, "qas": [{"id": text, "question": "Who?", "answers": []}]} for text in ("A.", "B.")]
    path = tmp_path / "dev.json"
    path.write_text(json.dumps({"version": "2.0", "data": [{"title": "T", "paragraphs": paragraphs}]}, indent=indent))
    articles = [question.article for question in read(path).asked]
    assert [(a.title, a.text) for a in articles if a] == [("T", "A."), ("T", "B.")]
    assert len({a.id for a in articles if a}) == 2


def test_quiz_form_leaves_out_what_has_no_label(tmp_path: Path) -> None:
    unlabelled = QUIZ | {"id": "z2", "articles_with_answer": []}
    found = read(written(tmp_path, QUIZ, unlabelled, unlabelled | {"search_articles": []}))
    (only,) = found.asked
    assert (only.id, only.answers, only.labelled, only.given) == ("z1", ("council",), {ID}, {ID, OTHER})
    assert found.unlabelled == 2


def test_gzip_is_read_and_the_digest_is_of_what_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(OWN).encode()))
    found = read(path)
    assert [question.id for question in found.asked] == ["q1"]
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_half_and_limit(tmp_path: Path) -> None:
    path = written(tmp_path, *({"id": str(n), "question": "Who?", "answers": []} for n in range(9)))

    def ids(**given: Any) -> str:
        return "".join(question.id for question in read(path, **given).asked)

    assert ids(half="even") == "02468"
    assert ids(half="odd") == "1357"
    assert ids(limit=3) == "036"
    assert ids(half="odd", limit=2) == "15"
    assert ids(limit=99) == "012345678"


def test_halves_count_the_unlabelled_too(tmp_path: Path) -> None:
    unlabelled = QUIZ | {"id": "z0", "articles_with_answer": []}
    path = written(tmp_path, unlabelled, QUIZ)
    assert [question.id for question in read(path, "odd").asked] == ["z1"]
    with pytest.raises(UsageError, match="holds no question whose answer is known"):
        read(path, "even")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"question": "Who?"}, "no 'answers'"),
        ({"answers": []}, "no 'question'"),
        ({"question": " ", "answers": []}, "the question is not a text, or empty"),
        ({"question": "Who?", "answers": [7]}, "an answer is not a text, or empty"),
        ({"question": "Who?", "answers": "council"}, "answers must be a list"),
        ({"question": "Who?", "answers": None}, "answers must be a list"),
        ({"question": "Who?", "answers": [], "articles": URL}, "articles must be a list of URLs"),
        ({"context": 5, "qas": []}, "title and context must be texts"),
        ({"context": "A.", "qas": [{"question": "Who?"}]}, "no 'answers'"),
        ({**QUIZ, "search_articles": [5]}, "articles must be a list of URLs"),
        ([1], "not a JSON object"),
        (OWN, "a second question has the id 'q1'"),
    ],
)
def test_what_is_no_question_is_told_with_its_line(tmp_path: Path, record: Any, said: str) -> None:
    path = written(tmp_path, OWN, record)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(caught.value).startswith(f"'{path}', line 2: {said}")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    with pytest.raises(UsageError, match="can't be read"):
        read(path)
    for content in (b"\x1f\x8bnothing", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="can't be read"):
            read(path)
    path.write_text('{"question": "Who?", "answers": []}\n{"question": ')
    with pytest.raises(UsageError, match="line 2: not JSON"):
        read(path)
    path.write_text("")
    with pytest.raises(UsageError, match="holds no question"):
        read(path)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who's the mayor?", "who"),
        ("To whom did he write?", "who"),
        ("Whose boat sank?", "who"),
        ("In which town did it snow?", "which"),
        ("How many were hurt?", "how_many"),
        ("How much did it cost?", "how_many"),
        ("How did it end?", "how"),
        ("At what time?", "what"),
        ("Did it rain?", "yes_no"),
        ("Didn’t it rain?", "yes_no"),
        ("Why?", "why"),
        ("The strike ended when?", "other"),
        ("¿?", "other"),
    ],
)
def test_kind(question: str, expected: str) -> None:
    assert kind(question) == expected
