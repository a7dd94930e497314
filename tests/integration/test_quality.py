"""Quality gate: figures on fixed questions, with the packaged models, don't fall below their floors.

To measure anew, with an index of examples/archive, and for the news articles without one:

    newsqa evaluate examples/questions.jsonl --without-articles --floors tests/floors/examples.json --write-floors
    newsqa evaluate "$NEWSQA_DATA/newsqa_dev/newsqa_dev.jsonl.gz" --limit 200 \
        --floors tests/floors/newsqa_dev.json --write-floors

A floor falls only with --allow-lower, and its reason stands in the CHANGELOG.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from installed import ROOT
from newsqa.evaluate import floors
from newsqa.evaluate.outcomes import Evaluation, Way
from newsqa.evaluate.run import evaluate
from newsqa.settings import Settings
from newsqa.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # minutes of work; more where others share the cores

FLOORS = ROOT / "tests" / "floors"
NEWSQA_DEV = Settings.load().data / "newsqa_dev" / "newsqa_dev.jsonl.gz"


def below(evaluation: Evaluation, name: str) -> list[str]:
    return floors.check(evaluation, floors.read(FLOORS / name))


@pytest.fixture(scope="module")
def examples(archive: Path) -> Evaluation:
    settings = Settings.load({"index": archive}, environ={})
    return evaluate(settings, ROOT / "examples" / "questions.jsonl", Way(without=True))


def test_the_example_questions_are_answered_as_well_as_before(examples: Evaluation) -> None:
    assert below(examples, "examples.json") == []


def test_every_citation_verifies(examples: Evaluation, archive: Path) -> None:
    assert sum(outcome.citations for outcome in examples.outcomes) > len(examples.outcomes)
    assert [outcome.id for outcome in examples.outcomes if outcome.unverified] == []
    assert [check for check in verify(Settings.load({"index": archive}, environ={})) if check.failed] == []


@pytest.mark.data
@pytest.mark.skipif(not NEWSQA_DEV.exists(), reason="needs the evaluation data (NEWSQA_DATA)")
def test_news_articles_are_read_as_well_as_before() -> None:
    found = evaluate(Settings.load(environ={}), NEWSQA_DEV, Way(limit=200))
    assert below(found, "newsqa_dev.json") == []
    assert [outcome.id for outcome in found.outcomes if outcome.unverified] == []


def test_a_floor_that_was_lowered_is_in_the_changelog() -> None:
    told = " ".join((ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split())
    files = sorted(FLOORS.glob("*.json"))
    assert [file.name for file in files] == ["conversations.json", "examples.json", "newsqa_dev.json"]
    reasons = [" ".join(reason.split()) for file in files for reason in floors.read(file)["lowered"]]
    assert [reason for reason in reasons if reason not in told] == []
