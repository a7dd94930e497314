"""The pure parts of benchmarks/peers, and the line between driver and systems, without any peer."""

import json
import math
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from newsqa.evaluate.questions import Question

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"
sys.path.insert(0, str(PEERS))
import comparison  # noqa: E402
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
        "add": [{"seconds": s, "cpu": s} for s in (1.0, 3.0, 2.0)],
        "again": {"passages": 0, "seconds": 0.5, "cpu": 0.5},
        "delete": {
            "took": [{"seconds": 0.1, "cpu": 0.1}],
            "at_once": True,
            "after_restart": True,
            "after_indexing_again": False,
        },
        "search": [{"seconds": s, "cpu": s} for s in (0.010, 0.020, 0.030)],
        "cold": [{"seconds": 4.0, "cpu": 4.0}],
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
    assert all(name in drawn for name in ("newsqa", "other", "search p50, CPU ms"))


def test_what_is_pinned_has_one_version_each() -> None:
    for name in run.PEERS:
        lines = (PEERS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert lines[0] == "torch==2.13.0"  # first, so that pip takes the small build
        assert all(line.count("==") == 1 for line in lines)


def test_a_ledger_measures_once(tmp_path: Path) -> None:
    assert comparison.Ledger(tmp_path / "ledger.json").once("a", lambda: 1) == 1
    again = comparison.Ledger(tmp_path / "ledger.json")
    assert again.once("a", lambda: 2) == 1
    assert "a" in again
    assert "b" not in again


TOY = """
    import json, sys
    sys.path.insert(0, {peers!r})
    import worker

    class Toy:
        def __init__(self, folder):
            print("a library's chatter", flush=True)
            folder.mkdir(exist_ok=True)
            self.file = folder / "urls.json"
            self.urls = json.loads(self.file.read_text()) if self.file.exists() else []
        def index(self, file):
            new = [row["url"] for row in worker.rows(file) if row["url"] not in self.urls]
            self.urls += new
            self.file.write_text(json.dumps(self.urls))
            return len(new)
        def delete(self, url):
            self.urls.remove(url)
            self.file.write_text(json.dumps(self.urls))
        def search(self, question, k):
            return [url for url in self.urls if question in url][:k]
        def articles(self, hits):
            return worker.each_once(iter(hits))

    worker.serve(Toy)
"""


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    file = tmp_path / "toy.py"
    file.write_text(textwrap.dedent(TOY.format(peers=str(PEERS))), encoding="utf-8")
    return file


@pytest.fixture
def toy(tmp_path: Path, adapter: Path) -> Iterator[worker.Worker]:
    started = worker.Worker([sys.executable, str(adapter), str(tmp_path / "toy")], {}, tmp_path / "log.txt")
    yield started
    started.close()


def test_systems_take_turns_and_what_was_measured_is_kept(
    tmp_path: Path, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = [comparison.Entrant(name, Path(sys.executable), adapter) for name in ("newsqa", "other")]
    question = replace(asked(["a7"]), text="a7")
    chosen = corpus.choose(rows(*(f"a{i}" for i in range(30))), [question], 20)
    found = comparison.Comparison(tmp_path / "run", both, 1).run(chosen, [question, replace(question, text="zz")], 2)
    turns = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert turns[:4] == ["newsqa/index/0", "other/index/0", "other/index/1", "newsqa/index/1"]
    other = found["other"]
    assert [part["passages"] for part in other["index"]] == [10, 10]
    assert [one["passages"] for one in other["add"]] == [1] * 5
    assert (other["again"]["articles"], other["again"]["passages"]) == (10, 0)
    assert other["ranks"] == [1, comparison.NEVER]
    assert len(other["cold"]) == 3
    assert other["bytes"] > 500
    gone = {key: other["delete"][key] for key in ("found", "at_once", "after_restart", "after_indexing_again")}
    assert gone == {"found": 3, "at_once": True, "after_restart": True, "after_indexing_again": False}
    assert "article recall@1" in figures.table(found)
    later = comparison.Comparison(tmp_path / "run", both, 1)
    later.ledger.once("more", dict)
    capsys.readouterr()
    again = later.run(chosen, [question], 2)
    assert capsys.readouterr().out == ""  # nothing is measured twice
    assert again == found


def test_a_system_answers_over_the_line(toy: worker.Worker, tmp_path: Path) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_text("".join(json.dumps({"url": url}) + "\n" for url in "ab"), encoding="utf-8")
    reply = toy.ask("index", file=str(file))
    assert reply.result == 2
    assert reply.seconds > 0
    assert toy.ask("search", question="", k=3).result == [["a"], ["b"]]
    assert toy.ask("delete", url="a").result is None
    assert toy.ask("search", question="", k=1).result == [["b"]]
    assert toy.ask("rss").result > 1_000_000
    assert "chatter" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_a_system_that_fails_says_why_and_goes_on(toy: worker.Worker) -> None:
    with pytest.raises(RuntimeError, match=r"list\.remove\(x\): x not in list"):
        toy.ask("delete", url="nowhere")
    with pytest.raises(RuntimeError, match="unknown command"):
        toy.ask("sing")
    assert toy.ask("search", question="", k=1).result == []
