"""Asking questions with known answers: a small index, hashed words for an embedder, and a reader that is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import HashEmbedder
from newsqa.clean import article_key
from newsqa.errors import IndexMissingError, UsageError
from newsqa.evaluate import run
from newsqa.evaluate.outcomes import Evaluation, Way
from newsqa.evaluate.run import MISSING, UNLABELLED, evaluate, verbatim
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.settings import Settings
from newsqa.types import Draft, Filters, Passage, Progress, Span
from newsqa.writer import article_id

HOST = "https://orvelle.example"
BRIDGE = "The council of Orvelle voted 7 to 4 on Monday to build the Lantern Bridge. It will cost 41 million crowns. "
STRIKE = (
    "Dock workers in Port Maren ended their strike after nineteen days. Union leader Tove Aldane called it a draw. "
)
FERRY = "The ferries of Orvelle ran on time all week, said the harbour master. A new bridge would cost her the trade. "
COPY = f"{STRIKE * 3}Read on tomorrow. "
COST = {"id": "cost", "question": "What will the Lantern Bridge cost?", "answers": ["41 million crowns"]}
LEADER = {"id": "leader", "question": "Who leads the union of the dock workers?", "answers": ["Tove Aldane"]}
MAYOR = {"id": "mayor", "question": "Who is the mayor of Orvelle?", "answers": [], "articles": []}


class ToldReader:
    """Gives the first of its phrases that a passage holds, with the confidence it was told."""

    def __init__(self, **phrases: float) -> None:
        self.phrases = {phrase.replace("_", " "): score for phrase, score in phrases.items()}
        self.read_passages: list[Sequence[Passage]] = []

    def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        if passages:  # there are none where it is only to be warm
            self.read_passages.append(passages)
        found: list[Span] = []
        for phrase, score in self.phrases.items():
            for passage in passages:
                at = passage.text.find(phrase)
                if at >= 0:
                    start = passage.start + at
                    found.append(Span(passage, start, start + len(phrase), score))
                    break
        return sorted(found, key=lambda span: -span.score)


def identity(name: str) -> str:
    return article_id(article_key(Draft("", url=f"{HOST}/{name}"), ""))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An index of three stories, one of them with a near copy."""
    settings = Settings(index=tmp_path / "index", min_confidence=0.5, answers=2)
    stories = {"bridge": BRIDGE * 3, "strike": STRIKE * 3, "copy": COPY, "ferry": FERRY * 3}
    rows = [{"title": name, "text": text, "url": f"{HOST}/{name}"} for name, text in stories.items()]
    (tmp_path / "archive.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = Ingest(settings, embedder=HashEmbedder()).index([str(tmp_path / "archive.jsonl")])
    assert (report.added, report.copies) == (4, 1)
    return settings


def asked(settings: Settings, reader: ToldReader, *records: Any, **way: Any) -> Evaluation:
    path = settings.index.parent / "questions.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return evaluate(settings, path, Way(**way), embedder=HashEmbedder(), reader=reader)


def labelled(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return record | {"articles": [f"{HOST}/{name}" for name in names]}


def test_filters_by_id_are_exact_and_a_copy_is_another_article(settings: Settings) -> None:
    index = Index.open(settings, HashEmbedder.model_id)
    (vector,) = HashEmbedder().embed(["dock workers strike bridge ferries"])

    def searched(**fields: Any) -> set[str]:
        filters = Filters(**fields)
        listed = {article.title for article in index.articles(filters)}
        assert index.count(filters) == len(listed)
        assert listed == {article.title for article in index.articles() if filters.keep(article)}
        ids = [i for i, _ in index.dense(vector, 9, filters)]
        lexical = [i for i, _ in index.lexical("dock workers strike bridge ferries", 9, filters)]
        assert {p.title for p in index.passages(ids)} == {p.title for p in index.passages(lexical)}
        return {passage.title for passage in index.passages(ids)}

    assert searched() == {"bridge", "strike", "ferry"}
    assert searched(only=frozenset({identity("bridge"), "unknown"})) == {"bridge"}
    assert searched(only=frozenset()) == set()
    assert searched(without=frozenset({identity("bridge")})) == {"strike", "ferry"}
    # The copy is kept, so the original is searched in its stead; without both, neither is.
    assert searched(without=frozenset({identity("strike")})) == {"bridge", "strike", "ferry"}
    assert searched(without=frozenset({identity("strike"), identity("copy")})) == {"bridge", "ferry"}
    assert searched(only=frozenset({identity("copy")}), without=frozenset({identity("copy")})) == set()


def test_an_answer_is_judged_also_where_it_is_withheld(settings: Settings) -> None:
    (cost,) = asked(settings, ToldReader(**{"41_million": 0.4}), labelled(COST, "bridge")).outcomes
    assert (cost.id, cost.kind, cost.gold) == ("cost", "what", ("41 million crowns",))
    assert (cost.answer, cost.confidence, cost.answered) == ("41 million", 0.4, False)
    assert (cost.exact, cost.contained, cost.right) == (False, False, True)
    assert cost.f1 == pytest.approx(0.8)
    assert (cost.rank, cost.read, cost.fault) == (1, True, "withheld")
    assert (cost.title, cost.quote) == ("bridge", "It will cost 41 million crowns.")
    assert (cost.citations, cost.unverified) == (1, 0)
    assert set(cost.seconds) >= {"dense", "lexical", "read"}


def test_the_threshold_decides_what_is_answered(settings: Settings) -> None:
    (cost,) = asked(settings, ToldReader(**{"41_million_crowns": 0.5}), labelled(COST, "bridge")).outcomes
    assert (cost.answered, cost.exact, cost.fault) == (True, True, None)


def test_no_answer_at_all(settings: Settings) -> None:
    cost, mayor = asked(settings, ToldReader(), labelled(COST, "bridge"), MAYOR).outcomes
    assert (cost.answer, cost.confidence, cost.answered, cost.f1, cost.fault) == (None, 0, False, 0, "unsure")
    assert (mayor.answerable, mayor.rank, mayor.read, mayor.fault) == (False, None, None, None)
    assert cost.citations > 0  # the nearest passages are shown, and verified, too


def test_an_answer_where_there_is_none(settings: Settings) -> None:
    (mayor,) = asked(settings, ToldReader(council=0.9), MAYOR).outcomes
    assert (mayor.answer, mayor.right, mayor.fault) == ("council", False, "unanswerable")


def test_rank_counts_articles_and_a_label_may_name_a_copy(settings: Settings) -> None:
    ferry, copied, known = asked(
        settings,
        ToldReader(),
        labelled(COST, "ferry") | {"id": "ferry"},
        labelled(LEADER, "copy"),
        LEADER | {"id": "somewhere"},
    ).outcomes
    assert (ferry.rank, copied.rank) == (2, 1)
    assert (known.rank, known.read) == (None, True)


def test_an_article_that_is_not_found_ranks_0(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "DEPTH", 1)
    (outcome,) = asked(settings, ToldReader(), labelled(COST, "ferry")).outcomes
    assert outcome.rank == 0


def test_given_searches_only_what_a_question_comes_with(settings: Settings) -> None:
    reader = ToldReader(**{"Tove_Aldane": 0.9})
    quiz = {
        "id": "quiz",
        "question": LEADER["question"],
        "answer": "Tove Aldane",
        "search_articles": [f"{HOST}/{name}" for name in ("ferry", "copy", "gone")],
        "articles_with_answer": [f"{HOST}/copy"],
    }
    (outcome,) = asked(settings, reader, quiz, given=True).outcomes
    assert {passage.title for passage in reader.read_passages[0]} == {"ferry", "strike"}
    assert (outcome.title, outcome.rank, outcome.read, outcome.exact) == ("copy", None, True, True)


def test_without_asks_again_with_label_and_copies_left_out(settings: Settings) -> None:
    reader = ToldReader(**{"Tove_Aldane": 0.9, "harbour_master": 0.6})
    first, again, mayor = asked(settings, reader, labelled(LEADER, "copy"), MAYOR, without=True).outcomes
    assert (first.answerable, first.again, first.answer) == (True, False, "Tove Aldane")
    assert (again.answerable, again.again, again.answer, again.fault) == (False, True, "harbour master", "unanswerable")
    assert {passage.title for passage in reader.read_passages[1]} == {"bridge", "ferry"}
    assert (mayor.again, mayor.answer) == (False, "Tove Aldane")


def test_nothing_is_asked_again_where_nothing_is_left_to_search(settings: Settings) -> None:
    found = asked(settings, ToldReader(), labelled(LEADER, "strike"), given=True, without=True)
    assert [outcome.again for outcome in found.outcomes] == [False]


def test_what_is_left_out_is_counted(settings: Settings) -> None:
    unlabelled = {"id": "u", "question": "Who?", "answer": "x", "search_articles": [], "articles_with_answer": []}
    found = asked(settings, ToldReader(), labelled(LEADER, "gone"), labelled(COST, "bridge", "gone"), unlabelled)
    assert [outcome.id for outcome in found.outcomes] == ["cost"]
    assert found.skipped == {UNLABELLED: 1, MISSING: 1}
    with pytest.raises(UsageError, match=r"None of the articles that '.*' names is in the index at"):
        asked(settings, ToldReader(), labelled(LEADER, "gone"))
    with pytest.raises(UsageError, match="None of the articles"):
        asked(settings, ToldReader(), MAYOR, given=True)


def context(text: str, *asked: dict[str, Any]) -> dict[str, Any]:
    qas = [record | {"answers": [{"text": answer} for answer in record["answers"]]} for record in asked]
    return {"title": "Context", "context": text, "qas": qas}


def test_a_context_is_asked_without_an_index(tmp_path: Path) -> None:
    reader = ToldReader(**{"41_million_crowns": 0.9})
    nowhere = Settings(index=tmp_path / "none", min_confidence=0.5)
    cost, mayor = asked(nowhere, reader, context(BRIDGE, COST, MAYOR)).outcomes
    assert (cost.exact, cost.answered, cost.fault, cost.rank, cost.read) == (True, True, None, None, None)
    assert (cost.title, cost.quote, cost.unverified) == ("Context", "It will cost 41 million crowns.", 0)
    assert (mayor.answerable, mayor.fault) == (False, "unanswerable")
    assert [passage.text for passage in reader.read_passages[0]] == [BRIDGE.strip()]
    with pytest.raises(UsageError, match="nothing to search without it"):
        asked(nowhere, reader, context(BRIDGE, COST), without=True)
    with pytest.raises(IndexMissingError):
        asked(nowhere, reader, COST)


def test_of_a_long_context_the_nearest_passages_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "READ", 1)
    reader = ToldReader()
    text = "\n".join((f"{FERRY} " * 9, f"{BRIDGE} " * 9, f"{STRIKE} " * 9))
    asked(
        Settings(index=tmp_path / "none"), reader, context(text, LEADER | {"question": "Union leader of dock workers?"})
    )
    ((nearest,),) = reader.read_passages
    assert "Tove Aldane" in nearest.text
    assert nearest.text == text[nearest.start : nearest.end]


def test_a_question_that_cannot_be_asked_is_named(settings: Settings) -> None:
    with pytest.raises(UsageError, match=r"questions.jsonl', question 'long': The question has .* characters"):
        asked(settings, ToldReader(), {"id": "long", "question": "Who? " * 999, "answers": []})


def test_progress_counts_questions(settings: Settings) -> None:
    path = settings.index.parent / "questions.jsonl"
    path.write_text(json.dumps(labelled(COST, "bridge")) + "\n" + json.dumps(MAYOR))
    steps: list[Progress] = []
    evaluate(settings, path, embedder=HashEmbedder(), reader=ToldReader(), progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(1, 2), (2, 2)]


def test_citations_are_checked_against_the_article(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run._Asker, "_text", lambda *_: f" {BRIDGE * 3}")
    (cost,) = asked(settings, ToldReader(**{"41_million": 0.4}), labelled(COST, "bridge")).outcomes
    assert (cost.citations, cost.unverified, cost.fault) == (1, 1, "citation")


def test_verbatim_checks_quote_and_answer(settings: Settings) -> None:
    qa = run._Asker(settings, Way(), HashEmbedder(), ToldReader(**{"41_million": 0.4}))._qa
    (citation,) = qa.ask("What will it cost?").citations
    text = qa.index.article(citation.article_id).text
    start, end = citation.answer_start, citation.answer_end
    assert start is not None
    assert end is not None
    assert verbatim(citation, text)
    assert not verbatim(citation, text.replace("41", "42"))
    assert not verbatim(replace(citation, answer="42 million"), text)
    assert not verbatim(replace(citation, answer_start=start - 1), text)
    outside = text[:4]
    assert not verbatim(replace(citation, answer=outside, answer_start=0, answer_end=4), text)
    assert verbatim(replace(citation, answer=None, answer_start=None, answer_end=None), text)
    assert not verbatim(replace(citation, answer_start=None, answer_end=None), text)


def test_an_outcome_is_of_its_question(settings: Settings) -> None:
    found = asked(settings, ToldReader(), labelled(COST, "bridge"), MAYOR)
    assert (found.file, found.min_confidence, found.way) == ("questions.jsonl", 0.5, Way())
    assert [outcome.question for outcome in found.outcomes] == [COST["question"], MAYOR["question"]]
