"""Loading index and models for the first question."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from fakes import HashEmbedder
from newsqa.errors import ModelError
from newsqa.qa import QA
from newsqa.settings import Settings
from newsqa.types import Passage, Span, Vectors


def qa(index: Callable[[], object], embedder: Callable[[], object], reader: Callable[[], object]) -> QA:
    """Parts that do nothing but load."""

    class Embedder(HashEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            embedder()
            return super().embed(texts)

    class Reader:
        def read(self, question: str, passages: Sequence[Passage]) -> list[Span]:
            reader()
            return []

    return QA(SimpleNamespace(load=index), Embedder(), Reader(), Settings())  # type: ignore[arg-type]


def nothing() -> None:
    pass


def test_index_and_models_load_side_by_side() -> None:
    each = threading.Barrier(3, timeout=30)
    qa(each.wait, each.wait, each.wait).warm()
    assert not each.broken


@pytest.mark.parametrize("part", [0, 1, 2])
def test_what_fails_to_load_says_so(part: int) -> None:
    def fail() -> None:
        raise ModelError("damaged")

    parts = [nothing, nothing, nothing]
    parts[part] = fail
    with pytest.raises(ModelError, match="damaged"):
        qa(*parts).warm()


def test_an_interruption_waits_for_what_loads() -> None:
    """A thread that is left alone while OpenVINO works crashes Python as it ends."""
    loaded = []

    def load() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(0.3)
        loaded.append(True)

    with pytest.raises(KeyboardInterrupt):
        qa(nothing, nothing, load).warm()
    assert loaded == [True]
