"""Runs the installed command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMAND = Path(sys.executable).with_name("newsqa")


def environment(**changes: str) -> dict[str, str]:
    """The environment without settings of newsqa or of the terminal that the tests run in."""
    ours = ("NEWSQA_", "FORCE_COLOR", "NO_COLOR", "TTY_", "COLUMNS", "LINES")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | changes


def newsqa(
    *arguments: str | Path, given: str | None = None, cwd: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end; ``changes`` are added to the environment."""
    return subprocess.run(
        [COMMAND, *arguments],
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment(**changes),
        timeout=240,
    )
