"""The OpenAPI document; tests/e2e/test_server.py holds a running server to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis

from serving import serving


def test_the_document_is_valid_and_describes_each_operation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, tmp_path) as server:
        described = schemathesis.openapi.from_dict(server.client.get("/openapi.json").json())
    described.validate()
    paths = described.raw_schema["paths"]
    assert sum(map(len, paths.values())) == 9
    for methods in paths.values():
        for operation in methods.values():
            assert operation["description"]
            assert {"401", "403", "422", "429", "503"} <= set(operation["responses"])
