"""The encoder against that of the transformers library, on a tiny model of the test's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
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
    vectors = network(*inputs)
    assert (vectors.shape, vectors.dtype) == ((len(LENGTHS), 48), np.float32)
    # bfloat16 has three digits.
    np.testing.assert_allclose(vectors, expected(model, *inputs), atol=0.02)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_what_is_masked_does_not_matter(network: Network, inputs: tuple[Ints, Ints]) -> None:
    ids, mask = inputs
    changed = np.where(mask == 1, ids, (ids + 1) % 90)
    np.testing.assert_array_equal(network(changed, mask), network(ids, mask))
    assert np.abs(network((ids + 1) % 90, mask) - network(ids, mask)).max() > 0.1
