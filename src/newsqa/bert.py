"""The encoder of BERT (Devlin et al. 2019, arXiv:1810.04805) as OpenVINO models, from its weights alone."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from newsqa import inference

if TYPE_CHECKING:
    from openvino import Model, Node

EPSILON = 1e-12
PARTS = ("query", "key", "value")
TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype(np.float32), "F16": np.dtype(np.float16), "U8": np.dtype(np.uint8)}

Weights = dict[str, NDArray[Any]]


def read_weights(path: Path) -> Weights:
    """Map the tensors of a safetensors file into memory, by name; writing to them leaves the file as it is.

    Half precision becomes single. Tensors of other types than `TYPES` are left out. The file is taken to
    be sound: check its hash first. Format: huggingface.co/docs/safetensors.
    """
    with path.open("rb") as file:
        # OpenVINO uses the memory as its own, and refuses what can't be written to.
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    begin = 8 + int.from_bytes(content[:8], "little")
    weights = {}
    for name, entry in json.loads(content[8:begin]).items():
        if kind := TYPES.get(entry.get("dtype")):
            first, last = entry["data_offsets"]
            flat = np.frombuffer(content, kind, (last - first) // kind.itemsize, begin + first)
            weights[name] = (flat.astype(np.float32) if kind == np.float16 else flat).reshape(entry["shape"])
    return weights


def sentence_encoder(weights: Weights, heads: int) -> Model:
    """Build the model: ids and mask of tokens -> unit vectors, shape (texts, dimension), float32.

    Ids and mask are int64 of shape (texts, tokens). A vector has the direction of the mean over
    the tokens whose mask is 1, as in Sentence-BERT (Reimers and Gurevych 2019, arXiv:1908.10084).
    """
    encoder = _Encoder(weights, heads)
    ops, one = encoder.ops, encoder.constant([1])
    ids, mask = encoder.tokens(), encoder.tokens()
    states = encoder.layers(encoder.embeddings(ids), mask, 0, layers(weights))
    sums = ops.squeeze(ops.matmul(ops.unsqueeze(ops.convert(mask, "f32"), one), states, False, False), one)
    return _model([ops.normalize_l2(sums, one, EPSILON, "add")], [ids, mask])


def skimmer(weights: Weights, heads: int, depth: int) -> Model:
    """Build the first ``depth`` layers: ids, mask and types of tokens -> their states, and how relevant each text is.

    Inputs are int64 of shape (texts, tokens); outputs float32 of shapes (texts, tokens, dimension) and (texts,).
    """
    encoder = _Encoder(weights, heads)
    ids, mask, types = (encoder.tokens() for _ in range(3))
    states = encoder.layers(encoder.embeddings(ids, types), mask, 0, depth)
    return _model([states, encoder.score("early", encoder.first(states))], [ids, mask, types])


def closer(weights: Weights, heads: int, depth: int) -> Model:
    """Build the other layers: states and mask of tokens -> where spans start and end, and how relevant each text is.

    Inputs have the shapes (texts, tokens, dimension) and (texts, tokens); outputs are float32 of shapes
    (texts, tokens, 2) and (texts,).
    """
    encoder = _Encoder(weights, heads)
    given, mask = encoder.states(), encoder.tokens()
    states = encoder.layers(given, mask, depth, layers(weights))
    pooled = encoder.ops.tanh(encoder.linear("pooler.dense", encoder.first(states)))
    return _model([encoder.linear("head", states), encoder.score("relevant", pooled)], [given, mask])


def layers(weights: Weights) -> int:
    """Return how many layers there are."""
    return sum(name.endswith("attention.self.query.weight") for name in weights)


def _model(outputs: list[Node], inputs: list[Node]) -> Model:
    import openvino

    return openvino.Model(outputs, inputs)


class _Encoder:
    """Makes the parts of the encoder; states have the shape (texts, tokens, dimension)."""

    def __init__(self, weights: Weights, heads: int) -> None:
        inference.core()
        from openvino import opset13

        self.ops = opset13
        self._weights = weights
        self._split = self.constant([0, 0, heads, -1])
        self._join = self.constant([0, 0, -1])
        self._swap = self.constant([0, 2, 1, 3])

    def tokens(self) -> Node:
        """Make an input, a whole number a token."""
        return self.ops.parameter([-1, -1], np.int64)

    def states(self) -> Node:
        """Make an input, a state a token."""
        return self.ops.parameter([-1, -1, len(self._weights["pooler.dense.bias"])], np.float32)

    def constant(self, value: list[int]) -> Node:
        return self.ops.constant(np.array(value, np.int64))

    def first(self, states: Node) -> Node:
        """Take the state of each text's first token, shape (texts, dimension)."""
        return self.ops.gather(states, self.ops.constant(0), self.constant([1]))

    def score(self, name: str, states: Node) -> Node:
        """Make a number of each state."""
        return self.ops.squeeze(self.linear(name, states), self.constant([1]))

    def embeddings(self, ids: Node, types: Node | None = None) -> Node:
        """Embed tokens; all are of the first type where none are given."""
        ops = self.ops
        zero, one = self.constant([0]), self.constant([1])
        length = ops.gather(ops.shape_of(ids), one, zero)
        positions = ops.slice(self._weight("embeddings.position_embeddings.weight"), zero, length, one, zero)
        kinds = ops.gather(self._weight("embeddings.token_type_embeddings.weight"), types or zero, zero)
        return self._normalised("embeddings.LayerNorm", ops.add(self._words(ids), ops.add(kinds, positions)))

    def _words(self, ids: Node) -> Node:
        name = "embeddings.word_embeddings"
        words = self.ops.gather(self._weight(f"{name}.weight"), ids, self.constant([0]))
        if f"{name}.scale" not in self._weights:
            return words
        # In eight bits, as they are a third of a small model.
        above = self.ops.subtract(self.ops.convert(words, "f32"), self._weight(f"{name}.zero"))
        return self.ops.multiply(above, self._weight(f"{name}.scale"))

    def layers(self, states: Node, mask: Node, begin: int, end: int) -> Node:
        """Go through layers ``begin`` to ``end``, attending to tokens whose mask is 1."""
        attended = self.ops.unsqueeze(self.ops.convert(mask, "boolean"), self.constant([1, 2]))
        for number in range(begin, end):
            states = self._layer(f"encoder.layer.{number}", states, attended)
        return states

    def _layer(self, name: str, states: Node, attended: Node) -> Node:
        ops = self.ops
        query, key, value = (self._per_head(f"{name}.attention.self.{part}", states) for part in PARTS)
        heads = ops.scaled_dot_product_attention(query, key, value, attended)
        joined = ops.reshape(ops.transpose(heads, self._swap), self._join, True)
        attention = self.linear(f"{name}.attention.output.dense", joined)
        states = self._normalised(f"{name}.attention.output.LayerNorm", ops.add(attention, states))
        inner = ops.gelu(self.linear(f"{name}.intermediate.dense", states), "erf")
        return self._normalised(f"{name}.output.LayerNorm", ops.add(self.linear(f"{name}.output.dense", inner), states))

    def _per_head(self, name: str, states: Node) -> Node:
        split = self.ops.reshape(self.linear(name, states), self._split, True)
        return self.ops.transpose(split, self._swap)

    def linear(self, name: str, states: Node) -> Node:
        product = self.ops.matmul(states, self._weight(f"{name}.weight"), False, True)
        return self.ops.add(product, self._weight(f"{name}.bias"))

    def _normalised(self, name: str, states: Node) -> Node:
        centred = self.ops.mvn(states, self.constant([-1]), True, EPSILON, "inside_sqrt")
        scaled = self.ops.multiply(centred, self._weight(f"{name}.weight"))
        return self.ops.add(scaled, self._weight(f"{name}.bias"))

    def _weight(self, name: str) -> Node:
        return self.ops.constant(self._weights[name], shared_memory=True)
