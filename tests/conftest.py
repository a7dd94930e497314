"""What tests of several kinds share."""

from __future__ import annotations

from pathlib import Path

import pytest

from installed import ROOT, newsqa


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the example articles, made with the installed command; copy it before changing it."""
    index = tmp_path_factory.mktemp("examples") / "index"
    done = newsqa("index", ROOT / "examples" / "archive", "--index", index)
    assert done.returncode == 0, done.stderr
    return index
