"""The encoder of BERT (Devlin et al. 2019, arXiv:1810.04805) as an OpenVINO model, from its weights alone."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from newsqa import inference
from newsqa.inference import Floats

if TYPE_CHECKING:
    from openvino import Model, Node

EPSILON = 1e-12
PARTS = ("query", "key", "value")

Weights = dict[str, Floats]


def read_weights(path: Path) -> Weights:
    """Map a safetensors file's float32 tensors into memory, by name; writing to them leaves the file as it is.

    The file is taken to be sound: check its hash first. Format: huggingface.co/docs/safetensors.
    """
    with path.open("rb") as file:
        # OpenVINO uses the memory as its own, and refuses what can't be written to.
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    begin = 8 + int.from_bytes(content[:8], "little")
    weights = {}
    for name, entry in json.loads(content[8:begin]).items():
        if entry.get("dtype") == "F32":
            first, last = entry["data_offsets"]
            flat = np.frombuffer(content, np.float32, (last - first) // 4, begin + first)
            weights[name] = flat.reshape(entry["shape"])
    return weights


def sentence_encoder(weights: Weights, heads: int) -> Model:
    """Build the model: ids and mask of tokens -> unit vectors, shape (texts, dimension), float32.

    Ids and mask are int64 of shape (texts, tokens). A vector has the direction of the mean over
    the tokens whose mask is 1, as in Sentence-BERT (Reimers and Gurevych 2019, arXiv:1908.10084).
    """
    inference.core()
    import openvino
    from openvino import opset13 as ops

    ids, mask = (ops.parameter([-1, -1], openvino.Type.i64) for _ in range(2))
    encoder = _Encoder(weights, heads)
    attended = ops.unsqueeze(ops.convert(mask, openvino.Type.boolean), encoder.constant([1, 2]))
    states = encoder.embeddings(ids)
    for number in range(sum(name.endswith("attention.self.query.weight") for name in weights)):
        states = encoder.layer(f"encoder.layer.{number}", states, attended)
    counted = ops.unsqueeze(ops.convert(mask, openvino.Type.f32), encoder.constant([1]))
    sums = ops.squeeze(ops.matmul(counted, states, False, False), encoder.constant([1]))
    return openvino.Model([ops.normalize_l2(sums, encoder.constant([1]), EPSILON, "add")], [ids, mask])


class _Encoder:
    """Makes the parts of the encoder; states have the shape (texts, tokens, dimension)."""

    def __init__(self, weights: Weights, heads: int) -> None:
        from openvino import opset13

        self._ops = opset13
        self._weights = weights
        self._split = self.constant([0, 0, heads, -1])
        self._join = self.constant([0, 0, -1])
        self._swap = self.constant([0, 2, 1, 3])

    def constant(self, value: list[int]) -> Node:
        return self._ops.constant(np.array(value, np.int64))

    def embeddings(self, ids: Node) -> Node:
        ops = self._ops
        zero, one = self.constant([0]), self.constant([1])
        length = ops.gather(ops.shape_of(ids), one, zero)
        positions = ops.slice(self._weight("embeddings.position_embeddings.weight"), zero, length, one, zero)
        # Of the two kinds of text that the model tells apart, there is only the first.
        kind = ops.gather(self._weight("embeddings.token_type_embeddings.weight"), zero, zero)
        words = ops.gather(self._weight("embeddings.word_embeddings.weight"), ids, zero)
        return self._normalised("embeddings.LayerNorm", ops.add(words, ops.add(positions, kind)))

    def layer(self, name: str, states: Node, attended: Node) -> Node:
        ops = self._ops
        query, key, value = (self._per_head(f"{name}.attention.self.{part}", states) for part in PARTS)
        heads = ops.scaled_dot_product_attention(query, key, value, attended)
        joined = ops.reshape(ops.transpose(heads, self._swap), self._join, True)
        attention = self._linear(f"{name}.attention.output.dense", joined)
        states = self._normalised(f"{name}.attention.output.LayerNorm", ops.add(attention, states))
        inner = ops.gelu(self._linear(f"{name}.intermediate.dense", states), "erf")
        return self._normalised(
            f"{name}.output.LayerNorm", ops.add(self._linear(f"{name}.output.dense", inner), states)
        )

    def _per_head(self, name: str, states: Node) -> Node:
        split = self._ops.reshape(self._linear(name, states), self._split, True)
        return self._ops.transpose(split, self._swap)

    def _linear(self, name: str, states: Node) -> Node:
        product = self._ops.matmul(states, self._weight(f"{name}.weight"), False, True)
        return self._ops.add(product, self._weight(f"{name}.bias"))

    def _normalised(self, name: str, states: Node) -> Node:
        centred = self._ops.mvn(states, self.constant([-1]), True, EPSILON, "inside_sqrt")
        scaled = self._ops.multiply(centred, self._weight(f"{name}.weight"))
        return self._ops.add(scaled, self._weight(f"{name}.bias"))

    def _weight(self, name: str) -> Node:
        return self._ops.constant(self._weights[name], shared_memory=True)
