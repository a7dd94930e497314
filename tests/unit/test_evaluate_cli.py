"""``newsqa evaluate``: what it passes on, prints, writes, and exits with."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from newsqa import cli
from newsqa.evaluate import floors, run
from newsqa.evaluate.outcomes import Evaluation, Way, document
from newsqa.settings import Settings
from outcomes import ALL, BASE, WHOLE, WRONG


class Asked:
    """Stands in for the asking; records what reached it."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.path = Path()
        self.way: Way | None = None
        self.found: Evaluation = WHOLE

    def __call__(self, settings: Settings, path: Path, way: Way, *, progress: Any) -> Evaluation:
        self.settings, self.path, self.way = settings, path, way
        return replace(self.found, way=way)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Asked]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEWSQA_INDEX", raising=False)
    asked = Asked()
    monkeypatch.setattr(run, "evaluate", asked)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield asked
    root.handlers[:], root.level = before
    logging.captureWarnings(False)


def evaluate(*arguments: str) -> int:
    return cli.main(["evaluate", *arguments])


def test_it_passes_on_what_to_ask_and_how(asked: Asked) -> None:
    given = "q.jsonl --given --without-articles --half odd --limit 20 --index archive"
    assert evaluate(*given.split()) == 0
    assert (asked.path, asked.way) == (Path("q.jsonl"), Way(given=True, without=True, half="odd", limit=20))
    assert asked.settings.index == Path("archive")
    assert evaluate("q.jsonl") == 0
    assert asked.way == Way()
    assert evaluate("q.jsonl", "--as-of", "2024-06-01", "--as-of-question-date") == 0
    assert asked.way == Way(as_of="2024-06-01", dated=True)


def test_figures_kinds_seconds_and_faults_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    evaluate("q.jsonl")
    figures, kinds, seconds, wrong = capsys.readouterr().out.split("\n\n")
    assert figures.startswith("questions\t4\t3 of them have an answer\nleft out\t2\twhy\nrecall@1\t0.333\t")
    assert "\nwhen\t1\t0.000\t0.000\t0.500\t1.000\t0.000" in kinds
    assert seconds.endswith("total\t300.0\t300.0")
    assert (
        wrong
        == "went wrong\tquestions\nThe answer stands in no passage that was read\t1\nA right answer was withheld\t1\n"
    )


def test_json_is_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("q.jsonl", "--json") == 0
    expected = document(WHOLE) | {"missed": []}
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(expected))


def test_a_citation_that_does_not_verify_exits_3(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.found = replace(WHOLE, outcomes=(BASE, replace(WRONG, unverified=2)))
    assert evaluate("q.jsonl", "--quiet") == 3
    assert capsys.readouterr().err == "2 citations don't verify. This is a defect in newsqa.\n"


def test_the_report_is_written(tmp_path: Path) -> None:
    assert evaluate("q.jsonl", "--report", "report.html") == 0
    assert "<h1>newsqa on questions.jsonl</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_nothing_is_asked_for_a_report_that_cannot_be_drawn(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert evaluate("q.jsonl", "--report", "report.html") == 2
    assert "pip install 'newsqa[report]'" in capsys.readouterr().err
    assert evaluate("q.jsonl", "--report", "nowhere/report.html") == 2
    assert asked.way is None


def test_floors_are_written_checked_and_never_fall_unnoticed(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("floors.json")
    assert evaluate("q.jsonl", "--floors", "floors.json", "--write-floors") == 0
    assert evaluate("q.jsonl", "--floors", "floors.json") == 0
    written = path.read_text()
    asked.found = replace(WHOLE, outcomes=tuple(replace(o, right=False, exact=False, f1=0.0) for o in ALL))
    capsys.readouterr()
    assert evaluate("q.jsonl", "--floors", "floors.json", "--json") == 1
    shown, told = capsys.readouterr()
    assert "right: 0.000, the floor is 0.40\n" in told
    assert "right: 0.000, the floor is 0.40" in json.loads(shown)["missed"]
    assert evaluate("q.jsonl", "--floors", "floors.json", "--write-floors") == 1
    assert capsys.readouterr().err.startswith("Not written, for it would lower")
    assert path.read_text() == written
    assert evaluate("q.jsonl", "--floors", "floors.json", "--write-floors", "--allow-lower", "harder questions") == 0
    assert floors.read(path)["lowered"] == ["harder questions"]
    assert evaluate("q.jsonl", "--floors", "floors.json") == 0


def test_two_results_are_compared(capsys: pytest.CaptureFixture[str], asked: Asked) -> None:
    Path("a.json").write_text(json.dumps(document(WHOLE)))
    better = tuple(replace(outcome, right=True) for outcome in ALL)
    Path("b.json").write_text(json.dumps(document(replace(WHOLE, outcomes=better))))
    assert evaluate("--compare", "a.json", "b.json") == 0
    assert "right\t0.667\t1.000\t+0.333\t" in capsys.readouterr().out
    assert evaluate("--compare", "a.json", "b.json", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["questions"] == 4
    right = {difference["figure"]: difference for difference in found["differences"]}["right"]
    assert (right["difference"], right["low"], right["beyond_chance"]) == (pytest.approx(1 / 3), 0, False)
    assert asked.way is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "Name a file of questions, or two results: newsqa evaluate --compare A.json B.json"),
        ("q.jsonl --half third", "--half"),
        ("q.jsonl --limit 0", "--limit"),
        ("q.jsonl --write-floors", "--write-floors needs --floors FILE"),
        ("q.jsonl --floors f.json --allow-lower why", "--allow-lower needs --write-floors"),
        ("q.jsonl --floors none.json", "'none.json' holds no floors"),
        ("--compare a.json", "--compare"),
        ("--compare none.json none.json", "--compare: 'none.json' can't be read"),
        ("--compare list.json list.json", "'list.json' is not what newsqa evaluate --json writes"),
        ("--compare other.json other.json", "This is not what newsqa evaluate --json writes"),
    ],
)
def test_wrong_use_exits_2_before_anything_is_asked(
    asked: Asked, capsys: pytest.CaptureFixture[str], given: str, said: str
) -> None:
    Path("list.json").write_text("[]")
    Path("other.json").write_text("{}")
    assert evaluate(*given.split()) == 2
    shown, words = capsys.readouterr()
    assert (shown, words.count("\n")) == ("", 1)
    assert said in words
    assert asked.way is None
