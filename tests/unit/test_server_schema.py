"""The API does what its OpenAPI document says, asked with what is made up from it: right requests and wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from serving import Server, serving

EXAMPLES = 20
HEADERS = {"host": "127.0.0.1"}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch, tmp_path) as server:
        yield server


@pytest.fixture
def described(server: Server) -> BaseSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", server.app, headers=HEADERS)


OPERATIONS = [
    ("/ask", "post"),
    ("/ask/stream", "post"),
    ("/search", "post"),
    ("/verify", "post"),
    ("/articles", "get"),
    ("/articles", "post"),
    ("/articles/{article_id}", "get"),
    ("/articles/{article_id}", "delete"),
    ("/status", "get"),
]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_described(described: BaseSchema, path: str, method: str, mode: GenerationMode) -> None:
    operation = described[path][method]
    if mode.is_negative and (path, method) == ("/status", "get"):
        return  # takes nothing that could be wrong

    # No schema can say that a query needs a word, or that one of two things is needed.
    excluded = [positive_data_acceptance] if path in ("/search", "/articles") else []

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: Case) -> None:
        case.call_and_validate(headers=HEADERS, excluded_checks=excluded)

    check()


def test_the_document_is_valid_and_describes_each_operation(described: BaseSchema) -> None:
    described.validate()
    paths = described.raw_schema["paths"]
    assert [(path, method) for path, methods in paths.items() for method in methods] == OPERATIONS
    for methods in paths.values():
        for operation in methods.values():
            assert operation["description"]
            assert {"401", "403", "422", "429", "503"} <= set(operation["responses"])
