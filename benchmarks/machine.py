"""What a benchmark runs on, and what a process takes of it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Say what this runs on, and how busy that is."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {"processor": model, "cores": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version()}


def alone(work: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - whatever ``work`` returns
    """Call a function in a process of its own, so that its memory and start are its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def memory_mb(name: str = "VmHWM") -> int:
    """Return this process's peak memory (Linux), or with ``VmRSS`` what it takes now, mapped files included."""
    # Not getrusage, whose peak may be that of the process that started this one.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{name}:"))
