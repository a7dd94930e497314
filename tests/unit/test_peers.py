"""The pure parts of benchmarks/peers, and the line between driver and systems, without any peer."""

import json
import math
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from newsqa.evaluate.questions import Question

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"
sys.path.insert(0, str(PEERS))
import corpus  # noqa: E402
import figures  # noqa: E402
import run  # noqa: E402
import worker  # noqa: E402


def rows(*names: str) -> list[corpus.Row]:
    return [{"url": f"https://example.org/{name}", "title": name, "text": name} for name in names]


def asked(labelled: Sequence[str] = (), given: Sequence[str] = ()) -> Question:
    ids = [frozenset(corpus.identity(f"https://example.org/{name}") for name in names) for names in (labelled, given)]
    return Question("1", "Who?", "who", ("x",), ids[0], ids[1])


def names(articles: Sequence[corpus.Row]) -> set[str]:
    return {row["title"] for row in articles}


def test_articles_that_answer_come_first_then_those_that_a_search_brought() -> None:
    others = [f"other{i}" for i in range(20)]
    archive = rows(*others, "brought", "answers")
    chosen = corpus.choose(archive, [asked(["answers"], ["answers", "brought"])], 2)
    assert names(chosen.articles) == {"answers", "brought"}
    assert names(chosen.new) < set(others)
    assert len(chosen.new) == corpus.NEW


def test_choosing_does_not_depend_on_the_order_of_the_archive_and_takes_a_url_once() -> None:
    archive = rows(*(f"a{i}" for i in range(40)))
    one = corpus.choose(archive, [asked(["a3"])], 10)
    two = corpus.choose([*reversed(archive), {**archive[3], "url": archive[3]["url"] + "#top"}], [asked(["a3"])], 10)
    assert [row["title"] for row in one.articles] == [row["title"] for row in two.articles]
    assert len(one.articles) == 10
    assert not names(one.articles) & names(one.new)


def test_too_few_articles_for_the_questions_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 articles answer the questions"):
        corpus.choose(rows("a", "b", "c"), [asked(["a"]), asked(["b"])], 1)


def test_parts_hold_every_article_once() -> None:
    archive = rows(*"abcdefg")
    parts = corpus.parts(archive, 3)
    assert [len(part) for part in parts] == [3, 2, 2]
    assert sorted(row["title"] for part in parts for row in part) == list("abcdefg")


def test_the_rank_counts_articles_and_their_copies() -> None:
    labelled = asked(["b"]).labelled
    found = [["https://example.org/a"], ["https://example.org/c", "https://EXAMPLE.org/b#quote"]]
    assert corpus.rank(found, labelled) == 2
    assert corpus.rank(found[:1], labelled) == math.inf


def measured(seconds: float, ranks: list[float]) -> figures.Measured:
    return {
        "index": [{"articles": 100, "passages": 1000, "seconds": seconds, "cpu": 2 * seconds}] * 2,
        "add": [1.0, 3.0, 2.0],
        "again": {"passages": 0, "seconds": 0.5},
        "delete": {"seconds": [0.1], "at_once": True, "after_restart": True, "after_indexing_again": False},
        "search": [0.010, 0.020, 0.030],
        "cold": [4.0],
        "rss_index": 900e6,
        "rss_search": 800e6,
        "bytes": 5e6,
        "ranks": ranks,
    }


def test_the_table_gives_values_and_multiples_of_newsqa() -> None:
    lines = figures.table({"newsqa": measured(10, [1, 2, 1e9]), "other": measured(40, [2, 1e9, 1e9])}).splitlines()
    cells = {line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:4]] for line in lines}
    assert cells[""] == ["newsqa", "other"]
    assert cells["indexing, articles/s"] == ["10.00", "2.50 (0.25×)"]
    assert cells["indexing, articles per CPU second"] == ["5.00", "1.25 (0.25×)"]
    assert cells["one new article, s"] == ["2.00", "2.00 (1.00×)"]
    assert cells["search p50, ms"] == ["20.0", "20.0 (1.00×)"]
    assert cells["article recall@1"] == ["0.333", "0.000"]
    assert cells["article recall@5"] == ["0.667", "0.333"]
    assert cells["stays gone when its source is indexed again"] == ["**no**", "**no**"]
    assert cells["recall@5 against newsqa's, 95 % interval"][1].startswith("-0.333 [")


def test_no_difference_has_an_interval_of_nothing_and_a_whole_one_of_all() -> None:
    assert figures.difference([1, 1, 9], [2, 3, 9], 5) == (0, 0, 0)
    assert figures.difference([1, 1, 1], [9, 9, 9], 5) == (-1, -1, -1)


def test_every_system_declares_every_capability() -> None:
    declared = tomllib.loads((PEERS / "capabilities.toml").read_text(encoding="utf-8"))
    assert declared["systems"] == [figures.OURS, *run.PEERS]
    for row in declared["capability"]:
        assert {*row} == {"name", *declared["systems"]}
        assert {row[name][0] for name in declared["systems"]} <= {"yes", "part", "no"}
        assert not [name for name in declared["systems"] if row[name][0] == "part" and not row[name][1]]


def test_notes_are_numbered_once() -> None:
    declared = {
        "systems": ["a", "b"],
        "capability": [
            {"name": "flies", "a": ["yes", ""], "b": ["no", "It is a stone."]},
            {"name": "swims", "a": ["part", "Badly."], "b": ["no", "It is a stone."]},
        ],
    }
    text = figures.capabilities(declared)
    assert "| flies | yes | no <sup>1</sup> |" in text
    assert "| swims | part <sup>2</sup> | no <sup>1</sup> |" in text
    assert text.endswith("1. It is a stone.\n2. Badly.\n")


def test_the_picture_names_every_system(tmp_path: Path) -> None:
    figures.draw({"newsqa": measured(10, [1]), "other": measured(40, [2])}, tmp_path / "peers.svg")
    drawn = (tmp_path / "peers.svg").read_text(encoding="utf-8")
    assert len(figures.PICTURED) == 6
    assert all(name in drawn for name in ("newsqa", "other", "indexing, articles/s"))


def test_what_is_pinned_has_one_version_each() -> None:
    for name in run.PEERS:
        lines = (PEERS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert lines[0] == "torch==2.13.0"  # first, so that pip takes the small build
        assert all(line.count("==") == 1 for line in lines)


def test_a_ledger_measures_once(tmp_path: Path) -> None:
    assert run.Ledger(tmp_path / "ledger.json").once("a", lambda: 1) == 1
    again = run.Ledger(tmp_path / "ledger.json")
    assert again.once("a", lambda: 2) == 1
    assert again.has(["a"])
    assert not again.has(["a", "b"])


TOY = """
    import sys
    sys.path.insert(0, {peers!r})
    import worker

    class Toy:
        def __init__(self, folder):
            print("a library's chatter", flush=True)
            self.urls = []
        def index(self, file):
            self.urls += [row["url"] for row in worker.rows(file)]
            return len(self.urls)
        def delete(self, url):
            self.urls.remove(url)
        def search(self, question, k):
            return self.urls[:k]
        def articles(self, hits):
            return worker.each_once(iter(hits))

    worker.serve(Toy)
"""


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[worker.Worker]:
    (tmp_path / "toy.py").write_text(textwrap.dedent(TOY.format(peers=str(PEERS))), encoding="utf-8")
    started = worker.Worker([sys.executable, str(tmp_path / "toy.py"), str(tmp_path)], {}, tmp_path / "log.txt")
    yield started
    started.close()


def test_a_system_answers_over_the_line(toy: worker.Worker, tmp_path: Path) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_text("".join(json.dumps({"url": url}) + "\n" for url in "abab"), encoding="utf-8")
    reply = toy.ask("index", file=str(file))
    assert reply.result == 4
    assert reply.seconds > 0
    assert toy.ask("search", question="?", k=3).result == [["a"], ["b"]]
    assert toy.ask("delete", url="a").result is None
    assert toy.ask("search", question="?", k=1).result == [["b"]]
    assert toy.ask("rss").result > 1_000_000
    assert "chatter" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_a_system_that_fails_says_why_and_goes_on(toy: worker.Worker) -> None:
    with pytest.raises(RuntimeError, match=r"list\.remove\(x\): x not in list"):
        toy.ask("delete", url="nowhere")
    with pytest.raises(RuntimeError, match="unknown command"):
        toy.ask("sing")
    assert toy.ask("search", question="?", k=1).result == []
