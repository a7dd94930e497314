"""The encoder against that of the transformers library, on a tiny model of the test's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

from newsqa import bert
from newsqa.inference import Floats, Ints, Network

LENGTHS = [40, 1, 23, 16]


@pytest.fixture(scope="module")
def model() -> BertModel:
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=90,
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=80,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    return BertModel(config).eval()


@pytest.fixture(scope="module")
def path(model: BertModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    model.save_pretrained(folder)
    return folder / "model.safetensors"


@pytest.fixture(scope="module")
def network(path: Path) -> Network:
    return Network(bert.sentence_encoder(bert.read_weights(path), heads=4), 1)


@pytest.fixture(scope="module")
def inputs() -> tuple[Ints, Ints]:
    ids = np.random.default_rng(1).integers(0, 90, (len(LENGTHS), 48))
    return ids, (np.arange(48) < np.array(LENGTHS)[:, np.newaxis]).astype(np.int64)


def expected(model: BertModel, ids: Ints, mask: Ints) -> Floats:
    with torch.inference_mode():
        states = model(torch.from_numpy(ids), torch.from_numpy(mask)).last_hidden_state.numpy()
    means: Floats = np.sum(states * mask[:, :, np.newaxis], axis=1) / mask.sum(axis=1, keepdims=True)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def test_weights_are_those_of_the_file(model: BertModel, path: Path) -> None:
    weights = bert.read_weights(path)
    own = {name: tensor.numpy() for name, tensor in model.state_dict().items() if tensor.dtype == torch.float32}
    assert weights.keys() == own.keys()
    for name, array in own.items():
        np.testing.assert_array_equal(weights[name], array)


def test_vectors_are_means_of_unit_length(model: BertModel, network: Network, inputs: tuple[Ints, Ints]) -> None:
    (vectors,) = network(*inputs)
    assert (vectors.shape, vectors.dtype) == ((len(LENGTHS), 48), np.float32)
    # bfloat16 has three digits.
    np.testing.assert_allclose(vectors, expected(model, *inputs), atol=0.02)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_what_is_masked_does_not_matter(network: Network, inputs: tuple[Ints, Ints]) -> None:
    ids, mask = inputs
    changed = np.where(mask == 1, ids, (ids + 1) % 90)
    np.testing.assert_array_equal(network(changed, mask)[0], network(ids, mask)[0])
    assert np.abs(network((ids + 1) % 90, mask)[0] - network(ids, mask)[0]).max() > 0.1


@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_skimmed_and_then_read_is_what_all_layers_say(
    model: BertModel, path: Path, inputs: tuple[Ints, Ints], depth: int
) -> None:
    ids, mask = inputs
    types = np.cumsum(ids % 7 == 0, axis=1).clip(max=1)
    heads = {
        "early": torch.nn.Linear(48, 1),
        "relevant": torch.nn.Linear(48, 1),
        "head": torch.nn.Linear(48, 2),
    }
    weights = bert.read_weights(path) | {
        f"{name}.{part}": tensor.detach().numpy().copy()
        for name, layer in heads.items()
        for part, tensor in layer.named_parameters()
    }
    states, early = Network(bert.skimmer(weights, 4, depth), 1)(ids, mask, types)
    logits, relevance = Network(bert.closer(weights, 4, depth), 1)(states, mask)
    with torch.inference_mode():
        found = model(*map(torch.from_numpy, (ids, mask, types)), output_hidden_states=True)
        wanted = heads["head"](found.last_hidden_state), heads["relevant"](found.pooler_output)
        soon = heads["early"](found.hidden_states[depth][:, 0])
    assert (states.shape, logits.shape) == ((*ids.shape, 48), (*ids.shape, 2))
    read = mask == 1
    # bfloat16 has three digits.
    np.testing.assert_allclose(logits[read], wanted[0].numpy()[read], atol=0.06)
    np.testing.assert_allclose(relevance, wanted[1][:, 0], atol=0.06)
    np.testing.assert_allclose(early, soon[:, 0], atol=0.06)


def test_words_in_eight_bits_are_as_near_as_those_are(model: BertModel, path: Path, inputs: tuple[Ints, Ints]) -> None:
    weights = bert.read_weights(path)
    words = weights["embeddings.word_embeddings.weight"]
    scale = (words.max() - words.min()) / 255
    eight = weights | {
        "embeddings.word_embeddings.weight": np.round((words - words.min()) / scale).astype(np.uint8),
        "embeddings.word_embeddings.scale": np.array([scale], np.float32),
        "embeddings.word_embeddings.zero": np.array([-words.min() / scale], np.float32),
    }
    (vectors,) = Network(bert.sentence_encoder(eight, heads=4), 1)(*inputs)
    np.testing.assert_allclose(vectors, expected(model, *inputs), atol=0.03)


def test_weights_of_half_and_eight_bits_are_read(tmp_path: Path) -> None:
    tensors = {"half": torch.tensor([0.5, -2.0]).half(), "eight": torch.tensor([[1, 255]], dtype=torch.uint8)}
    save_file(tensors, tmp_path / "some.safetensors")
    weights = bert.read_weights(tmp_path / "some.safetensors")
    assert (weights["half"].dtype, weights["half"].tolist()) == (np.float32, [0.5, -2.0])
    assert (weights["eight"].dtype, weights["eight"].tolist()) == (np.uint8, [[1, 255]])
