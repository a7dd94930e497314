"""A process that indexes is killed at random moments; what it committed is whole, and it goes on from there."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fakes import HashEmbedder
from newsqa.errors import IndexMissingError
from newsqa.index import Index
from newsqa.ingest import Ingest
from newsqa.settings import Settings
from newsqa.verify import verify

TRIALS = 30
ARTICLES = 60
STATEMENTS = 1400
"""A little less than an edition takes."""
HERE = Path(__file__).parent


def write_articles(folder: Path, edition: int) -> None:
    """Each edition changes a third of the articles, drops one and adds one, spread over three files."""
    for part in range(3):
        records = [
            {
                "url": f"https://orvelle.example/{n}",
                "title": f"Report {n}",
                "text": f"Report {n} of edition {edition if n % 3 == 0 else 0}. "
                + " ".join(f"Item {n * 31 + i} was debated in district {n * 7 + i}." for i in range(40 + n % 5)),
            }
            for n in range(edition, edition + ARTICLES)
            if n % 3 == part
        ]
        (folder / f"part{part}.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")


def kill_at(statement: int, settings: Settings, folder: Path) -> bool:
    """Index in a process and kill it about that statement of its database; tell whether it was still at work."""
    with subprocess.Popen(
        [sys.executable, HERE / "crashing.py", settings.index, folder, str(statement)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        if process.stdout.read(1):
            process.kill()
        assert process.wait() in (0, -signal.SIGKILL)
        return process.returncode != 0


def assert_whole(settings: Settings) -> None:
    checks = verify(settings, model_id=HashEmbedder.model_id)
    assert [(check.name, check.failures) for check in checks if check.failures] == []


@pytest.mark.slow
def test_killed_at_random_moments_the_index_is_whole_and_resumes(tmp_path: Path) -> None:
    settings, folder = Settings(index=tmp_path / "index"), tmp_path / "articles"
    folder.mkdir()
    moments = random.Random(20250314)
    killed = 0
    for trial in range(TRIALS):
        # Three trials an edition, so that a killed run is gone on with, and killed again; ever less is left to do.
        write_articles(folder, trial // 3)
        killed += kill_at(moments.randint(1, STATEMENTS >> trial % 3), settings, folder)
        try:
            assert_whole(settings)
        except IndexMissingError:
            assert trial == 0
    assert killed >= TRIALS // 2
    report = Ingest(settings, embedder=HashEmbedder()).index([str(folder)], prune=True)
    assert report.rejected == ()
    assert_whole(settings)
    last = (TRIALS - 1) // 3
    titles = {a.title: a.text for a in Index.open(settings, HashEmbedder.model_id).articles()}
    assert set(titles) == {f"Report {n}" for n in range(last, last + ARTICLES)}
    assert all(f"of edition {last}." in titles[f"Report {n}"] for n in range(last, last + ARTICLES) if n % 3 == 0)
    again = Ingest(settings, embedder=HashEmbedder()).index()
    assert (again.unchanged, again.embedded) == (ARTICLES, 0)
