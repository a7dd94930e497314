"""Running models through OpenVINO, without torch.

OpenVINO computes in bfloat16 where the processor has units for it; elsewhere in float32, or in
eight bits where a model bears that.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from newsqa.settings import Settings

if TYPE_CHECKING:
    from openvino import Core, Model

T = TypeVar("T")
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

PADDING = 16
GROUP = 128
"""Activations that share a scale in eight bits; more of them are no faster."""

_starting = threading.Lock()


def threads(settings: Settings) -> int:
    """How many threads run models."""
    return settings.threads or os.cpu_count() or 1


def core() -> Core:
    """Return OpenVINO, started once; nothing else imports it before this was called."""
    with _starting:
        return _started()


@cache
def _started() -> Core:
    """Return OpenVINO, which lives as long as the process.

    Its CPU plugin gives the thread that loads it an alternate signal stack, and frees that when the last
    model goes: the next signal would then crash Python.
    """
    # Without this, importing openvino reports its use to Intel; it goes on where the package is missing.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    # OpenVINO makes its table of NumPy's types when it first needs it, and deadlocks with the interpreter's
    # lock if two threads need it at once; so the first time is here, where there is one.
    openvino.Type.f32.to_dtype()
    return openvino.Core()


class Network:
    """A compiled model. Threads may share it, and run their batches side by side."""

    def __init__(self, model: Path | Model, threads: int, *, eight_bits: bool = False) -> None:
        """Compile a model; with ``eight_bits``, it runs in these where there is no bfloat16."""
        # One stream a thread: threads that split one batch would wait for each other at every layer.
        properties = {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads}
        if eight_bits and "BF16" not in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            model = quantised(core().read_model(model) if isinstance(model, Path) else model)
            properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = GROUP
        self._compiled = core().compile_model(model, "CPU", properties)
        self._own = threading.local()

    def __call__(self, *inputs: NDArray[Any]) -> list[Floats]:
        """Run a batch; returns the model's outputs."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        self._own.request.infer(inputs, share_inputs=True)
        # The next inference writes into the same memory.
        return [tensor.data.copy() for tensor in self._own.request.output_tensors]


def quantised(model: Model) -> Model:
    """Bring the weights of all matrix products to eight bits, each output with a scale of its own; changes ``model``.

    OpenVINO then rounds activations as it goes, and multiplies in integers.
    """
    from openvino import opset13 as ops

    for product in model.get_ordered_ops():
        if product.get_type_name() != "MatMul":
            continue
        source = product.input_value(1)
        weights = source.get_node()
        while weights.get_type_name() == "Convert":
            weights = weights.input_value(0).get_node()
        if weights.get_type_name() != "Constant":
            continue
        values = weights.get_data().astype(np.float32)
        inner = 1 if product.get_attributes()["transpose_b"] else 0
        scale = np.maximum(np.abs(values).max(axis=inner, keepdims=True) / 127, np.finfo(np.float32).tiny)
        whole = ops.convert(ops.constant(np.round(values / scale).astype(np.int8)), "f32")
        product.input(1).replace_source_output(ops.multiply(whole, ops.constant(scale)).output(0))
    return model


def side_by_side(
    workers: Executor, forward: Callable[[list[int]], T], lengths: Sequence[int], size: int
) -> Iterator[tuple[list[int], T]]:
    """Yield batches of inputs and what ``forward`` makes of each.

    A batch is up to ``size`` positions in ``lengths``, of like length; the longest come first.
    """
    longest_first = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    batches = [longest_first[i : i + size] for i in range(0, len(lengths), size)]
    return zip(batches, workers.map(forward, batches), strict=True)


def padded(rows: Sequence[Sequence[int]], fill: int = 0) -> Ints:
    """Lay rows of tokens out in an array; few widths, since the kernels keep what they build for each."""
    width = -(-max(map(len, rows)) // PADDING) * PADDING
    array = np.full((len(rows), width), fill, np.int64)
    for row, tokens in zip(array, rows, strict=True):
        row[: len(tokens)] = tokens
    return array
