"""Running models through OpenVINO: in eight bits where there is no bfloat16, and on what is not of one length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from newsqa import inference
from newsqa.inference import Network, padded, quantised

RANDOM = np.random.default_rng(7)
WEIGHTS = RANDOM.normal(size=(256, 64)).astype(np.float32)
INPUTS = RANDOM.normal(size=(5, 256)).astype(np.float32)


def product(*, transposed: bool) -> Any:
    inference.core()
    import openvino
    from openvino import opset13 as ops

    given = ops.parameter([-1, 256], openvino.Type.f32)
    weights = ops.constant(WEIGHTS.T.copy() if transposed else WEIGHTS)
    return openvino.Model([ops.matmul(given, weights, False, transposed)], [given])


@pytest.mark.parametrize("transposed", [False, True])
def test_eight_bits_lose_little(transposed: bool) -> None:
    model = quantised(product(transposed=transposed))
    constants = [node.get_element_type().get_type_name() for node in model.get_ops() if not node.inputs()]
    assert "i8" in constants
    found = Network(model, 1)(INPUTS)
    assert np.abs(found - INPUTS @ WEIGHTS).max() < 0.02 * np.abs(INPUTS @ WEIGHTS).max()


def test_a_model_runs_in_eight_bits_only_where_there_is_no_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    class Core:
        def __init__(self, capabilities: list[str]) -> None:
            self.capabilities = capabilities

        def get_property(self, device: str, name: str) -> list[str]:
            return self.capabilities

        def compile_model(self, model: object, device: str, properties: dict[str, int]) -> None:
            asked.append(properties.get("DYNAMIC_QUANTIZATION_GROUP_SIZE"))

    model = product(transposed=False)
    for capabilities, eight_bits in ((["FP32", "INT8"], True), (["FP32", "BF16"], True), (["FP32"], False)):
        monkeypatch.setattr(inference, "core", lambda now=capabilities: Core(now))
        Network(model, 1, eight_bits=eight_bits)
    assert asked == [inference.GROUP, None, None]


def test_rows_are_padded_to_few_widths() -> None:
    array = padded([[1, 2, 3], [4]], fill=9)
    assert array.shape == (2, inference.PADDING)
    assert array[1, :3].tolist() == [4, 9, 9]
