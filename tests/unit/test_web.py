"""The chat's handlers leave the page alive, whatever fails behind them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from newsqa.service import UNEXPECTED, Service
from newsqa.settings import Settings
from newsqa.web import Handlers


def failing() -> Any:
    raise PermissionError(13, "Permission denied", "index/meta.db")


def test_an_archive_that_fails_unexpectedly_is_said_in_the_header_and_the_box_is_enabled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handlers = Handlers(Service(Settings(index=tmp_path), failing, None))
    header, outlets = asyncio.run(handlers.load())
    assert UNEXPECTED.split(";")[0] in header
    assert outlets["choices"] == []
    *_, box = asyncio.run(handlers.open("[]"))
    assert box["interactive"] is True
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
