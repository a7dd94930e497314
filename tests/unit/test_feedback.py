from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from newsqa import feedback
from newsqa.evaluate import questions
from newsqa.types import Answer, Filters
from serving import ANSWER, NONE


def say(index: Path, answer: Answer, *, right: bool, note: str = "", filters: Filters = Filters()) -> None:
    feedback.record(index, answer.question, answer, filters, right=right, note=note)


def test_right_answers_are_questions_that_evaluate_reads(tmp_path: Path) -> None:
    say(tmp_path, ANSWER, right=True, note="Läuft.", filters=Filters(as_of=date(2025, 1, 3)))
    say(tmp_path, ANSWER, right=True)
    say(tmp_path, NONE, right=True)
    exported = tmp_path / "opinions.jsonl"
    exported.write_text(feedback.questions(tmp_path), encoding="utf-8")
    asked = questions.read(exported).asked
    assert [(one.text, one.answers) for one in asked] == [
        ("When?", ("at noon",)),
        ("When?", ("at noon",)),
        ("Who?", ()),
    ]
    first = json.loads((tmp_path / "feedback" / "right.jsonl").read_text().splitlines()[0])
    assert (first["note"], first["date"]) == ("Läuft.", "2025-01-03")


def test_wrong_answers_are_kept_apart_without_pretending_to_know_the_right_one(tmp_path: Path) -> None:
    say(tmp_path, ANSWER, right=False, note="x" * 10_000)
    (line,) = (tmp_path / "feedback" / "wrong.jsonl").read_text().splitlines()
    said = json.loads(line)
    assert (said["question"], said["given"]) == ("When?", "at noon")
    assert "answers" not in said
    assert len(said["note"]) == feedback.LONGEST_NOTE
    assert not (tmp_path / "feedback" / "right.jsonl").exists()
    assert feedback.questions(tmp_path) == ""


def test_what_is_no_text_is_kept_as_a_line_all_the_same(tmp_path: Path) -> None:
    say(tmp_path, ANSWER, right=False, note="a\ud800\nb")
    assert json.loads((tmp_path / "feedback" / "wrong.jsonl").read_bytes())["note"] == "a?\nb"
