"""The packaged model, and a tiny one of the test's own in a Hugging Face folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForQuestionAnswering, BertModel, ByT5Tokenizer, PreTrainedTokenizerFast

from newsqa import spans
from newsqa.errors import ModelError
from newsqa.settings import Settings
from newsqa.spans import SpanModel, TokenScores, heading
from newsqa.types import Passage

QUESTION = "Who opened the bridge?"
TEXTS = [
    f"{'The mayor spoke about boats and ferries for a while. ' * (n % 7)}Number {n} opened the bridge in Marrow."
    for n in range(15)
]
# What is between spaces, with the words that it is made of.
WORDS = {
    "Mayor": ["Mayor"],
    "Tove’s": ["Tove", "’", "s"],
    "7-4.": ["7", "-", "4", "."],
    "unforeseeableness": ["unforeseeableness"],
    "Café": ["Café"],
    "Cafe\u0301": ["Cafe\u0301"],
    "e\u0301\u0327,": ["e\u0301\u0327", ","],
    "नहीं": ["नहीं"],
    "한국어": ["한국어"],
    "İstanbul": ["İstanbul"],
    "水位上": ["水", "位", "上"],
    "👩‍🚒": ["👩‍🚒"],
    "❤️": ["❤️"],
    "🌉🌉": ["🌉🌉"],
    "zero\u200bwidth": ["zero\u200bwidth"],
    "\u200b": [],
    "[SEP]": ["[", "SEP", "]"],
    "[MASK]ed": ["[", "MASK", "]", "ed"],
    "w" * 150: ["w" * 150],
}


def passage(text: str, number: int = 1) -> Passage:
    return Passage(number, f"a{number}", 1, 0, len(text), text, "Bridge vote", "Post", "2025-01-02T10:00:00Z")


def score(model: SpanModel, text: str) -> TokenScores:
    (scores,) = model.score(QUESTION, [passage(text)])
    return scores


def words(scores: TokenScores, text: str) -> list[str]:
    """Every stretch from a token that begins a word to the next that ends one."""
    bounds = zip(scores.offsets[scores.first, 0], scores.offsets[scores.last, 1], strict=True)
    return [text[start:end] for start, end in bounds]


@pytest.fixture(scope="module")
def packaged() -> SpanModel:
    return SpanModel(Settings(threads=2))


def save(folder: Path, tokenizer: Tokenizer, kind: type[BertModel | BertForQuestionAnswering]) -> str:
    torch.manual_seed(3)
    size = tokenizer.get_vocab_size()
    config = BertConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.5,
        pad_token_id=tokenizer.token_to_id("[PAD]"),
    )
    kind(config).eval().save_pretrained(folder)
    named = ["input_ids", "attention_mask", "token_type_ids"]
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512, model_input_names=named, **special
    ).save_pretrained(folder)
    return str(folder)


def vocabulary(pieces: Sequence[str]) -> dict[str, int]:
    letters = sorted(set("".join(TEXTS) + QUESTION) - {" "})
    every = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *pieces, *letters, *(f"##{letter}" for letter in letters)]
    return {piece: number for number, piece in enumerate(dict.fromkeys(every))}


def finished(tokenizer: Tokenizer) -> Tokenizer:
    ids = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ids)
    return tokenizer


def bert() -> Tokenizer:
    """Pieces of words, as BERT has them."""
    tokenizer = Tokenizer(models.WordPiece(vocabulary(["the", "bridge", "boat", "##s"]), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return finished(tokenizer)


def sentencepiece() -> Tokenizer:
    """Words that have the space before them in their tokens."""
    pieces = {f"▁{word}": -1.0 for word in (*" ".join([*TEXTS, QUESTION]).split(), "")}
    letters = {piece: -9.0 for piece in vocabulary([]) if len(piece) == 1}
    scores = {"[PAD]": 0.0, "[UNK]": -20.0, "[CLS]": 0.0, "[SEP]": 0.0, **pieces, **letters}
    tokenizer = Tokenizer(models.Unigram(list(scores.items()), unk_id=1))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return finished(tokenizer)


@pytest.fixture(scope="module", params=[bert, sentencepiece])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("own"), request.param(), BertForQuestionAnswering)


@pytest.fixture(scope="module")
def own(folder: str) -> SpanModel:
    return SpanModel(Settings(threads=2, reader=folder))


@pytest.fixture(scope="module", params=[None, bert, sentencepiece])
def model(request: pytest.FixtureRequest, packaged: SpanModel, tmp_path_factory: pytest.TempPathFactory) -> SpanModel:
    if request.param is None:
        return packaged
    folder = save(tmp_path_factory.mktemp("own"), request.param(), BertForQuestionAnswering)
    return SpanModel(Settings(threads=2, reader=folder))


def test_a_heading_is_day_and_title() -> None:
    assert heading("Bridge vote", "2025-01-02T10:00:00Z") == "2025-01-02 · Bridge vote"
    assert (heading("Bridge vote", None), heading("", "2025-01-02"), heading("", None)) == (
        "Bridge vote",
        "2025-01-02",
        "",
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(sorted(WORDS)), st.sampled_from([" ", "\n", "\u3000", " \u200b "]))))
def test_words_are_whole_and_exact(packaged: SpanModel, parts: list[tuple[str, str]]) -> None:
    text = "".join(word + space for word, space in parts)
    assert words(score(packaged, text), text) == [word for part, _ in parts for word in WORDS[part]]


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_tokens_of_any_text_are_stretches_of_it_in_order(packaged: SpanModel, text: str) -> None:
    scores = score(packaged, text)
    starts, ends = scores.offsets.T
    assert len(starts) == len(scores.starts) == len(scores.ends) == len(scores.first) == len(scores.last)
    assert np.all((starts >= 0) & (starts < ends) & (ends <= len(text)))
    assert np.all(np.diff(starts) >= 0)
    assert np.all(np.diff(ends) >= 0)
    covered = {i for start, end in scores.offsets for i in range(start, end)}
    assert [i for i, letter in enumerate(text) if letter.isascii() and letter.isalnum() and i not in covered] == []


def test_words_of_another_tokenizer_are_whole_and_without_spaces(own: SpanModel) -> None:
    text = "  The mayor \n spoke  about Marrow"
    assert words(score(own, text), text) == ["The", "mayor", "spoke", "about", "Marrow"]


def test_the_answer_stands_out(packaged: SpanModel) -> None:
    right, wrong = "Mayor Tove Lind opened the bridge on Monday.", "Ferry fares rise by twelve per cent in May."
    good, bad = packaged.score(QUESTION, [passage(right), passage(wrong, 2)])
    start, end = good.offsets[np.argmax(good.starts), 0], good.offsets[np.argmax(good.ends), 1]
    assert "Tove Lind" in right[start:end]
    assert good.starts.max() > 0 > bad.starts.max()


def test_only_the_nearest_and_most_relevant_are_read_to_the_end(packaged: SpanModel) -> None:
    right = "Mayor Tove Lind opened the bridge on Monday."
    texts = [f"Ferry number {n} was late again, passengers said." for n in range(2 * spans.CLOSE)]
    texts.insert(spans.CLOSE + 2, right)
    scores = packaged.score(QUESTION, [passage(text, n) for n, text in enumerate(texts)])
    read = [len(one.starts) > 0 for one in scores]
    assert sum(read) == spans.CLOSE
    assert (read[0], read[texts.index(right)], read[-1]) == (True, True, False)
    assert scores[texts.index(right)].relevance == max(one.relevance for one in scores)


def test_the_order_of_passages_is_kept(model: SpanModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "CLOSE", len(TEXTS))
    together = model.score(QUESTION, [passage(text, n) for n, text in enumerate(TEXTS)])
    assert [scores.offsets[-1, 1] for scores in together] == [len(text) for text in TEXTS]
    for text, scores in zip(TEXTS, together, strict=True):
        alone = score(model, text)
        # The same but for the rounding of another batch.
        assert np.corrcoef([*scores.starts, *scores.ends], [*alone.starts, *alone.ends])[0, 1] > 0.99


def test_nothing_to_read_gives_nothing(model: SpanModel) -> None:
    assert model.score(QUESTION, []) == []
    assert [scores.offsets.shape for scores in model.score(QUESTION, [passage("")])] == [(0, 2)]


def test_threads_do_not_mix_their_scores(model: SpanModel) -> None:
    asked = [f"{QUESTION} {'The bridge in Marrow? ' * n}" for n in range(6)]
    passages = [passage(text, n) for n, text in enumerate(TEXTS)]
    one_by_one = [model.score(question, passages) for question in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        at_once = list(pool.map(lambda question: model.score(question, passages), asked))
    for expected, found in zip(one_by_one, at_once, strict=True):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one.starts, other.starts)
            np.testing.assert_array_equal(one.ends, other.ends)


@pytest.mark.parametrize(
    ("asked", "told", "whole"),
    [(4, 300, True), (5000, 300, True), (4, 3000, False), (5000, 3000, False), (5000, 0, True)],
)
def test_no_input_is_longer_than_the_model_takes(
    model: SpanModel, monkeypatch: pytest.MonkeyPatch, asked: int, told: int, whole: bool
) -> None:
    widths = []
    mask = spans._mask

    def watched(inputs: Sequence[spans._Input]) -> spans.Ints:
        widths.extend(len(one.ids) for one in inputs)
        return mask(inputs)

    monkeypatch.setattr(spans, "_mask", watched)
    text = " ".join(["bridge"] * told)
    (scores,) = model.score(" ".join(["boat"] * asked), [passage(text)])
    assert max(widths) <= 512
    assert (len(scores.offsets) == told) is whole
    assert len(scores.offsets) >= min(told, 350)


def test_scores_of_a_folder_are_those_of_its_model_less_the_null(folder: str, own: SpanModel) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    plain = BertForQuestionAnswering.from_pretrained(folder)
    for text in TEXTS[:4]:
        pair = tokenizer(QUESTION, text, return_tensors="pt")
        with torch.inference_mode():
            found = plain(**pair)
        part = pair.sequence_ids(0).index(1)
        scores = score(own, text)
        for logits, ours in ((found.start_logits[0], scores.starts), (found.end_logits[0], scores.ends)):
            expected = (logits - logits[0])[part:-1].numpy()
            # bfloat16 has three digits.
            assert np.abs(ours - expected).mean() < 0.05 * np.ptp(expected)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="NEWSQA_READER"):
        SpanModel(Settings(reader=str(tmp_path / "none"))).load()


def test_a_model_that_was_not_trained_to_answer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="it has no qa_outputs"):
        SpanModel(Settings(reader=save(tmp_path, bert(), BertModel))).load()


def test_a_model_without_fast_tokenizer_is_refused(tmp_path: Path) -> None:
    save(tmp_path, bert(), BertForQuestionAnswering)
    (tmp_path / "tokenizer.json").unlink()
    ByT5Tokenizer(cls_token="</s>").save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="fast tokenizer"):
        SpanModel(Settings(reader=str(tmp_path))).load()


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the packaged model to break."""
    copy = tmp_path / "reader"
    shutil.copytree(spans.PACKAGED, copy)
    monkeypatch.setattr(spans, "PACKAGED", copy)
    return copy


@pytest.mark.parametrize("name", spans.FILES)
def test_a_changed_byte_is_refused(damaged: Path, name: str) -> None:
    with (damaged / name).open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(ModelError, match=rf"{name}' has sha256 .*Reinstall newsqa"):
        SpanModel(Settings()).load()


@pytest.mark.parametrize("name", [*spans.FILES, "manifest.json"])
def test_a_missing_file_is_refused(damaged: Path, name: str) -> None:
    (damaged / name).unlink()
    with pytest.raises(ModelError, match=rf"{name}' can't be read.*Reinstall newsqa"):
        SpanModel(Settings()).score(QUESTION, [])


@pytest.mark.parametrize(("content", "message"), [("{", "can't be read"), ("{}", "has sha256")])
def test_a_broken_manifest_is_refused(damaged: Path, content: str, message: str) -> None:
    (damaged / "manifest.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        SpanModel(Settings()).load()


def test_the_packaged_model_needs_no_torch_and_reports_nothing(tmp_path: Path) -> None:
    """Openvino itself would write an id into the home folder and send it."""
    code = (
        "import json, sys, threading\n"
        "from newsqa.settings import Settings\n"
        "from newsqa import spans\n"
        "spans.SpanModel(Settings()).load()\n"
        "print(json.dumps(['torch' in sys.modules, [t.name for t in threading.enumerate()]]))"
    )
    home = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, ["MainThread"]]
    assert list(tmp_path.iterdir()) == []
