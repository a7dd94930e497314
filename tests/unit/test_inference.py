"""Running models through OpenVINO: by many threads, in eight bits where there is no bfloat16, in batches."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from newsqa import inference
from newsqa.inference import Floats, Network, padded, quantised, side_by_side
from newsqa.settings import Settings

RANDOM = np.random.default_rng(7)
WEIGHTS = RANDOM.normal(size=(256, 64)).astype(np.float32)
INPUTS = RANDOM.normal(size=(5, 256)).astype(np.float32)
FIRST_USE_BY_MANY = """
import faulthandler, sys, threading
faulthandler.dump_traceback_later(60, exit=True)
import numpy as np
from newsqa import inference
inference.core()
import openvino
from openvino import opset13 as ops

def network():
    given = ops.parameter([-1], openvino.Type.f32)
    return inference.Network(openvino.Model([ops.relu(given)], [given]), 1)

def use(network):
    while not ready:
        pass
    network(np.ones(3, np.float32))

ready = []
threads = [threading.Thread(target=use, args=(network(),)) for _ in range(8)]
sys.setswitchinterval(1e-7)
for thread in threads:
    thread.start()
ready.append(True)
for thread in threads:
    thread.join()
print("done")
"""


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
    (found,) = Network(model, 1)(INPUTS)
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


def test_every_core_is_used_unless_told_otherwise() -> None:
    assert inference.threads(Settings(threads=3)) == 3
    assert inference.threads(Settings()) == os.cpu_count()


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_that_share_a_network_keep_their_own_output(threads: int) -> None:
    inference.core()
    import openvino
    from openvino import opset13 as ops

    given = ops.parameter([-1, -1], openvino.Type.f32)
    network = Network(openvino.Model([ops.add(given, given)], [given]), threads)
    arrays = [np.full((n % 5 + 1, 3), n, np.float32) for n in range(200)]
    with ThreadPoolExecutor(4) as workers:
        outputs = list(workers.map(network, arrays))
    for array, (output,) in zip(arrays, outputs, strict=True):
        np.testing.assert_array_equal(output, 2 * array)


def test_many_threads_may_be_the_first_to_use_openvino() -> None:
    """A deadlock otherwise in three of four runs."""
    done = subprocess.run([sys.executable, "-c", FIRST_USE_BY_MANY], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_batches_are_of_like_length_longest_first() -> None:
    def forward(batch: list[int]) -> Floats:
        return np.array(batch, np.float32) * 10

    with ThreadPoolExecutor(2) as workers:
        found = [(batch, made.tolist()) for batch, made in side_by_side(workers, forward, [3, 9, 1, 8, 9], 2)]
        assert list(side_by_side(workers, forward, [], 2)) == []
    assert found == [([1, 4], [10.0, 40.0]), ([3, 0], [30.0, 0.0]), ([2], [20.0])]


def test_rows_are_padded_to_few_widths() -> None:
    array = padded([[7] * 17, [5]], fill=9)
    assert (array.shape, array.dtype) == ((2, 32), np.int64)
    assert array.tolist() == [[7] * 17 + [9] * 15, [5] + [9] * 31]
    assert padded([[1] * 16]).shape == (1, 16)
