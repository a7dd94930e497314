"""Quality gate: floors on the example archive. Lowering one needs a reason in the CHANGELOG.

The floors lie a little under what was measured, and are far above chance; all
citations must verify, always.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from newsqa.clean import article_key
from newsqa.embed import SentenceTransformerEmbedder
from newsqa.ingest import Ingest
from newsqa.qa import QA
from newsqa.settings import Settings
from newsqa.types import Answer, Draft
from newsqa.verify import verify
from newsqa.writer import article_id

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTIONS_SHA256 = "42bcd7424989af9f8c565011845ea747ed5f0c85e80ef119caa3731e57d0fb53"
FLOORS = {"recall@1": 0.73, "recall@5": 0.97, "answered": 0.36, "right": 0.20, "abstained": 0.70}


@dataclass(frozen=True)
class Asked:
    answers: list[str]
    gold: set[str]
    nearest: list[str]
    answer: Answer

    @property
    def right(self) -> bool:
        quote = " ".join((self.answer.text or "").split())
        return any(" ".join(answer.split()) in quote for answer in self.answers)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.load({"index": tmp_path_factory.mktemp("examples") / "index"}, environ={})


@pytest.fixture(scope="module")
def asked(settings: Settings) -> list[Asked]:
    embedder = SentenceTransformerEmbedder(settings)
    Ingest(settings, embedder=embedder).index([str(EXAMPLES / "archive")])
    qa = QA.open(settings, embedder=embedder)
    results = []
    for line in (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        named = [qa.index.article(article_id(article_key(Draft("", url=url), ""))) for url in row["articles"]]
        passages = qa.retrieve(row["question"], k=20)
        nearest = list(dict.fromkeys(passage.article_id for passage in passages))
        gold = {article.copy_of or article.id for article in named}
        results.append(Asked(row["answers"], gold, nearest, qa.ask(row["question"])))
    return results


def share(outcomes: list[bool]) -> float:
    return sum(outcomes) / len(outcomes)


def measure(asked: list[Asked]) -> dict[str, float]:
    answerable = [a for a in asked if a.answers]
    return {
        "recall@1": share([bool(a.gold & set(a.nearest[:1])) for a in answerable]),
        "recall@5": share([bool(a.gold & set(a.nearest[:5])) for a in answerable]),
        "answered": share([a.answer.text is not None for a in answerable]),
        "right": share([a.right for a in answerable]),
        "abstained": share([a.answer.text is None for a in asked if not a.answers]),
    }


def test_the_questions_are_those_that_the_floors_were_measured_on() -> None:
    digest = hashlib.sha256((EXAMPLES / "questions.jsonl").read_bytes()).hexdigest()
    assert digest == QUESTIONS_SHA256, "the questions changed: measure again and set the floors with the new digest"


def test_quality_is_not_below_its_floors(asked: list[Asked]) -> None:
    found = measure(asked)
    assert {name: value for name, value in found.items() if value < FLOORS[name]} == {}, found


def test_every_citation_verifies(asked: list[Asked], settings: Settings) -> None:
    answers = [json.loads(json.dumps(asdict(a.answer))) for a in asked]
    checks = {check.name: check for check in verify(settings, answers)}
    assert [check for check in checks.values() if check.failures] == []
    assert checks["answers"].checked > len(answers)
